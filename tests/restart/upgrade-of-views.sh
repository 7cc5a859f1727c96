#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# --upgrade replaces the view server as well, and a reader in a container does not notice.
# needs: lxc
. "$(dirname "$0")/../lib/case.sh"
. "$TESTS/lib/views.sh"

lxc_ready
needs_program gcc
READER=$BUILDS/build-normal/tests/procread
[ "$READER" -nt "$TESTS/bench/procread.c" ] || gcc -O2 -Wall -Wextra -o "$READER" "$TESTS/bench/procread.c" -lpthread
mkdir "$T/bin"
cp "$INSTFS_DIR"/instfs* "$T/bin/"
INSTFS=$T/bin/instfs
start_instfs
make_instance c1 running
"$READER" "$(cat "$I/c1/runtime/pid")" check 8 1 /proc/{meminfo,stat,uptime} >"$T/seen" 2>&1 &
reader=$!
BACKGROUND+=($!)
sleep 0.5
cp "$INSTFS" "$T/new"
mv "$T/new" "$INSTFS"
"$INSTFS" --upgrade "$M"
allow_log 'killed by signal|starting another'
runs_new() {
	local p
	for p in $(views_pid holder) $(views_pid server); do
		[ "$(readlink "/proc/$p/exe")" = "$INSTFS" ] || return 1
	done
}
wait_for 10 runs_new
wait "$reader"
assert_match "$(cat "$T/seen")" '^[0-9]{3,} 0 0$'
