#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# rm, an empty line and truncation to nothing all unset; a new file sets.
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
make_instance c1
f=$I/c1/config/limits.processes
echo 100 >"$f"
rm "$f"
assert_missing "$f"
sleep 1.5
assert_missing "$f"
echo 100 >"$f"
echo >"$f"
assert_missing "$f"
echo 100 >"$f"
: >"$f"
wait_for 3 test ! -e "$f"
assert_missing "$f"
echo 7 >"$f"
assert_file "$f" '7\n'
! grep -q processes "$I/c1/config.yaml" || grep -q 'limits.processes: "7"' "$I/c1/config.yaml"
