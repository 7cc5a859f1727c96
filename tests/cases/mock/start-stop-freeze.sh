#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The whole circle of states, by what is written; writing the state that is there succeeds and changes nothing.
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
make_instance c1
s=$I/c1/state
echo running >"$s"
assert_file "$s" 'running\n'
events=$(size "$M/events.log")
echo running >"$s"
assert_eq "$(size "$M/events.log")" "$events" "event log"
echo frozen >"$s"
assert_file "$s" 'frozen\n'
echo running >"$s"
assert_file "$s" 'running\n'
echo restarted >"$s"
assert_file "$s" 'running\n'
echo stopped >"$s"
assert_file "$s" 'stopped\n'
echo stopped >"$s"
echo 'running' >"$s"
echo 'stopped force timeout=5' >"$s"
assert_file "$s" 'stopped\n'
assert_fails 'EINVAL|EBUSY|ENOTCONN|EOPNOTSUPP|EPERM|ENODATA' "$SYS" open "$s" w , write 'frozen\n'
assert_match "$(cat "$I/c1/last_used")" '^20'
