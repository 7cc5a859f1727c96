#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A file of a root file system that was deleted while it was open is there until it is closed, whoever is killed meanwhile.
REAL=1
. "$(dirname "$0")/lib.sh"
BACKEND=lxc

start_instfs
mkdir "$I/c1"
echo none >"$I/c1/source"
file=$M/rootfs/c1/file
echo content >"$file"
exec 7<"$file" 8<"$file"
rm "$file"
kill_server
read -r line <&7
assert_eq "$line" content

# The copy of what nobody has read since goes from the killed holder's successor to the next server.
old=$(internal server)
kill -KILL "$HOLDER"
wait "$HOLDER" 2>/dev/null || true
wait_for 5 internal holder
sleep 0.2
kill -KILL "$old"
wait_for 5 eval "[ \"\$(internal server)\" != $old ]"
read -r line <&8
assert_eq "$line" content
exec 7<&- 8<&-
stop_revived
