#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# wait/STATE is not listed, blocks, ends when the state comes, and can be interrupted.
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
make_instance c1
assert_eq "$(ls "$I/c1/wait")" ""
timeout 60 cat "$I/c1/wait/stopped"
background cat "$I/c1/wait/running"
sleep 0.3
kill -0 "$BG" || fail "did not block"
echo running >"$I/c1/state"
wait "$BG"
background cat "$I/c1/wait/stopped"
sleep 0.2
kill -INT "$BG" 2>/dev/null || true
kill -TERM "$BG"
wait "$BG" || true
echo 'stopped force' >"$I/c1/state"
