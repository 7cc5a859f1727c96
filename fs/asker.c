// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * See asker.h. What was found for a namespace is kept until its first process has ended; the number of a namespace is not used again before.
 * `lock` guards the table and is a leaf; an asker that is in use is not freed. An instance's own source is that of fs/sources.c, and the
 * lock of that one is held while it is in use.
 */
#include "fs/asker.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "backends/core/cleanup.h"
#include "backends/core/watch.h"
#include "fs/board.h"
#include "fs/sources.h"

#define KEPT_MAX 256
#define DEPTH_MAX 32

struct asker {
	struct asker *next;
	ino_t ns;
	int pidfd;			/* of its first process */
	uint32_t instance;		/* it is that one itself; else 0 and `source` */
	struct proc_source *source, *outer;
	unsigned users;
	bool dropped;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct asker *list;		/* most recently used first */

/* ---- looking at processes ---- */

static ino_t namespace_of(pid_t pid, const char *kind)
{
	char path[64];
	struct stat st;

	if (pid)
		snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)pid, kind);
	else
		snprintf(path, sizeof(path), "/proc/self/ns/%s", kind);
	return stat(path, &st) < 0 ? 0 : st.st_ino;
}

static pid_t parent_of(pid_t pid)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	const char *s;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	buf_read_file(&b, AT_FDCWD, path, 1 << 16);
	s = strstr(buf_str(&b), "\nPPid:");
	return s ? (pid_t)strtol(s + 6, NULL, 10) : 0;
}

static bool is_container(pid_t init, pid_t around)
{
	return namespace_of(init, "uts") != namespace_of(around, "uts") || namespace_of(init, "cgroup") != namespace_of(around, "cgroup");
}

/*
 * From the innermost container of pid outwards: *ret, and *top, which has nothing around it but the host. A first process whose parent ended
 * has another one of the namespace around it for parent.
 */
static int find_container(pid_t pid, struct proc_facts *ret, struct proc_facts *top)
{
	const ino_t own = namespace_of(0, "pid");
	bool chosen = false;
	int r = proc_facts_of_pid(pid, top);

	*ret = *top;
	for (int i = 0; !r && i < DEPTH_MAX; i++) {
		pid_t parent = parent_of(top->init_pid);
		struct proc_facts around;

		if (!parent || namespace_of(parent, "pid") == own)
			return 0;
		r = proc_facts_of_pid(parent, &around);
		if (r)
			break;
		chosen |= is_container(top->init_pid, around.init_pid);
		*top = around;
		if (!chosen)
			*ret = around;
	}
	return r;
}

/* Which of our instances has that init. */
static bool find_instance(const struct proc_facts *init, struct proc_facts *ret)
{
	struct proc_facts f = { .object = 0 };

	while (board_next(f.object, &f))
		if (f.init_pid == init->init_pid && f.init_start == init->init_start) {
			*ret = f;
			return true;
		}
	return false;
}

static struct asker *asker_free(struct asker *a)
{
	if (!a)
		return NULL;
	proc_source_free(a->source);
	proc_source_free(a->outer);
	if (a->pidfd >= 0)
		close(a->pidfd);
	free(a);
	return NULL;
}

static int make_sources(struct asker *a, const struct proc_facts *own, const struct proc_facts *instance)
{
	a->source = proc_source_new_pid(own, NULL);
	if (!a->source)
		return -ENOMEM;
	if (!instance)
		return 0;
	a->outer = proc_source_new(instance, NULL);
	if (!a->outer)
		return -ENOMEM;
	proc_source_within(a->source, a->outer);
	return 0;
}

static int make(pid_t pid, ino_t ns, struct asker **ret)
{
	struct proc_facts own, top, instance;
	struct asker *a = calloc(1, sizeof(*a));
	bool known;
	int r;

	if (!a)
		return -ENOMEM;
	a->ns = ns;
	a->pidfd = -1;
	r = find_container(pid, &own, &top);
	if (!r) {
		known = find_instance(&top, &instance);
		a->pidfd = process_open(own.init_pid, own.init_start);
		if (known && own.init_pid == top.init_pid)
			a->instance = instance.object;
		else
			r = make_sources(a, &own, known ? &instance : NULL);
	}
	if (!r && a->pidfd < 0)
		r = -ESRCH;
	*ret = r ? asker_free(a) : a;
	return r;
}

/* ---- the table ---- */

static bool has_ended(const struct asker *a)
{
	struct pollfd p = { .fd = a->pidfd, .events = POLLIN };

	return poll(&p, 1, 0) != 0;
}

/* Takes it out of the list; whoever uses it last frees it. */
static void drop(struct asker **pp)
{
	struct asker *a = *pp;

	*pp = a->next;
	a->dropped = true;
	if (!a->users)
		asker_free(a);
}

static struct asker *find(ino_t ns)
{
	for (struct asker **pp = &list, *a; (a = *pp); pp = &a->next) {
		if (a->ns != ns)
			continue;
		if (has_ended(a)) {
			drop(pp);
			return NULL;
		}
		*pp = a->next;
		a->next = list;
		list = a;
		a->users++;
		return a;
	}
	return NULL;
}

/* Those that ended, and those that nobody asked for since many others came. */
static void tidy(void)
{
	unsigned n = 0;

	for (struct asker **pp = &list; *pp;) {
		if (++n > KEPT_MAX || has_ended(*pp))
			drop(pp);
		else
			pp = &(*pp)->next;
	}
}

int asker_get(pid_t pid, struct asker **ret)
{
	ino_t ns = pid ? namespace_of(pid, "pid") : 0;
	struct asker *a;
	int r;

	*ret = NULL;
	if (pid && !ns)
		return -ESRCH;
	if (!pid || ns == namespace_of(0, "pid"))
		return 0;
	{
		HOLD_LOCK(&lock);
		*ret = find(ns);
	}
	if (*ret)
		return 0;
	r = make(pid, ns, &a);
	if (r)
		return r;
	a->users = 1;
	HOLD_LOCK(&lock);
	tidy();
	a->next = list;
	list = a;
	*ret = a;
	return 0;
}

void asker_put(struct asker *a)
{
	bool last;

	if (!a)
		return;
	{
		HOLD_LOCK(&lock);
		last = !--a->users && a->dropped;
	}
	if (last)
		asker_free(a);
}

/* ---- what it sees ---- */

static int show_host(const struct proc_place *at, struct buf *out)
{
	char path[512] = "/";

	proc_path(at, path + 1, sizeof(path) - 1);
	return buf_read_file(out, AT_FDCWD, path, 16 << 20);
}

/* For the names of CPUs only. */
static struct proc_source *host_source(void)
{
	static struct proc_source *s;
	struct proc_facts f;

	HOLD_LOCK(&lock);
	if (!s && !proc_facts_of_pid(getpid(), &f))
		s = proc_source_new_pid(&f, NULL);
	return s;
}

struct proc_source *asker_source(struct asker *a)
{
	if (!a)
		return host_source();
	return a->instance ? sources_get(a->instance) : a->source;
}

void asker_release(struct asker *a, struct proc_source *s)
{
	if (s && a && a->instance)
		sources_put();
}

int asker_show(struct asker *a, const struct proc_place *at, struct buf *out)
{
	struct proc_source *s;
	int r;

	if (!a)
		return show_host(at, out);
	s = asker_source(a);
	r = s ? proc_show(s, at, out) : -ESRCH;
	asker_release(a, s);
	return r;
}
