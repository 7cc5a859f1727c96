/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The holder's thread that tells the kernel what servers put into the ring. It may hang there until a server answers somebody. */
#pragma once

void sender_start(void);
