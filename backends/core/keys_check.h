/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kinds of values that rows of keys_table.c have: one check, and where text is not everything one comparison, per kind. */
#pragma once

#include "backends/core/keys.h"

#define KEY_CHECK(kind) int key_check_##kind(const struct key *k, const char *name, const char *value, struct err *e)
#define KEY_SAME(kind) bool key_same_##kind(const char *a, const char *b)
#define KEY_REST(kind) int key_rest_##kind(const char *rest, struct err *e)

/* keys_check.c: numbers, words, lists */
KEY_CHECK(bool);
KEY_CHECK(text);		/* anything: UTF-8 and size were checked before */
KEY_CHECK(integer);		/* 32 bits with sign */
KEY_CHECK(priority);		/* 0 to 10 */
KEY_CHECK(count);		/* 1 to 4194304, the kernel's limit of process ids */
KEY_CHECK(percentage);		/* 1 to 100 */
KEY_CHECK(iterations);		/* 1 to 999 */
KEY_CHECK(oom_priority);	/* -1000 to 1000 */
KEY_CHECK(seconds);
KEY_CHECK(size);
KEY_CHECK(memory);
KEY_CHECK(swap);		/* bool or size */
KEY_CHECK(enforce);
KEY_CHECK(proc_cpus);		/* cpuset or quota */
KEY_CHECK(cpu);
KEY_CHECK(allowance);
KEY_CHECK(paths);		/* absolute, separated by commas or blanks */
KEY_CHECK(parents);		/* names of interfaces of the host, likewise */
KEY_CHECK(allow);		/* allow or block */
KEY_CHECK(instances);		/* names, separated by commas or blanks */
KEY_CHECK(compression);
KEY_CHECK(expiry);
KEY_CHECK(pattern);
KEY_CHECK(schedule);
KEY_CHECK(idmap);
KEY_CHECK(idmap_base);
KEY_CHECK(idmap_size);

/* keys_raw.c: what is handed on to others */
KEY_CHECK(lxc);
KEY_CHECK(apparmor);
KEY_CHECK(seccomp);
KEY_CHECK(syscalls_allow);
KEY_CHECK(syscalls_deny);
KEY_CHECK(rlimit);
KEY_CHECK(sysctl);
KEY_CHECK(modules);
KEY_CHECK(yaml);
KEY_CHECK(user_data);
KEY_REST(rlimit);
KEY_REST(sysctl);

KEY_SAME(bool);
KEY_SAME(integer);
KEY_SAME(seconds);
KEY_SAME(size);
KEY_SAME(memory);
KEY_SAME(swap);
KEY_SAME(cpu);
KEY_SAME(allowance);
KEY_SAME(text);			/* but for blanks around it */
