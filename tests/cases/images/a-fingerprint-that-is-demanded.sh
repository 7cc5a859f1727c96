#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A fingerprint written before the data must match it, else the upload is refused whole.
# needs: rootfs
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
"$TESTS/lib/tarball.py" "$T/i.tar" good
mkdir "$M/images/i1"
printf '%064d\n' 0 >"$M/images/i1/fingerprint"
assert_fails 'EINVAL|EBADMSG|EIO' cp "$T/i.tar" "$M/images/i1/image"
assert_error_matches "$M/images/i1/error" 'fingerprint|sha256|hash'
sha256sum <"$T/i.tar" | cut -d' ' -f1 >"$M/images/i1/fingerprint"
cp "$T/i.tar" "$M/images/i1/image"
cmp "$T/i.tar" "$M/images/i1/image"
