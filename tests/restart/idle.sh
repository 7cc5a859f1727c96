#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# No process wakes up when nothing is asked.
. "$(dirname "$0")/lib.sh"
needs_program strace

start_instfs -o health=4
sleep 6
for p in "$HOLDER" $(internal server) $(internal poker); do
	timeout 10 strace -f -qq -o "$T/strace.$p" -p "$p" 2>/dev/null &
	BACKGROUND+=($!)
done
sleep 10.5
for f in "$T"/strace.*; do
	! grep -vE 'restart_syscall|resumed|detached|unfinished|^[0-9]+ (poll|ppoll|futex|read|epoll_wait)\([^=]*$' "$f" || fail "$f: woke up"
done
