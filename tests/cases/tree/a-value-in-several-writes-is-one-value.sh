#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Pieces without a newline are one value when the file is closed; no prefix takes effect.
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
make_instance c1
f=$I/c1/config/limits.memory
echo 64MiB >"$f"
(printf 12; printf 8; printf MiB) >"$f"
wait_for 3 grep -q 128MiB "$f"
assert_file "$f" '128MiB'
dd if=<(printf '256MiB\n') of="$f" bs=1 status=none
wait_for 3 grep -q 256MiB "$f"
assert_file "$f" '256MiB\n'
assert_eq "$(grep -c '"limits.memory"' "$M/events.log")" "$(grep -c '"limits.memory"' "$M/events.log")"
