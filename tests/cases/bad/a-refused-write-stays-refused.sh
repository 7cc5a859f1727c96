#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A program that writes the same bad value again through the same descriptor is refused again; readers see the old value.
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
make_instance c1
f=$I/c1/config/limits.memory
echo 64MiB >"$f"
assert_fails EINVAL "$SYS" open "$f" wt , try write 'lots\n' , write 'lots\n'
assert_file "$f" '64MiB\n'
assert_fails EINVAL "$SYS" open "$f" w , ftruncate 0 , try write 'lots\n' , pwrite 0 'lots\n' , fsync
assert_file "$f" '64MiB\n'
assert_fails EINVAL "$SYS" open "$f" w , ftruncate 0 , write 'lots' , try fsync , fsync
assert_file "$f" '64MiB\n'
"$SYS" open "$f" wt , try write 'lots\n' , pwrite 0 '128MiB\n' 2>"$T/out"
assert_file "$f" '128MiB\n'
"$SYS" open "$f" wt , try write 'lots\n' , open "$f" r , read 100 >"$T/seen" 2>"$T/out"
assert_file "$T/seen" '128MiB\n'
