#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# While one operation runs another is EBUSY, and error names the first.
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
make_instance c1
mock_delay c1 1500
background "$SYS" open "$I/c1/state" w , write 'running\n'
sleep 0.4
assert_fails EBUSY rmdir "$I/c1"
assert_error_matches "$I/c1/error" 'start'
assert_fails EBUSY "$SYS" rename "$I/c1" "$I/c2"
wait "$BG"
assert_file "$I/c1/state" 'running\n'
# So is a second writer of the same file: it need not wait for the first.
background "$SYS" open "$I/c1/state" wt , write 'stopped\n'
sleep 0.4
assert_fails EBUSY "$SYS" open "$I/c1/state" wt , write 'running\n'
assert_error_matches "$I/c1/error" 'stop'
assert_fails EBUSY "$SYS" open "$I/c1/state" w , write 'frozen\n'
wait "$BG"
assert_file "$I/c1/state" 'stopped\n'
