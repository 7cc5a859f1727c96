#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# --help fits a screen, --version prints one, and bad use is refused before anything is mounted.
. "$(dirname "$0")/../../lib/case.sh"

[ -x "$INSTFS" ] || skip "$INSTFS is not built"
"$INSTFS" --help >"$T/help"
[ "$(wc -l <"$T/help")" -le 40 ] || fail "--help has $(wc -l <"$T/help") lines"
[ "$(awk 'length > m { m = length } END { print m }' "$T/help")" -le 100 ]
"$INSTFS" --version | grep -q '[0-9]\.[0-9]'
! "$INSTFS" >"$T/out" 2>&1 || fail "succeeded without a mount point"
! "$INSTFS" --no-such-option "$M" >"$T/out" 2>&1 || fail "took an unknown option"
! "$INSTFS" --state "$S" --backend mock "$T/missing" >"$T/out" 2>&1 || fail "mounted at a directory that does not exist"
grep -q missing "$T/out"
! "$INSTFS" --state "$S" --backend nonsense "$M" >"$T/out" 2>&1 || fail "took an unknown backend"
! mountpoint -q "$M"
