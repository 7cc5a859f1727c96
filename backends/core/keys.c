// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The table of keys and what is done with a row whatever its type. Constant data only; checks of values are in keys_check.c.
 * Names and meanings are LXD's, so that what people know keeps working; where LXD takes a value by mistake we refuse it.
 */
#include "backends/core/keys.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "backends/core/cleanup.h"
#include "backends/core/keys_check.h"
#include "backends/core/value.h"

#define LINE_MAX_BYTES 4096
#define TEXT_MAX_BYTES (1u << 20)
#define SUGGEST_MAX 64

#define ANY (KEY_PROFILE | KEY_INSTANCE | KEY_CONTAINER | KEY_VM)
#define CONTAINER (KEY_PROFILE | KEY_INSTANCE | KEY_CONTAINER)

#define TYPE_BOOL .type = "bool", .check = key_check_bool, .same = key_same_bool
#define TYPE_TEXT .type = "text", .check = key_check_text
#define TYPE_SECONDS .type = "time span", .check = key_check_seconds, .same = key_same_seconds

const struct key key_table[] = {
	{ .name = "boot.autostart", TYPE_BOOL, .def = "as it was when the host went down", .live = KEY_LIVE, .flags = ANY,
	  .doc = "start with the daemon after the host has booted" },
	{ .name = "boot.autostart.delay", TYPE_SECONDS, .def = "0", .live = KEY_LIVE, .flags = ANY,
	  .doc = "wait that long after this one before the next one is started" },
	{ .name = "boot.autostart.priority", .type = "integer", .def = "0", .live = KEY_LIVE, .flags = ANY,
	  .check = key_check_integer, .same = key_same_integer, .doc = "order of starting, highest first, equal ones by name" },
	{ .name = "boot.host_shutdown_timeout", TYPE_SECONDS, .def = "30", .live = KEY_LIVE, .flags = ANY,
	  .doc = "how long a clean stop may take when the host goes down, then it is killed" },
	{ .name = "environment.*", TYPE_TEXT, .def = "unset", .live = KEY_LIVE, .flags = ANY,
	  .doc = "exported to commands run by exec, and to init from the next start" },
	{ .name = "limits.cpu", .type = "count or set", .def = "all", .live = KEY_LIVE, .flags = ANY | KEY_APPLY,
	  .check = key_check_cpu, .same = key_same_cpu, .doc = "2: that many CPUs; 1-1: CPU 1; 0-3,7: these CPUs" },
	{ .name = "limits.cpu.allowance", .type = "percent or slice", .def = "100%", .live = KEY_LIVE, .flags = CONTAINER | KEY_APPLY,
	  .check = key_check_allowance, .same = key_same_allowance,
	  .doc = "50%: weight when CPUs are busy; 25ms/100ms: never more than that, relative to one CPU" },
	{ .name = "limits.cpu.priority", .type = "0 to 10", .def = "10", .live = KEY_LIVE, .flags = CONTAINER | KEY_APPLY,
	  .check = key_check_priority, .same = key_same_integer, .doc = "who gets a little more when CPUs are busy, highest first" },
	{ .name = "limits.memory", .type = "size or percent", .def = "all", .live = KEY_LIVE, .flags = ANY | KEY_APPLY,
	  .check = key_check_memory, .same = key_same_memory,
	  .doc = "256MiB or 256M (2^20), 256MB (10^6), or 25% of the host's memory" },
	{ .name = "limits.memory.enforce", .type = "hard or soft", .def = "hard", .live = KEY_LIVE, .flags = CONTAINER | KEY_APPLY,
	  .check = key_check_enforce, .doc = "soft: more than limits.memory may be used while the host has memory to spare" },
	{ .name = "limits.memory.swap", TYPE_BOOL, .def = "true", .live = KEY_LIVE, .flags = CONTAINER | KEY_APPLY,
	  .doc = "whether the host may swap its memory out" },
	{ .name = "limits.processes", .type = "count", .def = "no limit", .live = KEY_LIVE, .flags = CONTAINER | KEY_APPLY,
	  .check = key_check_count, .same = key_same_integer, .doc = "number of processes and threads" },
	{ .name = "raw.idmap", .type = "id maps", .def = "unset", .live = KEY_NEXT_START,
	  .flags = CONTAINER | KEY_ROOT | KEY_MULTILINE, .check = key_check_idmap,
	  .doc = "lines `both HOST INSTANCE` (or uid, gid) with ids or ranges: these are the host's ids inside as well" },
	{ .name = "raw.lxc", .type = "configuration", .def = "unset", .live = KEY_NEXT_START, .flags = CONTAINER | KEY_ROOT | KEY_MULTILINE,
	  .check = key_check_lxc, .doc = "lines `lxc.key = value`, added to the configuration that liblxc gets" },
	{ .name = "security.nesting", TYPE_BOOL, .def = "false", .live = KEY_NEXT_START, .flags = CONTAINER | KEY_ROOT,
	  .doc = "containers may run inside of it" },
	{ .name = "security.privileged", TYPE_BOOL, .def = "false", .live = KEY_NEXT_START, .flags = CONTAINER | KEY_ROOT,
	  .doc = "without a user namespace: root inside is root of the host" },
	{ .name = "security.protection.delete", TYPE_BOOL, .def = "false", .live = KEY_LIVE, .flags = ANY,
	  .doc = "it cannot be removed" },
	{ .name = "snapshots.expiry", .type = "expiry", .def = "never", .live = KEY_LIVE, .flags = ANY, .check = key_check_expiry,
	  .doc = "lifetime of snapshots made from now on: 30M, 12H, 7d, 2w, 1m 2d, 1y (M minutes, m months)" },
	{ .name = "user.*", TYPE_TEXT, .def = "unset", .live = KEY_LIVE, .flags = ANY | KEY_MULTILINE, .doc = "free for any use" },

	{ .name = "images.compression_algorithm", .type = "name", .def = "gzip", .live = KEY_LIVE, .flags = KEY_SETTING,
	  .check = key_check_compression, .doc = "of published images and backups: bzip2, gzip, lzma, xz, zstd, none" },
	{ .name = "trash.expiry", TYPE_SECONDS, .def = "24h", .live = KEY_LIVE, .flags = KEY_SETTING,
	  .doc = "how long removed instances stay in trash/" },
	{ .name = NULL },
};

const char *const key_unsupported[] = {
	"boot.stop.priority", "cloud-init.network-config", "cloud-init.user-data", "cloud-init.vendor-data", "cluster.evacuate",
	"limits.disk.priority", "limits.hugepages.64KB", "limits.hugepages.1MB", "limits.hugepages.2MB", "limits.hugepages.1GB",
	"limits.kernel.*", "limits.memory.hugepages", "limits.memory.swap.priority", "limits.network.priority",
	"linux.kernel_modules", "linux.sysctl.*", "migration.incremental.memory", "migration.incremental.memory.goal",
	"migration.incremental.memory.iterations", "migration.stateful", "nvidia.driver.capabilities", "nvidia.require.cuda",
	"nvidia.require.driver", "nvidia.runtime", "raw.apparmor", "raw.qemu", "raw.qemu.conf", "raw.seccomp",
	"security.agent.metrics", "security.csm", "security.devlxd", "security.devlxd.images", "security.idmap.base",
	"security.idmap.isolated", "security.idmap.size", "security.protection.shift", "security.secureboot", "security.sev",
	"security.sev.policy.es", "security.sev.session.data", "security.sev.session.dh", "security.syscalls.*",
	"snapshots.pattern", "snapshots.schedule", "snapshots.schedule.stopped",

	"backups.compression_algorithm", "cluster.*", "core.*", "images.auto_update_cached", "images.auto_update_interval",
	"images.default_architecture", "images.remote_cache_expiry", "restricted.*", "storage.*",
	NULL,
};

/* Length of a family's name without its '*', 0 when it is the name of one key. */
static size_t family(const char *pattern)
{
	size_t n = strlen(pattern);

	return n && pattern[n - 1] == '*' ? n - 1 : 0;
}

static bool matches(const char *pattern, const char *name)
{
	size_t n = family(pattern);

	return n ? !strncmp(pattern, name, n) && name[n] : !strcmp(pattern, name);
}

/*
 * The rest of a name in a family is a part of a file name. What editors leave beside a file ("user.x~") is not a key, and "=" or a
 * blank would make environment.* another variable or none.
 */
static bool valid_rest(const char *rest)
{
	size_t n = strlen(rest);

	return n < 200 && rest[n - 1] != '~' && rest[strspn(rest, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
							      "0123456789._-+@:%")] == '\0';
}

const struct key *key_find(const char *name)
{
	const struct key *k;

	for (k = key_table; k->name; k++) {
		if (!family(k->name) && !strcmp(k->name, name))
			return k;
	}
	for (k = key_table; k->name; k++) {
		if (family(k->name) && matches(k->name, name))
			return valid_rest(name + family(k->name)) ? k : NULL;
	}
	return NULL;
}

/* Number of letters to add, drop, replace or swap to make b of a, whatever their case. */
static unsigned distance(const char *a, size_t la, const char *b, size_t lb)
{
	unsigned rows[3][SUGGEST_MAX + 1], *before = rows[0], *last = rows[1], *now = rows[2], *spare;

	for (size_t j = 0; j <= lb; j++)
		last[j] = (unsigned)j;
	for (size_t i = 1; i <= la; i++) {
		now[0] = (unsigned)i;
		for (size_t j = 1; j <= lb; j++) {
			bool same = !strncasecmp(a + i - 1, b + j - 1, 1);
			unsigned v = last[j - 1] + !same;

			if (last[j] + 1 < v)
				v = last[j] + 1;
			if (now[j - 1] + 1 < v)
				v = now[j - 1] + 1;
			if (i > 1 && j > 1 && !strncasecmp(a + i - 1, b + j - 2, 1) && !strncasecmp(a + i - 2, b + j - 1, 1) &&
			    before[j - 2] + 1 < v)
				v = before[j - 2] + 1;
			now[j] = v;
		}
		spare = before;
		before = last;
		last = now;
		now = spare;
	}
	return last[lb];
}

static void consider(const char *name, const char *pattern, unsigned *best, const char **ret)
{
	size_t fam = family(pattern), lp = fam ? fam : strlen(pattern), ln = strlen(name);
	unsigned d;

	if (fam) {
		const char *dot = strchr(name, '.');

		if (!dot || !dot[1])
			return;
		ln = (size_t)(dot - name) + 1;
	}
	if (ln > SUGGEST_MAX || lp > SUGGEST_MAX)
		return;
	d = distance(name, ln, pattern, lp);
	if (d < *best && d <= 1 + lp / 4) {
		*best = d;
		*ret = pattern;
	}
}

static const char *nearest(const char *name)
{
	unsigned best = UINT32_MAX;
	const char *found = NULL;

	for (const struct key *k = key_table; k->name; k++)
		consider(name, k->name, &best, &found);
	for (const char *const *u = key_unsupported; *u; u++)
		consider(name, *u, &best, &found);
	return found;
}

int key_check_name(const char *name, const struct key **ret, struct err *e)
{
	const struct key *k = key_find(name);
	const char *near;

	if (k) {
		if (ret)
			*ret = k;
		return 0;
	}
	for (const char *const *u = key_unsupported; *u; u++) {
		if (matches(*u, name))
			return err_set(e, EOPNOTSUPP, "%.100s is not supported yet", name);
	}
	for (k = key_table; k->name; k++) {
		if (family(k->name) && matches(k->name, name))
			return err_set(e, EINVAL, "\"%.100s\" is not a name for %s: letters, digits and . _ - + @ : %% only", name, k->name);
	}
	if (!strncmp(name, "volatile.", 9))
		return err_set(e, EINVAL, "%.100s is not configuration; what is kept but not configured stands in volatile/", name);
	near = e ? nearest(name) : NULL;
	if (near)
		return err_set(e, EINVAL, "unknown key \"%.100s\"; the nearest known one is %s", name, near);
	return err_set(e, EINVAL, "unknown key \"%.100s\"; instfs --list-keys shows the known ones", name);
}

int key_check(const char *name, const char *value, size_t len, struct err *e)
{
	_cleanup_free_ char *text = NULL;
	const struct key *k = NULL;
	size_t max;
	int r;

	r = key_check_name(name, &k, e);
	if (r < 0)
		return r;
	max = k->flags & KEY_MULTILINE ? TEXT_MAX_BYTES : LINE_MAX_BYTES;
	if (len > max)
		return err_set(e, EFBIG, "%.100s: the value has %zu bytes, at most %zu are allowed", name, len, max);
	if (len && value[len - 1] == '\n')
		len--;
	r = k->flags & KEY_MULTILINE ? value_text(value, len, e) : value_line(value, len, e);
	if (r == 0) {
		text = strndup(value, len);
		if (!text)
			return err_sys(e, ENOMEM, "%.100s", name);
		r = k->check(k, name, text, e);
	}
	return r < 0 ? err_wrap(e, "%.100s", name), r : 0;
}

bool key_same(const struct key *k, const char *a, const char *b)
{
	if (!a || !b)
		return a == b;
	return !strcmp(a, b) || (k->same && k->same(a, b));
}
