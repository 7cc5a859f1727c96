#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A bad value is EINVAL (ERANGE for numbers) in write, the old one stays, and error quotes what was seen.
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
make_instance c1
d=$I/c1/config
bad() {
	local key=$1 good=$2 value
	shift 2
	echo "$good" >"$d/$key"
	for value; do
		assert_fails 'EINVAL|ERANGE|EDOM' "$SYS" open "$d/$key" wct , flush , write "$value\n" , close
		assert_file "$d/$key" "$good\n"
		assert_error_matches "$I/c1/error" "$key"
	done
}
bad limits.memory 256MiB much -1 1.5.5GiB 256XB '0' '256 MiB MiB' '101%' '-5%' 99999999999999999999GiB
bad limits.cpu 1 0 -1 3-1 many '0,' '1,,2' 99999999999999
bad limits.processes 100 -1 many 1.5 0x10
bad boot.autostart true maybe 2 yess
bad security.privileged false maybe
bad security.protection.delete false 'on off'
assert_fails EINVAL "$SYS" open "$I/c1/state" w , write 'walking\n'
assert_error_matches "$I/c1/error" 'walking'
assert_fails EINVAL "$SYS" open "$I/c1/state" w , write 'running quickly\n'
assert_fails EINVAL "$SYS" open "$I/c1/state" w , write 'stopped timeout=soon\n'
assert_fails 'EINVAL|ENOENT' "$SYS" open "$I/c1/profiles" wt , write 'nosuch\n' , fsync
assert_error_matches "$I/c1/error" 'nosuch'
assert_file "$I/c1/profiles" 'default\n'
assert_fails EINVAL "$SYS" open "$I/c1/ephemeral" wt , write 'perhaps\n'
assert_fails 'EINVAL|ENOENT' "$SYS" open "$I/c1/restore" w , write 'nosuch\n'
assert_fails 'EINVAL|ENOENT' "$SYS" open "$I/c1/source" w , write 'images/nosuch\n'
assert_file "$I/c1/state" 'stopped\n'
