#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# grep -r over the state and configuration of very many running instances (mock), below half a second.
# timeout: 300
. "$(dirname "$0")/../lib/case.sh"
. "$TESTS/lib/bench.sh"

N=${INSTANCES:-1000}
start_instfs
"$LOOPS" mkdir "$I" c "$N" >/dev/null
for ((i = 0; i < N; i++)); do
	echo none >"$I/c$i/source"
	echo 64MiB >"$I/c$i/config/limits.memory"
	echo running >"$I/c$i/state"
done
mkdir -p "$T/peer"
for ((i = 0; i < N; i++)); do
	mkdir -p "$T/peer/c$i/config"
	cp "$I/c$i/state" "$T/peer/c$i/"
	cp "$I/c$i"/config/* "$T/peer/c$i/config/"
done
cd "$I"
ours() { grep -r running ./*/state ./*/config; }
heading "$N running instances" "disk"
row "grep -r state and config, ms, first" "$(ms ours)" - "no figure" 1
a=$(median 5 ours)
cd "$T/peer"
row "grep -r state and config, ms" "$a" "$(median 5 ours)" "below 500" 'o < 500'
cd "$I"
all() { grep -r running . --exclude-dir=exec; }
row "grep -r of everything, ms" "$(ms all)" - "no figure" 1
cd "$T"
benched
