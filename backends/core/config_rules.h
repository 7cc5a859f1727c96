/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What may be written at all, looking at one entry alone: for config.c. */
#pragma once

#include "backends/core/config.h"

/* EINVAL: no such thing here; EROFS: there is, and it cannot be edited; EOPNOTSUPP: not yet. */
int rules_check_name(struct object *o, enum entry_kind k, const char *name, struct err *e);
/* c->value is not NULL. Takes the model's lock to look for profiles. */
int rules_check_value(const struct entry_change *c, struct err *e);
/* c->value NULL: removal. who NULL: the daemon. */
int rules_check_permission(const struct entry_change *c, const struct caller *who, struct err *e);
