#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# An empty write where a value is due is refused or means "unset", never something half.
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
make_instance c1
assert_fails EINVAL "$SYS" open "$I/c1/state" w , write '\n'
assert_fails EINVAL "$SYS" open "$I/c1/source" w , write '\n'
assert_fails 'EINVAL|ENOENT' "$SYS" open "$I/c1/restore" w , write '\n'
: >"$I/c1/state"
: >"$I/c1/description"
assert_file "$I/c1/state" 'stopped\n'
echo >"$I/c1/description"
: >"$I/c1/profiles"
sleep 0.3
assert_eq "$(tr -d '\n' <"$I/c1/profiles")" ""
assert_eq "$(ls "$I/c1/expanded/config")" ""
echo default >"$I/c1/profiles"
