/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The server of RUNDIR/nested: proc/ and sys/ with lxcfs's names, in which every reader sees the container that it is in. Bound at
 * /var/lib/lxcfs of instances that may nest others. A mount of its own, because its files have to be opened: nothing of them is kept.
 */
#pragma once

#include "backends/core/err.h"

int nested_serve(struct err *e);
