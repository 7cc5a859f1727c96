#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Every file has its own inode number, the same in the listing as in stat.
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
make_instance c1
make_instance c2
echo 1 >"$I/c1/config/limits.cpu"
echo 1 >"$I/c2/config/limits.cpu"
find "$M" -mindepth 1 \( -type f -o -type d \) -printf '%i %p\n' >"$T/all"
twice=$(cut -d' ' -f1 "$T/all" | sort | uniq -d | head -3)
[ -z "$twice" ] || fail "used twice: $(grep -E "^($(echo $twice | tr ' ' '|')) " "$T/all")"
ls -1iaU "$I/c1" | while read -r number name; do
	case $name in . | ..) continue ;; esac
	assert_eq "$number" "$(ino "$I/c1/$name")" "number of $name"
done
[ "$(cut -d' ' -f1 "$T/all" | grep -cx 0)" = 0 ] || fail "a file has number 0"
