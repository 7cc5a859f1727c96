// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The configuration for liblxc: see lxcconf.h. Everything is written out, nothing is included, so that one file tells all.
 * Values come from users: what could begin a second line is refused here again, whoever checked it before.
 */
#include "backends/lxc/lxcconf.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "backends/core/rlimit.h"
#include "backends/core/value.h"
#include "backends/lxc/helper.h"
#include "backends/lxc/viewmounts.h"

#define CONSOLE_LOG_SIZE "1MB"	/* then console.log becomes console.log.1 */

static void add_identity(const struct lxcconf *c, struct buf *out)
{
	const struct place *p = c->place;

	buf_addf(out, "lxc.uts.name = %s\n", c->name);
	if (c->narrow)
		buf_addstr(out, "lxc.arch = linux32\n");
	buf_addf(out, "lxc.rootfs.path = dir:%s\n", p->rootfs);
	buf_addf(out, "lxc.log.file = %s\nlxc.log.level = NOTICE\n", p->log);
	buf_addf(out, "lxc.console.logfile = %s\nlxc.console.size = " CONSOLE_LOG_SIZE "\nlxc.console.rotate = 1\n", p->console);
	/* No ttys: getty programs run on the console, and its only master is found without asking (console.c). */
	buf_addstr(out, "lxc.tty.max = 0\nlxc.pty.max = 1024\nlxc.autodev = 1\n");
	buf_addf(out, "lxc.cgroup.dir.container = %s\nlxc.cgroup.dir.monitor = %s\n", p->cgroup, p->monitor);
	buf_addstr(out, "lxc.cgroup.dir.monitor.pivot = instfs.pivot\n");
}

static void add_map(const struct idmap *m, struct buf *out)
{
	for (unsigned i = 0; i < m->n_uid; i++)
		buf_addf(out, "lxc.idmap = u %u %u %u\n", m->uid[i].guest, m->uid[i].host, m->uid[i].count);
	for (unsigned i = 0; i < m->n_gid; i++)
		buf_addf(out, "lxc.idmap = g %u %u %u\n", m->gid[i].guest, m->gid[i].host, m->gid[i].count);
}

static const char *const rules[] = {
	"c *:* m", "b *:* m",					/* making nodes is harmless, using them is not */
	"c 1:3 rwm", "c 1:5 rwm", "c 1:7 rwm", "c 1:8 rwm", "c 1:9 rwm",	/* null zero full random urandom */
	"c 5:0 rwm", "c 5:1 rwm", "c 5:2 rwm", "c 136:* rwm",	/* terminals */
	"c 10:229 rwm", "c 10:200 rwm",				/* fuse, tun */
};

bool lxcconf_allows_device(bool block, unsigned major, unsigned minor)
{
	char one[64], all[64];

	snprintf(one, sizeof(one), "%c %u:%u rwm", block ? 'b' : 'c', major, minor);
	snprintf(all, sizeof(all), "%c %u:* rwm", block ? 'b' : 'c', major);
	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++)
		if (!strcmp(rules[i], one) || !strcmp(rules[i], all))
			return true;
	return false;
}

static void add_device_rules(struct buf *out)
{
	const char *key = cgroup_version(CGROUP_DEVICES) == 2 ? "lxc.cgroup2.devices" : "lxc.cgroup.devices";

	if (!cgroup_version(CGROUP_DEVICES))
		return;
	buf_addf(out, "%s.deny = a\n", key);
	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++)
		buf_addf(out, "%s.allow = %s\n", key, rules[i]);
}

/* liblxc writes the profile, but fails where the program that loads it is not installed. */
enum apparmor lxcconf_apparmor(void)
{
	if (access("/sys/kernel/security/apparmor/profiles", F_OK) < 0)
		return APPARMOR_NONE;
	if (access("/usr/sbin/apparmor_parser", X_OK) < 0 && access("/sbin/apparmor_parser", X_OK) < 0)
		return APPARMOR_NO_PARSER;
	return APPARMOR_USED;
}

/* One line of the configuration for each of the profile. */
static void add_apparmor(const char *text, struct buf *out)
{
	while (*text) {
		size_t len = strcspn(text, "\r\n");

		if (len)
			buf_addf(out, "lxc.apparmor.raw = %.*s\n", (int)len, text);
		text += len + (text[len] != '\0');
	}
}

/*
 * Privileged guests are root of the host: what they may do is taken away. Others are confined by their user namespace. The rules for
 * devices are for all: in version 2 a single rule that allows something denies everything else.
 */
static void add_confinement(const struct lxcconf *c, struct buf *out)
{
	bool privileged = !c->map->n_uid, nesting = expanded_bool(c->x, "security.nesting", false);
	bool apparmor = lxcconf_apparmor() == APPARMOR_USED;

	if (privileged) {
		buf_addf(out, "lxc.cap.drop = sys_time sys_module sys_rawio mac_override%s\n", nesting ? "" : " mac_admin");
		buf_addstr(out, "lxc.mount.auto = proc:mixed sys:mixed cgroup:mixed\n");
	} else {
		add_map(c->map, out);
		buf_addstr(out, "lxc.mount.auto = proc:rw sys:rw cgroup:mixed\n");
	}
	add_device_rules(out);
	if (nesting) {
		/* An unhidden proc and sys somewhere is what the kernel asks for before a nested container may mount its own. */
		buf_addstr(out, "lxc.mount.entry = proc dev/.lxc/proc proc create=dir,optional 0 0\n");
		buf_addstr(out, "lxc.mount.entry = sys dev/.lxc/sys sysfs create=dir,optional 0 0\n");
	}
	buf_addstr(out, apparmor ? "lxc.apparmor.profile = generated\n" : "lxc.apparmor.profile = unconfined\n");
	if (apparmor && nesting)
		buf_addstr(out, "lxc.apparmor.allow_nesting = 1\n");
	if (apparmor && expanded_get(c->x, "raw.apparmor"))
		add_apparmor(expanded_get(c->x, "raw.apparmor"), out);
	if (c->seccomp)
		/* without the second line liblxc would not add it to a filter that is there already (helper_limits.c) */
		buf_addf(out, "lxc.seccomp.profile = %s\nlxc.seccomp.allow_nesting = 1\n", c->seccomp);
	buf_addstr(out, "lxc.mount.entry = /dev/fuse dev/fuse none bind,create=file,optional 0 0\n");
	buf_addstr(out, "lxc.mount.entry = /dev/net/tun dev/net/tun none bind,create=file,optional 0 0\n");
}

/* What is a family of keys here and of lines there. A value of several lines would be another line. */
static int add_family(const struct expanded *x, const char *prefix, const char *line, struct buf *out, struct err *e)
{
	size_t n = strlen(prefix);

	for (size_t i = 0; i < x->n; i++) {
		const struct expanded_item *it = &x->items[i];
		const char *value;

		if (it->kind != ENT_CONFIG || strncmp(it->name, prefix, n) != 0)
			continue;
		value = expanded_get(x, it->name);
		if (strpbrk(value, "\n\r") || strpbrk(it->name, " =\n\r"))
			return err_set(e, EINVAL, "%.64s: a value of several lines cannot be given to liblxc", it->name);
		buf_addf(out, "%s%s = %s\n", line, it->name + n, value);
	}
	return 0;
}

static int add_rlimits(const struct expanded *x, struct buf *out, struct err *e)
{
	static const char prefix[] = "limits.kernel.";
	struct rlimit l;

	for (size_t i = 0; i < x->n; i++) {
		const struct expanded_item *it = &x->items[i];
		const char *name = it->name + sizeof(prefix) - 1;
		rlim_t v[2];
		int r;

		if (it->kind != ENT_CONFIG || strncmp(it->name, prefix, sizeof(prefix) - 1) != 0)
			continue;
		r = rlimit_parse(name, expanded_get(x, it->name), &l, e);
		if (r < 0)
			return err_wrap(e, "%s", it->name);
		v[0] = l.rlim_cur;
		v[1] = l.rlim_max;
		buf_addf(out, "lxc.prlimit.%s = ", name);
		for (int k = 0; k < 2; k++) {
			if (v[k] == RLIM_INFINITY)
				buf_addstr(out, "unlimited");
			else
				buf_addf(out, "%llu", (unsigned long long)v[k]);
			buf_addch(out, k ? '\n' : ':');
		}
	}
	return 0;
}

static int add_process_keys(const struct expanded *x, struct buf *out, struct err *e)
{
	const char *oom = expanded_get(x, "limits.memory.oom_priority");
	int64_t v;
	int r = add_rlimits(x, out, e);

	if (r == 0 && oom)
		r = value_int(oom, -1000, 1000, &v, e);
	if (r == 0 && oom)
		buf_addf(out, "lxc.proc.oom_score_adj = %d\n", (int)v);
	return r < 0 ? r : add_family(x, "linux.sysctl.", "lxc.sysctl.", out, e);
}

static int add_environment(const struct expanded *x, struct buf *out, struct err *e)
{
	static const char prefix[] = "environment.";
	char name[256];

	if (!expanded_get(x, "environment.PATH"))
		buf_addstr(out, "lxc.environment = PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n");
	for (size_t i = 0; i < x->n; i++) {
		const struct expanded_item *it = &x->items[i];
		const char *value;

		if (it->kind != ENT_CONFIG || strncmp(it->name, prefix, sizeof(prefix) - 1) != 0)
			continue;
		snprintf(name, sizeof(name), "%s", it->name + sizeof(prefix) - 1);
		value = expanded_get(x, it->name);
		if (!*name || strpbrk(name, "= \t\n"))
			return err_set(e, EINVAL, "%.64s: \"%.64s\" is no name of a variable", it->name, name);
		if (strpbrk(value, "\n\r"))
			return err_set(e, EINVAL, "%.64s: a value of several lines cannot be given to liblxc", it->name);
		buf_addf(out, "lxc.environment = %s=%s\n", name, value);
	}
	return 0;
}

int lxcconf_make(const struct lxcconf *c, struct buf *out, struct err *e)
{
	const char *raw = expanded_get(c->x, "raw.lxc");
	int r;

	if (strpbrk(c->place->rootfs, "\n\r"))
		return err_set(e, EINVAL, "the path of the run directory has several lines");
	buf_addstr(out, "# Made by instfs at each start; changes are lost. Keys of your own go into config/raw.lxc.\n");
	add_identity(c, out);
	add_confinement(c, out);
	if (c->views)
		viewmounts_print(c->views, expanded_bool(c->x, "security.nesting", false), c->place->cgroup, out);
	r = add_environment(c->x, out, e);
	if (r == 0)
		r = add_process_keys(c->x, out, e);
	if (r < 0)
		return r;
	buf_addstr(out, c->devices);
	limits_print(c->limits, out);
	if (raw)
		buf_addf(out, "%s\n", raw);
	/* A guest that reboots is started anew by our monitor, not by liblxc (helper_start.c). Last: after one that fails no other runs. */
	buf_addf(out, "lxc.hook.post-stop = /bin/sh -c 'test \"$LXC_TARGET\" != reboot || ! : >\"$0\"' %s/" REBOOT_FILE " #\n",
		 c->place->dir);
	if (buf_error(out) < 0)
		return err_set(e, ENOMEM, "no memory for the configuration");
	return 0;
}
