/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is a matter of single processes: limits.kernel.* and limits.memory.oom_priority, changed in a running instance. Init has
 * the new value from then on, and hands it on to what it starts; of the other processes those have it that had the old one from
 * init. Who chose another for itself (a service with a limit of its own) keeps that.
 */
#pragma once

#include "backends/core/buf.h"
#include "backends/core/config.h"

/* name: "nofile"; value NULL: as the monitor has it, from whom init got it. The kernel refuses: nothing has changed. */
int processes_limit(const struct run *run, const char *name, const char *value, struct err *e);
int processes_oom(const struct run *run, const char *value, struct err *e);

/* After a guest rebooted: its new init has what liblxc was told at the start, which may be outdated. */
void processes_renew(const struct run *run, const struct expanded *x);

/* In words, as init has them, those that are configured. */
void processes_words(const struct run *run, const struct expanded *x, struct buf *out);
