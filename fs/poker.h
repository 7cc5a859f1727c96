/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The poker: a process that opens and closes files of the mount for writing, so that programs which watch them (inotify) see changes
 * that the daemon made by itself. It may block for ever and nobody minds. Child of the holder, ends with it.
 */
#pragma once

int poker_run(void);
