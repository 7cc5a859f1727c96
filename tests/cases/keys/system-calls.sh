#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Denied system calls fail inside as told, allowed ones alone work, 32-bit ones can be denied; raw.seccomp stands for all.
# needs: lxc
. "$(dirname "$0")/../../lib/case.sh"
. "$TESTS/lib/keys.sh"

lxc_ready
start_instfs
make_instance c1
needs_program gcc
cat >"$T/old.c" <<'END'
#include <stdio.h>
int main(void)
{
	long r = 20; /* getpid of i386 */
	__asm__ volatile("int $0x80" : "+a"(r));
	printf("%ld\n", r);
	return 0;
}
END
gcc -static -o "$M/rootfs/c1/old" "$T/old.c" 2>/dev/null || skip "no static C library"
start() { [ "$(cat "$I/c1/state")" = stopped ] || echo 'stopped force' >"$I/c1/state"; echo running >"$I/c1/state"; }
printf 'mkdir\nmkdirat errno 28\n# not this: chmod\n' >"$I/c1/config/security.syscalls.deny"
start
assert_match "$(run c1 'mkdir /tmp/x; echo $?')" 'not permitted|No space'
assert_match "$(run c1 'touch /a; chmod 700 /a; stat -c %a /a')" 700
# a kernel without 32-bit programs ends it by itself
[ "$(run c1 /old)" ] && old=1 || old=
set_key c1 security.syscalls.deny_compat true
assert_match "$(cat "$I/c1/runtime/pending")" '^security.syscalls.deny_compat$'
start
[ -z "$old" ] || assert_eq "$(run c1 /old)" -38
filters() { awk '/^Seccomp_filters/ { print $2 }' "/proc/$(cat "$I/c1/runtime/pid")/status"; }
[ "$(uname -m)" != x86_64 ] || assert_match "$(filters)" '^([2-9]|)$' "number of filters of init"
[ -z "$(filters)" ] || assert_eq "$(run c1 'sed -n "s/^Seccomp_filters:\t//p" /proc/self/status')" "$(filters)" "number of filters of a command"
assert_eq "$(cat "$I/c1/runtime/pending")" ""
assert_write_fails EINVAL "$I/c1/config/security.syscalls.deny" 'nosuchcall'
assert_error_matches "$I/c1/error" 'nosuchcall'
assert_write_fails EINVAL "$I/c1/config/security.syscalls.allow" read
assert_error_matches "$I/c1/error" 'exclude each other'

unset_key c1 security.syscalls.deny
printf '2\ndenylist\n[all]\nchmod errno 17\nfchmodat errno 17\nfchmodat2 errno 17\n' >"$T/policy"
cp "$T/policy" "$I/c1/config/raw.seccomp" 2>/dev/null || { sed -i /fchmodat2/d "$T/policy"; cp "$T/policy" "$I/c1/config/raw.seccomp"; }
start
assert_match "$(run c1 'chmod 700 /a')" 'File exists'
unset_key c1 raw.seccomp
# every system call that there is, but one
"$PYTHON" -c 'import re
for n in sorted(set(re.findall(r"__NR_([a-z0-9_]+)", open("/usr/include/x86_64-linux-gnu/asm/unistd_64.h").read())) - {"rmdir"}): print(n)' >"$T/all" 2>/dev/null || exit 0
while ! cp "$T/all" "$I/c1/config/security.syscalls.allow" 2>/dev/null; do
	bad=$(sed -n 's/.*there is no system call "\([a-z0-9_]*\)".*/\1/p' "$I/c1/error")
	[ -n "$bad" ] || fail "$(cat "$I/c1/error")"
	sed -i "/^$bad\$/d" "$T/all"
done
start
assert_match "$(run c1 'mkdir /tmp/y && rmdir /tmp/y')" 'not implemented'
