/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The files `events` (a stream) and `events.log` (what is still there of it). */
#pragma once

#include "fs/row.h"

extern const struct stream events_stream, events_log_stream;
