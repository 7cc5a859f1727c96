#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# boot.autorestart starts again what ended by itself, at most ten times a minute; what was stopped stays stopped.
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
make_instance c1
echo true >"$I/c1/config/boot.autorestart"
echo running >"$I/c1/state"
echo stopped >"$I/c1/state"
sleep 0.5
assert_file "$I/c1/state" 'stopped\n'
echo 20 >"$I/c1/config/user.mock.crash"
echo running >"$I/c1/state"
wait_for 15 grep -q 'more than 10 times in 60 seconds' "$I/c1/error"
assert_file "$I/c1/state" 'stopped\n'
assert_eq "$(grep -c '"instance-started"' "$M/events.log")" 12
