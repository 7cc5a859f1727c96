#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# settings/KEY is checked, kept, and unset by rm.
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
assert_write_fails EINVAL "$M/settings/trash.expiry" soon
assert_error_matches "$M/error" 'soon'
echo 2h >"$M/settings/trash.expiry"
assert_write_fails EINVAL "$M/settings/no.such" 1
stop_instfs
start_instfs
assert_file "$M/settings/trash.expiry" '2h\n'
rm "$M/settings/trash.expiry"
assert_missing "$M/settings/trash.expiry"
