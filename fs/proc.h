/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* proc/ and sys/ of an instance: the rows of backends/proc as rows of the tree. */
#pragma once

#include "fs/row.h"

/* Filled by proc_rows_make(), which row_init() calls. */
extern struct dir proc_dir, sys_dir;
void proc_rows_make(void);
