// SPDX-License-Identifier: LGPL-2.1-or-later
/* exec/ of an instance, and the files of a command. */
#include "backends/core/exec.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "backends/core/cleanup.h"
#include "fs/change.h"
#include "fs/dirs.h"
#include "fs/stream.h"
#include "fs/view.h"

static int exec_lookup(struct view *dir, const char *name, uint64_t *ino)
{
	struct exec_request x;

	if (!exec_find(dir->o, name, &x))
		return -ENOENT;
	*ino = view_row_ino(dir->o, x.slot, ROW_EXEC);
	return 0;
}

struct exec_list {
	struct view *dir;
	list_fn emit;
	void *arg;
};

static int list_one(const struct exec_request *x, void *arg)
{
	const struct exec_list *l = arg;

	return l->emit(l->arg, x->slot, x->name, view_row_ino(l->dir->o, x->slot, ROW_EXEC), S_IFDIR);
}

static int exec_list(struct view *dir, uint64_t after, list_fn emit, void *arg)
{
	struct exec_list l = { dir, emit, arg };

	return exec_each(dir->o, (uint32_t)after, list_one, &l);
}

static int exec_make(struct view *dir, const char *name, const struct meta *m, uint64_t *ino, struct err *e)
{
	struct exec_request x;
	int r = exec_create(dir->o, name, m, &x, e);

	if (!r) {
		*ino = view_row_ino(dir->o, x.slot, ROW_EXEC);
		change_child(dir->ino, NULL);
	}
	return r;
}

static int exec_unmake(struct view *dir, const char *name, struct err *e)
{
	int r = exec_remove(dir->o, name, e);

	if (!r)
		change_child(dir->ino, NULL);
	return r;
}

static const struct children exec_children = {
	.lookup = exec_lookup, .list = exec_list, .make = exec_make, .remove = exec_unmake,
};
const struct dir execs_dir = { NULL, &exec_children };

/* ---- a command ---- */

static int show_item(struct view *v, struct buf *out, struct err *e)
{
	int r = exec_get(v->o, v->node.slot, v->row->name, out, e);

	return r == -ENOENT ? -ENODATA : r;
}

static int store_item(struct view *v, const char *value, size_t len, struct err *e)
{
	int r = exec_set(v->o, v->node.slot, v->row->name, value, len, v->who, e);

	/* A server that was killed behind the start of the command meets it running. */
	return r == -EBUSY && v->who->again ? 0 : r;
}

/* Output grows and can be large: it is read where it lies. */
static int output_open(struct view *v)
{
	struct exec_request x;
	char path[600];
	int fd;

	if (!exec_find_slot(v->o, v->node.slot, &x))
		return -ESTALE;
	exec_dir(&x, path, sizeof(path));
	snprintf(path + strlen(path), sizeof(path) - strlen(path), "/%s", v->row->name);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	return fd < 0 ? -errno : fd;
}

static int output_read(struct view *v, size_t size, off_t off, struct buf *out, struct err *e)
{
	return stream_read_fd(output_open(v), size, off, out);
}

static int output_size(struct view *v, uint64_t *ret, struct err *e)
{
	return stream_size_fd(output_open(v), ret);
}

static int wait_end(struct view *v, uint64_t fh, size_t size, off_t off, struct buf *out, struct err *e)
{
	if (off || v->woken)
		return 0;
	v->wait_id = exec_wait(v->o, v->node.slot, v->ready, v->done_arg);
	return 1;
}

static int stdin_open(struct view *v, bool trunc, struct err *e)
{
	return trunc ? exec_stdin(v->o, v->node.slot, NULL, 0, 0, e) : 0;
}

static int stdin_write(struct view *v, const char *data, size_t len, off_t off, struct err *e)
{
	return exec_stdin(v->o, v->node.slot, data, len, off, e);
}

static const struct stream stdin_stream = { .open = stdin_open, .read = output_read, .size = output_size, .write = stdin_write };
static const struct stream output_stream = { .read = output_read, .size = output_size };
static const struct stream end_stream = { .wait = wait_end, .cancel = exec_wait_cancel };

#define INPUT(ID, NAME, FLAGS, DOC) \
	{ .id = ID, .name = NAME, .mode = S_IFREG | 0600, .flags = ROW_VOLATILE_ALWAYS | (FLAGS), .show = show_item, \
	  .store = store_item, .doc = DOC }
#define OUTPUT(ID, NAME, DOC) \
	{ .id = ID, .name = NAME, .mode = S_IFREG | 0400, .flags = ROW_VOLATILE_ALWAYS, .stream = &output_stream, .doc = DOC }

static const struct row rows[] = {
	INPUT(ROW_EXEC_COMMAND, "command", 0, "one line, sh syntax; writing it runs it"),
	INPUT(ROW_EXEC_ARGV, "argv", ROW_DOCUMENT, "one word per line; writing it runs it"),
	{ .id = ROW_EXEC_STDIN, .name = "stdin", .mode = S_IFREG | 0600, .flags = ROW_VOLATILE_ALWAYS, .stream = &stdin_stream,
	  .doc = "standard input, at most 64 MiB, to be written before; default empty" },
	INPUT(ROW_EXEC_ENV, "env", ROW_DOCUMENT, "NAME=VALUE lines, to be written before"),
	INPUT(ROW_EXEC_USER, "user", 0, "name or number inside, to be written before; default root"),
	INPUT(ROW_EXEC_CWD, "cwd", 0, "working directory inside, to be written before"),
	OUTPUT(ROW_EXEC_OUTPUT, "output", "standard output and error as they came; the last line tells what over 64 MiB was dropped"),
	OUTPUT(ROW_EXEC_STDOUT, "stdout", "standard output, the first 64 MiB"),
	OUTPUT(ROW_EXEC_STDERR, "stderr", "standard error, the first 64 MiB"),
	{ .id = ROW_EXEC_STATUS, .name = "status", .mode = S_IFREG | 0400, .flags = ROW_VOLATILE_ALWAYS, .show = show_item,
	  .doc = "exit status, 128 + signal when killed; empty while running" },
	{ .id = ROW_EXEC_WAIT, .name = "wait", .mode = S_IFREG | 0400, .flags = ROW_UNLISTED | ROW_VOLATILE_ALWAYS, .stream = &end_stream,
	  .doc = "reading blocks until it ended" },
	{ 0 },
};
const struct dir exec_dir_class = { rows, NULL };
const struct row exec_row = { .id = ROW_EXEC, .mode = S_IFDIR | 0700, .dir = &exec_dir_class, .doc = "a command in the instance" };
