#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Keys that give power over the host need root whatever the mode, by write, by rename and by copying.
. "$(dirname "$0")/../../lib/case.sh"

needs_root
start_instfs -o allow_other
chmod 755 "$T"
make_instance c1
chown 4711:4711 "$I/c1"
as() { "$SYS" user 4711 4711 , "$@"; }
d=$I/c1/config
for kv in 'security.privileged true' 'raw.lxc lxc.init.cmd=/bin/sh' 'security.nesting true' 'raw.idmap both 0 0'; do
	assert_fails EPERM as open "$d/${kv%% *}" wct , write "${kv#* }\n" , close
	assert_missing "$d/${kv%% *}"
	assert_error_matches "$I/c1/error" 'root'
	as open "$d/.new" wct 600 , write "${kv#* }\n" , close
	assert_fails 'EPERM|EBADMSG|EACCES' as rename "$d/.new" "$d/${kv%% *}"
	assert_missing "$d/${kv%% *}"
	as unlink "$d/.new"
done
printf 'type=disk\nsource=/etc\npath=/mnt\n' >"$T/disk"
assert_fails 'EPERM|EACCES' as open "$I/c1/devices/host" wct , write 'type=disk\nsource=/etc\npath=/mnt\n' , fsync
assert_missing "$I/c1/devices/host"
assert_fails EPERM as open "$I/c1/devices/host" wct , write 'type=disk\nsource=/etc\npath=/mnt\n'
assert_fails EPERM as open "$d/raw.lxc" wct , write 'lxc.init.cmd=/bin/sh\n'
as open "$d/limits.cpu" wct , write '1\n'
echo true >"$d/security.privileged"
assert_fails 'EPERM|EACCES' as open "$d/security.privileged" wt , write 'false\n' , fsync
