#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# find, grep -r, tar, cp -r and rsync over the whole tree neither block nor read anything that is not true.
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
make_instance c1 running
make_instance c2
for c in "find $M -ls" "grep -r zzzz $M --exclude-dir=rootfs" "ls -lR $M" "du -a $M"; do
	timeout 60 $c >/dev/null || [ $? = 1 ] || fail "$c ended with an error"
done
mkdir "$T/copy"
timeout 60 tar -C "$I" -cf - c1/config c1/state c1/usage c1/runtime c2 | tar -C "$T/copy" -xf -
cmp "$T/copy/c1/state" "$I/c1/state"
timeout 60 cp -r "$I/c2" "$T/copy2"
cmp "$T/copy2/profiles" "$I/c2/profiles"
if command -v rsync >/dev/null; then
	timeout 60 rsync -a --no-specials "$I/c2/" "$T/copy3/"
	cmp "$T/copy3/profiles" "$I/c2/profiles"
fi
