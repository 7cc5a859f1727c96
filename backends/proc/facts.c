// SPDX-License-Identifier: LGPL-2.1-or-later
/* Facts of a process that is not an instance of ours. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "backends/core/cleanup.h"
#include "backends/proc/host.h"
#include "backends/proc/proc.h"
#include "backends/proc/scan.h"

#define PARENTS_MAX 4096

static int read_file(pid_t pid, const char *file, struct buf *out)
{
	char path[64];

	snprintf(path, sizeof(path), "proc/%d/%s", (int)pid, file);
	return host_read_path(path, out);
}

/* Identity of the process's pid namespace; 0: it is gone. */
static ino_t pid_namespace(pid_t pid)
{
	char path[4096];
	struct stat st;

	snprintf(path, sizeof(path), "%s/proc/%d/ns/pid", host_root(), (int)pid);
	return stat(path, &st) < 0 ? 0 : st.st_ino;
}

/* Its parent; *first: it is number 1 of its namespace. 0: no parent, or gone. */
static pid_t parent_of(pid_t pid, bool *first)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	const char *ppid, *ns, *end;

	*first = false;
	if (read_file(pid, "status", &b) < 0)
		return 0;
	ppid = strstr(buf_str(&b), "\nPPid:");
	ns = strstr(buf_str(&b), "\nNSpid:");
	end = ns ? strchr(ns + 1, '\n') : NULL;
	*first = end && end[-1] == '1' && end[-2] == '\t';
	return ppid ? (pid_t)strtol(ppid + strlen("\nPPid:"), NULL, 10) : 0;
}

/* One that was put into the namespace from outside has no parent inside: look at all. */
static pid_t search(ino_t ns)
{
	_cleanup_dir_ DIR *d = NULL;
	char path[2100];
	struct dirent *de;

	snprintf(path, sizeof(path), "%s/proc", host_root());
	d = opendir(path);
	while (d && (de = readdir(d))) {
		pid_t pid = (pid_t)strtol(de->d_name, NULL, 10);
		bool first = false;

		if (pid <= 0 || pid_namespace(pid) != ns)
			continue;
		parent_of(pid, &first);
		if (first)
			return pid;
	}
	return 0;
}

static pid_t init_of(pid_t pid)
{
	ino_t ns = pid_namespace(pid);
	pid_t p = pid;

	for (int i = 0; ns && i < PARENTS_MAX && p > 0; i++) {
		bool first;
		pid_t parent = parent_of(p, &first);

		if (first)
			return p;
		if (!parent || pid_namespace(parent) != ns)
			break;
		p = parent;
	}
	p = ns ? search(ns) : 0;
	return p ? p : pid;
}

int proc_facts_of_pid(pid_t pid, struct proc_facts *ret)
{
	_cleanup_buf_ struct buf stat = BUF_INIT, person = BUF_INIT;
	struct proc_facts f = {
		.size = sizeof(f), .memory = PROC_NO_LIMIT, .swap = PROC_NO_LIMIT, .init_pid = init_of(pid),
	};
	int r = read_file(f.init_pid, "stat", &stat);

	if (r < 0)
		return r == -ENOMEM ? r : -ESRCH;
	f.init_start = scan_start_time(buf_str(&stat));
	if (read_file(f.init_pid, "personality", &person) == 0)
		f.personality = (int32_t)(strtoul(buf_str(&person), NULL, 16) & 0xff);
	*ret = f;
	return 0;
}
