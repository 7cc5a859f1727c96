// SPDX-License-Identifier: LGPL-2.1-or-later
/* Node numbers below rootfs/: identity, moves, reuse of inode numbers, counting, and what a new server finds again. */
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "backends/core/keep.h"
#include "fs/rootfs.h"
#include "fs/rootfs_node.h"
#include "tests/unit/unit.h"

static uint64_t open_ino;

__attribute__((weak)) bool rootfs_node_is_open(uint64_t ino) { return ino == open_ino; }

static struct rootfs_node file(uint64_t parent, const char *name, uint64_t ino, uint32_t birth, uint32_t type)
{
	struct rootfs_node n = {
		.parent = parent, .identity = rootfs_identity(5, 0, 0, ino), .object = 5, .birth = birth, .type = type,
	};

	snprintf(n.name, sizeof(n.name), "%s", name);
	return n;
}

static uint64_t found(uint64_t parent, const char *name, uint64_t ino, uint32_t birth, uint32_t type)
{
	struct rootfs_node n = file(parent, name, ino, birth, type);

	n.epoch = rootfs_node_epoch();
	return rootfs_node_found(&n, 1);
}

static bool at(uint64_t ino, uint64_t parent, const char *name)
{
	struct rootfs_node n;

	return rootfs_node_get(ino, &n) && n.parent == parent && !strcmp(n.name, name);
}

static bool known(uint64_t ino)
{
	struct rootfs_node n;

	return rootfs_node_get(ino, &n);
}

static void test_identity(void)
{
	uint64_t root = rootfs_node_root(5, 0), id = rootfs_identity(5, 0, 0, 12);
	struct rootfs_node n;

	CHECK(rootfs_node_is_root(root) && (root & ROOTFS_BIT) && rootfs_node_get(root, &n) && n.object == 5 && !n.slot && !n.parent);
	CHECK(rootfs_node_root(5, 1) != root && rootfs_node_root(6, 0) != root);
	CHECK(rootfs_node_get(rootfs_node_root(0xfffffff, 0xffffff), &n) && n.object == 0xfffffff && n.slot == 0xffffff);
	CHECK(rootfs_node_plain(rootfs_node_root_of_mount(5, 3, 0x12345)) == rootfs_node_root(5, 3) && rootfs_node_plain(77) == 77);
	CHECK(rootfs_node_get(rootfs_node_root_of_mount(5, 3, ~0ull), &n) && n.object == 5 && n.slot == 3);
	CHECK(id == rootfs_identity(5, 0, 0, 12) && id != rootfs_identity(5, 0, 0, 13));
	CHECK(id != rootfs_identity(5, 1, 0, 12) && id != rootfs_identity(5, 0, 1, 12) && id != rootfs_identity(6, 0, 0, 12));
	CHECK(!(id & ROOTFS_BIT));
}

static void test_finding(void)
{
	uint64_t root = rootfs_node_root(5, 0), d, f, g;
	struct rootfs_node n;

	d = found(root, "dir", 100, 1, S_IFDIR);
	f = found(d, "file", 101, 1, S_IFREG);
	CHECK(d && f && d != f && at(f, d, "file") && found(d, "file", 101, 1, S_IFREG) == f);
	CHECK(found(d, "a-longer-name-of-the-same-file", 101, 1, S_IFREG) == f && at(f, d, "a-longer-name-of-the-same-file"));
	CHECK(found(root, "x", 101, 1, S_IFREG) == f && at(f, root, "x"));
	CHECK(found(root, "x", 101, 2, S_IFREG) == f);		/* copied up */
	g = found(d, "y", 101, 3, S_IFREG);			/* the inode number was used again */
	CHECK(g && g != f && known(f));
	CHECK(found(d, "y", 101, 3, S_IFLNK) != g);
	CHECK(found(0x8000000000000077, "orphan", 5000, 1, S_IFREG) == 0);
	n = file(root, "elsewhere", 100, 9, S_IFDIR);
	rootfs_node_moved(&n);
	CHECK(at(d, root, "elsewhere") && rootfs_node_known(n.identity) == d);
	n = file(root, "dir", 100, 9, S_IFDIR);		/* seen before it was renamed */
	n.epoch = rootfs_node_epoch() - 1;
	CHECK(rootfs_node_found(&n, 1) == ROOTFS_LOOK_AGAIN && at(d, root, "elsewhere"));
	rootfs_node_unlinked(d);
	CHECK(known(d) && !rootfs_node_known(rootfs_identity(5, 0, 0, 100)));
}

static void test_forgetting(void)
{
	uint64_t root = rootfs_node_root(5, 0), d = found(root, "fd", 200, 1, S_IFDIR), f = found(d, "ff", 201, 1, S_IFREG);
	size_t before = rootfs_node_count();

	CHECK(rootfs_node_again(f));
	rootfs_node_forget(d, 1);
	CHECK(known(d));		/* a parent stays */
	rootfs_node_forget(f, 1);
	CHECK(known(f));
	rootfs_node_forget(f, 1);
	CHECK(known(f) && known(d));	/* for NFS clients, while there are few */
	CHECK(found(d, "ff", 201, 1, S_IFREG) == f);
	rootfs_node_unlinked(f);
	rootfs_node_unlinked(d);
	CHECK(known(f) && known(d) && !keep_has(KEEP_ROOTFS, f));
	rootfs_node_forget(f, 1);
	CHECK(!known(f) && !known(d) && rootfs_node_count() == before - 2);
	CHECK(!rootfs_node_again(f));
	rootfs_node_forget(f, 7);	/* unknown: nothing happens */
}

/* What the next process sees. The counts are not taken along, so that one by one they do not drop a node. */
static void next_server(uint64_t d, uint64_t f, uint64_t gone)
{
	uint64_t root = rootfs_node_root(5, 0), fresh;

	CHECK(at(d, root, "kept") && at(f, d, "file") && !known(gone));
	CHECK(found(d, "file", 301, 1, S_IFREG) == f);
	rootfs_node_forget(f, 1);
	CHECK(known(f));
	CHECK(found(d, "file", 301, 1, S_IFREG) == f);
	rootfs_node_unlinked(f);
	rootfs_node_forget(f, 3);	/* more than was counted here: all that the kernel had */
	CHECK(!known(f) && known(d));
	fresh = found(d, "new", 302, 1, S_IFREG);
	CHECK(fresh && fresh != f && fresh != d && fresh != gone);
	rootfs_node_unlinked(fresh);
	rootfs_node_forget(fresh, 1);
	CHECK(!known(fresh));
	rootfs_node_unlinked(d);
	CHECK(known(d));
	rootfs_node_forget(d, 1);
	CHECK(!known(d));
}

static void test_takeover(int fd)
{
	uint64_t root = rootfs_node_root(5, 0), d, f, gone;
	int to[2], status = 0;
	uint64_t numbers[3];
	pid_t pid = 0;

	if (pipe(to) < 0)
		return;
	/* The table of a process is loaded once: the "next server" must not have used it before. */
	pid = fork();
	if (pid == 0) {
		if (read(to[0], numbers, sizeof(numbers)) != sizeof(numbers) || keep_attach(fd) < 0)
			_exit(99);
		next_server(numbers[0], numbers[1], numbers[2]);
		_exit(unit_failed);
	}
	keep_attach(fd);
	d = found(root, "kept", 300, 1, S_IFDIR);
	f = found(d, "file", 301, 1, S_IFREG);
	found(d, "file", 301, 1, S_IFREG);
	gone = found(d, "gone", 303, 1, S_IFREG);
	rootfs_node_unlinked(gone);
	CHECK(known(gone));
	numbers[0] = d;
	numbers[1] = f;
	numbers[2] = gone;
	CHECK(write(to[1], numbers, sizeof(numbers)) == sizeof(numbers));
	waitpid(pid, &status, 0);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* Above a number, what the kernel forgot goes: at once, and what was kept before bit by bit. */
static void test_kept(void)
{
	uint64_t root = rootfs_node_root(5, 0), d = found(root, "kept", 500, 1, S_IFDIR), first, last = 0;
	char name[32];

	first = found(d, "first", 501, 1, S_IFREG);
	rootfs_node_forget(first, 1);
	for (int i = 1; i <= 3 * ROOTFS_NODES_KEPT; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		last = found(d, name, 501 + (uint64_t)i, 1, S_IFREG);
	}
	CHECK(!known(first) && known(last) && known(d) && rootfs_node_count() > 3 * ROOTFS_NODES_KEPT);
	rootfs_node_forget(last, 1);
	CHECK(!known(last));
}

static void test_many(void)
{
	uint64_t root = rootfs_node_root(5, 0), d = found(root, "many", 9999, 1, S_IFDIR), first;
	char name[32];

	first = found(d, "file-number-first", 10000, 1, S_IFREG);
	open_ino = first;
	for (int i = 1; i <= ROOTFS_NODES_MAX + 5000; i++) {
		snprintf(name, sizeof(name), "file-number-%d", i);
		if (!found(d, name, 10000 + (uint64_t)i, 1, S_IFREG))
			CHECK(!"a node for every file");
	}
	CHECK(rootfs_node_count() <= ROOTFS_NODES_MAX && known(first) && known(d));
}

int main(void)
{
	int fd = memfd_create("keep", MFD_CLOEXEC);

	CHECK(fd >= 0 && ftruncate(fd, KEEP_SIZE) == 0);
	test_takeover(fd);
	test_identity();
	test_finding();
	test_forgetting();
	test_kept();
	test_many();
	return UNIT_END();
}
