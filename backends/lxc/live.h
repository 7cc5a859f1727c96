/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Containers that run: one row per container with watches on its monitor and its init. A container has ended when its monitor has
 * (liblxc kills init when the monitor dies). When only init has ended the guest reboots or the monitor is about to end.
 */
#pragma once

#include "backends/core/object.h"

/* o->run is filled: begins to watch. A container that ended meanwhile is told of by the watch. */
int live_add(struct object *o, struct err *e);

/* From here on the end of this container is the caller's business and told to nobody, until live_release() or live_drop(). */
void live_hold(uint32_t id);
/* Watches again; when it ended meanwhile that is told now. */
void live_release(uint32_t id);
/* Forgets it. */
void live_drop(uint32_t id);

/* Calls f for each that runs; false when one call returned that. */
bool live_each(bool (*f)(uint32_t id));

/* After the end: collects the monitor, kills what is left, removes groups and records, forgets pids. Can be repeated. */
void live_clean(struct object *o, int monitor_fd);
