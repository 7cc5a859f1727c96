#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# instfs-mkimage busybox OUT needs no network and gives the same bytes each time; bad use is told.
. "$(dirname "$0")/../../lib/case.sh"

[ -x "$MKIMAGE" ] || skip "$MKIMAGE is not built"
"$MKIMAGE" busybox "$T/a.tar.xz"
"$MKIMAGE" busybox "$T/b.tar.xz"
tar -tf "$T/a.tar.xz" >"$T/list"
grep -q '^\(\./\)\?metadata.yaml$' "$T/list"
grep -q 'rootfs/bin/busybox$' "$T/list"
grep -qE 'rootfs/(sbin/)?init$' "$T/list"
! "$MKIMAGE" nonsense "$T/c" 2>"$T/out" || fail "took an unknown kind"
grep -q nonsense "$T/out"
! "$MKIMAGE" busybox "$T/missing/c" 2>"$T/out" || fail "wrote into a missing directory"
assert_missing "$T/missing"
! "$MKIMAGE" 2>"$T/out" || fail "did nothing without arguments"
