#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Truncated, empty, text, without metadata.yaml, with a bad one, without rootfs: EINVAL, a sentence, no leftovers.
# needs: rootfs
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
"$TESTS/lib/tarball.py" "$T/good.tar.gz" good
dd if=/dev/urandom of="$T/random" bs=1k count=64 status=none
head -c $(($(size "$T/good.tar.gz") / 2)) "$T/good.tar.gz" >"$T/truncated"
echo 'not an archive' >"$T/text"
for kind in no-metadata bad-metadata empty-metadata no-rootfs; do
	"$TESTS/lib/tarball.py" "$T/$kind" "$kind"
done
find "$S" | sed 's/[0-9]\+//g' | sort >"$T/before"
for f in random truncated text no-metadata bad-metadata empty-metadata no-rootfs; do
	mkdir "$M/images/x"
	assert_fails 'EINVAL|EBADMSG' cp "$T/$f" "$M/images/x/image"
	[ -s "$M/images/x/error" ] || fail "$f: no sentence"
	assert_eq "$(cat "$M/images/x/fingerprint" 2>/dev/null || true)" "" "fingerprint"
	mkdir "$I/cx"
	assert_fails 'EINVAL|ENOENT|ENODATA' "$SYS" open "$I/cx/source" w , write 'images/x\n'
	rmdir "$I/cx" "$M/images/x" "$M"/trash/*
done
wait_for 5 eval "! find $S | grep -E 'upload|unpack|partial'"
