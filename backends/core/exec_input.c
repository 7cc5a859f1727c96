// SPDX-License-Identifier: LGPL-2.1-or-later
/* Inputs of commands: what may stand in them, and the files that they are kept in. */
#include "backends/core/exec_input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "backends/core/cleanup.h"

static bool is_word(const char *data, size_t len)
{
	return len && !memchr(data, '\n', len);
}

static int check_env(const char *data, size_t len, struct err *e)
{
	while (len) {
		const char *nl = memchr(data, '\n', len), *eq;
		size_t n = nl ? (size_t)(nl - data) : len;

		eq = memchr(data, '=', n);
		if (n && (!eq || eq == data))
			return err_set(e, EINVAL, "env: \"%.*s\" is not NAME=VALUE", n > 64 ? 64 : (int)n, data);
		len -= n + (nl ? 1 : 0);
		data += n + (nl ? 1 : 0);
	}
	return 0;
}

int exec_input_check(const char *item, const char *data, size_t len, struct err *e)
{
	size_t n = len;

	if (len > EXEC_INPUT_MAX)
		return err_set(e, EFBIG, "%s is longer than %d bytes", item, EXEC_INPUT_MAX);
	if (memchr(data, '\0', len))
		return err_set(e, EINVAL, "%s has a zero byte in it", item);
	if (n && data[n - 1] == '\n')
		n--;
	if (!strcmp(item, "env"))
		return check_env(data, n, e);
	if (!strcmp(item, "command") || !strcmp(item, "argv"))
		return n && *data != '\n' ? 0 : err_set(e, EINVAL, "%s is empty; it says what to run", item);
	if (!strcmp(item, "cwd"))
		return is_word(data, n) && *data == '/' ? 0 : err_set(e, EINVAL, "cwd: one line with an absolute path of the instance");
	if (!strcmp(item, "user"))
		return is_word(data, n) ? 0 : err_set(e, EINVAL, "user: one line with a name or number of the instance");
	return err_set(e, EINVAL, "%s is not an input of a command", item);
}

int exec_input_write(const struct exec_request *x, const char *item, const char *data, size_t len, struct err *e)
{
	_cleanup_close_ int dir = -1, fd = -1;
	char path[512], tmp[32];

	exec_dir(x, path, sizeof(path));
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_sys(e, errno, "%s", path);
	snprintf(tmp, sizeof(tmp), ".%.16s.new", item);
	fd = openat(dir, tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_sys(e, errno, "%s", item);
	for (size_t done = 0; done < len;) {
		ssize_t n = write(fd, data + done, len - done);

		if (n < 0 && errno != EINTR)
			return err_sys(e, errno, "%s", item);
		done += n > 0 ? (size_t)n : 0;
	}
	return renameat(dir, tmp, dir, item) < 0 ? err_sys(e, errno, "%s", item) : 0;
}

int exec_input_stdin(const struct exec_request *x, const char *data, size_t len, off_t off, struct err *e)
{
	_cleanup_close_ int fd = -1;
	char path[560];

	if (off < 0 || (uint64_t)off + len > EXEC_STDIN_MAX)
		return err_set(e, EFBIG, "stdin is longer than %d MiB", EXEC_STDIN_MAX >> 20);
	exec_dir(x, path, sizeof(path) - 8);
	strcat(path, "/stdin");
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | (data ? 0 : O_TRUNC), 0600);
	if (fd < 0)
		return err_sys(e, errno, "stdin");
	for (size_t done = 0; done < len;) {
		ssize_t n = pwrite(fd, data + done, len - done, off + (off_t)done);

		if (n < 0 && errno != EINTR)
			return err_sys(e, errno, "stdin");
		done += n > 0 ? (size_t)n : 0;
	}
	return 0;
}
