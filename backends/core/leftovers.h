/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a crash of the daemon or of the host can leave in the store under a name that is not its last one, and how it goes: one
 * table, told of in doc/design.md. Nothing of it was ever acknowledged, except as deleted.
 */
#pragma once

#include "backends/core/err.h"

enum leftover_place {
	LEFT_IN_STATE = 1,
	LEFT_IN_SPACES = 2,	/* beside the objects */
	LEFT_IN_BASES = 4,
	LEFT_IN_OBJECTS = 8,	/* and in their snapshots; by the first server of a mount only: later ones continue its operations */
};

/* At start, before anything else uses these places. What is large is set aside and deleted in the background. */
int leftovers_clean(unsigned places, struct err *e);
