#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A link of the guest is followed to what it means in the guest, never to a file of the host; its text is shown as it is.
# needs: rootfs
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
needs_root
make_instance c1
r=$M/rootfs/c1
echo host >"$T/secret"
mkdir -p "$r/etc" "$r/usr/lib"
echo guest >"$r/etc/hostname"
ln -s "$T/secret" "$r/abs"
ln -s "../../../../../../../../../..$T/secret" "$r/up"
ln -s /etc "$r/usr/lib/conf"
ln -s ../../../etc/hostname "$r/usr/lib/name"
ln -s conf/../../../../etc/hostname "$r/usr/lib/via"
ln -s /etc/new "$r/usr/lib/new"
ln -s /proc/self/root "$r/magic"
assert_fails ENOENT cat "$r/abs"
assert_fails ENOENT cat "$r/up"
assert_fails ENOENT ls "$r/magic/"
for f in conf/hostname name via; do
	assert_file "$r/usr/lib/$f" 'guest\n'
done
echo made >"$r/usr/lib/new"
assert_file "$r/etc/new" 'made\n'
assert_missing /etc/new
mkdir -p "$r$T"
echo written >"$r/abs"
assert_file "$T/secret" 'host\n'
assert_file "$r$T/secret" 'written\n'
assert_eq "$(readlink "$r/abs")" "$T/secret"
assert_eq "$(readlink "$r/usr/lib/via")" conf/../../../../etc/hostname
tar -C "$r" -cf - abs up usr | tar -tvf - >"$T/list"
grep -q -- "abs -> $T/secret" "$T/list" || fail "tar saw another text: $(cat "$T/list")"
cp -a "$r/usr" "$T/copy"
assert_eq "$(readlink "$T/copy/lib/conf")" /etc
