#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# >> appends, a write at an offset replaces those bytes, ftruncate after the write cuts the tail.
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
make_instance c1
d=$I/c1/description
printf 'alpha' >"$d"
printf ' beta\n' >>"$d"
assert_file "$d" 'alpha beta\n'
"$SYS" open "$d" rw , pwrite 0 'ALPHA' , fsync
assert_file "$d" 'ALPHA beta\n'
"$SYS" open "$d" rw , pwrite 0 'short\n' , ftruncate 6 , close
wait_for 3 cmp -s "$d" - <<<short
assert_file "$d" 'short\n'
echo 200MiB >"$I/c1/config/limits.memory"
"$SYS" open "$I/c1/config/limits.memory" rw , pwrite 0 '3' , close
wait_for 3 grep -q 300 "$I/c1/config/limits.memory"
