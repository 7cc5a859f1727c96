#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A second daemon on the same store, or on the same mount point, is refused with a sentence.
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
mkdir "$T/other"
if timeout 10 "$INSTFS" -f --state "$S" --backend "$BACKEND" "$T/other" >"$T/out" 2>&1; then
	fail "a second daemon took the store"
fi
grep -q . "$T/out" || fail "without a word"
! mountpoint -q "$T/other"
make_instance c1
assert_file "$I/c1/state" 'stopped\n'
