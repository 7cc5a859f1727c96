#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A typo is EINVAL at once, by every route, and error names the nearest key.
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
make_instance c1
assert_write_fails EINVAL "$I/c1/config/limits.memroy" 1GiB
assert_error_matches "$I/c1/error" 'limits.memory'
assert_missing "$I/c1/config/limits.memroy"
echo 1GiB >"$T/limits.memroy"
assert_fails 'EINVAL|EBADMSG' cp "$T/limits.memroy" "$I/c1/config/"
assert_fails 'EINVAL|EBADMSG|EPERM|EOPNOTSUPP' mkdir "$I/c1/config/limits.memroy"
echo 1GiB >"$I/c1/config/.scratch"
assert_fails 'EINVAL|EBADMSG' "$SYS" rename "$I/c1/config/.scratch" "$I/c1/config/limits.memroy"
rm "$I/c1/config/.scratch"
assert_eq "$(ls -A "$I/c1/config")" ""
assert_fails 'EINVAL|EPERM' "$SYS" open "$I/c1/nonsense" wct
assert_fails 'EINVAL|EPERM' "$SYS" open "$M/nonsense" wct
assert_fails 'EINVAL|EPERM' "$SYS" open "$I/nonsense" wct
echo 1 >"$I/c1/config/limits.cpu"
assert_file "$I/c1/error" ''
