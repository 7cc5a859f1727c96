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
	bool narrow;			/* programs are 32-bit ones */
	const struct object *views;	/* the instance, when it shall have virtual files; else NULL */
	const char *seccomp;		/* path of the filter, NULL: none */
	const struct idmap *map;	/* empty: privileged */
	const struct expanded *x;
	const struct limits *limits;
	const char *devices;		/* lines of devices_prepare() */
};

enum apparmor { APPARMOR_NONE, APPARMOR_NO_PARSER, APPARMOR_USED };

/* Whether containers are confined by AppArmor: the kernel may lack it, or the host the program that loads profiles. */
enum apparmor lxcconf_apparmor(void);

/* Whether every container may use that device, whatever its own devices are. */
bool lxcconf_allows_device(bool block, unsigned major, unsigned minor);

/* EINVAL: a value that cannot stand there. */
int lxcconf_make(const struct lxcconf *c, struct buf *out, struct err *e);
