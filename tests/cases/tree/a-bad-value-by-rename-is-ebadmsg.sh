#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The file stays where it was, the old value stays in force, and error says why.
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
make_instance c1
d=$I/c1/config
echo 64MiB >"$d/limits.memory"
echo much >"$d/.new"
assert_fails EBADMSG "$SYS" rename "$d/.new" "$d/limits.memory"
assert_file "$d/limits.memory" '64MiB\n'
assert_file "$d/.new" 'much\n'
assert_error_matches "$I/c1/error" 'much'
assert_fails 'EBADMSG|EINVAL' "$SYS" rename "$d/.new" "$d/limits.memory" exchange
assert_fails EEXIST "$SYS" rename "$d/.new" "$d/limits.memory" noreplace
