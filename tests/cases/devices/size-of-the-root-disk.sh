#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# size= of the root disk: held by a project quota where the kernel has those, at once; elsewhere it is said not to hold, and why.
# needs: lxc
# timeout: 120
. "$(dirname "$0")/../../lib/case.sh"

lxc_ready
needs_program mkfs.ext4
truncate -s 100M "$T/disk"
mkfs.ext4 -q -O quota,project "$T/disk"
mkdir "$T/store"
QUOTAS=
if mount -o loop,prjquota "$T/disk" "$T/store" 2>/dev/null; then
	QUOTAS=1 S=$T/store/state
	mkdir "$S"
fi
start_instfs
make_instance c1
root_size() { printf 'type=disk\npath=/\nsize=%s\n' "$2" >"$T/text" && cp "$T/text" "$I/$1/devices/root"; }
for bad in lots -1 10% 20MiBB; do
	assert_write_fails EINVAL "$I/c1/devices/root" "$(printf 'type=disk\npath=/\nsize=%s' "$bad")"
	assert_error_matches "$I/c1/error" "size.*$bad"
done
root_size c1 6MiB
if [ -z "$QUOTAS" ]; then
	assert_match "$(cat "$I/c1/runtime/warnings")" 'devices/root: size is not enforced: .*prjquota'
	assert_file "$I/c1/usage/disk/root.limit" 'max\n'
	exit 0
fi
echo running >"$I/c1/state"

fill() { run c1 "dd if=/dev/zero of=/$1 bs=1048576 count=$2 2>&1; stat -c %s /$1; rm -f /$3 2>&1"; }
used() { cat "$I/$1/usage/disk/root.bytes"; }
assert_file "$I/c1/usage/disk/root.limit" '6291456\n'
assert_match "$(cat "$I/c1/runtime/devices/root")" 'size: 6291456 bytes, [0-9]+ used'
assert_match "$(run c1 'df -k / | tail -1')" '[^ ]+ +6144 '
assert_match "$(fill big 8 big)" '(No space left on device|Disk quota exceeded).*'
[ "$(used c1)" -lt 3000000 ] || fail "$(used c1) bytes are used"
# a change of the running instance, of the file system below too; names can change places as before
root_size c1 20MiB
assert_match "$(fill big 10 none)" '10485760'
assert_eq "$(run c1 'mkdir /d; mv /big /etc/passwd /d && mv /d/passwd /etc && ln /d/big /big && echo good')" good
# a snapshot does not count, a copy counts for itself, what comes back from a snapshot counts again
before=$(used c1)
mkdir "$I/c1/snapshots/s"
[ "$(used c1)" -le $((before + 65536)) ] || fail "the snapshot counts: $(used c1) after $before"
mkdir "$I/c2"
echo instances/c1/snapshots/s >"$I/c2/source"
[ "$(used c2)" -gt 10000000 ] || fail "the copy has $(used c2) bytes"
run c1 'rm /big /d/big'
[ "$(used c1)" -lt 3000000 ] || fail "$(used c1) bytes are left"
echo stopped force >"$I/c1/state"
echo s >"$I/c1/restore"
[ "$(used c1)" -gt 10000000 ] || fail "$(used c1) bytes came back"
echo true >"$I/c1/config/security.privileged"
echo running >"$I/c1/state"
assert_match "$(fill more 16 more)" '(No space left on device|Disk quota exceeded).*'
