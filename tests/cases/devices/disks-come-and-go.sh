#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# needs: lxc
# A disk is attached to, changed on and taken from a running container; readonly cannot be undone inside.
. "$(dirname "$0")/../../lib/case.sh"

lxc_ready
start_instfs
make_instance c1 running
d=$I/c1/devices r=$I/c1/runtime/devices
mkdir "$T/src" "$T/src/sub"
echo one >"$T/src/f"
in_c1() {
	rm -rf "$I/c1/exec/x"
	mkdir "$I/c1/exec/x"
	echo "$*" >"$I/c1/exec/x/command"
	timeout 60 cat "$I/c1/exec/x/wait" >/dev/null
	cat "$I/c1/exec/x/stdout" "$I/c1/exec/x/stderr"
	rmdir "$I/c1/exec/x"
}

printf 'type=disk\nsource=%s/src\npath=/mnt/new/dir\nshift=true\n' "$T" >"$d/data"
assert_file "$r/data" "attached source=$T/src path=/mnt/new/dir\n"
assert_eq "$(in_c1 'cat /mnt/new/dir/f; stat -c %u /mnt/new/dir/f; echo two >/mnt/new/dir/g')" "$(printf 'one\n0')"
assert_eq "$(stat -c %u:%s "$T/src/g")" 0:4
assert_file "$I/c1/runtime/pending" ''

printf 'type=disk\nsource=%s/src\npath=/mnt/other\nreadonly=true\n' "$T" >"$d/data"
assert_match "$(in_c1 'ls /mnt/new/dir; echo x >/mnt/other/f; mount -o remount,rw,bind /mnt/other; echo y >/mnt/other/f; cat /mnt/other/f')" 'one'
assert_file "$T/src/f" 'one\n'

# A file, and a target that is a link of the guest which leads "out".
in_c1 'ln -s ../../../../etc /mnt/link; mkdir -p /etc'
printf 'type=disk\nsource=%s/src/f\npath=/mnt/link/from-host\n' "$T" >"$d/file"
assert_eq "$(in_c1 'cat /etc/from-host')" one
assert_missing /etc/from-host
rm "$d/file" "$d/data"
sync "$d"
assert_missing "$r/file"
assert_missing "$r/data"
assert_match "$(in_c1 'ls /mnt/other; ls /etc/from-host; grep -c src /proc/mounts')" '^0$'
assert_eq "$(in_c1 'ls -d /mnt/other /etc/from-host 2>/dev/null; echo none')" none

# recursive, with a mount below; propagation: what is mounted later appears; options of a mount
mkdir "$T/tree"
mount -t tmpfs tree "$T/tree"
at_exit "umount -R '$T/tree' 2>/dev/null"
mount --make-shared "$T/tree"
mkdir "$T/tree/below" "$T/tree/later"
mount -t tmpfs below "$T/tree/below"
echo deep >"$T/tree/below/f"
printf 'type=disk\nsource=%s/tree\npath=/mnt/t\nrecursive=true\nreadonly=true\n' "$T" >"$d/tree"
assert_match "$(in_c1 'cat /mnt/t/below/f; echo x >/mnt/t/below/g')" 'deep.*|Read-only'
assert_missing "$T/tree/below/g"
printf 'type=disk\nsource=%s/tree\npath=/mnt/t\nrecursive=true\npropagation=rslave\nraw.mount.options=noexec,nosuid\n' "$T" >"$d/tree"
mount -t tmpfs later "$T/tree/later"
echo came >"$T/tree/later/f"
assert_eq "$(in_c1 'cat /mnt/t/later/f')" came
assert_match "$(in_c1 'grep " /mnt/t " /proc/mounts')" 'nosuid.*noexec'
# something is mounted over it: it cannot be taken away, and stays
in_c1 'mount -t tmpfs over /mnt/t'
rm "$d/tree"
wait_for 5 grep -q 'something else is mounted' "$I/c1/error"
wait_for 5 test -e "$d/tree"
assert_match "$(cat "$r/tree")" '^attached'
in_c1 'umount /mnt/t'
rm "$d/tree"
sync "$d"
assert_missing "$r/tree"

# Refused: nothing is left.
assert_write_fails ENOENT "$d/none" "$(printf 'type=disk\nsource=/nonexistent\npath=/mnt/x')"
assert_error_matches "$I/c1/error" 'device none: its source /nonexistent'
assert_missing "$d/none"
assert_write_fails ENOTDIR "$d/none" "$(printf 'type=disk\nsource=%s/src\npath=/etc/passwd' "$T")"
assert_write_fails EINVAL "$d/none" "$(printf 'type=disk\nsource=%s/src\npath=/proc/' "$T")"
printf 'type=disk\nsource=/nonexistent\npath=/mnt/x\nrequired=false\n' >"$d/maybe"
assert_file "$r/maybe" 'missing: its source /nonexistent: No such file or directory\n'

# a privileged one: no map, and nothing to shift
make_instance c2
echo true >"$I/c2/config/security.privileged"
echo running >"$I/c2/state"
printf 'type=disk\nsource=%s/src\npath=/mnt/p\nreadonly=true\n' "$T" >"$I/c2/devices/p"
assert_match "$(run c2 'cat /mnt/p/f; echo x >/mnt/p/h')" 'one.*|Read-only'
assert_missing "$T/src/h"
rm "$I/c2/devices/p"
wait_for 5 test ! -e "$I/c2/runtime/devices/p"
assert_eq "$(run c2 'ls -d /mnt/p 2>/dev/null; grep -c src /proc/mounts')" 0
