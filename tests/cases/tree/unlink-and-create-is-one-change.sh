#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A key that is unlinked and made again never becomes unset; a bad new value brings the old one back.
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
make_instance c1
f=$I/c1/config/limits.memory
echo 64MiB >"$f"
rm "$f"
assert_missing "$f"
"$SYS" open "$f" wcx 600 , write '128MiB\n' , close
assert_file "$f" '128MiB\n'
! grep '"limits.memory"' "$M/events.log" | grep -q 'unset\|removed' || fail "it was unset in between"
rm "$f"
assert_fails EINVAL "$SYS" open "$f" wcx , write 'much\n' , close
wait_for 4 grep -q 128MiB "$f"
assert_file "$f" '128MiB\n'
mv "$f" "$f~"
assert_missing "$f"
echo 32MiB >"$f"
assert_file "$f" '32MiB\n'
rm "$f~"
assert_eq "$(ls -A "$I/c1/config")" limits.memory
