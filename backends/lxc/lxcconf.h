/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The configuration file for liblxc, made anew at each start from the expanded configuration. */
#pragma once

#include "backends/core/config.h"
#include "backends/core/idmap.h"
#include "backends/lxc/limits.h"
#include "backends/lxc/place.h"

struct lxcconf {
	const struct place *place;
	const char *name;		/* of the instance, its host name */
	const struct object *views;	/* the instance, when it shall have virtual files; else NULL */
	const char *seccomp;		/* path of the filter, NULL: none */
	const struct idmap *map;	/* empty: privileged */
	const struct expanded *x;
	const struct limits *limits;
	/* The MAC address of a nic without hwaddr=, kept over restarts; buf has 18 bytes. */
	int (*hwaddr)(void *arg, const char *device, char *buf, struct err *e);
	void *arg;
};

/* ENOENT, EINVAL: a device that cannot be had (its sentence names it). */
int lxcconf_make(const struct lxcconf *c, struct buf *out, struct err *e);
