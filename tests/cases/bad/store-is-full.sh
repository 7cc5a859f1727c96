#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# ENOSPC in the store is ENOSPC for the writer; the old value stays, also after a restart; space makes it work again.
. "$(dirname "$0")/../../lib/case.sh"

needs_root
mkdir -p "$S"
mount -t tmpfs -o size=2m,nr_inodes=0 none "$S"
start_instfs
make_instance c1
allow_log 'No space|ENOSPC|space'
echo 64MiB >"$I/c1/config/limits.memory"
dd if=/dev/zero of="$S/fill" bs=4k status=none 2>/dev/null || true
failed=
for n in 1 2 3 4 5 6 7 8; do
	"$SYS" open "$I/c1/config/user.note$n" wct , write "$(printf 'x%.0s' $(seq 3000))\n" , close 2>"$T/out" || failed=1
done
[ -n "$failed" ] || fail "nothing failed on a full store"
assert_match "$(cat "$T/out")" 'ENOSPC|EDQUOT'
assert_error_matches "$I/c1/error" 'space'
assert_fails 'ENOSPC|EDQUOT' mkdir "$I/c2"
ls "$I/c1/config" >"$T/before"
assert_file "$I/c1/config/limits.memory" '64MiB\n'
stop_instfs
start_instfs
ls "$I/c1/config" | diff "$T/before" -
assert_file "$I/c1/config/limits.memory" '64MiB\n'
rm "$S/fill"
echo 128MiB >"$I/c1/config/limits.memory"
assert_file "$I/c1/config/limits.memory" '128MiB\n'
mkdir "$I/c2"
wait_for 60 eval '[ -z "$(find "$S" -name "*.tmp*" -o -name ".*.new")" ]'
