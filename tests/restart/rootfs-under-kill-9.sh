#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Clients below rootfs/ while the server is killed again and again: no errno, no wrong byte, nothing done twice.
# needs: rootfs
. "$(dirname "$0")/../lib/case.sh"

needs_root
needs_program gcc
allow_log 'server'
gcc -O1 -D_GNU_SOURCE -o "$T/load" "$TESTS/restart/rootfs_load.c"
for takeover in auto journal; do
	start_instfs -o takeover=$takeover
	[ -e "$I/c1" ] || make_instance c1
	mkdir "$M/rootfs/c1/load"
	background "$T/load" "$M/rootfs/c1/load" 10
	load=$BG
	kills=0
	while kill -0 "$load" 2>/dev/null; do
		kill -KILL "$(server_pid)" 2>/dev/null && kills=$((kills + 1))
		sleep 0.1
	done
	wait "$load" || fail "with $takeover and $kills kills"
	rmdir "$M/rootfs/c1/load"
	echo "$takeover: $kills kills"
	[ "$kills" -gt 12 ] || fail "only $kills kills"
	stop_instfs
done
