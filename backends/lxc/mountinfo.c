// SPDX-License-Identifier: LGPL-2.1-or-later
#include "backends/lxc/mountinfo.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "backends/core/mount.h"

#define INFO_MAX (64 << 20)

/* The part of a line that says what is shown: "MAJOR:MINOR ROOT", both as the kernel writes them. */
static bool parse(const char *line, unsigned long long *id, const char **what, size_t *len)
{
	int begin = 0, end = 0;

	if (sscanf(line, "%llu %*u %n%*s %*s%n", id, &begin, &end) != 1 || !end)
		return false;
	*what = line + begin;
	*len = (size_t)(end - begin);
	return true;
}

static int find_staged(const char *staged, struct buf *what, struct err *e)
{
	_cleanup_buf_ struct buf info = BUF_INIT;
	unsigned long long id;
	struct statx st;
	const char *w;
	size_t len;
	int r = mount_is(staged);

	if (r <= 0)
		return r;
	if (statx(AT_FDCWD, staged, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_MNT_ID, &st) < 0)
		return err_sys(e, errno, "%s", staged);
	r = buf_read_file(&info, AT_FDCWD, "/proc/self/mountinfo", INFO_MAX);
	if (r < 0)
		return err_sys(e, -r, "/proc/self/mountinfo");
	for (const char *p = buf_str(&info), *nl; (nl = strchr(p, '\n')); p = nl + 1) {
		if (parse(p, &id, &w, &len) && id == st.stx_mnt_id) {
			buf_add(what, w, len);
			return buf_error(what);
		}
	}
	return 0;
}

int mountinfo_copies(const char *staged, pid_t pid, struct buf *ids, struct err *e)
{
	_cleanup_buf_ struct buf what = BUF_INIT, info = BUF_INIT;
	unsigned long long id;
	const char *w;
	char path[64];
	size_t len;
	int r = find_staged(staged, &what, e);

	if (r < 0 || !what.len)
		return r;
	snprintf(path, sizeof(path), "/proc/%d/mountinfo", (int)pid);
	r = buf_read_file(&info, AT_FDCWD, path, INFO_MAX);
	if (r < 0)
		return err_sys(e, -r, "%s", path);
	for (const char *p = buf_str(&info), *nl; (nl = strchr(p, '\n')); p = nl + 1)
		if (parse(p, &id, &w, &len) && len == what.len && !memcmp(w, what.data, len))
			buf_addf(ids, "%s%llu", ids->len ? " " : "", id);
	return buf_error(ids);
}

int mountinfo_device(const char *path, unsigned *major, unsigned *minor, struct err *e)
{
	_cleanup_buf_ struct buf what = BUF_INIT;
	int r = find_staged(path, &what, e);

	if (r == 0 && sscanf(buf_str(&what), "%u:%u", major, minor) != 2)
		r = err_set(e, ENOENT, "%s is not mounted", path);
	return r;
}
