/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The one rule for names, for every route by which one can come in: mkdir, rename, import, backup files (tree.md section 10). */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "backends/core/err.h"

#define NAME_LEN_MAX 64

/* Instances: 1 to 63 of letters, digits and '-', not at either end, not only digits. -EINVAL or -ENAMETOOLONG and a sentence. */
int name_check_instance(const char *name, struct err *e);

/* Everything else that is made by mkdir: 1 to 64 bytes of letters, digits and "._-+@%", the first a letter or digit. */
int name_check(const char *what, const char *name, struct err *e);

/* Networks: what can be the name of an interface (value_net.h), beginning with a letter or digit. */
int name_check_network(const char *name, struct err *e);

/* Whether an unknown name has the shape of an editor's or a tool's scratch file (reference: mkstemp names, backups, swap files).
 * known() tells whether a string is a known name of the directory; create_excl_0600 is mkstemp's signature. */
bool name_is_scratch(const char *name, bool (*known)(const char *name, void *arg), void *arg, bool create_excl_0600);

/* Case-blind equality, for instance names that differ only in case. */
bool name_same_instance(const char *a, const char *b);
