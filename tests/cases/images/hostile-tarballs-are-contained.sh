#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# .. and absolute names, links out of the tree and devices: nothing outside is touched, whatever the verdict.
# needs: rootfs
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
echo safe >"$T/victim"
chmod 666 "$T/victim"
chmod 777 "$T"
for kind in dotdot absolute symlink-out symlink-rootfs hardlink-out device deep; do
	"$TESTS/lib/tarball.py" "$T/$kind.tar" "$kind" "$T/victim"
	mkdir "$M/images/$kind"
	if cp "$T/$kind.tar" "$M/images/$kind/image" 2>"$T/out"; then
		verdict=taken
		mkdir "$I/$kind"
		echo "images/$kind" >"$I/$kind/source" || true
		assert_missing "$M/rootfs/$kind/dev/sda"
		[ ! -e "$M/rootfs/$kind/hard" ] || fail "$kind: a link to a file outside"
		rmdir "$I/$kind"
	else
		verdict=refused
		assert_match "$(cat "$T/out")" 'Invalid|not permitted|Bad message|too long|Input/output'
		[ -s "$M/images/$kind/error" ] || fail "$kind: no sentence"
	fi
	echo "$kind: $verdict: $(cat "$M/images/$kind/error")"
	assert_file "$T/victim" 'safe\n'
	assert_eq "$(stat -c %h "$T/victim")" 1 "links to the victim"
	rmdir "$M/images/$kind"
done
for d in "$S" "$T" /; do
	assert_missing "$d/escaped"
done
