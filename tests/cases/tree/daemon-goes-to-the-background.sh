#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Without -f the command returns when the tree is mounted and readable; umount ends everything.
. "$(dirname "$0")/../../lib/case.sh"

[ -x "$INSTFS" ] || skip "$INSTFS is not built"
timeout 20 "$INSTFS" --state "$S" --backend "$BACKEND" "$M" >>"$LOG" 2>&1
assert_exists "$M/version"
make_instance c1
pids=$(pgrep -f -- "--state $S" || true)
umount "$M"
for p in $pids; do
	wait_for 10 eval "! kill -0 $p 2>/dev/null"
done
