#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# rootfs/NAME@SNAP answers EROFS to every change, and a restore shows at once.
# needs: rootfs
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
needs_root
make_instance c1
r=$M/rootfs/c1 s=$M/rootfs/c1@s0
mkdir "$r/d"
echo old >"$r/d/f"
ln -s f "$r/d/l"
mkdir "$I/c1/snapshots/s0"
assert_file "$s/d/f" 'old\n'
assert_fails EROFS touch "$s/d/f"
assert_fails EROFS touch "$s/d/new"
assert_fails EROFS "$SYS" open "$s/d/f" w
assert_fails EROFS mkdir "$s/x"
assert_fails EROFS ln -s a "$s/x"
assert_fails EROFS ln "$s/d/f" "$s/x"
assert_fails EROFS mknod "$s/x" p
assert_fails EROFS rm "$s/d/f"
assert_fails EROFS rmdir "$s/d"
assert_fails EROFS mv "$s/d" "$s/e"
assert_fails EROFS chmod 600 "$s/d/f"
assert_fails EROFS chown 1 "$s/d/f"
assert_fails EROFS truncate -s 0 "$s/d/f"
assert_fails 'EROFS|EXDEV' "$SYS" rename "$s/d/f" "$r/g"
assert_fails 'EROFS|EXDEV' "$SYS" rename "$r/d/f" "$s/g"
assert_file "$s/d/f" 'old\n'
echo 'new and longer' >"$r/d/f"
echo more >"$r/d/g"
assert_eq "$(size "$r/d/f")" 15
echo s0 >"$I/c1/restore"
assert_eq "$(size "$r/d/f")" 4
assert_file "$r/d/f" 'old\n'
assert_missing "$r/d/g"
rmdir "$I/c1/snapshots/s0"
assert_missing "$s"
