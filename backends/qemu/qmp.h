/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Talking to a QEMU over one of its monitors: JSON, a line each way, events in between. The other side is not trusted: it may send
 * anything, or nothing. Whoever calls waits no longer than he says; what comes is read by the watch thread, a piece at a time.
 */
#pragma once

#include <jansson.h>

#include "backends/core/err.h"

#define QMP_QUICK_MS 50		/* for whoever must not wait */

struct qmp;

/* In the watch thread: must not wait, least of all in qmp_call(). data may be NULL. */
typedef void (*qmp_event_fn)(const char *event, const json_t *data, void *arg);

/* Connects to the socket; the first call tells whether somebody answers. NULL: the sentence says why. */
struct qmp *qmp_open(const char *path, qmp_event_fn f, void *arg, struct err *e);
/* After it returns f is not running. Nobody may be in qmp_call(). NULL is fine; returns NULL. */
struct qmp *qmp_close(struct qmp *q);

/*
 * One command; args (its reference is taken over, NULL: none). 0: *ret is what it returned, a new reference; ret may be NULL. All
 * numbers are reals. -EIO: refused, with QEMU's words. -ETIMEDOUT: no answer within ms; at once for QMP_QUICK_MS while an earlier answer
 * is still due. -ENOTCONN: the other side closed, or sent something that is no QMP.
 */
int qmp_call(struct qmp *q, const char *command, json_t *args, unsigned ms, json_t **ret, struct err *e);
