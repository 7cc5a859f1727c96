#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The top level has the documented names; what streams can be opened by name but is not listed.
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
for name in README version error events.log instances images profiles rootfs trash settings; do
	assert_exists "$M/$name"
	ls "$M" | grep -qx -e "$name" || fail "$name is not listed"
done
! ls "$M" | grep -qx events || fail "events is listed"
head -c 1 "$M/events.log" >/dev/null
"$SYS" open "$M/events" rn
grep -q 'instances/' "$M/README"
grep -qi 'instfs' "$M/version"
