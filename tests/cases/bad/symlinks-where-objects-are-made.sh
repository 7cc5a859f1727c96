#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Links, devices and files in instances/, images/ and profiles/ are refused.
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
make_instance c1
for d in instances profiles images; do
	assert_fails 'EPERM|EINVAL|EOPNOTSUPP' ln -s c1 "$M/$d/l"
	assert_fails 'EPERM|EINVAL|EOPNOTSUPP' "$SYS" mknod "$M/$d/n" p
	assert_fails 'EPERM|EINVAL|EOPNOTSUPP' "$SYS" open "$M/$d/f" wc
done
assert_fails 'EPERM|EINVAL|EOPNOTSUPP|EROFS|EACCES' mkdir "$M/newdir"
assert_fails 'EPERM|EINVAL|EOPNOTSUPP|EROFS|EACCES' mkdir "$M/rootfs/x"
assert_fails 'EPERM|EINVAL|EOPNOTSUPP|EROFS|EACCES' mkdir "$M/trash/x"
assert_fails 'EPERM|EBUSY|ENOTEMPTY|EROFS|EACCES' rmdir "$I"
assert_fails 'EPERM|EBUSY|EROFS|EACCES|EINVAL|EOPNOTSUPP' "$SYS" rename "$I" "$M/other"
