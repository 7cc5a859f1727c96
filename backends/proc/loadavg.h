/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "backends/proc/source.h"

/* Somebody asks for the load: sample it for a while. Not with the source's lock held. */
void loadavg_watch(struct proc_source *s);
/* The source is about to be freed: the sampler must not look at it any more. */
void loadavg_forget(struct proc_source *s);
