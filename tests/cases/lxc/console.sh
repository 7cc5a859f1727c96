#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The console shows what init prints, and what is written is typed; tty is the same for terminal programs.
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

# tty leads to a pty on the host, the owner's alone, that outlives the server; what is typed and printed passes as it is.
! ls "$I/c1" | grep -qx tty || fail "a listing has tty, which starts a process"
assert_eq "$(stat -c %s "$I/c1/tty")" 0 "the size of a link that nobody followed"
pty=$(readlink "$I/c1/tty")
assert_match "$pty" '^/dev/pts/[0-9]+$'
assert_eq "$(stat -c '%a %u' "$pty")" "600 0"
assert_eq "$(stat -c %s "$I/c1/tty")" "${#pty}"
talk() { # talk WORD: types a command that prints it, and waits until it is printed
	(
		exec 7<>"$I/c1/tty"
		printf 'echo said-$((40+2))-%s\r' "$1" >&7
		timeout 60 sed "/^said-42-$1/q" <&7
	) >"$T/talk"
	assert_match "$(tr -d '\r' <"$T/talk")" "^said-42-$1\$"
}
talk first
kill_server
assert_eq "$(readlink "$I/c1/tty")" "$pty" "tty after kill -9 of the server"
talk second
keeper=$(cut -d' ' -f1 "$(run_dir)/lxc/c1/tty")
kill -KILL "$keeper"
wait_for 5 eval "! kill -0 $keeper"
talk third
# a program that does not read holds up nobody, and misses nothing
keeper=$(cut -d' ' -f1 "$(run_dir)/lxc/c1/tty")
(
	exec 7<>"$I/c1/tty"
	printf 'i=0; while [ $i -lt 3000 ]; do echo line-$i-----------------------------------; i=$((i+1)); done; echo end-$i\r' >&7
	wait_for 60 grep -q '^end-3000' "$I/c1/console"
	timeout 60 sed '/^end-3000/q' <&7 | tr -d '\r' | grep -c '^line-' >"$T/lines"
)
assert_eq "$(cat "$T/lines")" 3000 "lines seen by a slow reader"
chown 12345 "$I/c1"
assert_eq "$(stat -c %u "$(readlink -f "$I/c1/tty")")" 12345 "the owner of the pty after chown of the instance"
# asleep while nobody has it open
ticks() { cut -d' ' -f14,15 "/proc/$keeper/stat"; }
before=$(ticks)
printf 'echo unseen\n' >"$I/c1/console"
wait_for 10 grep -q '^unseen' "$I/c1/console"
assert_eq "$(ticks)" "$before"
echo 'stopped force' >"$I/c1/state"
assert_missing "$I/c1/tty"
wait_for 10 eval "! kill -0 $keeper"
assert_missing "$pty"
[ -s "$I/c1/log" ] || echo "the log is empty"
