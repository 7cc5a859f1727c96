#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Without a line in subuid the start is EPERM, and error names the line that is missing.
. "$(dirname "$0")/../../lib/case.sh"

lxc_ready
start_instfs
make_instance c1
cp -p /etc/subuid "$T/subuid"
at_exit "cat '$T/subuid' >/etc/subuid"
sed -i '/^root:/d' /etc/subuid
if "$SYS" open "$I/c1/state" w , write 'running\n' 2>"$T/out"; then
	fail "started"
fi
assert_match "$(cat "$T/out")" 'EPERM'
assert_error_matches "$I/c1/error" 'subuid'
assert_error_matches "$I/c1/error" 'root:[0-9]+:[0-9]+'
cat "$T/subuid" >/etc/subuid
echo running >"$I/c1/state"
