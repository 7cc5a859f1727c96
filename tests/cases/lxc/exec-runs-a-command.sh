#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# exec/NAME: command runs inside, output, stdout, stderr and status are there, wait blocks, rmdir kills.
. "$(dirname "$0")/../../lib/case.sh"

lxc_ready
start_instfs
make_instance c1 running
e=$I/c1/exec
mkdir "$e/a"
echo 'echo out; echo err >&2; id -u; exit 3' >"$e/a/command"
timeout 60 cat "$e/a/wait" >/dev/null
assert_file "$e/a/stdout" 'out\n0\n'
assert_file "$e/a/stderr" 'err\n'
assert_file "$e/a/status" '3\n'
assert_eq "$(size "$e/a/stdout")" 6
grep -q out "$e/a/output"
mkdir "$e/b"
echo 'hello' >"$e/b/stdin"
echo 'X=1' >"$e/b/env"
echo '/tmp' >"$e/b/cwd" || true
echo 'cat; echo $X; pwd' >"$e/b/command"
timeout 60 cat "$e/b/wait" >/dev/null
assert_match "$(cat "$e/b/stdout")" 'hello'
assert_match "$(cat "$e/b/stdout")" '^1$'
mkdir "$e/h"
head -c 9000001 /dev/urandom >"$e/h/stdin"
sum=$(sha256sum <"$e/h/stdin")
echo 'sha256sum' >"$e/h/command"
timeout 60 cat "$e/h/wait" >/dev/null
assert_file "$e/h/stdout" "$sum\n"
assert_write_fails EBUSY "$e/h/stdin" late
mkdir "$e/c"
printf 'echo\na b\n$HOME\n' >"$e/c/argv"
timeout 60 cat "$e/c/wait" >/dev/null
assert_file "$e/c/stdout" 'a b $HOME\n'
mkdir "$e/d"
echo 'sleep 1000' >"$e/d/command"
assert_file "$e/d/status" ''
rmdir "$e/d"
assert_missing "$e/d"
sleep 0.5
mkdir "$e/f"
echo 'ps' >"$e/f/command"
timeout 60 cat "$e/f/wait" >/dev/null
! grep -q 'sleep 1000' "$e/f/stdout" || fail "it still runs"
echo 'stopped force' >"$I/c1/state"
mkdir "$e/g"
assert_fails ENOTCONN "$SYS" open "$e/g/command" wct , write 'true\n'
