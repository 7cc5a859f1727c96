#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Opening with O_TRUNC and an early flush do not clear a live value; readers see the committed one.
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
make_instance c1
f=$I/c1/config/limits.memory
echo 256MiB >"$f"
"$SYS" open "$f" wt , flush , child , open "$f" r , read 100 >"$T/seen" &
wait $!
assert_file "$T/seen" '256MiB\n'
wait_for 3 test ! -e "$f"
echo 256MiB >"$f"
"$SYS" open "$f" wt , flush , write '128MiB\n' , open "$f" r , read 100 >"$T/seen"
assert_file "$T/seen" '128MiB\n'
assert_file "$f" '128MiB\n'
