#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Two that write at once leave one of their values, whole; each that succeeded was in force for a moment.
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
make_instance c1
f=$I/c1/config/user.note
for i in 1 2 3 4; do
	(for n in $(seq 1 50); do echo "writer$i-$n-$i$i$i$i$i$i$i" >"$f"; done) &
	BACKGROUND+=($!)
done
for n in $(seq 1 100); do
	v=$(cat "$f" 2>/dev/null || true)
	[ -z "$v" ] || assert_match "$v" '^writer([1-4])-[0-9]+-\1{7}$'
done
wait "${BACKGROUND[@]}"
BACKGROUND=()
assert_match "$(cat "$f")" '^writer([1-4])-50-\1{7}$'
