/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The tables of devices: one row per type, one row per property, from which come the validator, what a change means for a running
 * instance, the permission check and the reference page (doc/devices.md, `instfs --list-devices`). The text of a device is
 * `key=value` lines, '#' comments, blank lines; it is kept as it was written. Pure functions and constant data, no locks.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "backends/core/buf.h"
#include "backends/core/err.h"

#define DEVICE_VALUE_MAX 4096

/* What it takes to bring a change to a running instance. */
enum device_effect {
	DEVICE_SAME,		/* nothing: it means what it meant */
	DEVICE_LIVE,		/* changed in place */
	DEVICE_AGAIN,		/* the instance loses the device and gets it anew */
	DEVICE_NEXT_START,	/* not while it runs: listed in runtime/pending until the next start */
};

enum { DEVICE_ROOT = 1 << 0 };	/* only root may give it, whatever the modes say */

struct device_property {
	const char *name;
	const char *type;		/* words for the reference page: "path", "true or false", ... */
	const char *def;		/* default in words */
	enum device_effect effect;	/* of another value on a running instance */
	unsigned flags;
	int (*check)(const char *value, struct err *e);
	const char *doc;		/* one line */
};

struct device_type {
	const char *name;
	const char *doc;
	const struct device_property *properties;	/* ended by one without name */
	const char *const *later;	/* known to LXD, not applied here yet; ended by NULL; a final '*' covers a family */
	const char *notes;		/* a paragraph for the reference page, lines without the last newline; NULL: none */
	int (*check)(const char *text, size_t len, struct err *e);	/* of the whole, after its properties; NULL: nothing more */
	/* Whether this one can come to and leave a running instance. NULL: none can. */
	bool (*hot)(const char *text, size_t len);
	/* Whether root must have written it (tree.md section 8), besides properties that are root's. NULL: no. */
	bool (*needs_root)(const char *text, size_t len);
};

/* All types, ended by NULL; and those that are known but not here yet. */
extern const struct device_type *const device_types[];
extern const char *const device_types_later[];
extern const struct device_type device_disk, device_nic, device_none, device_proxy, device_unix_block, device_unix_char,
	device_unix_hotplug;

/* Value of one property in the text of a device, copied; false when absent. */
bool device_get(const char *text, size_t len, const char *key, char *buf, size_t size);
/* Whether it is there and not empty. */
bool device_has(const char *text, size_t len, const char *key);
/* A property that is true or false; def when it is absent. */
bool device_bool(const char *text, size_t len, const char *key, bool def);

int device_check(const char *name, const char *text, size_t len, struct err *e);
/* Of the first lines of a text: whether they are wrong whatever lines may follow. */
int device_check_begun(const char *name, const char *text, size_t len, struct err *e);

/* Whether root must have written it. */
bool device_needs_root(const char *text, size_t len);

/* Of a change from one valid text to another; NULL: it is not there. */
enum device_effect device_effect(const char *before, size_t before_len, const char *after, size_t after_len);

/* The reference page doc/devices.md. */
void devices_print_markdown(struct buf *out);
