#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# In the background: usable when the command returns, an error message and status 1 when it cannot be; every way to end it.
. "$(dirname "$0")/lib.sh"

away() { ! mountpoint -q "$M" && no_process; }

"$INSTFS" --state "$S" "$M"
assert_exists "$M/version"
mkdir "$T/other"
! "$INSTFS" --state "$S" "$T/other" 2>"$T/err" || fail "two daemons with one state directory"
grep -q 'in use by another' "$T/err"
umount "$M"
wait_for 5 away

"$INSTFS" instfs "$M" -o "rw,suid,dev,_netdev,state=$S"
grep -q " $M fuse.instfs rw,nosuid,nodev," /proc/mounts
kill -TERM "$(ps -o ppid= -p "$(internal server)")"
wait_for 5 away

# In use: lazily, and the daemon ends all the same.
"$INSTFS" --state "$S" "$M"
sleep 60 <"$M/version" &
BACKGROUND+=($!)
kill -INT "$(ps -o ppid= -p "$(internal server)")"
wait_for 8 away

# Both killed at once: the dead mount is replaced by the next start.
"$INSTFS" --state "$S" "$M"
server=$(internal server)
holder=$(ps -o ppid= -p "$server")
kill -STOP "$server"
kill -KILL $holder
kill -KILL "$server"
wait_for 5 no_process
! ls "$M" 2>/dev/null || fail "who answers?"
"$INSTFS" --state "$S" "$M"
assert_exists "$M/version"
umount "$M"
wait_for 5 away

! "$INSTFS" --state "$S" "$T/nowhere" 2>"$T/err" || fail "mounted at nothing"
grep -q 'nowhere: No such file' "$T/err"
! "$INSTFS" -o nonsense "$M" 2>"$T/err" || fail "took nonsense"
grep -q 'unknown option nonsense' "$T/err"
"$INSTFS" --help >"$T/help"
[ "$(wc -l <"$T/help")" -le 24 ] && [ "$(wc -L <"$T/help")" -le 80 ] || fail "the help does not fit a screen"
