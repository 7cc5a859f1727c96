#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# needs: lxc
# sysinfo(2) and sched_getaffinity(2) tell what the files show when they are intercepted: of init's children and of commands, of 64-bit and
# 32-bit programs, whichever servers are killed meanwhile; other instances see the kernel's answers.
. "$(dirname "$0")/../../lib/case.sh"
. "$TESTS/lib/views.sh"

lxc_ready
start_instfs
make_instance c1
make_instance c2
needs_program gcc
cat >"$T/calls.c" <<'END'
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <time.h>
#include <unistd.h>

/* calls: one line. calls SECONDS: again and again; a line for what was wrong. */
int main(int argc, char **argv)
{
	struct sysinfo i, first;
	time_t end = time(NULL) + (argc > 1 ? atoi(argv[1]) : 0);
	cpu_set_t set;
	long n = 0;

	if (syscall(SYS_sysinfo, (void *)8) != -1 || errno != EFAULT)
		puts("a bad address was taken");
	if (syscall(SYS_sched_getaffinity, 0, 1, &set) != -1 || errno != EINVAL)
		puts("a short mask was taken");
	if (syscall(SYS_sched_getaffinity, 99999, sizeof(set), &set) != -1 || errno != ESRCH)
		puts("a process was found that is not there");
	sysinfo(&first);
	do {
		memset(&i, 1, sizeof(i));
		if (sysinfo(&i) || i.totalram != first.totalram || i.mem_unit != first.mem_unit)
			printf("errno %d, total %lu\n", errno, i.totalram), exit(1);
		n++;
	} while (time(NULL) < end);
	if (sched_getaffinity(getppid() ? getppid() : 1, sizeof(set), &set) || sched_getaffinity(0, sizeof(set), &set))
		perror("sched_getaffinity");
	if (argc == 1)
		printf("%llu %llu %d %ld %d\n", (unsigned long long)i.totalram * i.mem_unit >> 10, (unsigned long long)i.totalswap * i.mem_unit >> 10,
		       i.procs > 0 && i.procs < 50, i.uptime, CPU_COUNT(&set));
	else
		printf("%s\n", n > 100 ? "many" : "few");
	return 0;
}
END
gcc -static -O -o "$M/rootfs/c1/calls" "$T/calls.c" || skip "no static C library"
cp "$M/rootfs/c1/calls" "$M/rootfs/c2/calls"
cat >"$T/narrow.c" <<'END'
#include <stdint.h>
#include <stdio.h>

static struct { int32_t up; uint32_t loads[3], total, free, shared, buffers, swap, free_swap; uint16_t procs; uint32_t high[2], unit; char end[8]; } i;

/* The calls of i386: sysinfo and sched_getaffinity. */
int main(void)
{
	static uint32_t mask[256];
	long r = 116, n = 242;

	__asm__ volatile("int $0x80" : "+a"(r) : "b"(&i) : "memory");
	__asm__ volatile("int $0x80" : "+a"(n) : "b"(0), "c"(sizeof(mask)), "d"(mask) : "memory");
	printf("%ld %llu %d %d\n", r, (unsigned long long)i.total * i.unit >> 10, n > 0, __builtin_popcount(mask[0]));
	return 0;
}
END
narrow=
[ "$(uname -m)" != x86_64 ] || gcc -static -no-pie -O -o "$M/rootfs/c1/narrow" "$T/narrow.c"
! ("$M/rootfs/c1/narrow") >/dev/null 2>&1 || narrow=1	# this kernel runs 32-bit programs

for n in c1 c2; do
	echo 100MiB >"$I/$n/config/limits.memory"
	echo 40ms/100ms >"$I/$n/config/limits.cpu.allowance"
	echo quota >"$I/$n/config/proc.cpus"
done
echo true >"$I/c1/config/security.syscalls.intercept.sysinfo"
echo true >"$I/c1/config/security.syscalls.intercept.sched_getaffinity"
assert_write_fails EINVAL "$I/c1/config/security.syscalls.intercept.sysinfo" maybe
assert_write_fails EOPNOTSUPP "$I/c1/config/security.syscalls.intercept.mount" true
for n in c1 c2; do echo running >"$I/$n/state"; done
read -r total swap procs up cpus <<<"$(run c1 /calls)"
assert_eq "$total $procs $cpus" "102400 1 1" "memory, a small number of processes, CPUs"
assert_eq "$swap" "$(guest c1 awk '/SwapTotal/ { print $2 }' /proc/meminfo)"
now=$(guest c1 cut -d. -f1 /proc/uptime)
[ $((now - up)) -le 60 ] && [ "$now" -ge "$up" ] || fail "up $up s, the file said $now"
[ -z "$narrow" ] || assert_eq "$(run c1 /narrow)" "0 102400 1 1" "the same for a 32-bit program"
assert_eq "$(run c1 'free -k | sed -n "s/^Mem: *\([0-9]*\) .*/\1/p"; nproc')" $'102400\n1'
echo 50MiB >"$I/c1/config/limits.memory"
assert_match "$(run c1 /calls)" '^51200 '
read -r total _ <<<"$(run c2 /calls)"
[ "$total" -gt 1000000 ] || fail "the kernel's answer is $total kB"

# A command stays under its filter when the one that began it has ended.
run c1 '(sleep 1; /calls >/late) >/dev/null 2>&1 &'
allow_log 'server .* signal 9|starting another|were killed'
run c1 '/calls 2' >"$T/many" &
for ((k = 0; k < 5; k++)); do
	sleep 0.3
	kill -KILL "$(views_pid server)" 2>/dev/null
done
wait $!
assert_eq "$(cat "$T/many")" many "answers while servers were killed"
wait_for 60 grep -q '^51200 ' "$M/rootfs/c1/late"
echo 'stopped force' >"$I/c1/state"
wait_for 60 eval '[ -z "$(ls "$(run_dir)/calls")" ]'
