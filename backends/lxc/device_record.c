// SPDX-License-Identifier: LGPL-2.1-or-later
#include "backends/lxc/device_record.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <string.h>
#include <sys/stat.h>

#include "backends/core/cleanup.h"

#define RECORD_MAX (1 << 20)

static const char *const states[] = { "busy", "attached", "missing" };

static void drop(json_t **j)
{
	json_decref(*j);
}
#define _cleanup_json_ __attribute__((cleanup(drop)))

static void path_of(const struct place *p, const char *name, char *buf, size_t size)
{
	snprintf(buf, size, "%s/devices%s%s", p->dir, name ? "/" : "", name ? name : "");
}

static int write_text(const char *path, const char *text, struct err *e)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	size_t len = strlen(text);

	if (fd < 0)
		return err_sys(e, errno, "%s", path);
	return write(fd, text, len) == (ssize_t)len ? 0 : err_sys(e, ENOSPC, "%s", path);
}

int device_record_write(const struct place *p, const char *name, const struct device_record *r, struct err *e)
{
	_cleanup_json_ json_t *j = NULL;
	_cleanup_free_ char *text = NULL;
	char path[640], tmp[660], dir[560];
	int rc;

	j = json_pack("{s:s, s:I, s:s, s:s, s:s}", "state", states[r->state], "init_start", (json_int_t)r->init_start, "text",
		      buf_str(&r->text), "facts", buf_str(&r->facts), "reason", buf_str(&r->reason));
	text = j ? json_dumps(j, JSON_INDENT(1)) : NULL;
	if (!text)
		return err_set(e, ENOMEM, "no memory to record the device %s", name);
	path_of(p, NULL, dir, sizeof(dir));
	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return err_sys(e, errno, "%s", dir);
	path_of(p, name, path, sizeof(path));
	/* no device has a name that begins with a dot */
	snprintf(tmp, sizeof(tmp), "%s/.tmp", dir);
	rc = write_text(tmp, text, e);
	if (rc == 0 && rename(tmp, path) < 0)
		rc = err_sys(e, errno, "%s", path);
	return rc;
}

static const char *member(json_t *j, const char *name)
{
	const char *s = json_string_value(json_object_get(j, name));

	return s ? s : "";
}

int device_record_read(const struct place *p, const char *name, struct device_record *ret, struct err *e)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	_cleanup_json_ json_t *j = NULL;
	char path[640];
	int r;

	path_of(p, name, path, sizeof(path));
	r = buf_read_file(&b, AT_FDCWD, path, RECORD_MAX);
	if (r < 0)
		return err_sys(e, -r, "the record of the device %s", name);
	j = json_loadb(buf_str(&b), b.len, 0, NULL);
	*ret = (struct device_record)DEVICE_RECORD_INIT;
	for (size_t i = 0; i < sizeof(states) / sizeof(*states); i++) {
		if (!strcmp(member(j, "state"), states[i]))
			ret->state = (enum device_state)i;
	}
	ret->init_start = (uint64_t)json_integer_value(json_object_get(j, "init_start"));
	buf_addstr(&ret->text, member(j, "text"));
	buf_addstr(&ret->facts, member(j, "facts"));
	buf_addstr(&ret->reason, member(j, "reason"));
	return 0;
}

void device_record_remove(const struct place *p, const char *name)
{
	char path[640];

	path_of(p, name, path, sizeof(path));
	unlink(path);
}

void device_record_free(struct device_record *r)
{
	buf_free(&r->text);
	buf_free(&r->facts);
	buf_free(&r->reason);
}

int device_record_list(const struct place *p, struct buf *out)
{
	struct dirent **names = NULL;
	char dir[560];
	int n;

	path_of(p, NULL, dir, sizeof(dir));
	n = scandir(dir, &names, NULL, alphasort);
	if (n < 0)
		return errno == ENOENT ? 0 : -errno;
	for (int i = 0; i < n; i++) {
		if (names[i]->d_name[0] != '.')
			buf_addf(out, "%s\n", names[i]->d_name);
		free(names[i]);
	}
	free(names);
	return buf_error(out);
}
