#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# An instance without a root file system does not start: ENOENT or EINVAL, a sentence that names source, still stopped.
# needs: lxc
. "$(dirname "$0")/../../lib/case.sh"

lxc_ready
start_instfs
mkdir "$I/c1"
assert_write_fails 'ENOENT|EINVAL' "$I/c1/state" running
assert_error_matches "$I/c1/error" 'source'
assert_file "$I/c1/state" 'stopped\n'
