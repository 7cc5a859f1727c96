/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What containers get from the host as mounts. Each is mounted once on the host, at DIR/disk.DEVICE, where only the guest's root can
 * go: complete, with all its options, so that what the container gets of it by either way (liblxc at start, our helper later) has
 * them locked. It stays there while the container has it, which tells it apart inside.
 */
#pragma once

#include <stdint.h>

#include "backends/lxc/device.h"

struct staged {
	const struct device *d;
	bool recursive;			/* with the mounts below */
	const char *propagation;	/* "": private */
};

/* DIR/disk.DEVICE */
void staged_path(const struct device *d, char *buf, size_t size);
/* Makes the file or directory to mount at. */
int staged_place(const struct device *d, bool dir, struct err *e);
/* Attaches a detached tree there and closes nothing. */
int staged_attach(const struct device *d, int tree, bool dir, struct err *e);
/* Takes it away. Nothing there: 0. */
int staged_remove(const struct device *d, struct err *e);

/* The line for liblxc that mounts it at `target` in the container. */
int staged_conf(const struct staged *s, const char *target, struct buf *conf, struct err *e);
/* Mounts it at `target` in the running container d->init, where it is made when it is missing; not followed out of it. */
int staged_give(const struct staged *s, const char *target, struct err *e);
/* Before one of the two: notes whether `target` is missing, so that what was made for it goes with it, when it is still empty. */
void staged_look(struct device *d, const char *target);
/* Unmounts it there. The guest has done that itself: 0. EBUSY: something else is mounted over it. */
int staged_withdraw(const struct staged *s, const char *target, struct err *e);
/* Runs instfs-lxc with the container's init as descriptor 3; its exit status is an errno, its last line the sentence. */
int staged_helper(const struct device *d, const char *const *argv, struct err *e);
/* Whether the container has it somewhere: 1, 0 or -errno. */
int staged_is_given(const struct staged *s, struct err *e);
