#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Modes, owners and times of keys and directories are stored, and setting what is already there succeeds everywhere.
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
needs_root
make_instance c1
echo 64MiB >"$I/c1/config/limits.memory"
chmod 600 "$I/c1/config/limits.memory"
chown 1:2 "$I/c1/config/limits.memory"
touch -d '2020-01-01 UTC' "$I/c1/config/limits.memory" "$I/c1/config" "$I/c1"
chmod 750 "$I/c1"
stop_instfs
start_instfs
assert_eq "$(stat -c '%a %u %g %Y' "$I/c1/config/limits.memory")" "600 1 2 1577836800"
assert_eq "$(stat -c '%Y' "$I/c1/config")" 1577836800
assert_eq "$(stat -c '%a %Y' "$I/c1")" "750 1577836800"
for f in "$I" "$I/c1" "$I/c1/state" "$I/c1/usage" "$I/c1/usage/memory.current" "$M/README" "$M"; do
	chmod "$(stat -c %a "$f")" "$f"
	chown "$(stat -c %u:%g "$f")" "$f"
done
