#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A copy that was killed leaves no image, and the next copy works.
# needs: rootfs
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
"$TESTS/lib/tarball.py" "$T/i.tar" good
head -c 3000000 /dev/urandom >>"$T/i.tar"
mkdir "$M/images/i1"
background "$SYS" open "$M/images/i1/image" wct , fill 100000 , sleep 20000
sleep 0.3
kill -KILL "$BG"
wait "$BG" || true
sleep 0.5
assert_eq "$(cat "$M/images/i1/fingerprint" 2>/dev/null || true)" ""
"$TESTS/lib/tarball.py" "$T/good.tar" good
cp "$T/good.tar" "$M/images/i1/image"
assert_match "$(cat "$M/images/i1/fingerprint")" '^[0-9a-f]{64}$'
