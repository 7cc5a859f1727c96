// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/stream.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/core/cleanup.h"

static int absent(int error)
{
	return error == -ENOENT || error == -ENODATA ? 0 : error;
}

int stream_read_fd(int file, size_t size, off_t off, struct buf *out)
{
	_cleanup_close_ int fd = file;
	ssize_t n;

	if (fd < 0)
		return absent(fd);
	buf_resize(out, size);
	if (buf_error(out))
		return -ENOMEM;
	n = pread(fd, out->data, size, off);
	if (n < 0)
		return -errno;
	buf_resize(out, (size_t)n);
	return 0;
}

int stream_size_fd(int file, uint64_t *ret)
{
	_cleanup_close_ int fd = file;
	struct stat st = { 0 };

	if (fd < 0)
		return absent(fd);
	if (fstat(fd, &st))
		return -errno;
	*ret = (uint64_t)st.st_size;
	return 0;
}
