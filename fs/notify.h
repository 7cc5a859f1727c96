/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The parts of session.h's notifications that the session itself calls. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Writes one notification to the kernel. 0 or -errno. */
int notify_send(int code, const void *body, size_t len, const char *name);

/* At takeover: reads which pollers wait, and wakes them all: the last server may have been killed before it did. */
int poll_load(void);
/* The file handle was released. */
void poll_forget(uint64_t ino, uint64_t fh);
