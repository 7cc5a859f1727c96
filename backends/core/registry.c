// SPDX-License-Identifier: LGPL-2.1-or-later
/* Two hash tables over the same slots, and per space an array sorted by id: new objects have the highest id, so it grows at its end. */
#include "backends/core/registry.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

pthread_mutex_t registry_lock = PTHREAD_MUTEX_INITIALIZER;

static struct {
	struct slot **by_id, **by_name;
	size_t size, n;		/* size is a power of two, the same for both */
	struct slot **list[SPACE_MAX];
	size_t len[SPACE_MAX], cap[SPACE_MAX];
	uint32_t max_id;
} reg;

static size_t hash_id(uint32_t id)
{
	return (id * 2654435769u) >> 4 & (reg.size - 1);
}

static size_t hash_name(unsigned space, const char *name)
{
	uint32_t h = 2166136261u + space;

	for (const char *s = name; *s; s++)
		h = (h ^ ((unsigned char)*s | (*s >= 'A' && *s <= 'Z' ? 0x20 : 0))) * 16777619u;
	return (h ^ h >> 15) & (reg.size - 1);
}

static void link_slot(struct slot *s)
{
	struct slot **i = &reg.by_id[hash_id(s->id)], **n = &reg.by_name[hash_name(s->space, s->name)];

	s->next_id = *i;
	*i = s;
	s->next_name = *n;
	*n = s;
}

static int grow(void)
{
	size_t size = reg.size ? reg.size * 2 : 256, old = reg.size;
	struct slot **ids, **names, **old_ids = reg.by_id;

	if (reg.n < reg.size)
		return 0;
	ids = calloc(size, sizeof(struct slot *));
	names = calloc(size, sizeof(struct slot *));
	if (!ids || !names) {
		free(ids);
		free(names);
		return -ENOMEM;
	}
	free(reg.by_name);
	reg.by_id = ids;
	reg.by_name = names;
	reg.size = size;
	for (size_t i = 0; i < old; i++)
		for (struct slot *s = old_ids[i], *next; s; s = next) {
			next = s->next_id;
			link_slot(s);
		}
	free(old_ids);
	return 0;
}

static void unlink_name(struct slot *s)
{
	struct slot **p = &reg.by_name[hash_name(s->space, s->name)];

	while (*p != s)
		p = &(*p)->next_name;
	*p = s->next_name;
}

static size_t list_position(unsigned space, uint32_t id)
{
	size_t lo = 0, hi = reg.len[space];

	if (hi && reg.list[space][hi - 1]->id < id)
		return hi;
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (reg.list[space][mid]->id < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static int list_reserve(unsigned space)
{
	size_t cap = reg.cap[space] ? reg.cap[space] * 2 : 64;
	struct slot **list;

	if (reg.len[space] < reg.cap[space])
		return 0;
	list = realloc(reg.list[space], cap * sizeof(struct slot *));
	if (!list)
		return -ENOMEM;
	reg.list[space] = list;
	reg.cap[space] = cap;
	return 0;
}

static void list_add(struct slot *s)
{
	size_t at = list_position(s->space, s->id);
	struct slot **list = reg.list[s->space];

	memmove(&list[at + 1], &list[at], (reg.len[s->space] - at) * sizeof(struct slot *));
	list[at] = s;
	reg.len[s->space]++;
}

static void list_del(const struct slot *s)
{
	size_t at = list_position(s->space, s->id);
	struct slot **list = reg.list[s->space];

	if (s->hidden)
		return;
	reg.len[s->space]--;
	memmove(&list[at], &list[at + 1], (reg.len[s->space] - at) * sizeof(struct slot *));
}

struct slot *registry_add(uint32_t id, enum space space, const char *name, uint64_t ino, bool hidden)
{
	struct slot *s;

	if (grow() < 0 || list_reserve(space) < 0)
		return NULL;
	s = calloc(1, sizeof(*s));
	if (!s || !(s->name = strdup(name))) {
		free(s);
		return NULL;
	}
	s->id = id;
	s->space = (uint8_t)space;
	s->ino = ino;
	s->hidden = hidden;
	link_slot(s);
	reg.n++;
	if (id > reg.max_id)
		reg.max_id = id;
	if (!hidden)
		list_add(s);
	return s;
}

int registry_show(struct slot *s, uint64_t ino)
{
	if (list_reserve(s->space) < 0)
		return -ENOMEM;
	s->ino = ino;
	s->hidden = false;
	list_add(s);
	return 0;
}

int registry_move(struct slot *s, enum space space, const char *name)
{
	char *copy = strdup(name);

	if (!copy || list_reserve(space) < 0) {
		free(copy);
		return -ENOMEM;
	}
	list_del(s);
	unlink_name(s);
	free(s->name);
	s->name = copy;
	s->space = (uint8_t)space;
	s->next_name = reg.by_name[hash_name(space, copy)];
	reg.by_name[hash_name(space, copy)] = s;
	list_add(s);
	return 0;
}

void registry_del(struct slot *s)
{
	struct slot **p = &reg.by_id[hash_id(s->id)];

	list_del(s);
	unlink_name(s);
	while (*p != s)
		p = &(*p)->next_id;
	*p = s->next_id;
	reg.n--;
	free(s->name);
	free(s);
}

struct slot *registry_get(uint32_t id)
{
	struct slot *s = reg.size ? reg.by_id[hash_id(id)] : NULL;

	while (s && (s->id != id || s->hidden))
		s = s->next_id;
	return s;
}

struct slot *registry_find(enum space space, const char *name, bool hidden)
{
	struct slot *same = NULL;

	if (!reg.size)
		return NULL;
	for (struct slot *s = reg.by_name[hash_name(space, name)]; s; s = s->next_name) {
		if (s->space != space || (s->hidden && !hidden))
			continue;
		if (!strcmp(s->name, name))
			return s;
		if (space == SPACE_INSTANCES && name_same_instance(s->name, name))
			same = s;
	}
	return same;
}

struct slot **registry_list(enum space s, uint32_t after, size_t *n)
{
	size_t at = after == UINT32_MAX ? reg.len[s] : list_position(s, after + 1);

	*n = reg.len[s] - at;
	return reg.list[s] ? reg.list[s] + at : NULL;
}

size_t registry_count(enum space s)
{
	return reg.len[s];
}

uint32_t registry_max_id(void)
{
	return reg.max_id;
}

void registry_clear(void)
{
	for (size_t i = 0; i < reg.size; i++)
		for (struct slot *s = reg.by_id[i], *next; s; s = next) {
			next = s->next_id;
			free(s->name);
			free(s);
		}
	for (int s = 0; s < SPACE_MAX; s++)
		free(reg.list[s]);
	free(reg.by_id);
	free(reg.by_name);
	memset(&reg, 0, sizeof(reg));
}
