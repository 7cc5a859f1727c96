/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>
#include <time.h>

#include "fs/session.h"

/* What poll(2) compares: when the file's state last changed, and what a descriptor has seen of it. */
struct timespec poll_stamp(uint64_t ino);
void poll_seen(uint64_t ino, uint64_t fh);
