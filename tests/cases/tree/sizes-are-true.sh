#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# For every listed file st_size is the length that a read returns.
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
make_instance c1 running
echo 256MiB >"$I/c1/config/limits.memory"
printf 'type=none\n' >"$I/c1/devices/d0"
mkdir "$I/c1/snapshots/s0" || true
n=0
while IFS= read -r f; do
	a=$(size "$f")
	b=$(wc -c <"$f") || continue
	c=$(size "$f")
	[ "$a" = "$b" ] || [ "$b" = "$c" ] || fail "$f: st_size is $a, then $c, but $b bytes were read"
	n=$((n + 1))
done < <(find "$M" -type f -not -name events.log -readable)
[ "$n" -gt 40 ] || fail "only $n files were found"
