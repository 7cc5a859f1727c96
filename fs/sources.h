/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a server looks through: one proc_source per instance on the board, made when somebody reads, gone with the instance. */
#pragma once

#include "backends/proc/proc.h"

/* With the facts of now. Valid until sources_put(); NULL: no such instance on the board, or no memory. */
struct proc_source *sources_get(uint32_t id);
/* The same for who knows the facts of an instance on the board better than the board, which is told after a change. */
struct proc_source *sources_get_with(const struct proc_facts *f);
void sources_put(void);
