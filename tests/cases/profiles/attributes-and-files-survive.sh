#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A profile's files keep their bytes, modes and times over a restart; rm unsets; a bad value is refused.
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
mkdir "$M/profiles/p1"
printf '64MiB' >"$M/profiles/p1/config/limits.memory"
echo words >"$M/profiles/p1/description"
assert_write_fails EINVAL "$M/profiles/p1/config/limits.memory" much
assert_error_matches "$M/profiles/p1/error" much
before=$(stat -c '%i %.9Y' "$M/profiles/p1/config/limits.memory")
stop_instfs
start_instfs
assert_file "$M/profiles/p1/config/limits.memory" '64MiB'
assert_eq "$(stat -c '%i %.9Y' "$M/profiles/p1/config/limits.memory")" "$before"
rm "$M/profiles/p1/config/limits.memory"
assert_missing "$M/profiles/p1/config/limits.memory"
rm -r "$M/profiles/p1"
assert_missing "$M/profiles/p1"
