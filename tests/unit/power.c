// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The store after a loss of power at any moment. What the store does to its directory is recorded call by call (the functions
 * below stand before those of the C library); then the disk is made as it may be after each call, in the ways that file systems
 * have, and the store is opened on it: what was acknowledged is there, what was under way is there or not, nothing else is.
 *
 * The disk: data is on it after fsync() of the file, names are after fsync() of their directory, which takes along whatever
 * happened before in the directories that a rename ties to it. All that is not needed may be on it as well, in order.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <glob.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "backends/core/journal.h"
#include "backends/core/keep.h"
#include "backends/core/tree.h"
#include "tests/unit/steps.h"

#define STEPS 60
#define SETTLE_EACH 9	/* steps; in the daemon a clock decides */
#define NODES 2048		/* files and directories that ever were */
#define CALLS 4096
#define NAME 80
#define DATA (1u << 20)

enum call_kind { MAKE, MAKE_DIR, DROP, MOVE, FILL, SYNC, SYNC_DATA, DONE };

struct call {
	enum call_kind kind;
	int node, dir, to;	/* MOVE: from dir to `to` */
	char name[NAME], new_name[NAME];
	char *data;		/* what the file has after it, without zeros at the end */
	size_t len, data_len;
	size_t from, to_byte;	/* what was written */
};

static struct {
	bool on;
	struct call calls[CALLS];
	size_t n;
	ino_t ino[NODES];	/* the newest node of an inode number counts: those of removed files come again */
	bool dir[NODES];
	int n_nodes;
} rec;

static bool other_boot;

/* ---- recording ---- */

static int node_of(int fd, const char *name)
{
	struct stat st;

	if (!rec.on || (name ? fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) : fstat(fd, &st)) < 0)
		return -1;
	for (int i = rec.n_nodes - 1; i >= 0; i--)
		if (rec.ino[i] == st.st_ino && rec.dir[i] == S_ISDIR(st.st_mode))
			return i;
	return -1;
}

static struct call *add(enum call_kind kind, int node, int dir, const char *name)
{
	struct call *c = &rec.calls[rec.n < CALLS - 1 ? rec.n++ : CALLS - 1];

	*c = (struct call){ .kind = kind, .node = node, .dir = dir };
	snprintf(c->name, sizeof(c->name), "%s", name ? name : "");
	return c;
}

static int new_node(int fd, const char *name, bool is_dir)
{
	struct stat st;

	if (rec.n_nodes == NODES || fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -1;
	rec.ino[rec.n_nodes] = st.st_ino;
	rec.dir[rec.n_nodes] = is_dir;
	return rec.n_nodes++;
}

static void add_data(int fd, int node, size_t from, size_t to)
{
	static char data[DATA];
	char path[32];
	struct call *c;
	ssize_t n;
	int copy;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	copy = open(path, O_RDONLY | O_CLOEXEC);
	n = read(copy, data, sizeof(data));
	close(copy);
	c = add(FILL, node, -1, NULL);
	c->from = from;
	c->to_byte = to;
	c->len = c->data_len = n > 0 ? (size_t)n : 0;
	while (c->data_len && !data[c->data_len - 1])
		c->data_len--;
	c->data = malloc(c->data_len + 1);
	memcpy(c->data, data, c->data_len);
}

#define REAL(f) ((__typeof__(&(f)))dlsym(RTLD_NEXT, #f))

int openat(int fd, const char *path, int flags, ...)
{
	int dir = flags & (O_CREAT | O_TRUNC) ? node_of(fd, NULL) : -1, node, r;
	bool old = dir >= 0 && !faccessat(fd, path, F_OK, AT_SYMLINK_NOFOLLOW);
	mode_t mode;
	va_list ap;

	va_start(ap, flags);
	mode = flags & O_CREAT ? va_arg(ap, mode_t) : 0;
	va_end(ap);
	if (other_boot && strstr(path, "/boot_id"))
		path = "/proc/sys/kernel/random/uuid";
	r = (int)REAL(syscall)(SYS_openat, fd, path, flags, mode);
	if (r < 0 || dir < 0)
		return r;
	node = old ? node_of(r, NULL) : new_node(fd, path, false);
	if (!old)
		add(MAKE, node, dir, path);
	if (!old || flags & O_TRUNC)
		add_data(r, node, 0, 0);
	return r;
}

ssize_t write(int fd, const void *data, size_t len)
{
	ssize_t n = REAL(write)(fd, data, len);
	int node = node_of(fd, NULL);
	size_t end = node >= 0 ? (size_t)lseek(fd, 0, SEEK_CUR) : 0;

	if (node >= 0)
		add_data(fd, node, end - (size_t)n, end);
	return n;
}

ssize_t pwrite(int fd, const void *data, size_t len, off_t at)
{
	ssize_t n = REAL(pwrite)(fd, data, len, at);
	int node = node_of(fd, NULL);

	if (node >= 0)
		add_data(fd, node, (size_t)at, (size_t)(at + n));
	return n;
}

int ftruncate(int fd, off_t len)
{
	int r = REAL(ftruncate)(fd, len), node = node_of(fd, NULL);

	if (node >= 0)
		add_data(fd, node, 0, 0);
	return r;
}

int fsync(int fd)
{
	int node = node_of(fd, NULL);

	if (node >= 0)
		add(SYNC, node, -1, NULL);
	return 0;		/* the disk of the machine is not asked */
}

/* The length of a file is no data: it is not on disk after that. */
int fdatasync(int fd)
{
	int node = node_of(fd, NULL);

	if (node >= 0)
		add(SYNC_DATA, node, -1, NULL);
	return 0;
}

int mkdirat(int fd, const char *name, mode_t mode)
{
	int dir = node_of(fd, NULL), r = REAL(mkdirat)(fd, name, mode);

	if (!r && dir >= 0)
		add(MAKE_DIR, new_node(fd, name, true), dir, name);
	return r;
}

int unlinkat(int fd, const char *name, int flags)
{
	int dir = node_of(fd, NULL), r = REAL(unlinkat)(fd, name, flags);

	if (!r && dir >= 0)
		add(DROP, -1, dir, name);
	return r;
}

static void add_move(int fd, const char *name, int to, const char *new_name)
{
	int dir = node_of(fd, NULL);
	struct call *c;

	if (dir < 0)
		return;
	c = add(MOVE, -1, dir, name);
	c->to = node_of(to, NULL);
	snprintf(c->new_name, sizeof(c->new_name), "%s", new_name);
}

int renameat(int fd, const char *name, int to, const char *new_name)
{
	int r = REAL(renameat)(fd, name, to, new_name);

	if (!r)
		add_move(fd, name, to, new_name);
	return r;
}

long syscall(long n, ...)
{
	long a[6], r;
	va_list ap;

	va_start(ap, n);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	r = REAL(syscall)(n, a[0], a[1], a[2], a[3], a[4], a[5]);
	if (n == SYS_renameat2 && !r)
		add_move((int)a[0], (const char *)a[1], (int)a[2], (const char *)a[3]);
	return r;
}

/* ---- the disk ---- */

struct name {
	int dir, node;
	char name[NAME];
};

struct names {
	struct name list[512];
	int n;
};

static struct {
	struct names now, disk;
	const struct call *wait[CALLS];	/* changes of names that are not on disk for sure */
	size_t n_wait;
	const struct call *data[NODES], *synced[NODES];
} sim;

static int take(struct names *t, int dir, const char *name)
{
	for (int i = 0; i < t->n; i++) {
		int node = t->list[i].node;

		if (t->list[i].dir != dir || strcmp(t->list[i].name, name) != 0)
			continue;
		t->list[i] = t->list[--t->n];
		return node;
	}
	return -1;
}

static void put(struct names *t, int dir, const char *name, int node)
{
	struct name *x;

	take(t, dir, name);
	x = &t->list[t->n++];
	x->dir = dir;
	x->node = node;
	snprintf(x->name, sizeof(x->name), "%s", name);
}

static void change(struct names *t, const struct call *c)
{
	if (c->kind == MAKE || c->kind == MAKE_DIR)
		put(t, c->dir, c->name, c->node);
	else if (c->kind == DROP)
		take(t, c->dir, c->name);
	else
		put(t, c->to, c->new_name, take(t, c->dir, c->name));
}

static bool touches(const struct call *c, const bool *dirs)
{
	return dirs[c->dir] || (c->kind == MOVE && dirs[c->to]);
}

static void sync_dir(int dir)
{
	static bool dirs[NODES], needed[CALLS];
	size_t left = 0;

	memset(dirs, 0, sizeof(dirs));
	dirs[dir] = true;
	for (size_t i = sim.n_wait; i-- > 0;) {
		const struct call *c = sim.wait[i];

		needed[i] = touches(c, dirs);
		if (needed[i] && c->kind == MOVE)
			dirs[c->dir] = dirs[c->to] = true;
	}
	for (size_t i = 0; i < sim.n_wait; i++) {
		if (needed[i])
			change(&sim.disk, sim.wait[i]);
		else
			sim.wait[left++] = sim.wait[i];
	}
	sim.n_wait = left;
}

static void step_disk(const struct call *c)
{
	if (c->kind == FILL) {
		sim.data[c->node] = c;
	} else if (c->kind == SYNC_DATA) {
		CHECK(sim.synced[c->node] && sim.synced[c->node]->len == sim.data[c->node]->len);
		sim.synced[c->node] = sim.data[c->node];
	} else if (c->kind == SYNC) {
		sim.synced[c->node] = sim.data[c->node];
		if (rec.dir[c->node])
			sync_dir(c->node);
	} else if (c->kind != DONE) {
		change(&sim.now, c);
		sim.wait[sim.n_wait++] = c;
	}
}

/* ---- after the cut ---- */

/* Of what was written and not synced: nothing, nothing though the names are there, the first half, the second half. */
enum way { WITHOUT, NAMES_ONLY, HALF, OTHER_HALF, WAYS };

static void lay_part(int fd, const struct call *c, size_t from, size_t to)
{
	if (to > c->data_len)
		to = c->data_len;
	CHECK(from >= to || pwrite(fd, c->data + from, to - from, (off_t)from) == (ssize_t)(to - from));
}

static void lay_file(int fd, const char *name, int node, enum way way)
{
	const struct call *c = sim.data[node], *old = sim.synced[node];
	int f = openat(fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	size_t len = old ? old->len : 0, half = c ? (c->from + c->to_byte) / 2 : 0, to = way == HALF ? half : c ? c->to_byte : 0;

	CHECK(f >= 0);
	if (old)
		lay_part(f, old, 0, old->data_len);
	if (way >= HALF && c != old) {
		lay_part(f, c, way == HALF ? c->from : half, to);
		len = len > to ? len : to;
	}
	CHECK(!ftruncate(f, (off_t)len));
	close(f);
}

static void lay_dir(int at, const char *name, int dir, enum way way)
{
	const struct names *t = way == WITHOUT ? &sim.disk : &sim.now;
	int fd;

	mkdirat(at, name, 0700);
	fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i < t->n; i++) {
		if (t->list[i].dir != dir)
			continue;
		if (rec.dir[t->list[i].node])
			lay_dir(fd, t->list[i].name, t->list[i].node, way);
		else
			lay_file(fd, t->list[i].name, t->list[i].node, way);
	}
	close(fd);
}

static struct step steps[STEPS];
static struct truth truth[STEPS + 1];
static char top[64];

static bool nothing_half(const char *dir)
{
	static const char *const shapes[] = { "*.tmp", "*/.new-*", "*/*/*.tmp" };
	bool none = true;

	for (size_t i = 0; i < sizeof(shapes) / sizeof(*shapes); i++) {
		char path[128];
		glob_t g = { 0 };

		snprintf(path, sizeof(path), "%s/%s", dir, shapes[i]);
		none &= glob(path, 0, NULL, &g) == GLOB_NOMATCH;
		globfree(&g);
	}
	return none;
}

static void check_cut(size_t done, uint32_t highest)
{
	size_t next = done < STEPS ? done + 1 : done, n = 0;
	_cleanup_object_ struct object *fresh = NULL;
	struct truth seen;
	size_t trashed = object_count(SPACE_TRASH);

	look(&seen);
	CHECK(same(&seen, &truth[done]) || same(&seen, &truth[next]));
	CHECK(trashed == truth[done].trashed || trashed == truth[next].trashed);
	for (int i = 0; i < NAMES; i++)
		n += seen.id[i] != 0;
	CHECK(object_count(SPACE_INSTANCES) == n);
	CHECK(!object_create(SPACE_PROFILES, "fresh", &plain, &fresh, &last) && fresh && fresh->id > highest);
}

static void cut(int at, size_t done, uint32_t highest, enum way way)
{
	char path[80];
	int failed = unit_failed;

	snprintf(path, sizeof(path), "%s/cut", top);
	lay_dir(at, "cut", 0, way);
	other_boot = true;
	CHECK(keep_attach_private() >= 0 && !model_open(path, &last));
	check_cut(done, highest);
	CHECK(nothing_half(path));
	rmdir(model_rundir());
	model_close();
	keep_detach();
	other_boot = false;
	if (failed == unit_failed)
		CHECK(!tree_remove(at, "cut", NULL));
}

static void live(int at)
{
	static const int often[] = { DO_CREATE, DO_CREATE, DO_SET, DO_SET, DO_SET, DO_SET, DO_RENAME, DO_REMOVE };
	struct truth t = { 0 };
	unsigned seed = 1;
	char path[80];

	snprintf(path, sizeof(path), "%s/life", top);
	mkdirat(at, "life", 0700);
	CHECK(new_node(at, "life", true) == 0);
	rec.on = true;
	CHECK(keep_attach_private() >= 0 && !model_open(path, &last));
	for (int i = 0; i < STEPS; i++) {
		struct step *s = &steps[i];

		*s = (struct step){ .what = often[rand_r(&seed) % 8], .a = rand_r(&seed) % NAMES, .b = rand_r(&seed) % NAMES, .value = i };
		if (carry_out(s) < 0)
			s->what = DO_KINDS;
		add(DONE, -1, -1, NULL);
		truth[i] = t;
		apply(&t, s);
		if (i % SETTLE_EACH == SETTLE_EACH - 1)
			CHECK(!journal_settle_all(&last));
	}
	truth[STEPS] = t;
	rec.on = false;
	rmdir(model_rundir());
	model_close();
	keep_detach();
}

static void test_cuts(int at)
{
	uint32_t highest = 0;
	size_t done = 0, cuts = 0;

	for (size_t i = 0; i < rec.n && !unit_failed; i++) {
		step_disk(&rec.calls[i]);
		if (rec.calls[i].kind == DONE) {
			if (steps[done].what == DO_CREATE && steps[done].id > highest)
				highest = steps[done].id;
			done++;
		}
		for (int way = 0; way < WAYS && !unit_failed; way++, cuts++)
			cut(at, done, highest, (enum way)way);
	}
	printf("%zu cuts after %zu calls of %zu steps\n", cuts, rec.n, done);
	CHECK(unit_failed || (done == STEPS && rec.n < CALLS - 1 && cuts > 500));
}

int main(void)
{
	int at;

	snprintf(top, sizeof(top), "%s/instfs-power-XXXXXX", access("/dev/shm", W_OK) < 0 ? "/tmp" : "/dev/shm");	/* thousands of files */
	if (!mkdtemp(top))
		return 1;
	at = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	live(at);
	test_cuts(at);
	for (size_t i = 0; i < rec.n; i++)
		free(rec.calls[i].data);
	tree_remove(at, "life", NULL);
	close(at);
	if (unit_failed)
		fprintf(stderr, "what the last cut left is in %s\n", top);
	else
		rmdir(top);
	return UNIT_END();
}
