/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether a daemon lives, however many processes it consists of and whichever of them are killed: all of them keep the reading end of a FIFO
 * that nobody writes to; who wants to know has the writing end, of which the kernel says (POLLERR) when there is no reader left.
 */
#pragma once

/* The end to keep, close-on-exec, or -errno. Makes the FIFO if need be. */
int alive_hold(const char *path);
/* The end to watch; -ESRCH: nobody lives. */
int alive_watch(const char *path);
