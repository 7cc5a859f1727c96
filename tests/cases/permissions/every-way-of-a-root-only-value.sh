#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What only root may set does not come by any other way: documents, links, profiles, snapshots, copies, the trash.
. "$(dirname "$0")/../../lib/case.sh"

needs_root
start_instfs -o allow_other
chmod 755 "$T"
mkdir "$M/profiles/power" "$M/profiles/mine"
echo true >"$M/profiles/power/config/security.nesting"
make_instance c1
make_instance c2
as() { "$SYS" user 4711 4711 , "$@"; }
echo true >"$I/c1/config/security.nesting"
mkdir "$I/c1/snapshots/strong"
rm "$I/c1/config/security.nesting"
sleep 1.3
mkdir "$I/c1/snapshots/weak"
chown 4711:4711 "$I/c1" "$M/profiles/mine"
y=$I/c1/config.yaml
document() { as open "$y" wt , write "$1" , fsync; }
none() {
	assert_missing "$I/c1/config/$1"
	assert_missing "$I/c1/expanded/config/$1"
}
for kv in 'raw.lxc: lxc.a = b' 'security.privileged: true' 'security.nesting: true' 'raw.idmap: both 0 0' \
	'security.syscalls.deny: mount' 'security.idmap.size: 70000' 'linux.kernel_modules: loop' 'limits.kernel.nofile: 5000'; do
	assert_fails EPERM document "config: {\"${kv%%: *}\": \"${kv#*: }\"}\n"
	assert_error_matches "$I/c1/error" 'line 1: .*root'
	none "${kv%%: *}"
done
assert_fails EPERM document 'devices: {d: {type: disk, source: /etc, path: /mnt}}\n'
assert_fails EPERM document 'profiles: [power]\n'
as open "$I/c1/.doc" wc , write 'config: {security.nesting: "true"}\n' , close
assert_fails 'EPERM|EBADMSG' as rename "$I/c1/.doc" "$y"
none security.nesting
# Files that he opened and a program of root's writes, as a setuid one does with its messages; texts that root adds to what he began.
cat >"$T/handed" <<'END'
import os, sys
def opened(uid, path, flags):
    os.seteuid(uid)
    fd = os.open(path, flags, 0o600)
    os.seteuid(0)
    return fd
def write(path, text, root_adds):
    fd = opened(4711, path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    try:
        if root_adds:
            os.seteuid(4711)
            os.write(fd, text)
            os.seteuid(0)
            fd, text = opened(0, path, os.O_WRONLY | os.O_APPEND), b"\n"
        os.write(fd, text)
        os.fsync(fd)
    except OSError as e:
        return e.errno == 1
for name, text in (("config/raw.lxc", b"lxc.hook.pre-start = /bin/true"), ("devices/d", b"type=disk\nsource=/etc\npath=/mnt"),
                   ("config.yaml", b"config: {security.nesting: 'true'}"), ("profiles", b"power")):
    for root_adds in (False, True):
        if not write(sys.argv[1] + "/" + name, text, root_adds):
            print(name, "was taken or refused otherwise", root_adds)
END
assert_eq "$(python3 "$T/handed" "$I/c1" 2>&1)" ""
none raw.lxc
none security.nesting
assert_missing "$I/c1/devices/d"
assert_file "$I/c1/profiles" 'default\n'
# Links: there are no hard ones, and a symbolic one is no value.
assert_fails 'EPERM|EXDEV' as link "$M/profiles/power/config/security.nesting" "$I/c1/config/security.nesting"
assert_fails 'EPERM|EINVAL' as symlink "$M/profiles/power/config/security.nesting" "$I/c1/config/security.nesting"
none security.nesting
# A profile of his own, named by his instance.
as open "$I/c1/profiles" wt , write 'mine\n' , fsync
assert_fails EPERM as open "$M/profiles/mine/config.yaml" wt , write 'config: {security.nesting: true}\n' , fsync
assert_fails EPERM as open "$M/profiles/mine/config/security.nesting" wct , write 'true\n'
none security.nesting
# Snapshots, copies, the trash.
assert_fails EPERM as open "$I/c1/restore" w , write 'strong\n'
none security.nesting
as open "$I/c1/restore" w , write 'weak\n'
chmod 1777 "$I"
as mkdir "$I/new"
assert_fails 'EPERM|EACCES' as open "$I/new/source" wc , write 'instances/c2\n'
assert_fails EPERM as open "$I/new/source" wc , write 'instances/c1/snapshots/strong\n'
assert_missing "$I/new/config/security.nesting"
rmdir "$I/c2"
for t in "$M"/trash/c2@*; do
	assert_fails 'EPERM|EACCES' as rename "$t" "$I/c2"
done
# What nobody else may read, nobody else reads.
chmod 700 "$I/c1"
assert_fails EACCES "$SYS" user 4712 4712 , open "$y" r
assert_fails EACCES "$SYS" user 4712 4712 , open "$I/c1/config/limits.cpu" r
