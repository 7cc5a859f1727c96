/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Devices of containers: one constant row per type, and what is done with every device whatever its type.
 *
 * A device that a container has, or is about to get or lose, has a record on tmpfs, DIR/devices/NAME, which outlives the server: its
 * text, whether it is attached, and facts ("host_name=veth1", one per line). The record is written before anything is done, so that
 * the next server completes or undoes what was cut off. Records change under o->change, or while an operation has the instance.
 */
#pragma once

#include "backends/core/config.h"
#include "backends/core/idmap.h"
#include "backends/lxc/place.h"

/* What the configuration for liblxc needs of all devices together. */
struct device_start {
	struct buf *conf;	/* lines */
	unsigned nics;
	uint64_t used_eth;	/* N of the names ethN that are taken */
};

struct device {
	struct object *o;
	const struct place *place;
	const struct idmap *map;	/* of the container; empty: privileged */
	const struct expanded *x;	/* the whole configuration as it shall be; NULL when the container is gone */
	const char *name;
	const char *text;
	size_t len;
	pid_t init;			/* of the running container and its start time; 0: it does not run (yet, or any more) */
	uint64_t init_start;
	struct buf facts;		/* lines key=value; shown in runtime/devices/ unless the key begins with '.' */
	struct device_start *start;	/* prepare() only */
};

struct device_ops {
	const char *type;
	/* Before the start: makes what the container is to find, adds lines to start->conf. 1: missing and not required (sentence in e). */
	int (*prepare)(struct device *d, struct err *e);
	/* The container runs: what is known or can be done only now. Also after its reboot (then what is not in liblxc's
	 * configuration is gone and must be attached again). Can be repeated. NULL: nothing. */
	int (*started)(struct device *d, struct err *e);
	/* To a running container; 1 as above. On failure nothing is left. NULL: not while it runs. */
	int (*attach)(struct device *d, struct err *e);
	/* Properties that are changed in place; before is the old text. NULL: there are none. */
	int (*change)(struct device *d, const char *before, size_t before_len, struct err *e);
	/* From a running container, or what is left on the host when it is gone (init 0). What is gone already is success. On failure
	 * the container still has it. */
	int (*detach)(struct device *d, struct err *e);
	/* It may have become something else by itself (hardware came or went): 1: it has, 0: as before. NULL: it does not. */
	int (*renew)(struct device *d, struct err *e);
	/* Adds lines for runtime/devices/ behind the first one. NULL: none. */
	int (*describe)(struct device *d, struct buf *out, struct err *e);
};

extern const struct device_ops disk_ops, nic_ops, proxy_ops, unix_block_ops, unix_char_ops, unix_hotplug_ops;

/* ---- what the backend calls ---- */

/* All devices of a container that is about to be started; adds to conf. On failure devices_gone() cleans up. */
int devices_prepare(struct object *o, const struct place *p, const struct expanded *x, const struct idmap *map, struct buf *conf,
		    struct err *e);
/* The container runs (o->run is filled), for the first time or again. */
int devices_started(struct object *o, const struct expanded *x, struct err *e);
/* At takeover: what was cut off is completed or undone, so that the container has what its configuration says. Failures are put in
 * the instance's `error`. */
void devices_adopt(struct object *o);
/* What changes by itself is brought up to date; o->change is held. Failures are put in the instance's `error`. */
void devices_renew(struct object *o);
/* Nothing runs any more: takes away what is left on the host. Can be repeated. */
void devices_gone(struct object *o, const struct place *p);
/* The entries of the backend. */
int device_apply(struct object *o, const struct expanded_item *before, const struct expanded_item *after, const struct expanded *now,
		 struct err *e);
int device_show(struct object *o, const char *name, struct buf *out, struct err *e);

/* ---- for the types ---- */

/* Value of one property of the device, "" when absent. Returns buf. */
const char *device_value(const struct device *d, const char *key, char *buf, size_t size);
/* A fact, "" when there is none; and one more fact (replacing an older one of that key). value has no newline. */
const char *device_fact(const struct device *d, const char *key, char *buf, size_t size);
void device_set_fact(struct device *d, const char *key, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void device_drop_fact(struct device *d, const char *key);
/* Writes the facts down while it is being attached; for what must be known before it exists. */
int device_note(const struct device *d, struct err *e);
/* required= and optional=. */
bool device_is_required(const struct device *d);
