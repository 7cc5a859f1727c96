#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The end of an instance is seen at once, without polling; an ephemeral one is removed then.
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
make_instance c1 running
pid=$(cat "$I/c1/runtime/pid" 2>/dev/null || true)
if [ -n "$pid" ] && [ "$pid" -gt 1 ] && grep -q mock "/proc/$pid/cmdline" 2>/dev/null; then
	kill -KILL "$pid"
else
	echo halt >"$I/c1/console"
fi
wait_for 2 grep -qx stopped "$I/c1/state"
grep -q '"instance-stopped"' "$M/events.log"
echo true >"$I/c1/ephemeral"
echo running >"$I/c1/state"
echo 'stopped force' >"$I/c1/state"
wait_for 3 test ! -e "$I/c1"
