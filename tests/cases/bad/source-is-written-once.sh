#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A second source on a running instance is refused; an unknown kind of source, too.
# needs: lxc
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
make_instance c1
echo data >"$M/rootfs/c1/file"
echo running >"$I/c1/state"
assert_fails EBUSY "$SYS" open "$I/c1/source" w , write 'none\n'
assert_file "$M/rootfs/c1/file" 'data\n'
echo 'stopped force' >"$I/c1/state"
for s in images/nosuch instances/nosuch instances/c1/snapshots/nosuch /etc ../../etc nonsense 'images/../x' instances/c1; do
	assert_fails 'EINVAL|ENOENT|EBUSY|EOPNOTSUPP' "$SYS" open "$I/c1/source" w , write "$s\n"
	[ -s "$I/c1/error" ] || fail "no sentence for $s"
	assert_file "$M/rootfs/c1/file" 'data\n'
done
