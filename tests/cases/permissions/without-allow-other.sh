#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Without allow_other other users see nothing at all.
. "$(dirname "$0")/../../lib/case.sh"

needs_root
start_instfs
chmod 755 "$T"
make_instance c1
if "$SYS" user 4712 4712 , open "$I/c1/state" r 2>"$T/out"; then
	! grep -q 'instfs.*allow_other' /proc/mounts || skip "allow_other is the default for root"
	fail "readable"
fi
assert_match "$(cat "$T/out")" 'EACCES|EPERM'
