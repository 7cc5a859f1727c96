#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A store that a newer version wrote is refused, untouched.
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
make_instance c1
stop_instfs
version=$(grep -rlE '"?(version|format)"?' "$S" --include='*' | head -1)
[ -n "$version" ] || skip "the store has no version"
f=$(find "$S" -maxdepth 1 -type f \( -name 'version*' -o -name 'format*' -o -name '*.json' \) | head -1)
[ -n "$f" ] || skip "no version file at the top of the store"
sed -i -E 's/[0-9]+/99/' "$f"
cp -a "$S" "$T/copy"
allow_log 'newer|version|format'
! timeout 10 "$INSTFS" -f --state "$S" --backend "$BACKEND" "$M" >"$T/out" 2>&1 || fail "mounted"
grep -qiE 'newer|version|format' "$T/out"
diff -r "$S" "$T/copy"
