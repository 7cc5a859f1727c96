// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Fuzzer of the unpacker: any bytes as an archive, into a directory on tmpfs. Beside the crashes that sanitizers find: nothing may
 * appear outside of the directory.
 */
#include <archive.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/core/cleanup.h"
#include "backends/core/tree.h"
#include "mkimage/unpack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int top = -1;

static bool open_top(void)
{
	char dir[] = "/dev/shm/instfs-fuzz-XXXXXX";

	if (top < 0 && mkdtemp(dir))
		top = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return top >= 0;
}

/* "out" is all that there may be. */
static void check_top(void)
{
	int fd = dup(top);
	_cleanup_dir_ DIR *d = fdopendir(fd);
	struct dirent *de;

	rewinddir(d);
	while ((de = readdir(d))) {
		if (strcmp(de->d_name, ".") != 0 && strcmp(de->d_name, "..") != 0 && strcmp(de->d_name, "out") != 0)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct unpack_limits limits = { .bytes = 1 << 20, .entries = 200, .ratio = 500, .ids = 65536 };
	_cleanup_close_ int fd = memfd_create("archive", MFD_CLOEXEC), out = -1;
	struct unpacked u;
	struct err e = ERR_INIT;
	struct archive *a;

	if (!open_top() || fd < 0 || write(fd, data, size) != (ssize_t)size || lseek(fd, 0, SEEK_SET) < 0)
		return 0;
	if (tree_remove(top, "out", NULL) < 0 || mkdirat(top, "out", 0700) < 0)
		abort();
	out = tree_open(top, "out", O_RDONLY | O_DIRECTORY);
	a = unpack_open(fd, &e);
	if (!a)
		return 0;
	if (unpack_archive(a, out, &limits, &u, &e) == 0)
		metadata_free(&u.metadata);
	else if (!e.code || !e.text[0])
		abort();
	archive_read_free(a);
	check_top();
	return 0;
}
