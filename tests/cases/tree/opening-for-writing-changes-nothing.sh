#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# An open for writing without a write, and touch, commit nothing.
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
make_instance c1
f=$I/c1/config/limits.memory
echo 256MiB >"$f"
events=$(size "$M/events.log")
"$SYS" open "$f" w , close , open "$f" rw , fsync , close
touch "$f"
assert_file "$f" '256MiB\n'
assert_eq "$(size "$M/events.log")" "$events" "size of the event log"
touch -d '2001-01-01 UTC' "$f"
assert_eq "$(stat -c %Y "$f")" 978307200 mtime
