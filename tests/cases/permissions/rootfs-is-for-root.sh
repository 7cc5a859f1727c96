#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Root file systems are for root only unless their instance's owner is let in; modes inside are the guest's.
# needs: rootfs
. "$(dirname "$0")/../../lib/case.sh"

needs_root
start_instfs -o allow_other
chmod 755 "$T"
make_instance c1
echo secret >"$M/rootfs/c1/file"
chmod 600 "$M/rootfs/c1/file"
assert_fails 'EACCES|EPERM' "$SYS" user 4712 4712 , open "$M/rootfs/c1/file" r
assert_fails 'EACCES|EPERM' "$SYS" user 4712 4712 , open "$M/rootfs/c1/new" wc
assert_fails 'EACCES|EPERM' "$SYS" user 4712 4712 , open "$I/c1/console" r
assert_fails 'EACCES|EPERM' "$SYS" user 4712 4712 , mkdir "$I/c1/exec/x"
