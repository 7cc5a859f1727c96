// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Symbolic links below rootfs/. No state of its own.
 *
 * A link in a guest means a place in the guest. The kernel of the host would follow one to "/etc/passwd", or one with more
 * ".." than there are directories, to a file of the host: reading, or writing, what the guest chose. Whoever asks for the
 * text (readlink(2): ls, tar, rsync, cp -a) gets the text as it is; whoever follows the link gets a relative path to the
 * place that it means inside of the root file system. FUSE has one request for both, so that the system call of the
 * waiting thread is looked at. Anybody of whom that cannot be said counts as one who follows.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#include "backends/core/buf.h"
#include "backends/core/cleanup.h"
#include "fs/rootfs.h"
#include "fs/rootfs_handlers.h"

#define LOOKS_MAX 200		/* until a thread that has just sent its request sleeps */

/* The system call that a sleeping thread is in, and its first two arguments; -1: it cannot be said. */
static long call_of(pid_t tid, unsigned long args[2])
{
	char path[40], line[256];
	long call;

	snprintf(path, sizeof(path), "/proc/%d/syscall", (int)tid);
	for (int i = 0; i < LOOKS_MAX; i++) {
		_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
		ssize_t n = fd < 0 ? -1 : read(fd, line, sizeof(line) - 1);

		if (n <= 0)
			return -1;
		line[n] = '\0';
		if (strncmp(line, "running", 7) != 0)
			return sscanf(line, "%ld %lx %lx", &call, &args[0], &args[1]) == 3 ? call : -1;
		if (i < LOOKS_MAX / 2)
			sched_yield();
		else
			usleep(100);
	}
	return -1;
}

/*
 * Whether the path that a thread passed to the kernel ends in that name, or is empty: then the link itself is
 * what it asks for.
 */
static bool path_ends_in(pid_t tid, unsigned long address, const char *name)
{
	char file[40], path[PATH_MAX];
	_cleanup_close_ int fd = -1;
	const char *last;
	ssize_t n;

	snprintf(file, sizeof(file), "/proc/%d/mem", (int)tid);
	fd = open(file, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : pread(fd, path, sizeof(path), (off_t)address);
	if (n <= 0 || !memchr(path, '\0', (size_t)n))
		return false;
	last = strrchr(path, '/');
	last = last ? last + 1 : path;
	return !*path || !strcmp(last, name);
}

/* A link on the way to another one is followed by readlink(2) as well, so that the name counts too. */
static bool wants_text(pid_t tid, const char *name)
{
	unsigned long args[2] = { 0, 0 };
	long call = tid > 0 ? call_of(tid, args) : -1;

#ifdef SYS_readlink
	if (call == SYS_readlink)
		return path_ends_in(tid, args[0], name);
#endif
	return call == SYS_readlinkat && path_ends_in(tid, args[1], name);
}

/* "../../lib/x": counts what leads up, and tells whether nothing does so behind a name, where another link may stand. */
static bool only_up_first(const char *target, size_t *ups)
{
	bool named = false;

	*ups = 0;
	if (*target == '/')
		return false;
	for (const char *p = target; *p;) {
		size_t len = strcspn(p, "/");

		if (len == 2 && !strncmp(p, "..", 2)) {
			if (named)
				return false;
			++*ups;
		} else if (len && !(len == 1 && *p == '.')) {
			named = true;
		}
		p += len + strspn(p + len, "/");
	}
	return true;
}

/* Names from the root to the directory, each followed by a slash; how many, or -errno. */
static ssize_t path_of_dir(uint64_t ino, struct buf *out)
{
	_cleanup_free_ char *text = malloc(PATH_MAX);
	size_t at = PATH_MAX;
	struct rootfs_node n;
	ssize_t depth;

	if (!text)
		return -ENOMEM;
	for (depth = 0; !rootfs_node_is_root(ino); depth++, ino = n.parent) {
		size_t len;

		if (!rootfs_node_get(ino, &n))
			return -ESTALE;
		len = strlen(n.name);
		if (len + 1 > at)
			return -ENAMETOOLONG;
		text[--at] = '/';
		at -= len;
		memcpy(text + at, n.name, len);
	}
	buf_add(out, text + at, PATH_MAX - at);
	return buf_error(out) < 0 ? -ENOMEM : depth;
}

/* Where a path leads inside of the volume: names below its root without links, "" for the root itself. */
static int resolve(const struct rootfs_volume *v, const char *path, struct buf *out)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
	_cleanup_close_ int fd = (int)syscall(SYS_openat2, v->fd, *path ? path : ".", &how, sizeof(how));
	size_t prefix = strlen(v->path);
	struct rootfs_fd_path p;
	char place[PATH_MAX];
	ssize_t n;

	if (fd < 0)
		return -errno;
	p = rootfs_fd_path(fd);
	n = readlink(p.s, place, sizeof(place) - 1);
	if (n < 0)
		return -errno;
	place[n] = '\0';
	if (strncmp(place, v->path, prefix) != 0 || (place[prefix] && place[prefix] != '/'))
		return -ESTALE;		/* unmounted meanwhile */
	buf_addstr(out, place[prefix] ? place + prefix + 1 : "");
	return buf_error(out);
}

/* As resolve() for a path whose last name does not exist: it may be about to be made there. */
static int resolve_new(const struct rootfs_volume *v, char *path, struct buf *out)
{
	size_t len = strlen(path);
	char *name;
	int r;

	while (len && path[len - 1] == '/')
		path[--len] = '\0';
	name = strrchr(path, '/');
	name = name ? name + 1 : path;
	if (!*name || !strcmp(name, ".") || !strcmp(name, ".."))
		return -ENOENT;
	if (name > path) {
		name[-1] = '\0';
		r = resolve(v, path, out);
		if (r < 0)
			return r;
	}
	buf_addf(out, "%s%s", out->len ? "/" : "", name);
	return buf_error(out);
}

static int confine(const struct rootfs_volume *v, uint64_t parent, const char *target, struct buf *out)
{
	_cleanup_buf_ struct buf dir = BUF_INIT, place = BUF_INIT;
	ssize_t depth = path_of_dir(parent, &dir);
	size_t ups;
	int r;

	if (depth < 0)
		return (int)depth;
	if (only_up_first(target, &ups) && ups <= (size_t)depth) {
		buf_addstr(out, target);
		return buf_error(out);
	}
	if (*target == '/')
		buf_reset(&dir);
	buf_addstr(&dir, target);
	if (buf_error(&dir) < 0)
		return -ENOMEM;
	r = resolve(v, dir.data, &place);
	if (r == -ENOENT)
		r = resolve_new(v, dir.data, &place);
	if (r < 0)
		return r;
	for (ssize_t i = 0; i < depth; i++)
		buf_addstr(out, "../");
	buf_addstr(out, *buf_str(&place) ? buf_str(&place) : ".");
	return out->len >= PATH_MAX ? -ENAMETOOLONG : buf_error(out);
}

static int text_of_link(const struct rootfs_volume *v, uint64_t ino, int fd, pid_t reader, struct buf *out)
{
	char target[PATH_MAX + 1];
	ssize_t n = readlinkat(fd, "", target, sizeof(target) - 1);
	struct rootfs_node node;
	size_t ups;

	if (n < 0)
		return -errno;
	if (!rootfs_node_get(ino, &node))
		return -ESTALE;
	target[n] = '\0';
	if (!(only_up_first(target, &ups) && !ups) && !wants_text(reader, node.name))
		return confine(v, node.parent, target, out);
	buf_add(out, target, (size_t)n);
	return buf_error(out);
}

void rootfs_readlink(fuse_req_t req, fuse_ino_t ino)
{
	_cleanup_volume_ struct rootfs_volume *v = NULL;
	_cleanup_close_ int fd = rootfs_open_node(ino, &v);
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct caller who;
	int r;

	request_caller(req, &who);
	r = fd < 0 ? fd : text_of_link(v, ino, fd, who.pid, &text);
	if (r < 0)
		rootfs_reply(req, r);
	else
		fuse_reply_readlink(req, buf_str(&text));
}
