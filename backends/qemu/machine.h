/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a virtual machine's monitor tells of it: the numbers behind proc/ and sys/, runtime/effective, whether it stands still. */
#pragma once

#include "backends/core/backend.h"
#include "backends/qemu/vm.h"

/* Asks, once, what does not change while it runs. */
int machine_learn(struct vm *v, unsigned ms, struct err *e);
int machine_is_stopped(struct vm *v, unsigned ms, bool *ret, struct err *e);

/* Entries of struct backend_ops. The first never waits longer than a moment: an answer that is late is there at the next look. */
int machine_facts(struct object *o, struct proc_machine *ret, struct err *e);
int machine_effective(struct object *o, struct buf *out, struct err *e);
