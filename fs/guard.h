/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The server's side of mutual help: a thread that waits for the holder to die and then starts another, which adopts us. */
#pragma once

/* 0 or -errno. */
int guard_start(void);
