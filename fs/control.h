/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `instfs --upgrade`: a word to the holder of a mount and its answer, over an abstract socket named after the mount's device. */
#pragma once

#include "fs/options.h"

int control_listen(void);		/* holder: FD_CONTROL. 0 or -errno */
/* Takes one connection; true when it asks for an upgrade and may: FD_ANSWER is then who waits. */
bool control_accept(void);
void control_answer(const char *text);	/* "" for success; closes FD_ANSWER, which need not be open */

int control_upgrade(const struct options *o, struct err *e);
int control_shutdown(const struct options *o, struct err *e);
