/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `cp -r profiles/a profiles/b` makes b and then, knowing that a directory which it made is empty, makes every file in it exclusively.
 * A new profile is not empty: for its maker the files that are there already are as if they were not, in those very calls.
 */
#pragma once

#include "fs/view.h"

/* The caller has made this object. */
void copier_made(const struct object *o, const struct caller *who);
/* Whether the process that made the object is looking for the name in order to make it, and fails if it is there. */
bool copier_makes(const struct view *dir, const char *name);
