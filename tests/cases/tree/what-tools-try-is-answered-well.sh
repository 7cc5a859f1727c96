#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# statfs has numbers; ACLs, links, nodes and foreign renames fail with the errno that tools cope with.
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
make_instance c1
echo 64MiB >"$I/c1/config/limits.memory"
read -r blocks namemax < <("$SYS" statfs "$M")
[ "$blocks" -gt 0 ] && [ "$namemax" -ge 64 ]
assert_fails 'EOPNOTSUPP|ENOTSUP' "$SYS" setxattr "$I/c1/config/limits.memory" system.posix_acl_access x
assert_fails 'EPERM|EOPNOTSUPP' "$SYS" link "$I/c1/config/limits.memory" "$I/c1/config/.hard"
assert_fails 'EPERM|EINVAL|EOPNOTSUPP' "$SYS" mknod "$I/c1/config/.node" c
assert_fails EXDEV "$SYS" rename "$I/c1/config/limits.memory" "$T/x"
assert_fails 'EOPNOTSUPP|EBADMSG|EINVAL' "$SYS" rename "$I/c1/config/limits.memory" "$I/c1/config/limits.cpu"
assert_fails 'EACCES|EPERM|EROFS' "$SYS" open "$I/c1/created" w
assert_fails 'EISDIR' "$SYS" open "$I/c1/config" w
assert_fails 'EPERM|EROFS|EACCES|EINVAL' "$SYS" open "$I/c1/usage/new" wc
assert_eq "$(stat -c %h "$I/c1/config/limits.memory")" 1 nlink
