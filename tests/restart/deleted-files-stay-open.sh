#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What was deleted below rootfs/ while somebody had it open, or as current directory, is there until it is let go, whoever is
# killed meanwhile.
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
mkdir "$M/rootfs/c1/dir" "$M/rootfs/c1/over"
mkfifo "$M/rootfs/c1/fifo"
exec 6<>"$M/rootfs/c1/fifo" 5<"$M/rootfs/c1/over"
rm "$M/rootfs/c1/fifo"
cd "$M/rootfs/c1/dir"
rmdir "$M/rootfs/c1/dir"
mv -T "$(mktemp -d -p "$M/rootfs/c1")" "$M/rootfs/c1/over"

# As anywhere else: it is seen, has no name, and nothing can be made in it.
deleted_are_there() {
	assert_eq "$(stat -Lc %h . /proc/self/fd/5 /proc/self/fd/6 | paste -sd ' ')" "0 0 0" "link counts"
	assert_eq "$(ls -A)" ""
	assert_fails ENOENT mkdir new
	chmod 700 .
}
deleted_are_there
kill_server
deleted_are_there
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
deleted_are_there
held() { find "/proc/$(internal server)/fd" "/proc/$(internal holder)/fd" -lname '/run/instfs/*(deleted)' | wc -l; }
assert_ne "$(held)" 0
cd /
exec 5<&- 6<&- 7<&- 8<&-
wait_for 5 eval '[ "$(held)" = 0 ]'
stop_revived
