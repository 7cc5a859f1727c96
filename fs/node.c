// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/node.h"

/* FNV-1a, folded to the width of a slot: must never change, the numbers are in the hands of clients. */
uint32_t node_name_slot(const char *name)
{
	uint32_t h = 2166136261u;

	for (; *name; name++)
		h = (h ^ (unsigned char)*name) * 16777619u;
	h = (h >> NODE_SLOT_BITS) ^ (h & NODE_SLOT_MAX);
	return h ? h : 1;
}
