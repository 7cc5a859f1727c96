// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The file `index`: which number each object has, so that a start with 10,000 objects need not read 10,000 files. A log of
 *
 *     instfs-index 1 TAG
 *     ID INODE SPACE NAME        it is there now (again: it moved)
 *     ID -                       it is gone
 *
 * appended without fsync(). TAG is the boot in which it was written, or "clean": after a power cut the file is not believed.
 * A line counts only when the directory of that name has that inode number; everything else is read from the objects themselves.
 * Guarded by registry_lock.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "backends/core/cleanup.h"
#include "backends/core/journal.h"
#include "backends/core/model.h"

#define HEAD "instfs-index 1 "
#define TRASH_BYTES "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-@"

static struct {
	int fd;
	size_t lines;
	char boot[40];
} idx = { .fd = -1 };

/* A directory whose number the index does not tell. */
struct stranger {
	enum space space;
	uint64_t ino;
	uint32_t id;
	bool readable;
	char name[sizeof(((struct object *)0)->name)];
};

struct scan {
	enum space space;
	struct stranger *list;
	size_t n, cap;
};

static void read_boot_id(void)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	snprintf(idx.boot, sizeof(idx.boot), "unknown");
	if (!buf_read_file(&b, AT_FDCWD, "/proc/sys/kernel/random/boot_id", 4096) && b.len >= 36)
		snprintf(idx.boot, sizeof(idx.boot), "%.36s", b.data);
}

static void add_line(struct buf *b, const struct slot *s)
{
	buf_addf(b, "%u %llu %s %s\n", s->id, (unsigned long long)s->ino, space_name((enum space)s->space), s->name);
}

static int space_by_name(const char *name, size_t len)
{
	for (int s = SPACE_INSTANCES; s < SPACE_MAX; s++)
		if (strlen(space_name((enum space)s)) == len && !strncmp(space_name((enum space)s), name, len))
			return s;
	return -1;
}

/* False: the line makes no sense. */
static bool parse_line(char *line)
{
	char *end, *name;
	unsigned long id = strtoul(line, &end, 10);
	unsigned long long ino;
	struct slot *s;
	int space;

	if (end == line || *end != ' ' || !id || id >= 1u << 28)
		return false;
	s = registry_get((uint32_t)id);
	if (!strcmp(end, " -")) {
		if (s)
			registry_del(s);
		return true;
	}
	line = end + 1;
	ino = strtoull(line, &end, 10);
	name = *end == ' ' ? strchr(end + 1, ' ') : NULL;
	if (!name)
		return false;
	space = space_by_name(end + 1, (size_t)(name - end - 1));
	if (space < 0 || !*++name)
		return false;
	if (!s)
		return registry_add((uint32_t)id, (enum space)space, name, ino, false);
	s->ino = ino;
	return !registry_move(s, (enum space)space, name);
}

/* True when the file is as this boot left it. Lines that are believed are in the registry afterwards. */
static bool read_index(void)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	char *line, *end;
	bool same_boot;

	idx.lines = 0;
	if (buf_read_file(&b, store_fd(), "index", 1u << 30) < 0 || !b.len || strncmp(b.data, HEAD, strlen(HEAD)) != 0)
		return false;
	end = strchr(b.data, '\n');
	if (!end)
		return false;
	*end = '\0';
	same_boot = !strcmp(b.data + strlen(HEAD), idx.boot) && strcmp(idx.boot, "unknown") != 0;
	if (!same_boot && strcmp(b.data + strlen(HEAD), "clean") != 0)
		return false;
	for (line = end + 1; (end = strchr(line, '\n')); line = end + 1) {
		*end = '\0';
		if (!parse_line(line))
			break;
		idx.lines++;
	}
	return same_boot && !*line;
}

static bool is_object_name(enum space s, const char *name)
{
	if (s == SPACE_INSTANCES)
		return !name_check_instance(name, NULL);
	if (s == SPACE_TRASH)
		return *name != '.' && strlen(name) < sizeof(((struct object *)0)->name) && !name[strspn(name, TRASH_BYTES)];
	return s == SPACE_NETWORKS ? !name_check_network(name, NULL) : !name_check("object", name, NULL);
}

static int scan_name(const char *name, uint64_t ino, unsigned char type, void *arg)
{
	struct scan *scan = arg;
	struct slot *s;
	struct stranger *new;
	struct stat st;

	if (type == DT_UNKNOWN && !fstatat(store_space_fd(scan->space), name, &st, AT_SYMLINK_NOFOLLOW) && S_ISDIR(st.st_mode))
		type = DT_DIR;
	if (type != DT_DIR || !is_object_name(scan->space, name))
		return 0;
	s = registry_find(scan->space, name, false);
	if (s && !strcmp(s->name, name) && s->ino == ino) {
		s->found = true;
		return 0;
	}
	if (scan->n == scan->cap) {
		scan->cap = scan->cap ? scan->cap * 2 : 64;
		new = realloc(scan->list, scan->cap * sizeof(*new));
		if (!new)
			return -ENOMEM;
		scan->list = new;
	}
	new = &scan->list[scan->n++];
	*new = (struct stranger){ .space = scan->space, .ino = ino };
	snprintf(new->name, sizeof(new->name), "%s", name);
	return 0;
}

static void drop_missing(void)
{
	for (int s = SPACE_INSTANCES; s < SPACE_MAX; s++) {
		size_t n;
		struct slot **list = registry_list((enum space)s, 0, &n);

		/* From the end: what is behind does not move. */
		while (n--)
			if (!list[n]->found)
				registry_del(list[n]);
	}
}

static void read_stranger(struct stranger *x)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	char path[256];

	snprintf(path, sizeof(path), "%s/object.json", x->name);
	x->readable = !buf_read_file(&b, store_space_fd(x->space), path, STORE_FILE_MAX) && !record_parse_id(b.data, b.len, &x->id) &&
		x->id;
}

static int by_id(const void *a, const void *b)
{
	const struct stranger *x = a, *y = b;

	if (x->readable != y->readable)
		return x->readable ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

/* Somebody copied an object's directory while the daemon was away: it becomes an object of its own. */
static int renumber(struct stranger *x, struct err *e)
{
	_cleanup_buf_ struct buf in = BUF_INIT, out = BUF_INIT;
	_cleanup_close_ int fd = openat(store_space_fd(x->space), x->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	char dir[OBJECT_DIR_MAX];
	struct record rec;
	int r = store_new_id(&x->id, e);

	if (r < 0)
		return r;
	if (fd < 0 || buf_read_file(&in, fd, "object.json", STORE_FILE_MAX) || record_parse(in.data, in.len, &rec, NULL) < 0)
		return 0;	/* shown as broken when it is looked at */
	rec.id = x->id;
	r = record_print(&rec, &out, e);
	record_free(&rec);
	snprintf(dir, sizeof(dir), "%s/%s", space_name(x->space), x->name);
	if (!r)
		r = journal_settle(dir, e);
	return r < 0 ? r : store_write(fd, "object.json", out.data, out.len, e);
}

static int add_strangers(struct scan *scan, struct err *e)
{
	uint32_t max;
	int r;

	for (size_t i = 0; i < scan->n; i++)
		read_stranger(&scan->list[i]);
	if (scan->n)
		qsort(scan->list, scan->n, sizeof(*scan->list), by_id);
	max = registry_max_id();
	for (size_t i = 0; i < scan->n; i++)
		if (scan->list[i].readable && scan->list[i].id > max)
			max = scan->list[i].id;
	store_ids_start(max);
	for (size_t i = 0; i < scan->n; i++) {
		struct stranger *x = &scan->list[i];

		r = !x->readable || registry_get(x->id) ? renumber(x, e) : 0;
		if (r < 0)
			return r;
		if (!registry_add(x->id, x->space, x->name, x->ino, false))
			return err_set(e, ENOMEM, "out of memory");
	}
	return 0;
}

void index_forget(void)
{
	unlinkat(store_fd(), "index", 0);
	cleanup_close(&idx.fd);
	idx.fd = -1;
}

static int write_index(const char *tag, struct err *e)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	size_t n;

	buf_addf(&b, HEAD "%s\n", tag);
	idx.lines = 0;
	for (int s = SPACE_INSTANCES; s < SPACE_MAX; s++) {
		struct slot **list = registry_list((enum space)s, 0, &n);

		for (size_t i = 0; i < n; i++, idx.lines++)
			add_line(&b, list[i]);
	}
	if (buf_error(&b))
		return err_set(e, ENOMEM, "out of memory");
	return store_write(store_fd(), "index", b.data, b.len, e);
}

int index_load(struct err *e)
{
	struct scan scan = { 0 };
	size_t total = 0;
	bool same;
	int r = 0;

	read_boot_id();
	same = read_index();
	for (int s = SPACE_INSTANCES; s < SPACE_MAX && r >= 0; s++) {
		scan.space = (enum space)s;
		r = store_each_name(store_space_fd(scan.space), scan_name, &scan);
		if (r < 0)
			err_sys(e, -r, "cannot read %s/%s", store_dir(), space_name(scan.space));
	}
	if (r >= 0) {
		drop_missing();
		r = add_strangers(&scan, e);
	}
	free(scan.list);
	if (r < 0)
		return r;
	for (int s = SPACE_INSTANCES; s < SPACE_MAX; s++)
		total += registry_count((enum space)s);
	/* A full disk must not keep the daemon from starting: without the file the next start is slower. */
	if ((!same || scan.n || idx.lines > 2 * total + 1000) && write_index(idx.boot, NULL) < 0) {
		index_forget();
		return 0;
	}
	idx.fd = openat(store_fd(), "index", O_WRONLY | O_APPEND | O_NOFOLLOW | O_CLOEXEC);
	return 0;
}

static void append(const struct buf *b)
{
	if (idx.fd >= 0 && (buf_error(b) || write(idx.fd, b->data, b->len) != (ssize_t)b->len))
		index_forget();
}

void index_put(const struct slot *s)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	add_line(&b, s);
	append(&b);
}

void index_del(uint32_t id)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	buf_addf(&b, "%u -\n", id);
	append(&b);
}

void index_close(void)
{
	if (idx.fd >= 0 && write_index("clean", NULL) < 0)
		index_forget();
	cleanup_close(&idx.fd);
	idx.fd = -1;
}
