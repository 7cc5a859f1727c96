#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# An instance without a root file system does not start: ENOENT or EINVAL, a sentence that names source, still stopped.
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
mkdir "$I/c1"
if "$SYS" open "$I/c1/state" w , write 'running\n' 2>"$T/out"; then
	[ "$BACKEND" = mock ] && skip "the mock needs no source"
	fail "started"
fi
assert_match "$(cat "$T/out")" 'ENOENT|EINVAL'
assert_error_matches "$I/c1/error" 'source'
assert_file "$I/c1/state" 'stopped\n'
