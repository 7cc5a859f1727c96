// SPDX-License-Identifier: LGPL-2.1-or-later
/* How much disk a tree takes. Own stack of directories, a set of inodes that have several links; no locks. */
#include "backends/core/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/core/cleanup.h"

#define DEPTH_MAX 200

struct inode {
	dev_t dev;
	ino_t ino;	/* 0: free */
};

struct walk {
	uint64_t blocks;
	struct inode *seen;	/* open addressing, a power of two, at most half full */
	size_t cap, n;
	bool failed;
};

static size_t place(const struct inode *set, size_t cap, const struct inode *i)
{
	size_t at = (size_t)((i->ino * 0x9E3779B97F4A7C15ull) ^ i->dev) & (cap - 1);

	while (set[at].ino && (set[at].ino != i->ino || set[at].dev != i->dev))
		at = (at + 1) & (cap - 1);
	return at;
}

static bool grow(struct walk *w)
{
	size_t cap = w->cap ? w->cap * 2 : 1024;
	struct inode *set = calloc(cap, sizeof(*set));

	if (!set)
		return false;
	for (size_t i = 0; i < w->cap; i++) {
		if (w->seen[i].ino)
			set[place(set, cap, &w->seen[i])] = w->seen[i];
	}
	free(w->seen);
	w->seen = set;
	w->cap = cap;
	return true;
}

static bool first_link(struct walk *w, const struct stat *st)
{
	struct inode i = { .dev = st->st_dev, .ino = st->st_ino };
	size_t at;

	if (st->st_nlink < 2 || S_ISDIR(st->st_mode))
		return true;
	if (w->n * 2 >= w->cap && !grow(w)) {
		w->failed = true;
		return true;
	}
	at = place(w->seen, w->cap, &i);
	if (w->seen[at].ino)
		return false;
	w->seen[at] = i;
	w->n++;
	return true;
}

static void count_directory(struct walk *w, int dirfd, unsigned depth)
{
	_cleanup_dir_ DIR *d = fdopendir(dirfd);
	struct dirent *de;
	struct stat st;

	if (!d) {
		close(dirfd);
		return;
	}
	while ((de = readdir(d))) {
		int fd;

		if (!strcmp(de->d_name, ".") || !strcmp(de->d_name, ".."))
			continue;
		if (fstatat(dirfd, de->d_name, &st, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) < 0)
			continue;
		if (first_link(w, &st))
			w->blocks += (uint64_t)st.st_blocks;
		if (!S_ISDIR(st.st_mode) || depth >= DEPTH_MAX)
			continue;
		fd = tree_open(dirfd, de->d_name, O_RDONLY | O_DIRECTORY);
		if (fd >= 0)
			count_directory(w, fd, depth + 1);
	}
}

int tree_usage(int dirfd, const char *name, uint64_t *bytes, struct err *e)
{
	struct walk w = { .blocks = 0 };
	struct stat st;
	int fd = tree_open(dirfd, name, O_RDONLY | O_DIRECTORY);

	if (fd < 0)
		return err_sys(e, -fd, "cannot open the directory \"%s\"", name);
	if (!fstat(fd, &st))
		w.blocks = (uint64_t)st.st_blocks;
	count_directory(&w, fd, 0);
	free(w.seen);
	if (w.failed)
		return err_set(e, ENOMEM, "not enough memory to measure \"%s\"", name);
	*bytes = w.blocks * 512;
	return 0;
}
