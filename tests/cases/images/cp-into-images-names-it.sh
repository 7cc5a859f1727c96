#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# cp NAME.tar.xz images/ alone makes images/NAME.
# needs: rootfs
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
"$TESTS/lib/tarball.py" "$T/my-image.tar.gz" good
cp "$T/my-image.tar.gz" "$M/images/"
assert_match "$(cat "$M/images/my-image/fingerprint")" '^[0-9a-f]{64}$'
assert_eq "$(ls "$M/images")" my-image
