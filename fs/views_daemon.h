/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The daemon's side of the views: tells the board of instances, and sees to it that somebody serves them. */
#pragma once

#include "backends/core/object.h"

/* Once the model stands; starts nothing. A failure leaves containers with the host's files. */
int views_daemon_init(struct err *e);

/* After the adoption: posts those that run, and takes away those that ended while no daemon looked. */
void views_daemon_adopt(void);

/* An instance changed (CHANGED_*). No lock held. */
void views_daemon_changed(struct object *o, unsigned what);
