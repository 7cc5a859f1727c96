// SPDX-License-Identifier: LGPL-2.1-or-later
/* The files of an instance. */
#include <errno.h>
#include <string.h>

#include "backends/core/backend.h"
#include "backends/core/cleanup.h"
#include "backends/core/config.h"
#include "backends/core/instance.h"
#include "backends/core/op.h"
#include "backends/core/storage.h"
#include "backends/core/value.h"
#include "fs/dirs.h"
#include "fs/proc.h"
#include "fs/top.h"

static int show_type(struct view *v, struct buf *out, struct err *e)
{
	return show_field(v, out, e) == -ENODATA ? buf_addstr(out, "container\n"), 0 : 0;
}

static int show_state(struct view *v, struct buf *out, struct err *e)
{
	HOLD_LOCK(&v->o->lock);
	buf_addf(out, "%s\n", inst_state_name(v->o->run.state));
	return 0;
}

/* A command's text without what echo puts behind it. False: too long for any command. */
static bool command_text(const char *value, size_t len, char *buf, size_t size)
{
	while (len && (value[len - 1] == '\n' || value[len - 1] == ' '))
		len--;
	if (len >= size || memchr(value, '\0', len))
		return false;
	memcpy(buf, value, len);
	buf[len] = '\0';
	return true;
}

static int bad_command(struct err *e)
{
	return err_set(e, EINVAL, "more than one line, too long, or with a NUL byte");
}

static int store_state(struct view *v, const char *value, size_t len, struct err *e)
{
	char text[256];

	if (!command_text(value, len, text, sizeof(text)))
		return bad_command(e);
	return instance_set_state(v->o, text, v->nonblock || !v->done_arg, v->who, v->done_arg ? v->done : NULL, v->done_arg, e);
}

static int store_source(struct view *v, const char *value, size_t len, struct err *e)
{
	char text[512];

	if (!command_text(value, len, text, sizeof(text)))
		return bad_command(e);
	return instance_set_source(v->o, text, v->nonblock || !v->done_arg, v->who, v->done_arg ? v->done : NULL, v->done_arg, e);
}

static int store_restore(struct view *v, const char *value, size_t len, struct err *e)
{
	char text[NAME_LEN_MAX + 1];

	if (!command_text(value, len, text, sizeof(text)))
		return bad_command(e);
	return instance_restore(v->o, text, v->nonblock || !v->done_arg, v->who, v->done_arg ? v->done : NULL, v->done_arg, e);
}

static int show_ephemeral(struct view *v, struct buf *out, struct err *e)
{
	return show_field(v, out, e) == -ENODATA ? buf_addstr(out, "false\n"), 0 : 0;
}

static int show_console(struct view *v, struct buf *out, struct err *e)
{
	return backend_console_read(v->o, out, e);
}

static int write_console(struct view *v, const char *data, size_t len, off_t off, struct err *e)
{
	return backend_console_write(v->o, data, len, e);
}

static const struct stream console_stream = { .write = write_console };

static int show_log(struct view *v, struct buf *out, struct err *e)
{
	return backend_log(v->o, out, e);
}

static bool has_tty(struct view *v)
{
	return backend_caps(v->o) & BACKEND_TTY && instance_is_running(v->o);
}

static int show_tty(struct view *v, struct buf *out, struct err *e)
{
	char path[256];
	int r = backend_tty(v->o, true, path, sizeof(path), e);

	buf_addstr(out, path);
	return r;
}

/* Looking at attributes makes no pty: 0 as long as nobody has asked where the link leads. */
static int size_of_tty(struct view *v, uint64_t *ret, struct err *e)
{
	char path[256];
	int r = backend_tty(v->o, false, path, sizeof(path), e);

	*ret = strlen(path);
	return r;
}

static const struct stream tty_stream = { .size = size_of_tty };

static bool has_rootfs(struct view *v)
{
	return storage_exists(v->o) && !(backend_caps(v->o) & BACKEND_DISK);
}

static int show_rootfs(struct view *v, struct buf *out, struct err *e)
{
	buf_addf(out, "../../rootfs/%s", v->o->name);
	return 0;
}

/* While it is being carried out it is there as well: who renamed a file to it goes on to set its mode. */
static bool has_source(struct view *v)
{
	char text[16];

	return object_value(v->o, ENT_FIELD, "source", text, sizeof(text)) ||
	       (op_busy(v->o, text, sizeof(text)) && !strcmp(text, v->row->name));
}

static int show_source_link(struct view *v, struct buf *out, struct err *e)
{
	char text[512];

	if (!object_value(v->o, ENT_FIELD, "source", text, sizeof(text)))
		return -ESTALE;
	buf_addstr(out, text);
	return 0;
}

static const struct row rows[] = {
	{ .id = ROW_TYPE, .name = "type", .mode = S_IFREG | 0444, .deps = CHANGED_ENTRIES, .show = show_type,
	  .doc = "container or virtual-machine; follows the image" },
	{ .id = ROW_SOURCE, .name = "source", .mode = S_IFREG | 0644, .deps = CHANGED_ENTRIES, .flags = ROW_COMMAND, .show = show_field,
	  .store = store_source, .exists = has_source, .link = ROW_SOURCE_LINK,
	  .doc = "where the root file system comes from: images/NAME, instances/NAME, instances/NAME/snapshots/SNAP, none" },
	{ .id = ROW_STATE, .name = "state", .mode = S_IFREG | 0644, .deps = CHANGED_STATE, .flags = ROW_COMMAND, .show = show_state,
	  .store = store_state,
	  .doc = "stopped, running, frozen, error, or on the way; write running, stopped, frozen, restarted, "
		 "then any of force, timeout=SECONDS, shutdown (the host goes down: it starts again at the next boot), async" },
	{ .id = ROW_DESCRIPTION, .name = "description", .mode = S_IFREG | 0644, .deps = CHANGED_ENTRIES, .flags = ROW_FIELD,
	  .doc = "free text" },
	{ .id = ROW_PROFILES_LIST, .name = "profiles", .mode = S_IFREG | 0644, .deps = CHANGED_ENTRIES, .flags = ROW_FIELD,
	  .doc = "one profile name per line, in order of application" },
	{ .id = ROW_ARCHITECTURE, .name = "architecture", .mode = S_IFREG | 0444, .deps = CHANGED_ENTRIES, .show = show_field,
	  .doc = "kernel name of the architecture, as x86_64; follows the image" },
	{ .id = ROW_EPHEMERAL, .name = "ephemeral", .mode = S_IFREG | 0644, .deps = CHANGED_ENTRIES, .flags = ROW_FIELD,
	  .show = show_ephemeral, .doc = "true: the instance is removed when it stops" },
	{ .id = ROW_CREATED, .name = "created", .mode = S_IFREG | 0444, .show = show_created, .doc = "RFC 3339, UTC" },
	{ .id = ROW_LAST_USED, .name = "last_used", .mode = S_IFREG | 0444, .deps = CHANGED_ENTRIES | CHANGED_STATE, .show = show_field,
	  .doc = "last start, RFC 3339, UTC; empty: never" },
	{ .id = ROW_CONFIG_YAML, .name = "config.yaml", .mode = S_IFREG | 0644, .deps = CHANGED_ENTRIES | CHANGED_NAME | CHANGED_STATE,
	  .flags = ROW_FIELD | ROW_DOCUMENT | ROW_TEXT, .show = show_yaml,
	  .doc = "the whole configuration, as lxc config show prints it; written as a whole it sets description, config, devices, "
		 "profiles and ephemeral at once" },
	{ .id = ROW_RESTORE, .name = "restore", .mode = S_IFREG | 0644, .deps = CHANGED_ENTRIES, .flags = ROW_COMMAND, .show = show_field,
	  .store = store_restore, .doc = "write a snapshot's name to go back to it; reads as the last one" },
	{ .id = ROW_CONSOLE, .name = "console", .mode = S_IFREG | 0600, .flags = ROW_VOLATILE_RUN, .show = show_console,
	  .stream = &console_stream, .doc = "the console's scrollback; what is written is typed into it" },
	{ .id = ROW_TTY, .name = "tty", .mode = S_IFLNK | 0777, .flags = ROW_UNLISTED | ROW_VOLATILE_ALWAYS, .exists = has_tty, .show = show_tty,
	  .stream = &tty_stream,
	  .doc = "link to a pty on the host that is the console, the owner's alone; made when the link is read, gone when the instance stops" },
	{ .id = ROW_LOG, .name = "log", .mode = S_IFREG | 0440, .flags = ROW_VOLATILE_RUN, .deps = CHANGED_STATE | CHANGED_ERROR,
	  .show = show_log, .doc = "the backend's log of the last start" },
	{ .id = ROW_ROOTFS_LINK, .name = "rootfs", .mode = S_IFLNK | 0777, .deps = CHANGED_NAME, .exists = has_rootfs, .show = show_rootfs,
	  .doc = "link to the root file system" },
	{ .id = ROW_PROGRESS, .name = "progress", .mode = S_IFREG | 0444, .deps = CHANGED_PROGRESS | CHANGED_STATE,
	  .flags = ROW_VOLATILE_RUN, .show = show_progress,
	  .doc = "the operation under way: what, how far, since when; empty when idle" },
	{ .id = ROW_ERROR, .name = "error", .mode = S_IFREG | 0444, .deps = CHANGED_ERROR, .show = show_error,
	  .doc = "the last failure, until the next success" },
	{ .id = ROW_CONFIG, .name = "config", .mode = S_IFDIR | 0755, .deps = CHANGED_ENTRIES, .dir = &config_dir,
	  .doc = "one configured key per file; doc/keys.md lists them; rm or an empty value unsets" },
	{ .id = ROW_DEVICES, .name = "devices", .mode = S_IFDIR | 0755, .deps = CHANGED_ENTRIES, .dir = &devices_dir,
	  .doc = "one device per file, key=value lines" },
	{ .id = ROW_EXPANDED, .name = "expanded", .mode = S_IFDIR | 0555, .dir = &expanded_dir,
	  .doc = "configuration after the profiles were applied" },
	{ .id = ROW_SNAPSHOTS, .name = "snapshots", .mode = S_IFDIR | 0755, .deps = CHANGED_SNAPSHOTS, .dir = &snapshots_dir,
	  .doc = "mkdir takes a snapshot of disk and configuration, rmdir deletes it, mv renames it" },
	{ .id = ROW_EXECS, .name = "exec", .mode = S_IFDIR | 0700, .deps = CHANGED_RUNTIME, .dir = &execs_dir,
	  .doc = "mkdir, then write command or argv: it runs inside" },
	{ .id = ROW_USAGE, .name = "usage", .mode = S_IFDIR | 0555, .dir = &usage_dir, .doc = "one number per file, in base units" },
	{ .id = ROW_RUNTIME, .name = "runtime", .mode = S_IFDIR | 0555, .dir = &runtime_dir, .doc = "facts of the moment" },
	{ .id = ROW_VOLATILE, .name = "volatile", .mode = S_IFDIR | 0555, .deps = CHANGED_ENTRIES, .dir = &volatile_dir,
	  .doc = "what is kept but not copied: uuid, MAC addresses, base_image" },
	{ .id = ROW_WAIT, .name = "wait", .mode = S_IFDIR | 0555, .dir = &wait_dir,
	  .doc = "files that block until the instance is as their name says" },
	{ .id = ROW_SOURCE_LINK, .mode = S_IFLNK | 0777, .flags = ROW_VOLATILE_ALWAYS, .show = show_source_link,
	  .doc = "what ln -s TARGET source makes, until it is looked at again" },
	{ .id = ROW_PROC_DIR, .name = "proc", .mode = S_IFDIR | 0555, .dir = &proc_dir, .doc = "files of /proc as the instance sees them" },
	{ .id = ROW_SYS_DIR, .name = "sys", .mode = S_IFDIR | 0555, .dir = &sys_dir, .doc = "files of /sys as the instance sees them" },
	{ 0 },
};

const struct dir instance_dir = { rows, &instance_children };
const struct row instance_row = { .id = ROW_INSTANCE, .mode = S_IFDIR | 0755, .dir = &instance_dir, .doc = "an instance" };

/* ---- in the trash ---- */

static int show_removed(struct view *v, struct buf *out, struct err *e)
{
	value_print_time(out, v->o->removed.tv_sec);
	buf_addch(out, '\n');
	return 0;
}

static const struct row trashed_rows[] = {
	{ .id = ROW_TRASH_REMOVED, .name = "removed", .mode = S_IFREG | 0444, .show = show_removed, .doc = "when, RFC 3339, UTC" },
	{ .id = ROW_TRASH_CONFIG_YAML, .name = "config.yaml", .mode = S_IFREG | 0444, .show = show_yaml, .doc = "its configuration" },
	{ .id = ROW_TRASH_ERROR, .name = "error", .mode = S_IFREG | 0444, .deps = CHANGED_ERROR, .show = show_error,
	  .doc = "the last failure (of a purge, of moving it back)" },
	{ 0 },
};

const struct dir trashed_dir = { trashed_rows, NULL };
const struct row trashed_row = { .id = ROW_TRASHED, .mode = S_IFDIR | 0555, .dir = &trashed_dir, .doc = "a removed instance" };
