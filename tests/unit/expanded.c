// SPDX-License-Identifier: LGPL-2.1-or-later
/* What a change of a profile costs its users: nothing for those whose expanded/ nobody looked at, and each name that was told otherwise. */
#include <ftw.h>
#include <stdlib.h>

#include "backends/core/cleanup.h"
#include "backends/core/config.h"
#include "backends/core/keep.h"
#include "fs/change.h"
#include "fs/expanded.h"
#include "fs/view.h"
#include "tests/unit/unit.h"

static const struct caller root = { .uid = 0 };

static int key(struct object *o, const char *name, const char *value)
{
	const struct entry_change c = { .kind = ENT_CONFIG, .name = name, .value = value, .len = value ? strlen(value) : 0 };

	return config_set(o, &c, &root, NULL);
}

static int count(void *arg, uint64_t number, const char *name, uint64_t ino, mode_t type)
{
	++*(int *)arg;
	return 0;
}

/* As READDIR of expanded/config does. */
static int list(struct object *o)
{
	struct view v;
	int n = 0;

	CHECK(view_open(&v, view_row_ino(o, 0, ROW_EXPANDED_CONFIG), &root) == 0);
	CHECK(v.row->dir->children->list(&v, 0, count, &n) == 0);
	view_close(&v);
	return n;
}

static bool find(struct object *o, const char *name)
{
	uint64_t ino = 0;
	struct view v;
	bool found;

	CHECK(view_open(&v, view_row_ino(o, 0, ROW_EXPANDED_CONFIG), &root) == 0);
	found = !v.row->dir->children->lookup(&v, name, &ino) && ino;
	view_close(&v);
	return found;
}

static void test_cost(struct object *o, struct object *profile)
{
	struct timespec before, after;

	CHECK(key(o, "user.own", "1") == 0 && key(profile, "user.a", "1") == 0 && key(profile, "user.b", "1") == 0);
	CHECK(expanded_changed(o) == 0);
	CHECK(list(o) == 3 && find(o, "user.a") && !find(o, "user.c"));
	CHECK(expanded_changed(o) == 3 && expanded_changed(o) == 0);
	CHECK(find(o, "user.b") && find(o, "user.b"));
	/* The listener has told it already. */
	CHECK(change_dir_stamp(view_row_ino(o, 0, ROW_EXPANDED_CONFIG), &before));
	CHECK(key(profile, "user.b", NULL) == 0 && expanded_changed(o) == 0 && !find(o, "user.b"));
	CHECK(change_dir_stamp(view_row_ino(o, 0, ROW_EXPANDED_CONFIG), &after));
	CHECK(after.tv_sec > before.tv_sec || after.tv_nsec > before.tv_nsec);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

int main(void)
{
	const struct meta m = { .mode = 0755 };
	char dir[] = "/tmp/unit-expanded-XXXXXX";
	struct object *o = NULL, *profile = NULL;
	struct err e = ERR_INIT;

	CHECK(mkdtemp(dir) && keep_attach_private() == 0 && row_init() == 0);
	if (model_open(dir, &e) < 0 || object_create(SPACE_PROFILES, "p", &m, &profile, &e) ||
	    object_create(SPACE_INSTANCES, "c", &m, &o, &e)) {
		fprintf(stderr, "%s\n", e.text);
		return 1;
	}
	model_listen(change_listener);
	CHECK(config_set(o, &(struct entry_change){ .kind = ENT_FIELD, .name = "profiles", .value = "p\n", .len = 2 }, &root, &e) == 0);
	test_cost(o, profile);
	object_put(o);
	object_put(profile);
	model_close();
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return UNIT_END();
}
