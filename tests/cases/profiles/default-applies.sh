#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A new instance has the profile default; its keys are expanded, and the source of each value is named.
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
echo 64MiB >"$M/profiles/default/config/limits.memory"
make_instance c1
assert_file "$I/c1/expanded/config/limits.memory" '64MiB\n'
assert_match "$("$SYS" getxattr "$I/c1/expanded/config/limits.memory" user.instfs.source)" 'default'
echo 128MiB >"$I/c1/config/limits.memory"
assert_file "$I/c1/expanded/config/limits.memory" '128MiB\n'
assert_match "$("$SYS" getxattr "$I/c1/expanded/config/limits.memory" user.instfs.source)" 'instance'
rm "$I/c1/config/limits.memory"
sleep 1.3
assert_file "$I/c1/expanded/config/limits.memory" '64MiB\n'
assert_eq "$(ls "$M/profiles/default/used_by")" c1
assert_fails 'EROFS|EACCES|EPERM' "$SYS" open "$I/c1/expanded/config/limits.memory" w
