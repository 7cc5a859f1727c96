#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A backend's failure is the write's errno and its sentence is in error; nothing is left behind.
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
make_instance c1
mock_fail c1 start
if "$SYS" open "$I/c1/state" w , write 'running\n' 2>"$T/out"; then
	fail "started"
fi
[ -s "$I/c1/error" ] || fail "no sentence"
assert_match "$(cat "$I/c1/state")" '^(stopped|error)$'
assert_file "$I/c1/progress" ''
rm "$I/c1/config/user.mock.fail"
sleep 1.3
echo running >"$I/c1/state"
assert_file "$I/c1/error" ''
assert_file "$I/c1/state" 'running\n'
