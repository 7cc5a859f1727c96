/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Records of devices, DIR/devices/NAME: see device.h. Each is replaced as a whole; on tmpfs, so that nothing is synced. */
#pragma once

#include "backends/core/buf.h"
#include "backends/lxc/place.h"

enum device_state {
	RECORD_BUSY,		/* being attached or detached */
	RECORD_ATTACHED,
	RECORD_MISSING,		/* its source was not there and is not required */
};

struct device_record {
	enum device_state state;
	uint64_t init_start;		/* start time of the init that has it; 0: it is prepared for the next one */
	struct buf text, facts, reason;
};

#define DEVICE_RECORD_INIT { .state = RECORD_BUSY }

int device_record_write(const struct place *p, const char *name, const struct device_record *r, struct err *e);
int device_record_read(const struct place *p, const char *name, struct device_record *ret, struct err *e);	/* -ENOENT */
void device_record_remove(const struct place *p, const char *name);
void device_record_free(struct device_record *r);
#define _cleanup_device_record_ __attribute__((cleanup(device_record_free)))

/* Names of all records, one per line, sorted. */
int device_record_list(const struct place *p, struct buf *out);
