/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Images: the original bytes (images/NAME/image in the store), what metadata.yaml says of them (fields and properties
 * of the object), and the unpacked root file system, shared by fingerprint (storage.h, bases).
 *
 * Unpacking is done by an exec'd child in a user namespace of its own, with limits: archives are hostile.
 */
#pragma once

#include "backends/core/caller.h"
#include "backends/core/op.h"

/* Registers the operations, and completes what a server that died left between the data and their record. After
 * model_open() and storage_init(), before op_init(). */
int image_init(struct err *e);

int image_create(const char *name, const struct meta *m, const struct caller *who, struct object **ret, struct err *e);

/* A descriptor to write the upload into, kept in the store as `upload` until it is committed; fresh: from length 0.
 * While it is being unpacked: -EBUSY when fresh, else a descriptor that can only be read. */
int image_upload(struct object *o, bool fresh, struct err *e);
bool image_uploading(struct object *o);

/* The upload is complete: hash, check, unpack, register. Contract as instance_set_state(). On failure the image is as
 * before. */
int image_commit(struct object *o, const struct caller *who, void (*done)(void *arg, int result), void *arg, struct err *e);
void image_abandon(struct object *o);		/* drops the upload */

/* Text written to `source`; contract as instance_set_state(). What is not done yet: EOPNOTSUPP and a sentence. */
int image_set_source(struct object *o, const char *text, bool nonblock, const struct caller *who,
		     void (*done)(void *arg, int result), void *arg, struct err *e);

/* The original bytes, read-only; -ENODATA while there are none. */
int image_open(struct object *o);

/* Instances made from it: f(id, name), as object_each(). */
int image_each_user(struct object *image, int (*f)(uint32_t id, const char *name, void *arg), void *arg);
