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
# of several lines, by a shell that never looks at the status of close: what no further line can make right
told() {
	! printf '%b\n' "$2" 2>/dev/null >"$I/c1/$1" || fail "$1 took $2"
	assert_error_matches "$I/c1/error" "$3"
}
told config/raw.idmap 'both 1 x' raw.idmap
told config/security.syscalls.deny '# no\nmkdirs' mkdirs
told config/raw.lxc lxc.net.0.link=br0 lxc.net
told profiles nosuch nosuch
told devices/d 'type=disk\nsource=/x\ncolour=red' colour
told devices/d 'type=disk\npath=/a\nsize=much' much
assert_missing "$I/c1/devices/d"
{ echo '# no'; echo mkdir; echo 'rmdir errno 1'; } >"$d/security.syscalls.deny"
{ echo 'type=none'; echo; } >"$I/c1/devices/d"
wait_for 60 grep -q rmdir "$d/security.syscalls.deny"
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
