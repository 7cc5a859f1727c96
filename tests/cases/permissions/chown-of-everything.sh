#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# chown -R and chmod -R of an instance succeed, as they do on a disk; the files follow their directory.
. "$(dirname "$0")/../../lib/case.sh"

needs_root
start_instfs
make_instance c1
echo 64MiB >"$I/c1/config/limits.memory"
chown 4711:4712 "$I/c1"
assert_eq "$(stat -c '%u %g' "$I/c1/state")" "4711 4712"
assert_eq "$(stat -c '%u %g' "$I/c1/config/limits.memory")" "4711 4712"
chown -R 4711:4712 "$I/c1"
chown -R 4713:4713 "$I/c1"
assert_eq "$(stat -c '%u %g' "$I/c1/state")" "4713 4713"
