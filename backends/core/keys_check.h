/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kinds of values that rows of keys.c have: one check, and where text is not everything one comparison, per kind. */
#pragma once

#include "backends/core/keys.h"

#define KEY_CHECK(kind) int key_check_##kind(const struct key *k, const char *name, const char *value, struct err *e)
#define KEY_SAME(kind) bool key_same_##kind(const char *a, const char *b)

KEY_CHECK(bool);
KEY_CHECK(text);		/* anything: UTF-8 and size were checked before */
KEY_CHECK(integer);		/* 32 bits with sign */
KEY_CHECK(priority);		/* 0 to 10 */
KEY_CHECK(count);		/* 1 to 4194304, the kernel's limit of process ids */
KEY_CHECK(seconds);
KEY_CHECK(expiry);
KEY_CHECK(memory);
KEY_CHECK(enforce);
KEY_CHECK(cpu);
KEY_CHECK(allowance);
KEY_CHECK(compression);
KEY_CHECK(lxc);
KEY_CHECK(idmap);

KEY_SAME(bool);
KEY_SAME(integer);
KEY_SAME(seconds);
KEY_SAME(memory);
KEY_SAME(cpu);
KEY_SAME(allowance);
