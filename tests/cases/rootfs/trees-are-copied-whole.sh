#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# cp -a, tar, rsync and git take a tree in and out again; the second run of rsync finds nothing to do.
# needs: rootfs
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
needs_root
needs_program rsync tar
make_instance c1
from=$T/from r=$M/rootfs/c1
mkdir -p "$from/many" "$from/deep/a/b/c/d/e/f"
for i in {1..400}; do
	echo "$i" >"$from/many/file-$i"
done
echo x >"$from/deep/a/b/c/d/e/f/x"
ln "$from/many/file-1" "$from/deep/hard"
ln -s ../many/file-2 "$from/deep/soft"
ln -s /nowhere "$from/deep/dangling"
truncate -s 30M "$from/sparse"
chown 1000:1001 "$from/many/file-3"
chmod 6755 "$from/many/file-4"
chmod 1777 "$from/many"
touch -d '2001-02-03 04:05:06.789 UTC' "$from/many/file-5"
mkfifo "$from/fifo"
setfattr -n user.a -v b "$from/many/file-6" 2>/dev/null || true

facts() { (cd "$1" && find . -printf '%p %y %U %G %m %n %s %T@ %l\n' | sed 's/^\(.* d .*\) [0-9]* [0-9]* \([0-9.]* \)$/\1 \2/' | sort); }
cp -a "$from" "$r/cp"
mkdir "$r/tar"
tar -C "$T" --format=pax -cf - from | tar -C "$r/tar" -xpf -
# rsync leaves times alone that are in the same second as the right ones.
sleep 1.1
rsync -aHAX "$from/" "$r/rsync/"
facts "$from" >"$T/want"
for d in cp tar/from rsync; do
	facts "$r/$d" | diff "$T/want" - || fail "$d is another tree"
	diff -r --no-dereference --exclude=fifo "$from" "$r/$d"
done
assert_eq "$(rsync -aHAXni --delete "$from/" "$r/rsync/")" '' 'what is left for rsync'
assert_eq "$(ino "$r/cp/many/file-1")" "$(ino "$r/cp/deep/hard")"
rsync -aHAX "$r/rsync/" "$T/back/"
facts "$T/back" | diff "$T/want" - || fail "what comes back is another tree"
if command -v git >/dev/null; then
	git init -q "$r/git"
	cp -r "$from/many" "$r/git/"
	git -C "$r/git" add . && git -C "$r/git" -c user.name=t -c user.email=t@example.org commit -q -m t
	git -C "$r/git" fsck --strict 2>/dev/null
	assert_eq "$(git -C "$r/git" status --short)" ''
fi
rm -rf "$r"/{cp,tar,rsync,git}
assert_eq "$(find "$r" -name 'file-*' | wc -l)" 0
