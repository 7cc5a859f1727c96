// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Devices of type proxy: a process of their own (instfs-proxy) that ends with the container's init, or, with nat=true, rules of nft.
 * The facts .pid and .start are written before the process runs, so that no killed server leaves one that nobody knows. One that is
 * killed is started again. `lock` guards the list of those that are watched, and is a leaf.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "backends/core/cgroup.h"
#include "backends/core/cleanup.h"
#include "backends/core/proxy.h"
#include "backends/core/spawn.h"
#include "backends/core/watch.h"
#include "backends/lxc/device.h"
#include "backends/lxc/renew.h"
#include "backends/network/proxy_nat.h"

#define READY_MS 10000
#define END_MS 5000
#define WORDS_MAX 1024
#define AGAIN_MAX 10		/* times that one is started again, within */
#define AGAIN_SECONDS 60

/* ---- the process ---- */

/* The one that was recorded; -1: it is gone. */
static int open_process(const struct device *d)
{
	char pid[32], start[32];

	if (!*device_fact(d, ".pid", pid, sizeof(pid)))
		return -1;
	return process_open((pid_t)atoi(pid), strtoull(device_fact(d, ".start", start, sizeof(start)), NULL, 10));
}

static void end_process(const struct device *d)
{
	_cleanup_close_ int pidfd = open_process(d);
	int status;

	if (pidfd < 0)
		return;
	process_signal(pidfd, SIGKILL);
	watch_wait(pidfd, END_MS);
	spawn_reap(pidfd, &status);
}

/* ---- watching ---- */

struct watched {
	int pidfd;
	char pid[32], start[32];
	int64_t watch;
	struct watched *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct watched *watches;

/* Whoever wanted it to end removed the device first, or the container has ended: then nothing is to be done any more. */
static void on_end(void *arg)
{
	struct watched *w = arg, **p = &watches;
	int status;

	pthread_mutex_lock(&lock);
	while (*p != w)
		p = &(*p)->next;
	*p = w->next;
	pthread_mutex_unlock(&lock);
	watch_del(w->watch);
	spawn_reap(w->pidfd, &status);
	close(w->pidfd);
	free(w);
	renew_all();
}

/* The process of the device, whose end is to be seen. Takes over pidfd. */
static void watch_process(const struct device *d, int pidfd)
{
	struct watched *w = calloc(1, sizeof(*w)), *is;

	if (w) {
		w->pidfd = pidfd;
		device_fact(d, ".pid", w->pid, sizeof(w->pid));
		device_fact(d, ".start", w->start, sizeof(w->start));
	}
	HOLD_LOCK(&lock);
	for (is = watches; is && w && (strcmp(is->pid, w->pid) != 0 || strcmp(is->start, w->start) != 0);)
		is = is->next;
	if (w && !is)
		w->watch = watch_add(pidfd, on_end, w);
	if (w && !is && w->watch > 0) {
		w->next = watches;
		watches = w;
		return;
	}
	close(pidfd);
	free(w);
}

/* ---- starting ---- */

static int record(pid_t pid, uint64_t start_time, void *arg)
{
	struct device *d = arg;

	/* Out of the daemon's group, which may be killed as a whole; not into the instance's, which liblxc makes and removes. */
	cgroup_enter("instfs.proxy", pid);
	device_set_fact(d, ".pid", "%d", (int)pid);
	device_set_fact(d, ".start", "%llu", (unsigned long long)start_time);
	return device_note(d, NULL);
}

static const char *mapped_word(const struct device *d)
{
	return d->map->n_uid ? "mapped" : "unmapped";
}

/* What it says until it closes its end of the pipe, which means that it listens, or that it has ended. */
static int wait_ready(int pidfd, int words, struct err *e)
{
	char text[WORDS_MAX + 1];
	int have = spawn_listen(words, READY_MS, text, sizeof(text)), status = 0;

	if (have < 0)
		return err_set(e, -have, "the forwarder was not ready within %d s", READY_MS / 1000);
	if (!have && !watch_wait(pidfd, 0))
		return 0;
	watch_wait(pidfd, END_MS);
	if (spawn_reap(pidfd, &status) < 0 || !WIFEXITED(status) || !WEXITSTATUS(status) || !have)
		return err_set(e, EIO, "the forwarder ended: %s", have ? text : "it gave no reason");
	return err_set(e, WEXITSTATUS(status), "%s", text);
}

static int start_process(struct device *d, struct err *e)
{
	_cleanup_close_ int init = process_open(d->init, d->init_start), words = -1, theirs = -1;
	_cleanup_free_ char *text = strndup(d->text, d->len);
	const struct spawn_fd fds[] = { { init, 3 } };
	char path[512];
	const char *argv[] = { "instfs-proxy", d->name, mapped_word(d), text, NULL };
	struct spawn s = { .path = path, .argv = argv, .session = true, .fds = fds, .n_fds = 1, .born = record, .born_arg = d };
	struct spawned child;
	int pipe[2], r;

	if (init < 0)
		return err_set(e, ESRCH, "the instance has just ended");
	if (!text || pipe2(pipe, O_CLOEXEC) < 0)
		return err_sys(e, text ? errno : ENOMEM, "a pipe for the forwarder");
	words = pipe[0];
	s.err = theirs = pipe[1];
	r = spawn_helper("instfs-proxy", path, sizeof(path), e);
	if (r == 0)
		r = spawn_start(&s, &child, e);
	if (r < 0)
		return r;
	close(steal_fd(&theirs));
	r = wait_ready(child.pidfd, words, e);
	if (r == 0) {
		watch_process(d, child.pidfd);
		return 0;
	}
	close(child.pidfd);
	end_process(d);
	return r;
}

/* Failing to remove a file does no harm: the next one that listens there does it. */
static void remove_file(const struct device *d)
{
	_cleanup_close_ int init = d->init ? process_open(d->init, d->init_start) : -1;
	_cleanup_free_ char *text = strndup(d->text, d->len);
	const struct spawn_fd fds[] = { { init, 3 } };
	char path[512];
	const char *argv[] = { "instfs-proxy", "-r", mapped_word(d), text, NULL };
	struct spawn s = { .path = path, .argv = argv, .session = true, .fds = fds, .n_fds = init >= 0 };

	if (text && spawn_helper("instfs-proxy", path, sizeof(path), NULL) == 0)
		spawn_run(&s, END_MS, NULL, NULL);
}

/* ---- nat ---- */

struct address_search {
	const struct net_address *wanted;
	struct net_address found;
};

static int look_at(const char *word, void *arg)
{
	struct address_search *s = arg;
	struct net_address a;
	static const struct net_address any = { .family = 0 };

	if (net_parse_host(word, s->wanted->family, &a, NULL) < 0)
		return 0;
	if (memcmp(s->wanted->bytes, any.bytes, sizeof(any.bytes)) != 0 && !net_same(&a, s->wanted))
		return 0;
	s->found = a;
	return 1;
}

/* The static address of a nic that is meant, or the first one. */
static int find_address(const struct device *d, struct net_address *address, struct err *e)
{
	struct address_search s = { .wanted = address };
	const char *key = address->family == AF_INET ? "ipv4.address" : "ipv6.address";
	char type[32], list[1024], text[NET_ADDRESS_SIZE];

	for (size_t i = 0; d->x && i < d->x->n && !s.found.family; i++) {
		const struct expanded_item *it = &d->x->items[i];

		if (it->kind == ENT_DEVICE && device_get(it->value, it->len, "type", type, sizeof(type)) && !strcmp(type, "nic") &&
		    device_get(it->value, it->len, key, list, sizeof(list)))
			net_each_word(list, look_at, &s, NULL);
	}
	if (!s.found.family)
		return err_set(e, EINVAL, "nat=true: no nic of the instance has the static address %s (%s=)", net_print(address, false, text), key);
	*address = s.found;
	return 0;
}

static int make_nat(struct device *d, struct proxy *p, struct err *e)
{
	char text[NET_ADDRESS_SIZE];
	int r = find_address(d, &p->connect.address, e);

	if (r < 0)
		return r;
	device_set_fact(d, "nat", "%s", net_print(&p->connect.address, false, text));
	return proxy_nat_make(d->o->id, d->name, p, e);
}

/* ---- the operations ---- */

static int parse(struct device *d, struct proxy *p, struct err *e)
{
	char value[DEVICE_VALUE_MAX + 1];
	int r = proxy_parse(d->text, d->len, p, e);

	if (r < 0)
		return r;
	device_set_fact(d, "listen", "%s", device_value(d, "listen", value, sizeof(value)));
	device_set_fact(d, "connect", "%s", device_value(d, "connect", value, sizeof(value)));
	device_set_fact(d, "bind", "%s", p->inside ? "instance" : "host");
	return 0;
}

static int prepare(struct device *d, struct err *e)
{
	struct proxy p;
	int r = parse(d, &p, e);

	return r < 0 || !p.nat ? r : make_nat(d, &p, e);
}

/* After a reboot too: the one before ended with its init. */
static int started(struct device *d, struct err *e)
{
	struct proxy p;
	int r = parse(d, &p, e);

	if (r < 0 || p.nat)
		return r;
	end_process(d);
	return start_process(d, e);
}

static int attach(struct device *d, struct err *e)
{
	struct proxy p;
	int r = parse(d, &p, e);

	if (r < 0)
		return r;
	return p.nat ? make_nat(d, &p, e) : start_process(d, e);
}

static long number(const struct device *d, const char *key)
{
	char text[32];

	return strtol(device_fact(d, key, text, sizeof(text)), NULL, 10);
}

/* One that ends again and again is left alone. */
static bool may_start_again(struct device *d)
{
	long now = (long)time(NULL), since = number(d, ".again_since"), n = number(d, ".again");

	if (now < since || now - since >= AGAIN_SECONDS) {
		since = now;
		n = 0;
	}
	device_set_fact(d, ".again_since", "%ld", since);
	device_set_fact(d, ".again", "%ld", n + 1);
	return n < AGAIN_MAX;
}

static int renew(struct device *d, struct err *e)
{
	struct proxy p;
	int fd, r = proxy_parse(d->text, d->len, &p, e);

	if (r < 0 || p.nat)
		return r;
	fd = open_process(d);
	if (fd >= 0 && !watch_wait(fd, 0)) {
		watch_process(d, fd);
		return 0;
	}
	if (fd >= 0)
		close(fd);
	if (!may_start_again(d))
		return err_set(e, EIO, "its process ended %d times within %d s; remove the device and give it again", AGAIN_MAX, AGAIN_SECONDS);
	r = start_process(d, e);
	return r < 0 ? r : 1;
}

static int detach(struct device *d, struct err *e)
{
	struct proxy p;

	if (proxy_parse(d->text, d->len, &p, e) < 0)
		return 0;
	if (p.nat)
		return proxy_nat_remove(d->o->id, d->name, e);
	end_process(d);
	if (proxy_is_file(&p.listen) && (!p.inside || d->init))
		remove_file(d);
	return 0;
}

static int describe(struct device *d, struct buf *out, struct err *e)
{
	char pid[32];
	_cleanup_close_ int fd = -1;

	if (!*device_fact(d, ".pid", pid, sizeof(pid)))
		return 0;
	fd = open_process(d);
	if (fd < 0 || watch_wait(fd, 0))
		buf_addstr(out, "its process has ended and nothing is forwarded; remove the device and give it again\n");
	return 0;
}

const struct device_ops proxy_ops = {
	.type = "proxy", .prepare = prepare, .started = started, .attach = attach, .detach = detach, .renew = renew,
	.describe = describe,
};
