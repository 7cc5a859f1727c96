// SPDX-License-Identifier: LGPL-2.1-or-later
/* See staged.h. No state, no locks. */
#include "backends/lxc/staged.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backends/core/cleanup.h"
#include "backends/core/mount.h"
#include "backends/core/spawn.h"
#include "backends/core/watch.h"
#include "backends/lxc/mountinfo.h"

#define HELPER_MS 20000

void staged_path(const struct device *d, char *buf, size_t size)
{
	snprintf(buf, size, "%s/disk.%s", d->place->dir, d->name);
}

int staged_place(const struct device *d, bool dir, struct err *e)
{
	char path[600];
	int fd;

	staged_path(d, path, sizeof(path));
	if (dir)
		return mkdir(path, 0700) < 0 && errno != EEXIST ? err_sys(e, errno, "%s", path) : 0;
	fd = open(path, O_RDONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_sys(e, errno, "%s", path);
	close(fd);
	return 0;
}

int staged_attach(const struct device *d, int tree, bool dir, struct err *e)
{
	char path[600];
	int r = staged_place(d, dir, e);

	staged_path(d, path, sizeof(path));
	return r < 0 ? r : mount_attach(tree, path, e);
}

int staged_remove(const struct device *d, struct err *e)
{
	char path[600];
	int r;

	staged_path(d, path, sizeof(path));
	r = mount_detach(path, e);
	/* never remove what is still a mount of somebody's files; both calls only take empty or single things */
	if (r == 0 && unlink(path) < 0 && rmdir(path) < 0 && errno != ENOENT)
		return err_sys(e, errno, "%s", path);
	return r;
}

static int is_dir(const struct staged *s, bool *ret, struct err *e)
{
	struct stat st;
	char path[600];

	staged_path(s->d, path, sizeof(path));
	if (lstat(path, &st) < 0)
		return err_sys(e, errno, "%s", path);
	*ret = S_ISDIR(st.st_mode);
	return 0;
}

/* ---- at start ---- */

/* fstab's way to write blanks. */
static void add_escaped(struct buf *out, const char *s)
{
	for (; *s; s++) {
		if (*s == ' ' || *s == '\t' || *s == '\\')
			buf_addf(out, "\\%03o", (unsigned)(unsigned char)*s);
		else
			buf_addch(out, *s);
	}
}

/*
 * "optional", because a device that was detached meanwhile must not keep the guest from rebooting, and liblxc takes the same lines
 * then; staged_is_given() tells whether it worked.
 */
int staged_conf(const struct staged *s, const char *target, struct buf *conf, struct err *e)
{
	char path[600];
	bool dir = false;
	int r = is_dir(s, &dir, e);

	if (r < 0)
		return r;
	staged_path(s->d, path, sizeof(path));
	buf_addstr(conf, "lxc.mount.entry = ");
	add_escaped(conf, path);
	buf_addch(conf, ' ');
	add_escaped(conf, target + strspn(target, "/"));
	buf_addf(conf, " none %s,optional,create=%s", s->recursive ? "rbind" : "bind", dir ? "dir" : "file");
	if (*s->propagation)
		buf_addf(conf, ",%s", s->propagation);
	buf_addstr(conf, " 0 0\n");
	return 0;
}

/* ---- in a running container ---- */

int staged_helper(const struct device *d, const char *const *argv, struct err *e)
{
	_cleanup_close_ int pidfd = process_open(d->init, d->init_start);
	const struct spawn_fd fds[] = { { pidfd, 3 } };
	char helper[512];
	struct spawn s = { .path = helper, .argv = argv, .session = true, .fds = fds, .n_fds = 1 };
	struct err why = ERR_INIT;
	const char *text;
	int status = 0, r;

	if (pidfd < 0)
		return err_set(e, ESRCH, "the instance has just ended");
	r = spawn_helper("instfs-lxc", helper, sizeof(helper), e);
	if (r < 0)
		return r;
	r = spawn_run(&s, HELPER_MS, &status, &why);
	if (r == 0)
		return 0;
	text = !strncmp(why.text, "instfs-lxc: ", 12) ? why.text + 12 : why.text;
	return err_set(e, WIFEXITED(status) && WEXITSTATUS(status) ? WEXITSTATUS(status) : why.code, "%s", text);
}

void staged_look(struct device *d, const char *target)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
	_cleanup_close_ int root = -1, fd = -1;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/root", (int)d->init);
	root = open(d->init ? path : d->place->rootfs, O_PATH | O_DIRECTORY | O_CLOEXEC);
	fd = root < 0 ? -1 : (int)syscall(SYS_openat2, root, target, &how, sizeof(how));
	if (root >= 0 && fd < 0 && errno == ENOENT)
		device_set_fact(d, ".made", "1");
}

int staged_give(const struct staged *s, const char *target, struct err *e)
{
	char path[600];
	bool dir = false;
	const char *argv[] = { "instfs-lxc", "mount", s->d->map->n_uid ? "mapped" : "unmapped", path, target, "dir",
			       s->recursive ? "rbind" : "bind", *s->propagation ? s->propagation : "private", NULL };
	int r = is_dir(s, &dir, e);

	if (r < 0)
		return r;
	staged_path(s->d, path, sizeof(path));
	argv[5] = dir ? "dir" : "file";
	return staged_helper(s->d, argv, e);
}

int staged_is_given(const struct staged *s, struct err *e)
{
	_cleanup_buf_ struct buf ids = BUF_INIT;
	char path[600];
	int r;

	staged_path(s->d, path, sizeof(path));
	r = mountinfo_copies(path, s->d->init, &ids, e);
	return r < 0 ? r : ids.len > 0;
}

int staged_withdraw(const struct staged *s, const char *target, struct err *e)
{
	_cleanup_buf_ struct buf ids = BUF_INIT;
	char path[600], made[4];
	const char *argv[] = { "instfs-lxc", "unmount", s->d->map->n_uid ? "mapped" : "unmapped", target, "",
			       *device_fact(s->d, ".made", made, sizeof(made)) ? "made" : "found", NULL };
	int r;

	staged_path(s->d, path, sizeof(path));
	r = mountinfo_copies(path, s->d->init, &ids, e);
	if (r < 0 || !ids.len)
		return r;
	argv[4] = buf_str(&ids);
	return staged_helper(s->d, argv, e);
}
