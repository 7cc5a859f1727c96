#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Devices of the host are root's; settings/restricted.* names directories, interfaces and types of devices that users may have.
. "$(dirname "$0")/../../lib/case.sh"

needs_root
start_instfs -o allow_other
chmod 755 "$T"
make_instance c1
chown 4711:4711 "$I/c1"
as() { "$SYS" user 4711 4711 , "$@"; }
device() { as open "$I/c1/devices/$1" wct , write "$2" , fsync; }
disk='type=disk\nsource=/srv/data\npath=/mnt\n'
nic='type=nic\nnictype=bridged\nparent=br7\n'
assert_fails EPERM device d0 "$disk"
assert_error_matches "$I/c1/error" 'only root.*restricted'
assert_fails EPERM device eth0 "$nic"
assert_fails 'EPERM|EACCES' as open "$M/settings/restricted.networks.access" wct , write 'br7\n'
assert_missing "$M/settings/restricted.networks.access"
echo '/opt, /srv/data' >"$M/settings/restricted.devices.disk.paths"
echo br7 >"$M/settings/restricted.networks.access"
device d0 "$disk"
device eth0 "$nic"
assert_fails EPERM device d1 'type=disk\nsource=/srv/data/below\npath=/mnt2\n'
assert_fails EPERM device d1 'type=disk\nsource=/srv\npath=/mnt2\n'
assert_fails EPERM device eth1 'type=nic\nnictype=bridged\nparent=br8\nname=eth1\n'
rm "$M/settings/restricted.devices.disk.paths"
# What root or a list gave stays; to take it away is free.
as unlink "$I/c1/devices/d0"
sleep 1.3
assert_fails EPERM device d0 "$disk"
assert_write_fails EINVAL "$M/settings/restricted.devices.disk.paths" /srv/../etc
assert_write_fails EINVAL "$M/settings/restricted.devices.proxy" maybe
