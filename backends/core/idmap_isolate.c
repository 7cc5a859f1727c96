// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Ranges of the host's ids for isolated instances: volatile/idmap.base and idmap.size of each say which it has, from the first time
 * that it needs one until another is configured. `isolate_lock` makes looking and keeping one step: taken before objects' locks.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backends/core/cleanup.h"
#include "backends/core/idmap.h"
#include "backends/core/value.h"

static pthread_mutex_t isolate_lock = PTHREAD_MUTEX_INITIALIZER;

struct ranges {
	struct id_extent *list;
	size_t n, cap;
	uint32_t but;		/* instance that does not stand in its own way */
	bool failed;
};

static void add_range(struct ranges *u, uint32_t host, uint32_t count)
{
	if (u->n == u->cap) {
		size_t cap = u->cap ? 2 * u->cap : 64;
		struct id_extent *more = reallocarray(u->list, cap, sizeof(*more));

		if (!more) {
			u->failed = true;
			return;
		}
		u->list = more;
		u->cap = cap;
	}
	u->list[u->n++] = (struct id_extent){ .host = host, .count = count };
}

static uint32_t get_kept(struct object *o, const char *name)
{
	char text[32];
	int64_t v;

	if (!object_value(o, ENT_VOLATILE, name, text, sizeof(text)) || value_int(text, 1, UINT32_MAX, &v, NULL) < 0)
		return 0;
	return (uint32_t)v;
}

/* What it has, or had when it ran last: both, since it may run with a map that is not configured any more. */
static int add_instance(uint32_t id, const char *name, void *arg)
{
	struct ranges *u = arg;
	_cleanup_object_ struct object *o = id == u->but ? NULL : object_get(id);
	uint32_t base = o ? get_kept(o, "idmap.base") : 0, count = o ? get_kept(o, "idmap.size") : 0;
	char text[4096];
	struct idmap m;

	if (base && count)
		add_range(u, base, count);
	if (!o || !object_value(o, ENT_VOLATILE, "idmap", text, sizeof(text)) || idmap_parse(text, &m, NULL) < 0)
		return 0;
	for (unsigned i = 0; i < m.n_uid; i++)
		add_range(u, m.uid[i].host, m.uid[i].count);
	for (unsigned i = 0; i < m.n_gid; i++)
		add_range(u, m.gid[i].host, m.gid[i].count);
	return 0;
}

static bool within(const struct id_extent *lines, unsigned n, uint32_t base, uint32_t count)
{
	for (unsigned i = 0; i < n; i++) {
		if (base >= lines[i].host && (uint64_t)base + count <= (uint64_t)lines[i].host + lines[i].count)
			return true;
	}
	return false;
}

static bool is_given(const struct idmap_lines *l, uint32_t base, uint32_t count)
{
	return within(l->uid, l->n_uid, base, count) && within(l->gid, l->n_gid, base, count);
}

static bool is_free(const struct ranges *u, uint32_t base, uint32_t count)
{
	for (size_t i = 0; i < u->n; i++) {
		if (base < (uint64_t)u->list[i].host + u->list[i].count && u->list[i].host < (uint64_t)base + count)
			return false;
	}
	return true;
}

static void consider(const struct ranges *u, const struct idmap_lines *l, uint64_t base, uint32_t count, uint32_t *best)
{
	if (base <= UINT32_MAX && (!*best || base < *best) && is_given(l, (uint32_t)base, count) && is_free(u, (uint32_t)base, count))
		*best = (uint32_t)base;
}

/* The lowest free one begins where a line begins or where another range ends. 0: there is none. */
static uint32_t find_lowest(const struct ranges *u, const struct idmap_lines *l, uint32_t count)
{
	uint32_t best = 0;

	for (unsigned i = 0; i < l->n_uid; i++)
		consider(u, l, l->uid[i].host, count, &best);
	for (unsigned i = 0; i < l->n_gid; i++)
		consider(u, l, l->gid[i].host, count, &best);
	for (size_t i = 0; i < u->n; i++)
		consider(u, l, (uint64_t)u->list[i].host + u->list[i].count, count, &best);
	return best;
}

static int choose(const struct ranges *u, const struct idmap_lines *l, uint32_t base, uint32_t kept, uint32_t count, uint32_t *ret,
		  struct err *e)
{
	if (base && !is_given(l, base, count))
		return err_set(e, EPERM, "root may not map the %u ids from %u on", count, base);
	if (base && !is_free(u, base, count))
		return err_set(e, EBUSY, "security.idmap.base: some of the %u ids from %u on belong to other instances", count, base);
	if (!base && kept && is_given(l, kept, count) && is_free(u, kept, count))
		base = kept;
	if (!base)
		base = find_lowest(u, l, count);
	if (!base)
		return err_set(e, u->n > 2 ? ENOSPC : EPERM, "no %u ids in a row are left for an isolated instance; give root more of them in "
			       "/etc/subuid and /etc/subgid", count);
	*ret = base;
	return 0;
}

static int keep(struct object *o, uint32_t base, uint32_t count, struct err *e)
{
	char first[16], number[16];
	struct entry_change c[2] = { { .kind = ENT_VOLATILE, .name = "idmap.base", .value = first },
				     { .kind = ENT_VOLATILE, .name = "idmap.size", .value = number } };

	c[0].len = (size_t)snprintf(first, sizeof(first), "%u\n", base);
	c[1].len = (size_t)snprintf(number, sizeof(number), "%u\n", count);
	return object_change(o, c, 2, CHANGED_ENTRIES, e);
}

int idmap_isolate(uint32_t id, uint32_t base, uint32_t count, const struct idmap_lines *lines, uint32_t *ret, struct err *e)
{
	_cleanup_object_ struct object *o = id ? object_get(id) : NULL;
	struct ranges used = { .but = id };
	uint32_t found = 0;
	int r;

	HOLD_LOCK(&isolate_lock);
	for (unsigned i = 0; i < 2; i++)
		add_range(&used, lines->shared[i].host, lines->shared[i].count);
	if (o)
		object_each(SPACE_INSTANCES, 0, add_instance, &used);
	if (used.failed)
		r = err_sys(e, ENOMEM, "id ranges of other instances");
	else
		r = choose(&used, lines, base, o ? get_kept(o, "idmap.base") : 0, count, &found, e);
	free(used.list);
	if (r == 0 && o)
		r = keep(o, found, count, e);
	if (r == 0)
		*ret = found;
	return r;
}
