#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A file called like a key in a tool's own directory is not that key.
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
make_instance c1
d=$I/c1/config
mkdir "$d/.~tmp~" "$d/limits.memory20261120-1-abc.lock"
echo nonsense >"$d/.~tmp~/limits.memory"
assert_file "$d/.~tmp~/limits.memory" 'nonsense\n'
assert_missing "$d/limits.memory"
assert_fails ENOTEMPTY rmdir "$d/.~tmp~"
echo 64MiB >"$d/.~tmp~/limits.memory"
mv "$d/.~tmp~/limits.memory" "$d/limits.memory"
assert_file "$d/limits.memory" '64MiB\n'
rmdir "$d/.~tmp~" "$d/limits.memory20261120-1-abc.lock"
assert_eq "$(ls -A "$d")" limits.memory
