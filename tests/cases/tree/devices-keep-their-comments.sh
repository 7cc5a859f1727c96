#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A device is read back with comments and order, a bad one is refused whole, rm detaches it.
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
make_instance c1
d=$I/c1/devices/eth0
printf '# the first\ntype=nic\n\nnictype=bridged\nparent=br0 \n' >"$d" || printf '# the first\ntype=nic\n\nnictype=bridged\nparent=br0\n' >"$d"
wait_for 3 grep -q parent "$d"
head -1 "$d" | grep -qx '# the first'
cp "$d" "$T/before"
printf 'type=nonsense\n' >"$T/bad"
assert_fails 'EINVAL|EBADMSG' cp "$T/bad" "$d"
cmp "$T/before" "$d"
assert_error_matches "$I/c1/error" 'nonsense'
printf 'no equals sign\n' >"$T/bad"
assert_fails 'EINVAL|EBADMSG' cp "$T/bad" "$d"
cmp "$T/before" "$d"
rm "$d"
assert_missing "$d"
