#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The end of an instance is seen at once, without polling; an ephemeral one is removed then.
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
make_instance c1
echo 700 >"$I/c1/config/user.mock.crash"
echo running >"$I/c1/state"
assert_file "$I/c1/state" 'running\n'
wait_for 2 grep -qx stopped "$I/c1/state"
grep -q '"instance-stopped"' "$M/events.log"
rm "$I/c1/config/user.mock.crash"
echo true >"$I/c1/ephemeral"
echo running >"$I/c1/state"
cat "$I/c1/wait/stopped" &
w=$!
wait_for 60 test -e "/proc/$w/fd/3"
echo 'stopped force' >"$I/c1/state"
wait "$w"
wait_for 3 test ! -e "$I/c1"
