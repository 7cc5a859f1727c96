#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A user whose instance it is operates a real container, and gets no further, by whatever way; a third user gets nowhere at all.
# needs: lxc
# timeout: 240
. "$(dirname "$0")/../../lib/case.sh"

lxc_ready
chmod 755 "$T"
start_instfs -o allow_other
make_instance c1
make_instance c2 running
chown 4711:4711 "$I/c1"
chmod 750 "$I/c1"
owner() { "$SYS" user 4711 4711 , "$@"; }
other() { "$SYS" user 4712 4712 , "$@"; }
shell() { setpriv --reuid 4711 --regid 4711 --clear-groups sh -c "$1"; }

# What is his.
shell "echo running >'$I/c1/state'"
shell "mkdir '$I/c1/exec/a' && echo 'id -u; cat /proc/self/uid_map' >'$I/c1/exec/a/command' && cat '$I/c1/exec/a/wait' >/dev/null"
assert_match "$(shell "cat '$I/c1/exec/a/stdout'")" '^0$'
! grep -qE '^ +0 +0 ' <(shell "cat '$I/c1/exec/a/stdout'") || fail "root inside is root outside"
shell "echo 100MiB >'$I/c1/config/limits.memory' && mkdir '$I/c1/snapshots/s' && mkdir '$I/c1/snapshots/gone' && rmdir '$I/c1/snapshots/gone'"
shell "echo freeze-me >'$I/c1/description'; echo frozen >'$I/c1/state'; echo running >'$I/c1/state'"
owner open "$I/c1/tty" r , close
shell "printf '\n' >'$I/c1/console'; test -r '$I/c1/log'"

# What the guest makes in its file system gives no power outside.
shell "mkdir '$I/c1/exec/b' && echo 'cp /bin/busybox /s; chmod 4755 /s; ln -s /../../../../etc /l; mknod /n b 7 0' >'$I/c1/exec/b/command' && cat '$I/c1/exec/b/wait' >/dev/null"
assert_exists "$M/rootfs/c1/s"
assert_match "$(findmnt -no OPTIONS "$M")" '\<nosuid\>.*\<nodev\>|\<nodev\>.*\<nosuid\>'
for who in owner other; do
	assert_fails EACCES $who open "$M/rootfs/c1/s" r
	assert_fails EACCES $who open "$M/rootfs/c2/etc/passwd" r
	assert_fails EACCES $who open "$S/instances/c1/object.json" r
	assert_fails EACCES $who open "$(run_dir)/lxc/c1/rootfs/s" r
done

# What is not his, running or not. Each line: who, errors that are right, a call.
configured() { (cd "$I" && find c?/config c?/devices c?/profiles c?/volatile c?/snapshots -type f | sort | xargs cksum); }
configured >"$T/before"
while read -r who errors call; do
	eval "assert_fails '$errors' $who $call"
done <<'END'
owner EACCES open "$I/c2/state" w
owner EACCES open "$I/c2/console" r
owner EACCES open "$I/c2/tty" w
owner EACCES mkdir "$I/c2/exec/x"
owner EACCES mkdir "$I/c2/snapshots/x"
owner EACCES open "$I/c2/source" w
owner EACCES rename "$I/c2" "$I/c3"
owner EACCES rename "$I/c1/config/limits.memory" "$I/c2/config/limits.memory"
owner EACCES|EPERM rename "$I/c1" "$I/c3"
owner EACCES mkdir "$I/c3"
owner EACCES mkdir "$M/profiles/p"
owner EACCES mkdir "$M/images/i"
owner EACCES mkdir "$M/networks/n"
owner EACCES open "$M/profiles/default/config/limits.cpu" wc
owner EACCES open "$M/settings/restricted.devices.proxy" wc
owner EPERM|EACCES open "$I/c1/volatile/idmap" wt
owner EPERM|EACCES unlink "$I/c1/volatile/uuid"
owner EEXIST symlink /etc "$I/c1/rootfs"
owner EPERM|EACCES chown 0 0 "$I/c1"
owner EPERM|EACCES chown 4712 4712 "$I/c1"
owner EPERM|EACCES chown 4712 4712 "$I/c1/state"
owner EPERM|EACCES open "$I/c1/devices/d" wct , write 'type=disk\nsource=/etc\npath=/mnt\n' , fsync
owner EPERM|EACCES open "$I/c1/devices/d" wct , write 'type=unix-char\nsource=/dev/mem\npath=/dev/mem\n' , fsync
owner EPERM|EACCES open "$I/c1/devices/d" wct , write 'type=unix-block\nsource=/dev/loop0\npath=/dev/x\n' , fsync
owner EPERM|EACCES open "$I/c1/devices/d" wct , write 'type=proxy\nlisten=tcp:0.0.0.0:22\nconnect=tcp:127.0.0.1:22\n' , fsync
owner EPERM|EACCES open "$I/c1/devices/d" wct , write 'type=proxy\nbind=instance\nlisten=tcp:127.0.0.1:1\nconnect=unix:/run/dbus/system_bus_socket\n' , fsync
owner EPERM|EACCES open "$I/c1/devices/d" wct , write 'type=nic\nnictype=macvlan\nparent=lo\n' , fsync
owner EPERM|EACCES open "$I/c1/devices/d" wct , write 'type=nic\nnictype=physical\nparent=lo\n' , fsync
owner EPERM|EACCES open "$I/c1/config/raw.lxc" wct , write 'lxc.hook.pre-start = /bin/true\n' , fsync
owner EPERM|EACCES open "$I/c1/config/raw.seccomp" wct , write '2\ndenylist\nmount\n' , fsync
owner EPERM|EACCES open "$I/c1/config/limits.kernel.core" wct , write '1\n'
owner EPERM|EACCES open "$I/c1/config/linux.kernel_modules" wct , write 'loop\n'
owner EPERM|EACCES open "$I/c1/config/security.idmap.base" wct , write '1\n'
other EACCES open "$I/c1/state" r
other EACCES open "$I/c1/config.yaml" r
other EACCES open "$I/c1/proc/meminfo" r
other EACCES open "$I/c1/usage/memory.current" r
other EACCES mkdir "$I/c1/exec/x"
other EACCES open "$I/c1/tty" w
other EACCES rmdir "$I/c1/snapshots/s"
other EACCES rmdir "$I/c1"
END
# Links that lead where he may not write.
ln -s "$I/c2/config" "$T/link"
assert_fails EACCES owner open "$T/link/limits.cpu" wc

# Two at a time: what was looked at is what is taken.
shell "cd '$I/c1/config'
	(for i in \$(seq 40); do echo 1 >.x; mv .x limits.cpu; done) 2>/dev/null &
	for i in \$(seq 40); do echo true >.x; mv .x security.nesting; done 2>/dev/null
	wait; rm -f .x limits.cpu" || true
assert_missing "$I/c1/config/security.nesting"
configured | diff "$T/before" - || fail "something was changed"

# An instance that root configured stays under his hand, and as strong as root made it, no stronger.
echo true >"$I/c1/config/security.nesting"
assert_fails 'EPERM|EACCES' owner open "$I/c1/config/security.nesting" wt , write 'false\n' , fsync
shell "echo 'stopped force' >'$I/c1/state' && echo running >'$I/c1/state' && echo 'stopped force' >'$I/c1/state'"
assert_fails EPERM owner open "$I/c1/restore" w , write 's\n'
assert_file "$I/c1/config/security.nesting" 'true\n'
