#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# --upgrade and SIGHUP replace holder and server by the installed program, under load; a program that cannot take over is refused.
. "$(dirname "$0")/lib.sh"
allow_log 'cannot take over'

cp "$INSTFS" "$T/instfs"
INSTFS=$T/instfs
start_instfs
memfs_load 60 50 -x >"$T/out" &
BACKGROUND+=($!)
loader=$!
for i in 1 2 3 4 5; do
	cp "$INSTFS" "$T/new"
	mv "$T/new" "$INSTFS"
	"$INSTFS" --upgrade "$M"
done
old=$(server_pid)
kill -HUP "$HOLDER"
wait_for 5 eval "[ \"\$(server_pid)\" != $old ]"
[ "$(readlink "/proc/$HOLDER/exe")" = "$INSTFS" ]
cp /bin/false "$T/new"
mv "$T/new" "$INSTFS"
! "$BUILDS/build-normal/restart-memfs" --upgrade "$M" 2>"$T/err" || fail "upgraded to /bin/false"
grep -q 'cannot take over' "$T/err"
wait "$loader" || { cat "$T/out"; fail "somebody noticed"; }
