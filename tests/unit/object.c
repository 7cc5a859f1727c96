// SPDX-License-Identifier: LGPL-2.1-or-later
/* Objects on a real store: made, found, changed, closed and opened again; then by several threads at once. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "backends/core/cleanup.h"
#include "backends/core/keep.h"
#include "backends/core/object.h"
#include "backends/core/op.h"
#include "tests/unit/unit.h"

static char dir[64];
static struct err last;
static const struct meta plain = { .mode = 0755, .uid = 5, .gid = 6 };
static unsigned told;		/* CHANGED_* since it was cleared */

static void listen(struct object *o, const struct changed *c)
{
	(void)o;
	__atomic_or_fetch(&told, c->what, __ATOMIC_RELAXED);
}

static unsigned take_told(void)
{
	return __atomic_exchange_n(&told, 0, __ATOMIC_RELAXED);
}

static int reopen(void)
{
	model_close();
	return model_open(dir, &last);
}

static struct object *make(enum space s, const char *name)
{
	struct object *o = NULL;

	CHECK(!object_create(s, name, &plain, &o, &last));
	return o;
}

static int set(struct object *o, enum entry_kind k, const char *name, const char *value)
{
	return object_set(o, k, name, value, value ? strlen(value) : 0, &last);
}

static const char *value(struct object *o, enum entry_kind k, const char *name)
{
	static char buf[256];

	return object_value(o, k, name, buf, sizeof(buf)) ? buf : NULL;
}

static uint32_t slot_of(struct object *o, enum entry_kind k, const char *name)
{
	const struct entry *en;

	HOLD_LOCK(&o->lock);
	en = object_entry(o, k, name);
	return en ? en->slot : UINT32_MAX;
}

static void test_life(void)
{
	struct object *a = make(SPACE_INSTANCES, "Web-1"), *o = NULL;
	struct timespec before = space_mtime(SPACE_INSTANCES), after;
	uint32_t id = a->id;

	CHECK(take_told() == CHANGED_NAME);
	CHECK(id > 0 && a->loaded && a->run.state == INST_STOPPED && a->meta.uid == 5 && a->meta.mtime.tv_sec > 0);
	CHECK(object_create(SPACE_INSTANCES, "web-1", &plain, &o, &last) == -EEXIST && strstr(last.text, "Web-1"));
	CHECK(object_create(SPACE_INSTANCES, "-", &plain, &o, &last) == -EINVAL);
	CHECK(object_create(SPACE_TRASH, "x", &plain, &o, &last) == -EPERM);
	object_put(make(SPACE_PROFILES, "web-1"));
	object_put(make(SPACE_PROFILES, "WEB-1"));
	CHECK(object_count(SPACE_INSTANCES) == 1 && object_count(SPACE_PROFILES) == 2);
	o = object_find(SPACE_INSTANCES, "WEB-1");
	CHECK(o == a);
	object_put(o);
	CHECK(!object_rename(a, "web-1", &last));
	CHECK_STR(a->name, "web-1");
	CHECK(!object_rename(a, "b", &last));
	after = space_mtime(SPACE_INSTANCES);
	CHECK(after.tv_sec > before.tv_sec || after.tv_nsec > before.tv_nsec);
	CHECK(!object_find(SPACE_INSTANCES, "web-1"));
	CHECK(set(a, ENT_FIELD, "description", "hello\n") == 0);
	object_put(a);
	CHECK(!reopen());
	CHECK(space_mtime(SPACE_INSTANCES).tv_nsec == after.tv_nsec);
	a = object_find(SPACE_INSTANCES, "b");
	CHECK(a && a->id == id && a->meta.uid == 5 && a->meta.gid == 6 && a->meta.mode == 0755);
	CHECK_STR(value(a, ENT_FIELD, "description"), "hello");
	o = object_get(id);
	CHECK(o == a);
	object_put(o);
	object_put(a);
	o = make(SPACE_INSTANCES, "c");
	CHECK(o->id > id);
	CHECK(object_rename(o, "B", &last) == -EEXIST);
	object_put(o);
}

static void test_entries(void)
{
	struct object *o = make(SPACE_INSTANCES, "entries");
	struct timespec t0, t1;
	uint64_t generation;
	uint32_t slot, other = 0;
	size_t first, end;

	take_told();
	CHECK(!set(o, ENT_CONFIG, "limits.memory", "1GiB"));
	CHECK(take_told() == CHANGED_ENTRIES);
	slot = slot_of(o, ENT_CONFIG, "limits.memory");
	CHECK(slot > 0 && slot < 1u << 24);
	t0 = object_entry(o, ENT_CONFIG, "limits.memory")->meta.mtime;
	generation = o->generation;
	CHECK(!set(o, ENT_CONFIG, "limits.memory", "1GiB") && !take_told() && o->generation == generation);
	CHECK(!set(o, ENT_CONFIG, "limits.memory", "1GiB\n") && o->generation == generation + 1);
	t1 = object_entry(o, ENT_CONFIG, "limits.memory")->meta.mtime;
	CHECK(t1.tv_sec > t0.tv_sec || t1.tv_nsec != t0.tv_nsec);
	CHECK(slot_of(o, ENT_CONFIG, "limits.memory") == slot);
	CHECK_STR(value(o, ENT_CONFIG, "limits.memory"), "1GiB");
	CHECK(!set(o, ENT_FIELD, "limits.memory", "") && slot_of(o, ENT_FIELD, "limits.memory") == 0);
	CHECK(!set(o, ENT_CONFIG, "user.a", "\xc3\xa4\n\n"));
	CHECK(set(o, ENT_CONFIG, "user.b", "\xff") == -EINVAL && !value(o, ENT_CONFIG, "user.b"));
	CHECK(set(o, ENT_CONFIG, "", "x") == -EINVAL);
	CHECK(!object_set(o, ENT_DEVICE, "root", "a\0b", 3, &last));
	object_entries(o, ENT_CONFIG, &first, &end);
	CHECK(end - first == 2 && !strcmp(o->entries[first]->name, "limits.memory"));
	object_entries(o, ENT_PROPERTY, &first, &end);
	CHECK(first == end);
	CHECK(object_entry_by_slot(o, slot) == object_entry(o, ENT_CONFIG, "limits.memory"));
	CHECK(!set(o, ENT_CONFIG, "limits.memory", NULL) && slot_of(o, ENT_CONFIG, "limits.memory") == UINT32_MAX);
	CHECK(!set(o, ENT_CONFIG, "limits.memory", "2GiB") && (other = slot_of(o, ENT_CONFIG, "limits.memory")) > slot);
	generation = o->generation;
	object_put(o);
	CHECK(!reopen());
	o = object_find(SPACE_INSTANCES, "entries");
	CHECK(slot_of(o, ENT_CONFIG, "limits.memory") == other && o->generation == generation);
	CHECK(object_entry(o, ENT_DEVICE, "root")->len == 3 && !memcmp(object_entry(o, ENT_DEVICE, "root")->value, "a\0b", 3));
	CHECK_STR(object_entry(o, ENT_CONFIG, "user.a")->value, "\xc3\xa4\n\n");
	CHECK(object_new_slot(o, &last) > other);
	object_put(o);
}

static void test_several(void)
{
	const struct meta m = { .mode = 0600, .uid = 7, .gid = META_INHERIT, .mtime = { -5, 1 }, .ctime = { 9, 0 } };
	struct object *o = make(SPACE_PROFILES, "several");
	const struct entry_change both[] = {
		{ .kind = ENT_CONFIG, .name = "a", .value = "1", .len = 1, .slot = 17, .meta = &m },
		{ .kind = ENT_CONFIG, .name = "b", .value = "2", .len = 1 },
		{ .kind = ENT_CONFIG, .name = "b", .value = "3", .len = 1 },
		{ .kind = ENT_CONFIG, .name = "c", .value = "4", .len = 1 },
		{ .kind = ENT_CONFIG, .name = "c", .value = NULL },
	};
	const struct entry_change half[] = {
		{ .kind = ENT_CONFIG, .name = "a", .value = NULL },
		{ .kind = ENT_CONFIG, .name = "d", .value = "\xfe", .len = 1 },
	};

	CHECK(!object_change(o, both, 5, CHANGED_ENTRIES, &last));
	CHECK(object_change(o, half, 2, CHANGED_ENTRIES, &last) == -EINVAL && strstr(last.text, "config/d"));
	CHECK(o->n_entries == 2 + 1);	/* and the time of config */
	take_told();
	CHECK(!object_change(o, both, 1, CHANGED_ENTRIES, &last) && !take_told());
	CHECK(!object_set_meta(o, ENT_META, "config", &m, &last) && take_told() == CHANGED_META);
	CHECK(!object_set_meta(o, ENT_META, "config", &m, &last) && !take_told());
	CHECK(object_set_meta(o, ENT_CONFIG, "zz", &m, &last) == -ENOENT);
	CHECK(!object_set_meta(o, (enum entry_kind)0, NULL, &(struct meta){ .mode = 0711, .uid = 1, .gid = 2 }, &last));
	object_put(o);
	CHECK(!reopen());
	o = object_find(SPACE_PROFILES, "several");
	CHECK(o->n_entries == 3 && o->meta.mode == 0711 && o->meta.uid == 1 && o->meta.gid == 2);
	CHECK_STR(value(o, ENT_CONFIG, "a"), "1");
	CHECK_STR(value(o, ENT_CONFIG, "b"), "3");
	CHECK(object_entry(o, ENT_CONFIG, "a")->meta.mode == 0600 && slot_of(o, ENT_CONFIG, "a") == 17);
	CHECK(object_entry(o, ENT_CONFIG, "a")->meta.mtime.tv_sec == -5 && object_entry(o, ENT_CONFIG, "a")->meta.mtime.tv_nsec == 1);
	CHECK(object_entry(o, ENT_CONFIG, "a")->meta.ctime.tv_sec == 9 && object_entry(o, ENT_CONFIG, "a")->meta.uid == 7);
	CHECK(object_entry(o, ENT_META, "config")->meta.uid == 7);
	CHECK(!object_change(o, half, 1, CHANGED_ENTRIES, &last) && o->n_entries == 2);
	object_put(o);
}

/* Numbers are never given twice, also when the server is killed (here: the store is opened again) at any moment. */
static void test_slots(void)
{
	uint32_t highest = 0, slot;

	object_put(make(SPACE_INSTANCES, "slots"));
	for (int round = 0; round < 4; round++) {
		struct object *o = object_find(SPACE_INSTANCES, "slots");

		for (int i = 0; i < 45; i++) {
			slot = object_new_slot(o, &last);
			CHECK(slot > highest);
			highest = slot;
			if (i % 9 == 0) {
				CHECK(!set(o, ENT_CONFIG, "a", NULL) && !set(o, ENT_CONFIG, "a", "1"));
				CHECK(slot_of(o, ENT_CONFIG, "a") > highest);
				highest = slot_of(o, ENT_CONFIG, "a");
			}
		}
		object_put(o);
		CHECK(!reopen());
	}
	CHECK(highest < 1000);
}

static void test_daemon(void)
{
	struct object *o = object_get(0);

	CHECK(o && o->space == SPACE_DAEMON && !*o->name);
	CHECK(!set(o, ENT_CONFIG, "trash.expiry", "7d\n"));
	CHECK(object_remove(o, &last) == -EPERM && object_rename(o, "x", &last) == -EPERM);
	object_put(o);
	CHECK(!reopen());
	o = object_get(0);
	CHECK_STR(value(o, ENT_CONFIG, "trash.expiry"), "7d");
	object_put(o);
}

static void test_failure(void)
{
	struct object *o = make(SPACE_INSTANCES, "failure");
	struct err e = ERR_INIT, seen;

	take_told();
	err_set(&e, EINVAL, "limits.memory: \"x\" is no size");
	object_error_set(o, &e);
	CHECK(take_told() == CHANGED_ERROR);
	object_error_set(o, &e);
	CHECK(!take_told());
	object_put(o);
	CHECK(!reopen());
	o = object_find(SPACE_INSTANCES, "failure");
	object_error_get(o, &seen);
	CHECK(seen.code == EINVAL);
	CHECK_STR(seen.text, e.text);
	object_error_get(NULL, &seen);
	CHECK(!seen.code);
	err_clear(&e);
	object_error_set(o, &e);
	object_error_get(o, &seen);
	CHECK(!seen.code && !*seen.text);
	err_set(&e, EIO, "nobody's");
	object_error_set(NULL, &e);
	object_error_get(NULL, &seen);
	CHECK(seen.code == EIO);
	object_put(o);
}

struct seen_ids {
	uint32_t last;
	size_t n;
	bool ascending, stop;
};

static int see(uint32_t id, const char *name, void *arg)
{
	struct seen_ids *s = arg;

	s->ascending &= id > s->last && *name;
	s->last = id;
	s->n++;
	return s->stop && s->n == 3;
}

static void test_each(void)
{
	struct seen_ids s = { .ascending = true };
	char name[32];

	for (int i = 0; i < 150; i++) {
		snprintf(name, sizeof(name), "each%d", i);
		object_put(make(SPACE_IMAGES, name));
	}
	CHECK(!object_each(SPACE_IMAGES, 0, see, &s) && s.n == 150 && s.ascending);
	s = (struct seen_ids){ .ascending = true, .last = s.last - 10 };
	CHECK(!object_each(SPACE_IMAGES, s.last, see, &s) && s.n == 10 && s.ascending);
	s = (struct seen_ids){ .ascending = true, .stop = true };
	CHECK(object_each(SPACE_IMAGES, 0, see, &s) == 1 && s.n == 3);
	CHECK(!object_each(SPACE_IMAGES, UINT32_MAX, see, &s));
	for (int i = 0; i < 150; i++) {
		_cleanup_object_ struct object *o = NULL;

		snprintf(name, sizeof(name), "each%d", i);
		o = object_find(SPACE_IMAGES, name);
		CHECK(o && !object_remove(o, &last) && o->gone);
		CHECK(set(o, ENT_FIELD, "description", "x") == -ENOENT);
	}
	CHECK(!object_count(SPACE_IMAGES) && !object_count(SPACE_TRASH));
}

static void test_snapshots(void)
{
	struct object *o = make(SPACE_INSTANCES, "snaps");
	struct snapshot *s = calloc(1, sizeof(*s));
	_cleanup_close_ int fd = object_dirfd(o);
	uint32_t slot, kept;

	CHECK(!set(o, ENT_CONFIG, "a", "1") && !set(o, ENT_CONFIG, "b", "1") && !set(o, ENT_DEVICE, "root", "type=disk\n"));
	CHECK(!set(o, ENT_FIELD, "description", "then") && !set(o, ENT_VOLATILE, "uuid", "u") && !set(o, ENT_FIELD, "base", "x"));
	kept = slot_of(o, ENT_CONFIG, "a");
	strcpy(s->name, "s0");
	s->expires = 1893456000;
	s->meta.mode = 0755;
	take_told();
	CHECK(!object_snapshot_add(o, s, &last) && take_told() == CHANGED_SNAPSHOTS);
	CHECK(!faccessat(fd, "snapshots/s0/snapshot.json", F_OK, 0) && !mkdirat(fd, "snapshots/s0/disk", 0700));
	slot = s->slot;
	s = calloc(1, sizeof(*s));
	strcpy(s->name, "s0");
	CHECK(object_snapshot_add(o, s, &last) == -EEXIST && o->n_snaps == 1);
	s = calloc(1, sizeof(*s));
	strcpy(s->name, "../x");
	CHECK(object_snapshot_add(o, s, &last) == -EINVAL && o->n_snaps == 1);
	CHECK(!set(o, ENT_CONFIG, "a", "2") && !set(o, ENT_CONFIG, "b", NULL) && !set(o, ENT_CONFIG, "c", "2"));
	CHECK(!set(o, ENT_FIELD, "description", "now") && !set(o, ENT_FIELD, "base", "y") && !set(o, ENT_VOLATILE, "uuid", "v"));
	CHECK(!object_snapshot_set(o, "s0", 1893456001, "some text", &last));
	CHECK(!object_snapshot_rename(o, "s0", "a1", &last) && object_snapshot_rename(o, "s0", "x", &last) == -ENOENT);
	object_put(o);
	CHECK(!reopen());
	o = object_find(SPACE_INSTANCES, "snaps");
	s = object_snapshot(o, "a1");
	CHECK(o->n_snaps == 1 && s && s->slot == slot && s->expires == 1893456001 && object_snapshot_by_slot(o, slot) == s);
	CHECK(s->n_entries == 5);
	CHECK_STR(s->description, "some text");
	CHECK(!object_snapshot_recall(o, "a1", &last) && object_snapshot_recall(o, "zz", &last) == -ENOENT);
	CHECK_STR(value(o, ENT_CONFIG, "a"), "1");
	CHECK_STR(value(o, ENT_CONFIG, "b"), "1");
	CHECK_STR(value(o, ENT_FIELD, "description"), "then");
	CHECK_STR(value(o, ENT_FIELD, "base"), "y");
	CHECK_STR(value(o, ENT_VOLATILE, "uuid"), "v");
	CHECK(!value(o, ENT_CONFIG, "c") && slot_of(o, ENT_CONFIG, "a") == kept);
	CHECK(!object_snapshot_remove(o, "a1", &last) && object_snapshot_remove(o, "a1", &last) == -ENOENT);
	CHECK(!faccessat(fd, "snapshots/a1/disk", F_OK, 0) && faccessat(fd, "snapshots/a1/snapshot.json", F_OK, 0) < 0);
	CHECK(!unlinkat(fd, "snapshots/a1/disk", AT_REMOVEDIR));
	object_put(o);
}

/* ---- threads ---- */

#define THREADS 4
#define ROUNDS 40

static void *worker(void *arg)
{
	struct seen_ids s;
	char name[32], other[32];

	for (int i = 0; i < ROUNDS; i++) {
		struct object *o = NULL, *shared = object_find(SPACE_PROFILES, "shared");
		struct err e;

		snprintf(name, sizeof(name), "t%d-%d", (int)(intptr_t)arg, i);
		snprintf(other, sizeof(other), "u%d-%d", (int)(intptr_t)arg, i);
		s = (struct seen_ids){ .ascending = true };
		object_each(SPACE_INSTANCES, 0, see, &s);
		if (!s.ascending || object_create(SPACE_INSTANCES, name, &plain, &o, &e) || object_rename(o, other, &e) ||
		    object_set(o, ENT_CONFIG, "a", "1", 1, &e) || object_set(shared, ENT_CONFIG, name, "1", 1, &e) ||
		    !object_new_slot(shared, &e))
			return (void *)1;
		object_put(object_find(SPACE_INSTANCES, "t0-1"));
		object_put(object_find(SPACE_INSTANCES, "u1-1"));
		if ((i % 2 && object_remove(o, &e)) || (i % 4 == 3 && object_restore(o, name, &e)))
			return (void *)1;
		object_put(o);
		object_put(shared);
	}
	return NULL;
}

static void test_threads(void)
{
	size_t before = object_count(SPACE_INSTANCES), trashed = object_count(SPACE_TRASH);
	pthread_t t[THREADS];
	struct object *o;
	void *failed;

	object_put(make(SPACE_PROFILES, "shared"));
	for (int i = 0; i < THREADS; i++)
		pthread_create(&t[i], NULL, worker, (void *)(intptr_t)i);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(t[i], &failed);
		CHECK(!failed);
	}
	CHECK(object_count(SPACE_INSTANCES) == before + THREADS * ROUNDS * 3 / 4);
	CHECK(object_count(SPACE_TRASH) == trashed + THREADS * ROUNDS / 4);
	CHECK(!reopen());
	CHECK(object_count(SPACE_INSTANCES) == before + THREADS * ROUNDS * 3 / 4);
	CHECK(object_count(SPACE_TRASH) == trashed + THREADS * ROUNDS / 4);
	o = object_find(SPACE_PROFILES, "shared");
	CHECK(o->n_entries == THREADS * ROUNDS + 1);	/* and the time of config */
	for (size_t i = 0; i < o->n_entries; i++)
		for (size_t k = 0; k < i; k++)
			if (o->entries[i]->slot == o->entries[k]->slot)
				CHECK(!"two entries with one slot");
	object_put(o);
}

int main(void)
{
	snprintf(dir, sizeof(dir), "/tmp/instfs-object-XXXXXX");
	if (!mkdtemp(dir) || keep_attach_private() < 0 || model_open(dir, &last) < 0)
		return fprintf(stderr, "%s\n", last.text), 1;
	model_listen(listen);
	test_life();
	test_entries();
	test_several();
	test_slots();
	test_daemon();
	test_failure();
	test_each();
	test_snapshots();
	test_threads();
	rmdir(model_rundir());
	model_close();
	keep_detach();
	if (!unit_failed && snprintf(last.text, sizeof(last.text), "rm -rf %s", dir) > 0 && system(last.text))
		return 1;
	return UNIT_END();
}
