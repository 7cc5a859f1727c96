/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The names and numbers of all objects, in memory: found by id or by name in constant time, listed in ascending ids. About
 * 130 bytes for an object that nobody has looked at yet.
 *
 * Everything here needs registry_lock, which is the model's lock of object.h: taken before object.lock, never after it.
 */
#pragma once

#include <pthread.h>

#include "backends/core/object.h"

struct slot {
	uint32_t id;
	uint8_t space;
	bool hidden;		/* a name that is taken but is no object yet: not found, not listed */
	bool found;		/* for index.c: seen on disk */
	uint64_t ino;		/* of its directory in the store */
	struct object *obj;	/* NULL: not loaded; holds a reference */
	struct slot *next_id, *next_name;
	char *name;
};

extern pthread_mutex_t registry_lock;

/* NULL: no memory. The name is copied. */
struct slot *registry_add(uint32_t id, enum space s, const char *name, uint64_t ino, bool hidden);
int registry_show(struct slot *s, uint64_t ino);		/* not hidden any more; -ENOMEM */
int registry_move(struct slot *s, enum space space, const char *name);	/* -ENOMEM: nothing changed */
void registry_del(struct slot *s);				/* the reference to the object is the caller's */

struct slot *registry_get(uint32_t id);

/* Instances are found whatever the case of letters; an exact match comes first. Hidden ones only with hidden. */
struct slot *registry_find(enum space s, const char *name, bool hidden);

/* The first one in a space with an id greater than after, and how many there are from it on. */
struct slot **registry_list(enum space s, uint32_t after, size_t *n);
size_t registry_count(enum space s);
uint32_t registry_max_id(void);
void registry_clear(void);
