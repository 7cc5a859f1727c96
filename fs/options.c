// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/options.h"

#include <errno.h>
#include <getopt.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/core/cleanup.h"
#include "backends/core/value.h"
#include "fs/mount.h"

/* ---- -o ---- */

struct mount_word {
	const char *name;
	unsigned long set, clear;
};

static const struct mount_word mount_words[] = {
	{ "rw", 0, MS_RDONLY }, { "ro", MS_RDONLY, 0 }, { "nodev" }, { "nosuid" },
	/* mount(8) passes these unasked for root. A guest's setuid programs and device nodes are never valid on the host. */
	{ "dev" }, { "suid" },
	{ "exec", 0, MS_NOEXEC }, { "noexec", MS_NOEXEC, 0 }, { "async", 0, MS_SYNCHRONOUS },
	{ "sync", MS_SYNCHRONOUS, 0 }, { "dirsync", MS_DIRSYNC, 0 }, { "atime", 0, MS_NOATIME }, { "noatime", MS_NOATIME, 0 },
	{ "diratime", 0, MS_NODIRATIME }, { "nodiratime", MS_NODIRATIME, 0 }, { "relatime", MS_RELATIME, 0 },
	/* For mount(8) and the service manager, not for us. */
	{ "defaults" }, { "auto" }, { "noauto" }, { "user" }, { "nouser" }, { "users" }, { "owner" }, { "group" }, { "nofail" }, { "_netdev" },
	{ "nonempty" }, { NULL },
};

static int copy_text(char *to, size_t size, const char *value, const char *what, struct err *e)
{
	if ((size_t)snprintf(to, size, "%s", value) >= size)
		return err_set(e, ENAMETOOLONG, "%s is too long", what);
	return 0;
}

static int set_takeover(struct options *o, const char *value, struct err *e)
{
	static const char *const names[] = { "auto", "resend", "journal" };

	for (uint32_t i = 0; i < 3; i++)
		if (!strcmp(value, names[i])) {
			o->takeover = i;
			return 0;
		}
	return err_set(e, EINVAL, "takeover=%s: expected auto, resend or journal", value);
}

static int set_health(struct options *o, const char *value, struct err *e)
{
	int64_t n = 0;
	int r = value_int(value, 0, 3600, &n, e);

	o->health = (uint32_t)n;
	return r;
}

static int set_fsname(struct options *o, const char *value, struct err *e)
{
	if (strpbrk(value, ",\\"))
		return err_set(e, EINVAL, "fsname=%s: must not contain a comma or backslash", value);
	return copy_text(o->fsname, sizeof(o->fsname), value, "fsname", e);
}

static int set_state(struct options *o, const char *value, struct err *e)
{
	return copy_text(o->state_dir, sizeof(o->state_dir), value, "the state directory", e);
}

static int set_backend(struct options *o, const char *value, struct err *e)
{
	return copy_text(o->backend, sizeof(o->backend), value, "the backend's name", e);
}

static int set_storage(struct options *o, const char *value, struct err *e)
{
	return copy_text(o->storage, sizeof(o->storage), value, "the storage driver's name", e);
}

static int set_nothing(struct options *o, const char *value, struct err *e)
{
	return 0;
}

static const struct valued {
	const char *name;
	int (*set)(struct options *o, const char *value, struct err *e);
} valued[] = {
	{ "backend", set_backend }, { "comment", set_nothing }, { "fsname", set_fsname }, { "health", set_health },
	{ "state", set_state }, { "storage", set_storage }, { "subtype", set_nothing }, { "takeover", set_takeover }, { NULL, NULL },
};

static int set_valued(struct options *o, const char *name, const char *value, struct err *e)
{
	for (const struct valued *v = valued; v->name; v++)
		if (strcmp(v->name, name) == 0)
			return v->set(o, value, e);
	return err_set(e, EINVAL, "unknown option %s=; see instfs --help", name);
}

static int set_word(struct options *o, char *word, struct err *e)
{
	char *value = strchr(word, '=');

	if (!strncmp(word, "x-", 2))
		return 0;
	if (value) {
		*value++ = '\0';
		return set_valued(o, word, value, e);
	}
	if (!strcmp(word, "allow_other")) {
		o->allow_other = true;
	} else if (!strcmp(word, "default_permissions")) {
		o->default_permissions = true;
	} else if (!strcmp(word, "debug")) {
		o->debug = o->foreground = true;
	} else {
		const struct mount_word *w = mount_words;

		while (w->name && strcmp(w->name, word) != 0)
			w++;
		if (!w->name)
			return err_set(e, EINVAL, "unknown option %s; see instfs --help", word);
		o->mount_flags = (o->mount_flags & ~w->clear) | w->set;
	}
	return 0;
}

static int set_words(struct options *o, const char *list, struct err *e)
{
	_cleanup_free_ char *copy = strdup(list);
	char *rest = copy, *word;
	int r = copy ? 0 : err_sys(e, ENOMEM, "options");

	while (!r && (word = strsep(&rest, ",")))
		if (*word)
			r = set_word(o, word, e);
	return r;
}

/* ---- paths ---- */

/*
 * The directory above is resolved, the last part is left alone: looking at it would ask the server that may be mounted there.
 */
static int set_mountpoint(struct options *o, const char *arg, struct err *e)
{
	char copy[sizeof(o->mountpoint)], *slash;
	_cleanup_free_ char *up = NULL;
	size_t len;
	int r = copy_text(copy, sizeof(copy), arg, "the mount point", e);

	if (r)
		return r;
	for (len = strlen(copy); len > 1 && copy[len - 1] == '/'; len--)
		copy[len - 1] = '\0';
	slash = strrchr(copy, '/');
	if (!strcmp(copy, ".") || !strcmp(copy, "..") || !strcmp(copy, "/") || (slash && slash[1] == '.')) {
		up = realpath(copy, NULL);
		return up ? copy_text(o->mountpoint, sizeof(o->mountpoint), up, arg, e) : err_sys(e, errno, "%s", arg);
	}
	if (slash)
		*slash = '\0';
	up = realpath(!slash ? "." : slash == copy ? "/" : copy, NULL);
	if (!up)
		return err_sys(e, errno, "%s", arg);
	if ((size_t)snprintf(o->mountpoint, sizeof(o->mountpoint), "%s/%s", strcmp(up, "/") ? up : "", slash ? slash + 1 : copy) >=
	    sizeof(o->mountpoint))
		return err_set(e, ENAMETOOLONG, "the mount point is too long");
	return 0;
}

/* What a daemon left there that was killed with its holder at once can serve nobody any more. */
static bool bury_dead_mount(struct options *o)
{
	struct mount_place m;

	return errno == ENOTCONN && !mount_find(o->mountpoint, &m, NULL) && !mount_remove(o, NULL);
}

static int check_mountpoint(struct options *o, struct err *e)
{
	_cleanup_free_ char *real = NULL;
	struct stat st;

	if (stat(o->mountpoint, &st) < 0 && !(bury_dead_mount(o) && !stat(o->mountpoint, &st)))
		return errno == ENOTCONN ? err_set(e, ENOTCONN, "a dead file system is mounted at %s; unmount it first", o->mountpoint)
					 : err_sys(e, errno, "%s", o->mountpoint);
	real = realpath(o->mountpoint, NULL);
	if (!real)
		return err_sys(e, errno, "%s", o->mountpoint);
	if (!S_ISDIR(st.st_mode))
		return err_set(e, ENOTDIR, "%s is not a directory", o->mountpoint);
	return copy_text(o->mountpoint, sizeof(o->mountpoint), real, "the mount point", e);
}

static int set_state_dir(struct options *o, struct err *e)
{
	const char *home = getenv("HOME"), *state = getenv("XDG_STATE_HOME");
	char path[sizeof(o->state_dir)];
	_cleanup_free_ char *cwd = NULL;
	int n;

	if (o->state_dir[0] == '/')
		return 0;
	if (o->state_dir[0]) {
		cwd = getcwd(NULL, 0);
		n = cwd ? snprintf(path, sizeof(path), "%s/%s", cwd, o->state_dir) : -1;
	} else if (!geteuid()) {
		n = snprintf(path, sizeof(path), "/var/lib/instfs");
	} else if (state && *state == '/') {
		n = snprintf(path, sizeof(path), "%s/instfs", state);
	} else {
		n = home ? snprintf(path, sizeof(path), "%s/.local/state/instfs", home) : -1;
	}
	if (n < 0 || (size_t)n >= sizeof(path))
		return err_set(e, EINVAL, "no place for the state directory; give --state DIR");
	return copy_text(o->state_dir, sizeof(o->state_dir), path, "the state directory", e);
}

/* ---- command line ---- */

enum { OPT_STATE = 256, OPT_BACKEND, OPT_STORAGE, OPT_UPGRADE, OPT_SHUTDOWN, OPT_KEYS, OPT_DEVICES };

static const struct option long_options[] = {
	{ "foreground", no_argument, NULL, 'f' },
	{ "debug", no_argument, NULL, 'd' },
	{ "options", required_argument, NULL, 'o' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ "state", required_argument, NULL, OPT_STATE },
	{ "backend", required_argument, NULL, OPT_BACKEND },
	{ "storage", required_argument, NULL, OPT_STORAGE },
	{ "upgrade", required_argument, NULL, OPT_UPGRADE },
	{ "shutdown", required_argument, NULL, OPT_SHUTDOWN },
	{ "list-keys", no_argument, NULL, OPT_KEYS },
	{ "list-devices", no_argument, NULL, OPT_DEVICES },
	{ NULL, 0, NULL, 0 },
};

static int set_option(struct options *o, int c, const char *arg, struct err *e)
{
	switch (c) {
	case 'd':
		o->debug = true;
		__attribute__((fallthrough));
	case 'f':
		o->foreground = true;
		return 0;
	case 'o':
		return set_words(o, arg, e);
	case 'h':
		o->command = COMMAND_HELP;
		return 0;
	case 'V':
		o->command = COMMAND_VERSION;
		return 0;
	case OPT_KEYS:
		o->command = COMMAND_LIST_KEYS;
		return 0;
	case OPT_DEVICES:
		o->command = COMMAND_LIST_DEVICES;
		return 0;
	case OPT_STATE:
		return set_state(o, arg, e);
	case OPT_BACKEND:
		return set_backend(o, arg, e);
	case OPT_STORAGE:
		return set_storage(o, arg, e);
	case OPT_UPGRADE:
	case OPT_SHUTDOWN:
		o->command = c == OPT_UPGRADE ? COMMAND_UPGRADE : COMMAND_SHUTDOWN;
		return set_mountpoint(o, arg, e);
	}
	return err_set(e, EINVAL, "see instfs --help");
}

static int set_arguments(struct options *o, int argc, char **argv, struct err *e)
{
	/* mount(8) gives the source first, whatever it is. */
	const char *mountpoint = argc == 2 ? argv[1] : argv[0];
	int r;

	if (argc < 1 || argc > 2)
		return err_set(e, EINVAL, argc ? "too many arguments; see instfs --help" : "no mount point given; see instfs --help");
	r = set_mountpoint(o, mountpoint, e);
	if (!r)
		r = check_mountpoint(o, e);
	if (!r)
		r = set_state_dir(o, e);
	return r;
}

int options_parse(int argc, char **argv, struct options *ret, struct err *e)
{
	struct options *o = ret;
	int c, r = 0;

	*o = (struct options){
		.mount_flags = MS_NOSUID | MS_NODEV, .owner = getuid(), .health = 20, .default_permissions = true,
		.allow_other = geteuid() == 0, .fsname = "instfs",
	};
	optind = 0;
	while (!r && (c = getopt_long(argc, argv, "fdo:hV", long_options, NULL)) != -1)
		r = set_option(o, c, optarg, e);
	o->read_only = o->mount_flags & MS_RDONLY;
	if (!r && o->command == COMMAND_MOUNT)
		r = set_arguments(o, argc - optind, argv + optind, e);
	return r;
}

void options_help(void)
{
	fputs("usage: instfs [OPTION]... MOUNTPOINT\n"
	      "Mounts a tree of files that drives system containers; see README in it.\n"
	      "\n"
	      "  -f, --foreground        stay in the foreground, log to stderr\n"
	      "  -d, --debug             the same, and print every FUSE message\n"
	      "  -o OPTION[,OPTION]...   mount options, below\n"
	      "      --state DIR         where instances are kept (root: /var/lib/instfs)\n"
	      "      --backend NAME      lxc (default) or mock\n"
	      "      --storage NAME      overlay or dir; the default is what works\n"
	      "      --upgrade MNT       the installed program takes over; users do not notice\n"
	      "      --shutdown MNT      stop all instances, then unmount\n"
	      "      --list-keys         describe every configuration key\n"
	      "      --list-devices      describe every type of device\n"
	      "  -h, --help              show this text\n"
	      "  -V, --version           show the version\n"
	      "\n"
	      "Mount options, besides ro, noexec and others that mount(8) knows:\n"
	      "  allow_other, default_permissions, fsname=NAME, state=DIR, backend=NAME,\n"
	      "  storage=NAME, health=SECONDS (0: never restart a server that hangs),\n"
	      "  takeover=auto|resend|journal\n"
	      "\n"
	      "fusermount3 -u MNT (or umount) unmounts; instances go on.\n", stdout);
}
