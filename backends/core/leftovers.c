// SPDX-License-Identifier: LGPL-2.1-or-later
/* One table, one walk. No state, no locks: nothing else is at work yet. */
#include "backends/core/leftovers.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "backends/core/base.h"
#include "backends/core/cleanup.h"
#include "backends/core/model.h"
#include "backends/core/tree.h"

/* Places inside of an object, beside those that callers name. */
#define IN_SNAPSHOTS 16
#define IN_SNAPSHOT 32

static int drop_file(int dirfd, const char *name, struct err *e)
{
	if (unlinkat(dirfd, name, 0) < 0 && errno != ENOENT)
		return err_sys(e, errno, "cannot delete %s", name);
	return 0;
}

/* Only the directory of the trash has such names. */
static int purge_later(int dirfd, const char *name, struct err *e)
{
	unsigned id;

	if (sscanf(name, ".purge-%u", &id) == 1)
		trash_leftover(id);
	return 0;
}

static int drop_unrecorded(int dirfd, const char *name, struct err *e);

static const struct leftover {
	unsigned place;
	const char *begin, *end;	/* of its name */
	unsigned char type;
	int (*drop)(int dirfd, const char *name, struct err *e);
} leftovers[] = {
	{ LEFT_IN_STATE, "", ".tmp", DT_REG, drop_file },
	{ LEFT_IN_STATE, ".probe", "", DT_DIR, tree_remove },
	{ LEFT_IN_SPACES, "", ".tmp", DT_REG, drop_file },
	{ LEFT_IN_SPACES, ".new-", "", DT_DIR, tree_remove },
	{ LEFT_IN_SPACES, ".purge-", "", DT_DIR, purge_later },
	{ LEFT_IN_BASES, ".new-", "", DT_DIR, base_drop_stage },
	{ LEFT_IN_BASES, ".commit.new", "", DT_REG, drop_file },
	{ LEFT_IN_OBJECTS, ".", ".new", DT_DIR, base_drop },
	{ LEFT_IN_OBJECTS, ".", ".old", DT_DIR, base_drop },
	{ LEFT_IN_OBJECTS, "upload", "", DT_REG, drop_file },
	{ LEFT_IN_OBJECTS, "unpacking", "", DT_REG, drop_file },
	{ IN_SNAPSHOTS, ".", ".new", DT_DIR, base_drop },
	{ IN_SNAPSHOTS, ".", ".old", DT_DIR, base_drop },
	{ IN_SNAPSHOTS, "", "", DT_DIR, drop_unrecorded },
	{ IN_SNAPSHOT, "", ".tmp", DT_REG, drop_file },
};

struct walk {
	unsigned place;
	int dirfd;
};

static bool matches(const struct leftover *l, const char *name)
{
	size_t len = strlen(name), begin = strlen(l->begin), end = strlen(l->end);

	return len >= begin + end && !strncmp(name, l->begin, begin) && !strcmp(name + len - end, l->end);
}

/* One that cannot go is no reason not to start. */
static int consider(const char *name, uint64_t ino, unsigned char type, void *arg)
{
	struct walk *w = arg;
	struct stat st;

	for (size_t i = 0; i < sizeof(leftovers) / sizeof(leftovers[0]); i++) {
		const struct leftover *l = &leftovers[i];
		struct err e = ERR_INIT;

		if (l->place != w->place || !matches(l, name))
			continue;
		if (type == DT_UNKNOWN && !fstatat(w->dirfd, name, &st, AT_SYMLINK_NOFOLLOW))
			type = S_ISDIR(st.st_mode) ? DT_DIR : S_ISREG(st.st_mode) ? DT_REG : DT_LNK;
		if (type == l->type && l->drop(w->dirfd, name, &e) < 0)
			fprintf(stderr, "instfs: cannot clean up after a crash: %s\n", e.text);
		return 0;
	}
	return 0;
}

static int clean(int dirfd, unsigned place)
{
	struct walk w = { .place = place, .dirfd = dirfd };

	return dirfd < 0 ? dirfd : store_each_name(dirfd, consider, &w);
}

/*
 * The files of a snapshot come before its record and go with it, in one step: without one it was never acknowledged. It stands last
 * in its place of the table, where every other name comes to.
 */
static int drop_unrecorded(int dirfd, const char *name, struct err *e)
{
	_cleanup_close_ int fd = tree_open(dirfd, name, O_RDONLY | O_DIRECTORY);

	if (fd < 0)
		return fd == -ENOENT ? 0 : err_sys(e, -fd, "cannot open snapshot %s", name);
	if (faccessat(fd, "snapshot.json", F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
		return base_drop(dirfd, name, e);
	return clean(fd, IN_SNAPSHOT);
}

static int clean_object(const char *name, uint64_t ino, unsigned char type, void *arg)
{
	const struct walk *w = arg;
	_cleanup_close_ int fd = -1, snaps = -1;

	if (name[0] == '.')
		return 0;
	fd = tree_open(w->dirfd, name, O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		return 0;
	clean(fd, LEFT_IN_OBJECTS);
	snaps = tree_open(fd, "snapshots", O_RDONLY | O_DIRECTORY);
	clean(snaps, IN_SNAPSHOTS);
	return 0;
}

int leftovers_clean(unsigned places, struct err *e)
{
	_cleanup_close_ int bases = places & LEFT_IN_BASES ? base_dir() : -1;
	struct walk w = { .place = LEFT_IN_SPACES };
	int r = places & LEFT_IN_STATE ? clean(store_fd(), LEFT_IN_STATE) : 0;

	if (r >= 0 && places & LEFT_IN_BASES)
		r = clean(bases, LEFT_IN_BASES);
	for (int s = 0; r >= 0 && s < SPACE_MAX; s++) {
		w.dirfd = store_space_fd((enum space)s);
		if (places & LEFT_IN_SPACES)
			r = clean(w.dirfd, LEFT_IN_SPACES);
		if (r >= 0 && places & LEFT_IN_OBJECTS && s != SPACE_DAEMON)
			r = store_each_name(w.dirfd, clean_object, &w);
	}
	if (places & LEFT_IN_OBJECTS)
		base_collect();
	return r < 0 ? err_sys(e, -r, "cannot clean up in %s", store_dir()) : 0;
}
