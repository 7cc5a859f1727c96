/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* When the view server has nothing left to do. */
#pragma once

/* In the view server: a thread that unmounts the views, and by that ends this server and its holder, once no daemon and no instance on
 * the board lives any more. 0 or -errno. */
int views_end_watch(void);
