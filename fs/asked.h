/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* proc/ and sys/ at the top: lxcfs's names, in which every reader sees the container that he is in (asker.h). */
#pragma once

#include "fs/row.h"

/* Filled by asked_rows_make(), which row_init() calls. */
extern struct dir asked_proc_dir, asked_sys_dir;
void asked_rows_make(void);
