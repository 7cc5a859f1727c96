// SPDX-License-Identifier: LGPL-2.1-or-later
/* Limits of processes: see rlimit.h. No state. */
#include "backends/core/rlimit.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "backends/core/buf.h"
#include "backends/core/cleanup.h"
#include "backends/core/value.h"

static const struct rlimit_name names[] = {
	{ "as", RLIMIT_AS, true }, { "core", RLIMIT_CORE, true }, { "cpu", RLIMIT_CPU, false }, { "data", RLIMIT_DATA, true },
	{ "fsize", RLIMIT_FSIZE, true }, { "locks", RLIMIT_LOCKS, false }, { "memlock", RLIMIT_MEMLOCK, true },
	{ "msgqueue", RLIMIT_MSGQUEUE, true }, { "nice", RLIMIT_NICE, false }, { "nofile", RLIMIT_NOFILE, false },
	{ "nproc", RLIMIT_NPROC, false }, { "rss", RLIMIT_RSS, true }, { "rtprio", RLIMIT_RTPRIO, false },
	{ "rttime", RLIMIT_RTTIME, false }, { "sigpending", RLIMIT_SIGPENDING, false }, { "stack", RLIMIT_STACK, true },
};

const struct rlimit_name *rlimit_find(const char *name, struct err *e)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (!strcmp(names[i].name, name))
			return &names[i];
	}
	err_set(e, EINVAL, "\"%.64s\" is not a limit of processes; there are as, core, cpu, data, fsize, locks, memlock, msgqueue, "
		"nice, nofile, nproc, rss, rtprio, rttime, sigpending, stack", name);
	return NULL;
}

const struct rlimit_name *rlimit_by_index(int i)
{
	return i >= 0 && (size_t)i < sizeof(names) / sizeof(*names) ? &names[i] : NULL;
}

static int parse_one(const struct rlimit_name *n, char *text, rlim_t *ret, struct err *e)
{
	uint64_t size = 0;
	int64_t count = 0;
	int r;

	text += strspn(text, " \t");
	if (!strncasecmp(text, "unlimited", 9) && !text[9 + strspn(text + 9, " \t")]) {
		*ret = RLIM_INFINITY;
		return 0;
	}
	r = n->bytes ? value_size(text, &size, NULL) : value_int(text, 0, INT64_MAX, &count, NULL);
	if (r < 0)
		return err_set(e, r == -ERANGE ? ERANGE : EINVAL, "\"%.64s\" is not a limit; right are %s", text,
			       n->bytes ? "64MiB, 64MiB:128MiB, unlimited" : "1024, 1024:4096, unlimited");
	*ret = n->bytes ? (rlim_t)size : (rlim_t)count;
	return 0;
}

/* More than that is refused by the kernel, to root too, and then the instance would not start. */
static int check_open_files(rlim_t hard, struct err *e)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	uint64_t most;

	if (buf_read_file(&b, AT_FDCWD, "/proc/sys/fs/nr_open", 64) < 0 || !b.len)
		return 0;
	most = strtoull(b.data, NULL, 10);
	if (!most || hard <= most)
		return 0;
	return err_set(e, ERANGE, "the kernel allows %" PRIu64 " open files to a process at most (fs.nr_open)", most);
}

int rlimit_parse(const char *name, const char *value, struct rlimit *ret, struct err *e)
{
	const struct rlimit_name *n = rlimit_find(name, e);
	struct rlimit l = { 0 };
	char text[128], *colon;
	int r;

	if (!n)
		return -EINVAL;
	if (strlen(value) >= sizeof(text))
		return err_set(e, EINVAL, "\"%.32s...\" is too long for a limit", value);
	strcpy(text, value);
	colon = strchr(text, ':');
	if (colon)
		*colon++ = '\0';
	r = parse_one(n, text, &l.rlim_cur, e);
	if (r == 0)
		r = parse_one(n, colon ? colon : text, &l.rlim_max, e);
	if (r < 0)
		return r;
	if (l.rlim_cur > l.rlim_max)
		return err_set(e, ERANGE, "%.64s: the soft limit, which comes first, is above the hard one", value);
	r = n->resource == RLIMIT_NOFILE ? check_open_files(l.rlim_max, e) : 0;
	if (r == 0)
		*ret = l;
	return r;
}
