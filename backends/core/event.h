/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The event log: JSON lines with sequence numbers, the last EVENT_LOG_MAX bytes, kept over kill -9 (in the keep) and in order.
 * Positions are counted in bytes since the log began and never go back. Writers never wait for readers.
 */
#pragma once

#include <stdint.h>

#include "backends/core/buf.h"
#include "backends/core/object.h"

#define EVENT_LOG_MAX (1u << 20)

/*
 * {"seq":12,"time":"2026-01-02T03:04:05.678Z","type":"instance-started","name":"c1",...}; extra: more members as printed
 * JSON or NULL. Takes a few microseconds and no lock of the object; not between keep_begin() and keep_end().
 */
void event_emit(const char *type, struct object *o, const char *extra);

/* For extra: adds "name":"value" to it, quoted as JSON wants it. */
void event_add_member(struct buf *extra, const char *name, const char *value);

uint64_t event_head(void);	/* position behind the last event */
uint64_t event_tail(void);	/* position of the first one that is still there; always at the beginning of a line */

/* Adds whole bytes from pos, at most max, to out; returns the position behind them. pos below the tail (or
 * behind the head): nothing is added, *gap is set, and the tail is returned, where reading can go on. */
uint64_t event_read(uint64_t pos, size_t max, struct buf *out, bool *gap);

/*
 * Calls f(arg) once, from any thread, when event_head() > pos (at once when it already is). Returns an id for cancel, 0:
 * called.
 */
uint64_t event_wait(uint64_t pos, void (*f)(void *arg), void *arg);
bool event_cancel(uint64_t id);	/* true: f will not be called any more */
