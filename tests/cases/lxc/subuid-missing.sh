#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Without a line in subuid the start is EPERM, and error names the line that is missing.
# In a mount namespace of its own, where another file stands in place of /etc/subuid.
[ -n "${OWN_MOUNTS:-}" ] || OWN_MOUNTS=1 exec unshare --mount "$0"
. "$(dirname "$0")/../../lib/case.sh"

lxc_ready
cp /etc/subuid "$T/subuid"
mount --bind "$T/subuid" /etc/subuid
start_instfs
make_instance c1
sed '/^root:/d' "$T/subuid" >"$T/without"
cp /etc/subuid "$T/with"
cat "$T/without" >/etc/subuid
if "$SYS" open "$I/c1/state" w , write 'running\n' 2>"$T/out"; then
	fail "started"
fi
assert_match "$(cat "$T/out")" 'EPERM'
assert_error_matches "$I/c1/error" 'subuid'
assert_error_matches "$I/c1/error" 'root:[0-9]+:[0-9]+'
cat "$T/with" >/etc/subuid
echo running >"$I/c1/state"
