// SPDX-License-Identifier: LGPL-2.1-or-later
/* runtime/warnings: what the configuration asks for and this kernel, or this host, cannot enforce. Looked up anew each time. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "backends/core/cleanup.h"
#include "backends/core/intercept.h"
#include "backends/core/value.h"
#include "backends/lxc/limits.h"
#include "backends/lxc/lxcconf.h"
#include "backends/lxc/seccomp.h"

static const struct {
	const char *key;
	enum cgroup_controller controller;
} needs[] = {
	{ "limits.cpu", CGROUP_CPUSET }, { "limits.cpu.allowance", CGROUP_CPU }, { "limits.cpu.priority", CGROUP_CPU },
	{ "limits.disk.priority", CGROUP_IO }, { "limits.hugepages.1GB", CGROUP_HUGETLB }, { "limits.hugepages.1MB", CGROUP_HUGETLB },
	{ "limits.hugepages.2MB", CGROUP_HUGETLB }, { "limits.hugepages.64KB", CGROUP_HUGETLB }, { "limits.memory", CGROUP_MEMORY },
	{ "limits.memory.enforce", CGROUP_MEMORY }, { "limits.memory.swap", CGROUP_MEMORY },
	{ "limits.memory.swap.priority", CGROUP_MEMORY }, { "limits.network.priority", CGROUP_NET_PRIO },
	{ "limits.processes", CGROUP_PIDS },
};

static void warn(struct buf *out, const char *key, const char *why)
{
	buf_addf(out, "%s: not enforced: %s\n", key, why);
}

static void warn_controllers(const struct expanded *x, struct buf *out)
{
	for (size_t i = 0; i < sizeof(needs) / sizeof(*needs); i++)
		if (expanded_get(x, needs[i].key) && !cgroup_version(needs[i].controller))
			buf_addf(out, "%s: not enforced: this kernel offers no %s controller\n", needs[i].key, cgroup_name(needs[i].controller));
}

static bool has_file(enum cgroup_controller c, const char *path, const char *file)
{
	char text[CGROUP_VALUE_MAX];

	return cgroup_read(c, path, file, text) == 0;
}

static void warn_memory(const struct expanded *x, const char *path, struct buf *out)
{
	const char *swap = expanded_get(x, "limits.memory.swap");
	int version = cgroup_version(CGROUP_MEMORY);
	uint64_t bytes = UINT64_MAX;
	bool allowed;

	if (version == 2 && expanded_get(x, "limits.memory.swap.priority"))
		warn(out, "limits.memory.swap.priority", "control groups of version 2 have no swappiness");
	if (*path && version == 2 && (swap || expanded_get(x, "limits.memory")) && !has_file(CGROUP_MEMORY, path, "memory.swap.max"))
		buf_addf(out, "%s: swap is not counted: this kernel has no swap accounting\n", swap ? "limits.memory.swap" : "limits.memory");
	if (version != 1)
		return;
	/* the root has the files of v1 too */
	if (expanded_get(x, "limits.memory") && !has_file(CGROUP_MEMORY, ".", "memory.memsw.limit_in_bytes"))
		buf_addstr(out, "limits.memory: swap is not counted: this kernel has no swap accounting\n");
	if (swap && value_swap(swap, &allowed, &bytes, NULL) == 0 && allowed && bytes != UINT64_MAX) {
		const char *enforce = expanded_get(x, "limits.memory.enforce");

		if (!expanded_get(x, "limits.memory") || (enforce && value_is(enforce, "soft")))
			warn(out, "limits.memory.swap", "control groups of version 1 limit swap only together with a hard limits.memory");
	}
}

static void warn_cpus(const struct expanded *x, struct buf *out)
{
	const char *value = expanded_get(x, "limits.cpu");
	_cleanup_buf_ struct buf online = BUF_INIT;
	char list[CGROUP_VALUE_MAX];
	unsigned count;
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	if (!value || value_cpu(value, &count, list, sizeof(list), NULL) < 0)
		return;
	if (count && cpus > 0 && count > (unsigned long)cpus)
		buf_addf(out, "limits.cpu: %u CPUs are wanted, %ld are online\n", count, cpus);
	if (count || buf_read_file(&online, AT_FDCWD, "/sys/devices/system/cpu/online", 4096) < 0)
		return;
	if (!value_cpu_within(list, buf_str(&online)))
		buf_addf(out, "limits.cpu: not all of the CPUs %s are online (%.*s are)\n", list, (int)strcspn(buf_str(&online), "\n"),
			 buf_str(&online));
}

/* Only the scheduler BFQ heeds weights of groups; iocost, behind io.weight, is off unless somebody switched it on. */
static bool some_disk_uses_bfq(void)
{
	_cleanup_dir_ DIR *d = opendir("/sys/block");
	struct dirent *de;

	while (d && (de = readdir(d))) {
		_cleanup_buf_ struct buf text = BUF_INIT;
		char path[NAME_MAX + 32];

		snprintf(path, sizeof(path), "%s/queue/scheduler", de->d_name);
		if (*de->d_name != '.' && buf_read_file(&text, dirfd(d), path, 256) == 0 && strstr(buf_str(&text), "[bfq]"))
			return true;
	}
	return false;
}

static void warn_disk(const struct expanded *x, struct buf *out)
{
	if (expanded_get(x, "limits.disk.priority") && cgroup_version(CGROUP_IO) && !some_disk_uses_bfq())
		warn(out, "limits.disk.priority", "no disk of this host uses the scheduler bfq, which alone heeds weights");
}

static void warn_hugepages(const struct expanded *x, struct buf *out)
{
	static const struct {
		const char *key, *dir;
	} sizes[] = {
		{ "limits.hugepages.64KB", "hugepages-64kB" }, { "limits.hugepages.1MB", "hugepages-1024kB" },
		{ "limits.hugepages.2MB", "hugepages-2048kB" }, { "limits.hugepages.1GB", "hugepages-1048576kB" },
	};
	char path[128];

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		snprintf(path, sizeof(path), "/sys/kernel/mm/hugepages/%s", sizes[i].dir);
		if (expanded_get(x, sizes[i].key) && cgroup_version(CGROUP_HUGETLB) && access(path, F_OK) < 0)
			warn(out, sizes[i].key, "this host has no huge pages of that size");
	}
}

static void warn_security(const struct expanded *x, struct buf *out)
{
	static const char *const of_maps[] = { "security.idmap.base", "security.idmap.isolated", "security.idmap.size", "raw.idmap" };
	bool privileged = expanded_bool(x, "security.privileged", false), isolated = expanded_bool(x, "security.idmap.isolated", false);

	for (size_t i = 0; i < sizeof(of_maps) / sizeof(*of_maps); i++) {
		if (privileged && expanded_get(x, of_maps[i]))
			buf_addf(out, "%s: without effect: a privileged instance has no id map\n", of_maps[i]);
		else if (i != 1 && i != 3 && !isolated && expanded_get(x, of_maps[i]))
			buf_addf(out, "%s: without effect: only for security.idmap.isolated\n", of_maps[i]);
	}
	if (expanded_get(x, "raw.apparmor") && lxcconf_apparmor() == APPARMOR_NONE)
		warn(out, "raw.apparmor", "this kernel has no AppArmor");
#ifndef __x86_64__
	if (expanded_bool(x, "security.syscalls.deny_compat", false))
		warn(out, "security.syscalls.deny_compat", "only on x86_64");
#endif
}

/* Protection that everybody expects, whether or not it is configured. */
static void warn_confinement(const struct expanded *x, struct buf *out)
{
	_cleanup_buf_ struct buf policy = BUF_INIT, most = BUF_INIT;

	if (lxcconf_apparmor() == APPARMOR_NO_PARSER)
		buf_addstr(out, "AppArmor: the instance is not confined by it: apparmor_parser is not installed (package apparmor)\n");
	if (seccomp_make(x, &policy) && access("/proc/sys/kernel/seccomp", F_OK) < 0)
		buf_addstr(out, "security.syscalls: no system call is refused: this kernel has no seccomp\n");
	for (int i = 0; i < INTERCEPT_CALLS; i++)
		if (intercept_wanted(x, (enum intercept_call)i) && !seccomp_intercepts())
			buf_addf(out, "security.syscalls.intercept.%s: this kernel hands no system calls to others\n",
				 intercept_name((enum intercept_call)i));
	if (!expanded_bool(x, "security.privileged", false) &&
	    (access("/proc/self/ns/user", F_OK) < 0 ||
	     (buf_read_file(&most, AT_FDCWD, "/proc/sys/user/max_user_namespaces", 64) >= 0 && !strcmp(buf_str(&most), "0\n"))))
		buf_addstr(out, "security.privileged: the instance cannot start: it is not privileged, and there are no user namespaces here\n");
}

void limits_warnings(const struct expanded *x, const char *path, struct buf *out)
{
	warn_controllers(x, out);
	warn_memory(x, path, out);
	warn_cpus(x, out);
	warn_disk(x, out);
	warn_hugepages(x, out);
	warn_security(x, out);
	warn_confinement(x, out);
}
