#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The console shows what init prints, and what is written is typed.
. "$(dirname "$0")/../../lib/case.sh"

lxc_ready
start_instfs
make_instance c1 running
wait_for 10 test -s "$I/c1/console"
before=$(size "$I/c1/console")
printf '\n' >"$I/c1/console"
sleep 1
printf 'echo typed-$((40+2))\n' >"$I/c1/console"
wait_for 10 grep -q 'typed' "$I/c1/console"
if [ -L "$I/c1/tty" ]; then
	[ -c "$(readlink -f "$I/c1/tty")" ] || fail "tty leads to nothing"
fi
[ -s "$I/c1/log" ] || echo "the log is empty"
