// SPDX-License-Identifier: LGPL-2.1-or-later
/* Control groups: see cgroup.h. Descriptors of the hierarchies' roots stay open; everything else is opened below them. */
#include "backends/core/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "backends/core/cleanup.h"

#define HIERARCHIES_MAX 24
#define DEPTH_MAX 64		/* of groups that a guest nests */
#define REMOVE_TRIES 100

struct hierarchy {
	int fd;
	bool unified;
};

struct place {
	int version;
	int fd;			/* of the hierarchy's root */
};

static struct hierarchy hierarchies[HIERARCHIES_MAX];
static size_t n_hierarchies;
static struct place places[CGROUP_MAX];
static int unified_fd = -1;

static const char *const names[CGROUP_MAX] = {
	[CGROUP_CPU] = "cpu", [CGROUP_CPUACCT] = "cpuacct", [CGROUP_CPUSET] = "cpuset", [CGROUP_MEMORY] = "memory",
	[CGROUP_PIDS] = "pids", [CGROUP_FREEZER] = "freezer", [CGROUP_DEVICES] = "devices",
	[CGROUP_IO] = "io", [CGROUP_HUGETLB] = "hugetlb", [CGROUP_NET_PRIO] = "net_prio",
};

const char *cgroup_name(enum cgroup_controller c)
{
	return names[c];
}

int cgroup_version(enum cgroup_controller c)
{
	return places[c].version;
}

bool cgroup_has_unified(void)
{
	return unified_fd >= 0;
}

static bool has_word(const char *list, const char *word, const char *separators)
{
	size_t n = strlen(word);

	while (*list) {
		size_t len = strcspn(list, separators);

		if (len == n && !strncmp(list, word, n))
			return true;
		list += len;
		list += strspn(list, separators);
	}
	return false;
}

static void place_v1(int fd, const char *options)
{
	for (int c = 0; c < CGROUP_MAX; c++)
		if (has_word(options, c == CGROUP_IO ? "blkio" : names[c], ",\n"))
			places[c] = (struct place) { .version = 1, .fd = fd };
}

/* v2 counts the use of the CPU and freezes in every group; devices are a program of the kernel, not a file. */
static void place_v2(int fd)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	unified_fd = fd;
	if (buf_read_file(&b, fd, "cgroup.controllers", 4096) < 0)
		return;
	for (int c = 0; c < CGROUP_MAX; c++) {
		bool always = c == CGROUP_CPUACCT || c == CGROUP_FREEZER || (c == CGROUP_DEVICES && b.len > 1);

		if (!places[c].version && (always || has_word(buf_str(&b), names[c], " \n")))
			places[c] = (struct place) { .version = 2, .fd = fd };
	}
}

/* A line of mountinfo: "ID PARENT DEV ROOT MOUNTPOINT OPTIONS ... - TYPE SOURCE SUPEROPTIONS". */
static void add_mount(const char *root, char *line)
{
	char full[4096], *dash = strstr(line, " - "), *point = line, *options;
	struct hierarchy *h = &hierarchies[n_hierarchies];
	bool v1, v2;

	if (!dash || n_hierarchies == HIERARCHIES_MAX)
		return;
	v1 = !strncmp(dash + 3, "cgroup ", 7);
	v2 = !strncmp(dash + 3, "cgroup2 ", 8);
	if (!v1 && !v2)
		return;
	for (int i = 0; i < 4 && point; i++)
		point = strchr(point + (i > 0), ' ');
	options = strrchr(dash, ' ');
	if (!point || !options)
		return;
	point++;
	point[strcspn(point, " ")] = '\0';
	if ((size_t)snprintf(full, sizeof(full), "%s%s", root, point) >= sizeof(full))
		return;
	h->fd = open(full, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (h->fd < 0)
		return;
	h->unified = v2;
	n_hierarchies++;
	if (v1)
		place_v1(h->fd, options + 1);
}

static int find_all(const char *root, struct err *e)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	char file[4096], *line, *next;
	int r;

	if ((size_t)snprintf(file, sizeof(file), "%s/proc/self/mountinfo", root) >= sizeof(file))
		return err_set(e, ENAMETOOLONG, "%.100s...", root);
	r = buf_read_file(&b, AT_FDCWD, file, 64 << 20);
	if (r < 0)
		return err_sys(e, -r, "%s", file);
	for (line = b.data; line && *line; line = next) {
		next = strchr(line, '\n');
		next = next ? (*next = '\0', next + 1) : NULL;
		add_mount(root, line);
	}
	for (size_t i = 0; i < n_hierarchies; i++)
		if (hierarchies[i].unified)
			place_v2(hierarchies[i].fd);
	return n_hierarchies ? 0 : err_set(e, ENOENT, "no control group hierarchy is mounted; containers need one below /sys/fs/cgroup");
}

int cgroup_init(struct err *e)
{
	return n_hierarchies ? 0 : find_all("", e);
}

int cgroup_init_below(const char *root, struct err *e)
{
	while (n_hierarchies)
		close(hierarchies[--n_hierarchies].fd);
	memset(places, 0, sizeof(places));
	unified_fd = -1;
	return find_all(root, e);
}

static int open_file(int root, const char *path, const char *file, int flags)
{
	char full[4096];
	int fd;

	/* the root's own path is "" */
	if ((size_t)snprintf(full, sizeof(full), "%s%s%s", path, *path ? "/" : "", file) >= sizeof(full))
		return -ENAMETOOLONG;
	fd = openat(root, full, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int open_known(int root, const char *path, const char *file, int flags)
{
	int fd = open_file(root, path, file, flags);

	return fd == -ENOENT ? -ENODATA : fd;
}

static int read_at(int root, const char *path, const char *file, char *buf, size_t size)
{
	_cleanup_close_ int fd = open_known(root, path, file, O_RDONLY);
	ssize_t n;

	if (fd < 0)
		return fd;
	n = read(fd, buf, size - 1);
	if (n < 0)
		return -errno;
	buf[n] = '\0';
	return 0;
}

static int write_at(int root, const char *path, const char *file, const char *value)
{
	_cleanup_close_ int fd = open_known(root, path, file, O_WRONLY);

	if (fd < 0)
		return fd;
	return write(fd, value, strlen(value)) < 0 ? -errno : 0;
}

int cgroup_read(enum cgroup_controller c, const char *path, const char *file, char buf[CGROUP_VALUE_MAX])
{
	int r;

	if (!places[c].version)
		return -ENODATA;
	r = read_at(places[c].fd, path, file, buf, CGROUP_VALUE_MAX);
	if (r == 0)
		buf[strcspn(buf, "\n")] = '\0';
	return r;
}

int cgroup_read_u64(enum cgroup_controller c, const char *path, const char *file, uint64_t *ret)
{
	char text[CGROUP_VALUE_MAX], *end;
	int r = cgroup_read(c, path, file, text);

	if (r < 0)
		return r;
	if (!strcmp(text, "max")) {
		*ret = UINT64_MAX;
		return 0;
	}
	*ret = strtoull(text, &end, 10);
	return end == text ? -EIO : 0;
}

int cgroup_read_key(enum cgroup_controller c, const char *path, const char *file, const char *key, uint64_t *ret)
{
	char text[8192], *s = text;
	size_t n = strlen(key);
	int r;

	if (!places[c].version)
		return -ENODATA;
	r = read_at(places[c].fd, path, file, text, sizeof(text));
	if (r < 0)
		return r;
	for (; s; s = strchr(s, '\n'), s = s ? s + 1 : NULL) {
		if (strncmp(s, key, n) != 0 || s[n] != ' ')
			continue;
		*ret = strtoull(s + n, NULL, 10);
		return 0;
	}
	return -ENODATA;
}

int cgroup_open(enum cgroup_controller c, const char *path, const char *file, int flags)
{
	return places[c].version ? open_known(places[c].fd, path, file, flags) : -ENODATA;
}

int cgroup_open_unified(const char *path, const char *file, int flags)
{
	return unified_fd >= 0 ? open_known(unified_fd, path, file, flags) : -ENODATA;
}

int cgroup_write(enum cgroup_controller c, const char *path, const char *file, const char *value)
{
	return places[c].version ? write_at(places[c].fd, path, file, value) : -ENODATA;
}

int cgroup_pass_on(enum cgroup_controller c, const char *path)
{
	char above[512] = "", line[64];
	size_t len = strlen(path);
	int r = 0;

	if (places[c].version != 2 || len >= sizeof(above))
		return 0;
	snprintf(line, sizeof(line), "+%s", names[c]);
	for (size_t i = 0; i < len && r == 0; i++) {
		if (i && path[i] != '/')
			continue;
		memcpy(above, path, i);
		above[i] = '\0';
		r = write_at(places[c].fd, above, "cgroup.subtree_control", line);
	}
	return r;
}

/* ---- freezing ---- */

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* The wanted state was reached, not only asked for. */
static bool is_settled(const char *path, bool frozen)
{
	uint64_t v;
	char text[CGROUP_VALUE_MAX];

	if (places[CGROUP_FREEZER].version == 2)
		return cgroup_read_key(CGROUP_FREEZER, path, "cgroup.events", "frozen", &v) == 0 && v == frozen;
	return cgroup_read(CGROUP_FREEZER, path, "freezer.state", text) == 0 && !strcmp(text, frozen ? "FROZEN" : "THAWED");
}

bool cgroup_is_frozen(const char *path)
{
	return is_settled(path, true);
}

static int ask_freeze(const char *path, bool freeze)
{
	if (places[CGROUP_FREEZER].version == 2)
		return cgroup_write(CGROUP_FREEZER, path, "cgroup.freeze", freeze ? "1" : "0");
	return cgroup_write(CGROUP_FREEZER, path, "freezer.state", freeze ? "FROZEN" : "THAWED");
}

int cgroup_freeze(const char *path, bool freeze, unsigned timeout_ms, struct err *e)
{
	int64_t end = now_ms() + timeout_ms;
	int r, nap = 0;

	if (!places[CGROUP_FREEZER].version)
		return err_set(e, EOPNOTSUPP, "this kernel offers no freezer controller");
	r = ask_freeze(path, freeze);
	if (r < 0)
		return err_sys(e, -r, "%s the control group %s", freeze ? "freezing" : "thawing", path);
	/* Neither version tells by an event that covers both: a few looks, usually none. */
	while (!is_settled(path, freeze)) {
		if (now_ms() > end) {
			if (freeze)
				ask_freeze(path, false);
			return err_set(e, ETIMEDOUT, "the processes could not be %s within %u ms", freeze ? "frozen" : "thawed", timeout_ms);
		}
		poll(NULL, 0, nap < 20 ? ++nap : nap);
		/* v1 tries once per write or read; processes that were in the kernel then need a second look */
		r = ask_freeze(path, freeze);
		if (r < 0)
			return err_sys(e, -r, "%s", path);
	}
	return 0;
}

/* ---- making ---- */

/* A new group of v1's cpuset has no CPU and no memory, and takes no process. */
static void inherit_cpuset(int parent, int dir)
{
	static const char *const files[] = { "cpuset.cpus", "cpuset.mems" };

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		_cleanup_buf_ struct buf b = BUF_INIT;

		if (buf_read_file(&b, parent, files[i], CGROUP_VALUE_MAX) == 0 && b.len > 1)
			write_at(dir, ".", files[i], b.data);
	}
}

static void enter_one(const struct hierarchy *h, const char *path, const char *pid)
{
	_cleanup_close_ int dir = fcntl(h->fd, F_DUPFD_CLOEXEC, 0);
	char name[256];

	while (dir >= 0 && *path) {
		size_t len = strcspn(path, "/");
		int below;

		snprintf(name, sizeof(name), "%.*s", (int)len, path);
		if (mkdirat(dir, name, 0755) < 0 && errno != EEXIST)
			return;
		below = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (below < 0)
			return;
		if (h->fd == places[CGROUP_CPUSET].fd && places[CGROUP_CPUSET].version == 1)
			inherit_cpuset(dir, below);
		close(dir);
		dir = below;
		path += len + (path[len] == '/');
	}
	write_at(dir, ".", "cgroup.procs", pid);
}

void cgroup_enter(const char *path, pid_t pid)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", (int)pid);
	for (int c = 0; c < CGROUP_MAX; c++)
		cgroup_pass_on(c, path);
	for (size_t i = 0; i < n_hierarchies; i++)
		enter_one(&hierarchies[i], path, text);
}

/* ---- killing and removing ---- */

static int each_in(int dir, int (*f)(pid_t pid, void *arg), void *arg)
{
	_cleanup_close_ int fd = openat(dir, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	_cleanup_buf_ struct buf b = BUF_INIT;
	char *s, *end;
	int r = 0;

	if (fd < 0 || buf_read_fd(&b, fd, 8 << 20) < 0)
		return 0;
	for (s = b.data; s && *s && r == 0; s = end) {
		long pid = strtol(s, &end, 10);

		if (end == s)
			break;
		/* 0: a process of another pid namespace */
		if (pid > 1)
			r = f((pid_t)pid, arg);
		end += strspn(end, "\n");
	}
	return r;
}

/* Children first. f is called for each group with a descriptor of its parent, its name, and one of its own. */
static void walk(int parent, const char *name, int depth, void (*f)(int parent, const char *name, int dir, void *arg), void *arg)
{
	_cleanup_dir_ DIR *d = NULL;
	struct dirent *de;
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return;
	d = fdopendir(fd);
	if (!d) {
		close(fd);
		return;
	}
	while (depth < DEPTH_MAX && (de = readdir(d)))
		if (de->d_type == DT_DIR && strcmp(de->d_name, ".") != 0 && strcmp(de->d_name, "..") != 0)
			walk(dirfd(d), de->d_name, depth + 1, f, arg);
	f(parent, name, dirfd(d), arg);
}

struct each {
	int (*f)(pid_t pid, void *arg);
	void *arg;
	int r;
};

static void each_of_group(int parent, const char *name, int dir, void *arg)
{
	struct each *a = arg;

	if (a->r == 0)
		a->r = each_in(dir, a->f, a->arg);
}

int cgroup_each_process(const char *path, int (*f)(pid_t pid, void *arg), void *arg)
{
	struct each a = { .f = f, .arg = arg };

	if (unified_fd >= 0 && faccessat(unified_fd, path, F_OK, 0) == 0) {
		walk(unified_fd, path, 0, each_of_group, &a);
		return a.r;
	}
	for (size_t i = 0; i < n_hierarchies; i++) {
		if (faccessat(hierarchies[i].fd, path, F_OK, 0) == 0) {
			walk(hierarchies[i].fd, path, 0, each_of_group, &a);
			break;
		}
	}
	return a.r;
}

static int kill_one(pid_t pid, void *arg)
{
	kill(pid, SIGKILL);
	return 0;
}

static void kill_group(int parent, const char *name, int dir, void *arg)
{
	each_in(dir, kill_one, NULL);
}

static void remove_group(int parent, const char *name, int dir, void *arg)
{
	unlinkat(parent, name, AT_REMOVEDIR);
}

void cgroup_kill(const char *path)
{
	bool done = unified_fd >= 0 && write_at(unified_fd, path, "cgroup.kill", "1") == 0;

	/* On a hybrid host all processes are in the unified hierarchy too; where it is missing, any hierarchy tells them. */
	for (size_t i = 0; i < n_hierarchies && !done; i++)
		if (faccessat(hierarchies[i].fd, path, F_OK, 0) == 0)
			walk(hierarchies[i].fd, path, 0, kill_group, NULL);
	if (places[CGROUP_FREEZER].version == 1)
		ask_freeze(path, false);
}

static bool remove_once(const char *path)
{
	bool left = false;

	for (size_t i = 0; i < n_hierarchies; i++) {
		if (unlinkat(hierarchies[i].fd, path, AT_REMOVEDIR) == 0 || errno == ENOENT)
			continue;
		walk(hierarchies[i].fd, path, 0, remove_group, NULL);
		if (faccessat(hierarchies[i].fd, path, F_OK, 0) == 0)
			left = true;
	}
	return !left;
}

int cgroup_remove(const char *path, struct err *e)
{
	if (!*path || strstr(path, ".."))
		return err_set(e, EINVAL, "\"%s\" is not a control group of ours", path);
	for (int i = 0; i < REMOVE_TRIES; i++) {
		if (remove_once(path))
			return 0;
		cgroup_kill(path);
		poll(NULL, 0, i < 10 ? 1 : 20);
	}
	return err_set(e, EBUSY, "the control group %s still has processes", path);
}
