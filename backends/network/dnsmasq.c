// SPDX-License-Identifier: LGPL-2.1-or-later
#include "backends/network/dnsmasq.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "backends/core/cleanup.h"
#include "backends/core/spawn.h"
#include "backends/core/watch.h"
#include "backends/network/program.h"

#define READY_MS 10000		/* less than a request may take */
#define END_MS 2000
#define BACKOFF_MAX 60		/* seconds */
#define STEADY 60		/* seconds after which an end is not the next one of a row */
#define LOG_READ (64u << 10)

/* The dnsmasq of one network. Never freed: there are few networks, and the watch thread may hold one. */
struct server {
	struct server *next;
	char network[NET_NAME_MAX + 1];
	uint32_t id;			/* of the network */
	pthread_mutex_t lock;		/* over start and end; guards what follows */
	bool wanted;
	pid_t pid;			/* 0: it does not run */
	int pidfd;			/* -1: none */
	int64_t watch;			/* 0: none */
	time_t started;
	unsigned deaths;		/* in a row */
};

static struct server *servers;		/* only grows */
static pthread_mutex_t servers_lock = PTHREAD_MUTEX_INITIALIZER;

static struct server *server_of(const struct network_config *c)
{
	struct server *s;

	HOLD_LOCK(&servers_lock);
	for (s = servers; s; s = s->next)
		if (s->id == c->id)
			break;
	if (!s) {
		s = calloc(1, sizeof(*s));
		if (!s)
			return NULL;
		s->id = c->id;
		s->pidfd = -1;
		pthread_mutex_init(&s->lock, NULL);
		s->next = servers;
		servers = s;
	}
	snprintf(s->network, sizeof(s->network), "%s", c->name);
	return s;
}

static time_t uptime(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

static const char *user_name(void)
{
	return getpwnam("dnsmasq") ? "dnsmasq" : "nobody";
}

/* ---- files ---- */

static void file_path(const struct server *s, const char *name, char *buf, size_t size)
{
	char dir[192];

	dnsmasq_dir(s->network, dir, sizeof(dir));
	snprintf(buf, size, "%s/%s", dir, name);
}

/* Replaced as a whole: dnsmasq reads hosts while we write. */
static int write_file(const char *path, const char *text, size_t len, struct err *e)
{
	char tmp[272];
	const char *slash = strrchr(path, '/');
	_cleanup_close_ int fd = -1;

	snprintf(tmp, sizeof(tmp), "%.*s/.%s", (int)(slash - path), path, slash + 1);
	fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0 || write(fd, text, len) != (ssize_t)len || rename(tmp, path) < 0)
		return err_sys(e, errno, "%s", path);
	return 0;
}

static bool holds(const char *path, const struct buf *text)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	return buf_read_file(&b, AT_FDCWD, path, 2 << 20) == 0 && b.len == text->len && !memcmp(buf_str(&b), buf_str(text), b.len);
}

static int make_dirs(const struct server *s, struct err *e)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/networks", model_rundir());
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return err_sys(e, errno, "%s", path);
	dnsmasq_dir(s->network, path, sizeof(path));
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return err_sys(e, errno, "%s", path);
	strcat(path, "/hosts");
	return mkdir(path, 0755) < 0 && errno != EEXIST ? err_sys(e, errno, "%s", path) : 0;
}

/* ---- the process ---- */

static int record(pid_t pid, uint64_t start, void *arg)
{
	char path[256], text[64];

	file_path(arg, "dnsmasq.pid", path, sizeof(path));
	snprintf(text, sizeof(text), "%d %llu\n", (int)pid, (unsigned long long)start);
	return write_file(path, text, strlen(text), NULL);
}

static void died(void *arg);

static void keep_process(struct server *s, pid_t pid, int pidfd)
{
	s->pid = pid;
	s->pidfd = pidfd;
	s->started = uptime();
	s->watch = watch_add(pidfd, died, s);
}

/* Without the lock held by a caller that the watch thread waits for: died() takes none. */
static void drop_process(struct server *s)
{
	int64_t watch = __atomic_exchange_n(&s->watch, 0, __ATOMIC_ACQ_REL);
	int status;

	if (watch > 0)
		watch_del(watch);
	if (s->pidfd >= 0) {
		spawn_reap(s->pidfd, &status);
		close(s->pidfd);
	}
	s->pidfd = -1;
	s->pid = 0;
}

/* "dnsmasq: failed to create listening socket for 10.0.0.1: Address already in use" at the end of the log. */
static int explain(const struct server *s, struct err *e)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	char path[256], *line, *words;

	file_path(s, "dnsmasq.log", path, sizeof(path));
	if (buf_read_file(&b, AT_FDCWD, path, LOG_READ) < 0 || !b.len)
		return err_set(e, EIO, "dnsmasq ended without a word");
	if (b.data[b.len - 1] == '\n')
		b.data[--b.len] = '\0';
	line = strrchr(b.data, '\n');
	line = line ? line + 1 : b.data;
	words = strstr(line, "dnsmasq");
	words = words ? strstr(words, ": ") : NULL;
	return err_set(e, EINVAL, "dnsmasq: %.300s", words ? words + 2 : line);
}

/* It says "started" in its log when it serves. */
static int wait_ready(const struct server *s, int pidfd, struct err *e)
{
	char path[256];

	file_path(s, "dnsmasq.log", path, sizeof(path));
	for (int ms = 0; ms < READY_MS; ms += 2) {
		_cleanup_buf_ struct buf b = BUF_INIT;

		if (watch_wait(pidfd, 2))
			return explain(s, e);
		if (buf_read_file(&b, AT_FDCWD, path, LOG_READ) == 0 && strstr(buf_str(&b), ": started, version"))
			return 0;
	}
	return err_set(e, ETIMEDOUT, "dnsmasq did not begin to serve within %d s", READY_MS / 1000);
}

static int start(struct server *s, struct err *e)
{
	char conf[256], log[256], option[288];
	const char *const argv[] = { "dnsmasq", "--keep-in-foreground", option, NULL };
	const char *path = program_path(PROGRAM_DNSMASQ);
	struct spawn sp = { .path = path, .argv = argv, .session = true, .born = record, .born_arg = s };
	_cleanup_close_ int words = -1;
	struct spawned child;
	int r;

	if (!path)
		return err_set(e, EOPNOTSUPP, "the program dnsmasq is not installed (package dnsmasq-base)");
	file_path(s, "dnsmasq.conf", conf, sizeof(conf));
	file_path(s, "dnsmasq.log", log, sizeof(log));
	snprintf(option, sizeof(option), "--conf-file=%s", conf);
	/* what it says before it has read where its log is goes there too */
	words = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (words < 0)
		return err_sys(e, errno, "%s", log);
	sp.err = words;
	r = spawn_start(&sp, &child, e);
	if (r < 0)
		return r;
	r = wait_ready(s, child.pidfd, e);
	if (r < 0) {
		process_signal(child.pidfd, SIGKILL);
		watch_wait(child.pidfd, END_MS);
		spawn_reap(child.pidfd, &(int){ 0 });
		close(child.pidfd);
		return r;
	}
	keep_process(s, child.pid, child.pidfd);
	return 0;
}

static void end(struct server *s)
{
	if (s->pidfd >= 0) {
		process_signal(s->pidfd, SIGTERM);
		if (!watch_wait(s->pidfd, END_MS)) {
			process_signal(s->pidfd, SIGKILL);
			watch_wait(s->pidfd, END_MS);
		}
	}
	drop_process(s);
}

static void signal_hosts(const struct server *s)
{
	if (s->pidfd >= 0)
		process_signal(s->pidfd, SIGHUP);
}

/* ---- when it dies ---- */

static void tell(const struct server *s, const struct err *e)
{
	_cleanup_object_ struct object *o = object_get(s->id);

	if (o)
		object_error_set(o, e);
}

static void *revive(void *arg)
{
	struct server *s = arg;
	struct err e = ERR_INIT;
	unsigned seconds;

	pthread_mutex_lock(&s->lock);
	if (!s->wanted || s->pidfd < 0 || !watch_wait(s->pidfd, 0)) {
		pthread_mutex_unlock(&s->lock);
		return NULL;
	}
	s->deaths = uptime() - s->started > STEADY ? 0 : s->deaths + 1;
	seconds = s->deaths > 6 ? BACKOFF_MAX : s->deaths ? 1u << (s->deaths - 1) : 0;
	drop_process(s);
	for (;;) {
		int r;

		pthread_mutex_unlock(&s->lock);
		sleep(seconds);
		pthread_mutex_lock(&s->lock);
		if (!s->wanted || s->pidfd >= 0)
			break;
		r = start(s, &e);
		if (r == 0)
			break;
		tell(s, &e);
		s->deaths++;
		seconds = seconds * 2 > BACKOFF_MAX ? BACKOFF_MAX : seconds ? seconds * 2 : 1;
		err_clear(&e);
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

/* In the watch thread, again and again until the watch is gone: it is taken away by whoever comes first with the lock. */
static void died(void *arg)
{
	struct server *s = arg;
	int64_t watch = __atomic_exchange_n(&s->watch, 0, __ATOMIC_ACQ_REL);

	if (watch <= 0)
		return;
	watch_del(watch);
	watch_thread(revive, s);
}

/* ---- from outside ---- */

int dnsmasq_apply(const struct network_config *c, struct err *e)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct server *s = server_of(c);
	char path[256];
	int r;

	if (!s)
		return err_sys(e, ENOMEM, "dnsmasq");
	HOLD_LOCK(&s->lock);
	r = make_dirs(s, e);
	if (r < 0)
		return r;
	file_path(s, "dnsmasq.conf", path, sizeof(path));
	s->wanted = dnsmasq_wanted(c);
	if (!s->wanted) {
		unlink(path);
		end(s);
		return 0;
	}
	dnsmasq_print(c, user_name(), &text);
	if (buf_error(&text))
		return err_sys(e, ENOMEM, "dnsmasq");
	if (s->pidfd >= 0 && !watch_wait(s->pidfd, 0) && holds(path, &text))
		return 0;
	end(s);
	r = write_file(path, text.data, text.len, e);
	s->deaths = 0;
	return r < 0 ? r : start(s, e);
}

static bool find_process(struct server *s)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	unsigned long long start_time;
	char path[256];
	int pid, fd;

	file_path(s, "dnsmasq.pid", path, sizeof(path));
	if (buf_read_file(&b, AT_FDCWD, path, 4096) < 0 || sscanf(buf_str(&b), "%d %llu", &pid, &start_time) != 2)
		return false;
	fd = process_open(pid, start_time);
	if (fd >= 0)
		keep_process(s, pid, fd);
	return fd >= 0;
}

int dnsmasq_adopt(const struct network_config *c, struct err *e)
{
	struct server *s = server_of(c);

	if (!s)
		return err_sys(e, ENOMEM, "dnsmasq");
	if (!dnsmasq_wanted(c))
		return 0;
	HOLD_LOCK(&s->lock);
	s->wanted = true;
	return s->pidfd >= 0 || find_process(s) ? 0 : start(s, e);
}

void dnsmasq_end(const struct network_config *c)
{
	struct server *s = server_of(c);

	if (!s)
		return;
	HOLD_LOCK(&s->lock);
	s->wanted = false;
	if (s->pidfd < 0)
		find_process(s);
	end(s);
}

pid_t dnsmasq_pid(const struct network_config *c)
{
	struct server *s = server_of(c);

	if (!s)
		return 0;
	HOLD_LOCK(&s->lock);
	return s->pidfd >= 0 && !watch_wait(s->pidfd, 0) ? s->pid : 0;
}

/* ---- hosts ---- */

static void print_host(const struct network_config *c, const char *hostname, const struct network_nic *n, bool first, struct buf *out)
{
	char text[NET_ADDRESS_SIZE];

	buf_addstr(out, n->hwaddr);
	if (n->ip4.family && c->ip4.dhcp)
		buf_addf(out, ",%s", net_print(&n->ip4, false, text));
	if (n->ip6.family && c->ip6.stateful)
		buf_addf(out, ",[%s]", net_print(&n->ip6, false, text));
	/* a name can be that of one interface only */
	if (c->dns != NETWORK_DNS_NONE && first)
		buf_addf(out, ",%s", hostname);
	buf_addch(out, '\n');
}

int dnsmasq_hosts(const struct network_config *c, uint32_t instance, const char *hostname, const struct network_nic *nics, size_t n,
		  struct err *e)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct server *s = server_of(c);
	char path[256], name[32];
	int r;

	if (!s)
		return err_sys(e, ENOMEM, "hosts");
	for (size_t i = 0; i < n; i++)
		print_host(c, hostname, &nics[i], !i, &text);
	snprintf(name, sizeof(name), "hosts/%u", instance);
	HOLD_LOCK(&s->lock);
	file_path(s, name, path, sizeof(path));
	if (!n) {
		if (unlink(path) == 0)
			signal_hosts(s);
		return 0;
	}
	if (buf_error(&text))
		return err_sys(e, ENOMEM, "hosts");
	if (holds(path, &text))
		return 0;
	r = make_dirs(s, e);
	if (r == 0)
		r = write_file(path, text.data, text.len, e);
	if (r == 0)
		signal_hosts(s);	/* it sees new files by itself, but what it read of the old one stays otherwise */
	return r;
}
