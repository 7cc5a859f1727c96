// SPDX-License-Identifier: LGPL-2.1-or-later
#include "backends/qemu/firmware.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/core/cleanup.h"

#define CODE "/usr/share/OVMF/OVMF_CODE_4M.fd"
#define VARS "/usr/share/OVMF/OVMF_VARS_4M.fd"
#define VARS_MAX (1 << 20)

static int open_installed(const char *path, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		return err_set(e, ENOENT, "the image boots from its disk, and the firmware for that is not installed: there is no %s (Debian's "
			       "package ovmf)", path);
	return fd < 0 ? err_sys(e, errno, "%s", path) : fd;
}

/* At the first start; complete, or not there. */
static int copy_variables(const char *path, struct err *e)
{
	_cleanup_close_ int from = open_installed(VARS, e), to = -1;
	_cleanup_buf_ struct buf b = BUF_INIT;
	char tmp[740];

	if (from < 0)
		return from;
	snprintf(tmp, sizeof(tmp), "%s.new", path);
	to = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (to < 0 || buf_read_fd(&b, from, VARS_MAX) < 0 || write(to, b.data, b.len) != (ssize_t)b.len || fsync(to) < 0 ||
	    rename(tmp, path) < 0)
		return err_sys(e, errno ? errno : ENOSPC, "%s", path);
	return 0;
}

static int open_variables(const struct volume *v, struct err *e)
{
	char path[700];
	int fd, r = 0;

	snprintf(path, sizeof(path), "%s/disk/vars.fd", v->dir);
	if (access(path, F_OK) < 0)
		r = copy_variables(path, e);
	if (r < 0)
		return r;
	fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? err_sys(e, errno, "%s", path) : fd;
}

static void add_flash(struct command *c, int set, const char *name, int fd, bool read_only)
{
	const char *word = read_only ? "true" : "false";

	command_add(c, "-add-fd");
	command_add(c, "fd=%d,set=%d", command_pass(c, fd), set);
	command_add(c, "-blockdev");
	command_add(c, "{\"driver\":\"raw\",\"node-name\":\"%s\",\"read-only\":%s,\"file\":{\"driver\":\"file\",\"read-only\":%s,"
		       "\"filename\":\"/dev/fdset/%d\"}}", name, word, word, set);
}

int firmware_add(struct command *c, const struct volume *v, struct err *e)
{
	int code = open_installed(CODE, e), variables;

	if (code < 0)
		return code;
	add_flash(c, 3, "code", code, true);
	variables = open_variables(v, e);
	if (variables < 0)
		return variables;
	add_flash(c, 4, "variables", variables, false);
	command_add(c, "-machine");
	command_add(c, "pflash0=code,pflash1=variables");
	return 0;
}
