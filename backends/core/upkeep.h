/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a store needs besides requests: the profile `default`, storage purged with its instance, the trash emptied in time. */
#pragma once

#include "backends/core/err.h"

/* Call once, after model_open(), storage_init() and watch_init(). */
int upkeep_init(struct err *e);
/* Something went to the trash: makes sure that it will be looked at. Any thread. */
void upkeep_wake(void);
/* There is something to delete now. */
void upkeep_now(void);
