#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A failure is told beside the object, until its next success; others keep theirs.
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
make_instance c1
make_instance c2
assert_write_fails EINVAL "$I/c1/config/limits.cpu" many
assert_error_matches "$I/c1/error" 'many'
assert_file "$I/c2/error" ''
echo 1 >"$I/c2/config/limits.cpu"
assert_error_matches "$I/c1/error" 'many'
kill_server
assert_error_matches "$I/c1/error" 'many'
echo 1 >"$I/c1/config/limits.cpu"
assert_file "$I/c1/error" ''
assert_fails EINVAL mkdir "$I/-bad-"
assert_error_matches "$M/error" 'bad'
