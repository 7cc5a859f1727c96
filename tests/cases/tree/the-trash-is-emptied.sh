#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# rmdir in the trash removes for ever, and trash.expiry does after its time.
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
make_instance c1
make_instance c2
rm -r "$I/c1" "$I/c2"
assert_eq "$(ls "$M/trash" | wc -l)" 2
rmdir "$M"/trash/c1@*
assert_eq "$(ls "$M/trash" | wc -l)" 1
wait_for 5 eval "[ -z \"\$(ls $S/trash 2>/dev/null | grep c1)\" ]"
echo 1s >"$M/settings/trash.expiry"
wait_for 15 eval "[ -z \"\$(ls $M/trash)\" ]"
wait_for 5 eval "[ -z \"\$(ls $S/trash 2>/dev/null)\" ]"
