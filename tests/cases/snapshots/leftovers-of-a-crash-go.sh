#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What a power cut can leave in the store goes at the next start, every name of the table in doc/design.md, and nothing else.
# needs: rootfs
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
needs_root
make_instance c1
echo kept >"$M/rootfs/c1/file"
mkdir "$I/c1/snapshots/kept" "$M/images/i1"
make_instance c2
rmdir "$I/c2"
stop_instfs

big() { mkdir -p "$1/deep/er" && echo x >"$1/deep/er/file" && chattr +i "$1/deep/er/file" 2>/dev/null || true; }
at_exit "chattr -R -i '$S' 2>/dev/null"
left=("$S"/ids.tmp "$S"/.probe "$S"/instances/x.tmp "$S"/profiles/.new-900 "$S"/trash/.purge-901 "$S"/bases/.new-902
	"$S"/bases/.old-x-0 "$S"/bases/.commit.new "$S"/images/i1/upload "$S"/images/i1/unpacking
	"$S"/instances/c1/.overlay.new "$S"/instances/c1/.overlay.old "$S"/instances/c1/.snapshots.old
	"$S"/instances/c1/snapshots/{.s.new,.s.old,never-acknowledged,kept/snapshot.json.tmp} "$S"/instances/c1/object.json.tmp
	"$S"/trash/c2@*/.overlay.old)
for f in "${left[@]}"; do
	case $f in
	*.tmp | *.commit.new | */upload | */unpacking) echo half >"$f" ;;
	*) big "$f" ;;
	esac
done
cp -a "$S/instances/c1/object.json" "$S/trash/.purge-901/"
start_instfs
ls "$I/c1" >/dev/null
for f in "${left[@]}"; do
	wait_for 10 eval "[ ! -e '$f' ]"
done
wait_for 10 eval '! ls -A "$S/bases" | grep -q "^\.old-"'
assert_file "$M/rootfs/c1/file" 'kept\n'
assert_file "$M/rootfs/c1@kept/file" 'kept\n'
assert_eq "$(ls "$I/c1/snapshots"; ls "$M/images")" $'kept\ni1'
assert_eq "$(ls "$M/trash" | wc -l)" 1
