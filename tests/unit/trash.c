// SPDX-License-Identifier: LGPL-2.1-or-later
/* Removing, restoring, purging, expiry, and a store that is full. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "backends/core/cleanup.h"
#include "backends/core/keep.h"
#include "backends/core/object.h"
#include "backends/core/op.h"
#include "tests/unit/unit.h"

static char dir[64];
static struct err last;
static const struct meta plain = { .mode = 0755 };
static unsigned purged;
static int purge_result;

static int on_purge(struct object *o, struct err *e)
{
	char path[512];

	object_path(o, path, sizeof(path));
	CHECK(o->space == SPACE_TRASH && strstr(path, "/trash/.purge-") && !access(path, F_OK));
	purged++;
	return purge_result ? err_set(e, -purge_result, "the storage would not") : 0;
}

static struct object *make(enum space s, const char *name)
{
	struct object *o = NULL;

	CHECK(!object_create(s, name, &plain, &o, &last));
	return o;
}

static bool is(const char *test)
{
	char line[512];

	snprintf(line, sizeof(line), "cd %s && %s", dir, test);
	return !system(line);
}

static int set(struct object *o, enum entry_kind k, const char *name, const char *value)
{
	return object_set(o, k, name, value, value ? strlen(value) : 0, &last);
}

static void test_there_and_back(void)
{
	_cleanup_object_ struct object *a = make(SPACE_INSTANCES, "a"), *b = NULL;
	struct snapshot *s = calloc(1, sizeof(*s));
	uint32_t id = a->id;
	char name[128];

	strcpy(s->name, "s0");
	CHECK(!set(a, ENT_CONFIG, "limits.cpu", "2") && !object_snapshot_add(a, s, &last));
	CHECK(!object_remove(a, &last) && a->space == SPACE_TRASH && !a->gone && a->removed.tv_sec > 1700000000);
	CHECK(strlen(a->name) == 17 && !strncmp(a->name, "a@2", 3) && a->name[10] == 'T');
	CHECK(!object_find(SPACE_INSTANCES, "a") && object_count(SPACE_TRASH) == 1);
	CHECK(object_rename(a, "c", &last) == -EPERM);
	CHECK(!name_check("trash", a->name, &last));
	/* The same name, and again within the second. */
	for (int i = 0; i < 3; i++) {
		b = make(SPACE_INSTANCES, "a");
		CHECK(b->id != id && !object_remove(b, &last));
		object_put(b);
	}
	b = make(SPACE_INSTANCES, "a");
	CHECK(object_count(SPACE_TRASH) == 4);
	CHECK(object_restore(a, "A", &last) == -EEXIST && object_restore(a, "-", &last) == -EINVAL);
	CHECK(object_restore(b, "b", &last) == -EINVAL && object_purge(b, &last) == -EINVAL);
	strcpy(name, a->name);
	model_close();
	CHECK(!model_open(dir, &last));
	object_put(a);
	a = object_find(SPACE_TRASH, name);
	CHECK(a && a->id == id && a->removed.tv_sec > 1700000000 && a->n_snaps == 1);
	CHECK(!object_restore(a, "back", &last) && a->space == SPACE_INSTANCES && !a->removed.tv_sec);
	CHECK(!object_find(SPACE_TRASH, name) && is("test -e instances/back/snapshots/s0/snapshot.json"));
	CHECK(!object_remove(a, &last) && !object_purge(a, &last) && a->gone && purged == 1);
	CHECK(object_purge(a, &last) == -ENOENT && object_restore(a, "x", &last) == -ENOENT);
}

static void test_refused(void)
{
	_cleanup_object_ struct object *a = make(SPACE_INSTANCES, "busy"), *p = make(SPACE_PROFILES, "used");
	struct op op = { .obj = a };

	a->run.state = INST_RUNNING;
	CHECK(object_remove(a, &last) == -EBUSY && strstr(last.text, "busy is running"));
	CHECK(object_rename(a, "b", &last) == -EBUSY);
	a->run.state = INST_STOPPED;
	a->run.op = &op;
	CHECK(object_remove(a, &last) == -EBUSY && object_rename(a, "b", &last) == -EBUSY);
	a->run.op = NULL;
	CHECK(!set(a, ENT_CONFIG, "security.protection.delete", "true\n"));
	CHECK(object_remove(a, &last) == -EPERM && strstr(last.text, "security.protection.delete"));
	CHECK(!set(a, ENT_CONFIG, "security.protection.delete", NULL));
	CHECK(!set(p, ENT_CONFIG, "security.protection.delete", "true"));
	CHECK(!set(a, ENT_FIELD, "profiles", "default\nused\n"));
	CHECK(object_remove(a, &last) == -EPERM);
	CHECK(object_remove(p, &last) == -EBUSY && strstr(last.text, "busy"));
	CHECK(!set(a, ENT_FIELD, "profiles", "used2"));
	CHECK(!object_rename(p, "q", &last) && !object_remove(p, &last) && !object_remove(a, &last));
	CHECK(is("test -z \"$(ls profiles)\""));
}

static void test_expiry(void)
{
	_cleanup_object_ struct object *settings = object_get(0), *o = NULL;
	int before;

	CHECK(trash_expire(false) == 0);
	before = (int)object_count(SPACE_TRASH);
	CHECK(before == 4);
	purged = 0;
	CHECK(trash_expire(true) == 1 && purged == 1 && object_count(SPACE_TRASH) == 3);
	model_close();
	CHECK(is("cd trash && mv busy@* busy@20200101T000000"));
	CHECK(!model_open(dir, &last));
	CHECK(trash_expire(false) == 1 && !object_find(SPACE_TRASH, "busy@20200101T000000"));
	object_put(settings);
	settings = object_get(0);
	CHECK(!set(settings, ENT_CONFIG, "trash.expiry", "0"));
	CHECK(trash_expire(false) == 2 && !object_count(SPACE_TRASH) && is("test -z \"$(ls -A trash)\""));
	CHECK(!set(settings, ENT_CONFIG, "trash.expiry", NULL));
	/* What the storage refuses today is tried again. */
	o = make(SPACE_INSTANCES, "tough");
	purge_result = -EIO;
	CHECK(!object_remove(o, &last) && object_purge(o, &last) == -EIO && is("test -n \"$(ls -A trash)\""));
	purge_result = 0;
	CHECK(trash_expire(false) == 1 && is("test -z \"$(ls -A trash)\""));
}

/* A store of 1 MiB: what lies in the trash makes room for what is wanted now. */
static void test_full(void)
{
	static char text[100000];
	_cleanup_object_ struct object *a = NULL, *b = NULL;
	int r = 0;

	model_close();
	if (mount("none", dir, "tmpfs", 0, "size=1m") < 0) {
		fprintf(stderr, "not tested: a full store (cannot mount)\n");
		CHECK(!model_open(dir, &last));
		return;
	}
	memset(text, 'x', sizeof(text));
	CHECK(!model_open(dir, &last));
	a = make(SPACE_INSTANCES, "old");
	b = make(SPACE_INSTANCES, "new");
	CHECK(!object_set(a, ENT_CONFIG, "user.a", text, sizeof(text), &last) && !object_remove(a, &last));
	for (int i = 0; i < 8 && !r; i++) {
		char key[16];

		snprintf(key, sizeof(key), "user.%d", i);
		r = object_set(b, ENT_CONFIG, key, text, sizeof(text), &last);
		if (!r)
			CHECK(object_value(b, ENT_CONFIG, key, key, sizeof(key)));
	}
	CHECK(r == -ENOSPC && a->gone && !object_count(SPACE_TRASH) && strstr(last.text, "No space"));
	CHECK(b->n_entries >= 3 && !set(b, ENT_CONFIG, "user.0", NULL));
	model_close();
	CHECK(!model_open(dir, &last));
	object_put(a);
	a = object_find(SPACE_INSTANCES, "new");
	CHECK(a && a->n_entries == b->n_entries && a->run.state == INST_STOPPED);
	model_close();
	CHECK(!umount(dir));
	CHECK(!model_open(dir, &last));
}

int main(void)
{
	snprintf(dir, sizeof(dir), "/tmp/instfs-trash-XXXXXX");
	if (!mkdtemp(dir) || keep_attach_private() < 0 || model_open(dir, &last) < 0)
		return fprintf(stderr, "%s\n", last.text), 1;
	object_on_purge(on_purge);
	test_there_and_back();
	test_refused();
	test_expiry();
	test_full();
	rmdir(model_rundir());
	model_close();
	keep_detach();
	if (!unit_failed && snprintf(last.text, sizeof(last.text), "rm -rf %s", dir) > 0 && system(last.text))
		return 1;
	return UNIT_END();
}
