// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Clients that notice everything, while the daemon is killed: 8 readers, 4 writers, 4 pollers in a directory of a mounted tree. Every
 * errno, wrong byte, lost wakeup and client without progress counts.
 *
 *   load -m MOUNT [-d DIR] [-n KILLS] [-i MS] [-H EVERY] [-p FILE -t FILE -a TEXT -b TEXT] [-s FILE] [-x]
 *
 * DIR (default: MOUNT) is where the clients work; - for pollers only. -H: each so many kills it is the holder. -p: a file to wait on with POLLPRI and
 * -t, -a, -b: what to write by turns so that it changes (default -t: the same file). -s: a file whose read is answered later. -x: kill nobody,
 * for comparison.
 * Prints the worst pause of any client per kill. Exit status 0: nothing was noticed.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { READERS = 8, WRITERS = 4, POLLERS = 4, CLIENTS = READERS + WRITERS + POLLERS + 2, KILLS_MAX = 100000, FILES = 16 };

static const char *mountpoint, *dir, *event, *trigger, *texts[2] = { "a\n", "b\n" }, *slow;
static int kills = 20, interval_ms = 100, holder_every, signal_number = SIGKILL;

static struct client {
	uint64_t ops, worst, began;	/* ns; began: of the call under way */
} clients[CLIENTS];
static __thread struct client *me;
static volatile bool stop;
static uint64_t errors, late, triggers;

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void bad(const char *fmt, ...)
{
	va_list ap;
	int e = errno;

	if (__atomic_fetch_add(&errors, 1, __ATOMIC_RELAXED) > 20)
		return;
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, " (%s)\n", strerror(e));
}

static void begin(void)
{
	__atomic_store_n(&me->began, now(), __ATOMIC_RELAXED);
}

static void end(void)
{
	uint64_t t = now() - me->began, old = __atomic_load_n(&me->worst, __ATOMIC_RELAXED);

	while (t > old && !__atomic_compare_exchange_n(&me->worst, &old, t, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
	me->ops++;
	__atomic_store_n(&me->began, 0, __ATOMIC_RELAXED);
}

/* A call on the tree: timed, and an error unless it succeeds. */
#define DO(call)                                           \
	({                                                 \
		errno = 0;                                 \
		begin();                                   \
		__typeof__(call) r_ = (call);              \
		end();                                     \
		if ((long)r_ < 0)                          \
			bad("line %d: %s", __LINE__, #call); \
		r_;                                        \
	})

/* ---- readers ---- */

static size_t content(char *buf, int i)
{
	size_t len = 0;

	for (int k = 0; k <= i * 40; k++)
		len += (size_t)sprintf(buf + len, "%d:%d\n", i, k);
	return len;
}

static void make_files(void)
{
	char path[4200], text[16384];

	for (int i = 0; i < FILES; i++) {
		int fd;

		snprintf(path, sizeof(path), "%s/r%d", dir, i);
		fd = DO(open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644));
		size_t len = content(text, i);
		if (DO(write(fd, text, len)) != (ssize_t)len)
			bad("setup");
		DO(close(fd));
	}
}

static void check(int fd, const char *text, size_t len, const char *what)
{
	char got[16384];
	ssize_t n = DO(pread(fd, got, sizeof(got), 0));

	if (n >= 0 && ((size_t)n != len || memcmp(got, text, len)))
		bad("%s: %zd bytes instead of %zu, or others", what, n, len);
}

static void count_files(void)
{
	DIR *d;
	int n = 0;

	begin();
	d = opendir(dir);
	end();
	if (!d) {
		bad("opendir");
		return;
	}
	for (;;) {
		struct dirent *e;

		begin();
		errno = 0;
		e = readdir(d);
		end();
		if (!e)
			break;
		n += e->d_name[0] == 'r';
	}
	if (errno || n != FILES)
		bad("readdir: %d of %d", n, FILES);
	closedir(d);
}

static void *reader(void *arg)
{
	int id = (int)(intptr_t)arg, i = id % FILES, held, fd;
	char path[4200], text[16384];
	struct stat st;
	size_t len;

	me = &clients[id];
	snprintf(path, sizeof(path), "%s/r%d", dir, i);
	held = DO(open(path, O_RDONLY));
	while (!stop) {
		len = content(text, i);
		check(held, text, len, "held");
		for (int k = 0; k < 5 && !stop; k++) {
			int j = (i + k) % FILES;

			snprintf(path, sizeof(path), "%s/r%d", dir, j);
			len = content(text, j);
			if (!DO(stat(path, &st)) && (size_t)st.st_size != len)
				bad("stat: size %lld", (long long)st.st_size);
			fd = DO(open(path, O_RDONLY));
			if (fd < 0)
				continue;
			check(fd, text, len, path);
			close(fd);
		}
		count_files();
	}
	close(held);
	return NULL;
}

/* ---- writers ---- */

static void expect(const char *path, const char *text)
{
	int fd = DO(open(path, O_RDONLY));

	if (fd < 0)
		return;
	check(fd, text, strlen(text), path);
	close(fd);
}

static void gone(const char *path)
{
	struct stat st;
	int r;

	begin();
	r = stat(path, &st);
	end();
	if (!r || errno != ENOENT)
		bad("%s is still there", path);
}

static void write_round(const char *home, int round)
{
	char a[4300], b[4300], sub[4300], c[4400], text[64], more[128];
	int fd;

	snprintf(a, sizeof(a), "%s/f%d", home, round);
	snprintf(b, sizeof(b), "%s/g%d", home, round);
	snprintf(sub, sizeof(sub), "%s/d%d", home, round);
	snprintf(c, sizeof(c), "%s/h", sub);
	snprintf(text, sizeof(text), "round %d\n", round);
	snprintf(more, sizeof(more), "%s%s", text, "more\n");
	fd = DO(open(a, O_RDWR | O_CREAT | O_EXCL, 0600));
	if (fd < 0)
		return;
	if (DO(write(fd, text, strlen(text))) != (ssize_t)strlen(text))
		bad("short write");
	expect(a, text);
	DO(close(fd));
	fd = DO(open(a, O_WRONLY | O_APPEND));
	DO(write(fd, "more\n", 5));
	DO(close(fd));
	expect(a, more);
	DO(truncate(a, (off_t)strlen(text)));
	expect(a, text);
	DO(rename(a, b));
	gone(a);
	DO(mkdir(sub, 0700));
	DO(rename(b, c));
	gone(b);
	expect(c, text);
	DO(unlink(c));
	gone(c);
	DO(rmdir(sub));
	gone(sub);
}

static void *writer(void *arg)
{
	int id = (int)(intptr_t)arg;
	char home[4200];

	me = &clients[id];
	snprintf(home, sizeof(home), "%s/w%d", dir, id);
	DO(mkdir(home, 0755));
	for (int round = 0; !stop; round++)
		write_round(home, round);
	return NULL;
}

/* ---- pollers ---- */

static void *poller(void *arg)
{
	char buf[4096];
	int fd;

	me = &clients[(intptr_t)arg];
	fd = DO(open(event, O_RDONLY));
	while (!stop && fd >= 0) {
		struct pollfd p = { .fd = fd, .events = POLLPRI };
		uint64_t before = __atomic_load_n(&triggers, __ATOMIC_SEQ_CST);
		int n;

		DO(pread(fd, buf, sizeof(buf), 0));
		n = poll(&p, 1, 3000);
		if (n < 0)
			bad("poll");
		if (!n && !stop && __atomic_load_n(&triggers, __ATOMIC_SEQ_CST) > before + 1) {
			__atomic_add_fetch(&late, 1, __ATOMIC_RELAXED);
			bad("poll: nothing came");
		}
	}
	return NULL;
}

static void *puller(void *arg)
{
	me = &clients[(intptr_t)arg];
	for (int i = 0; !stop; i++) {
		int fd = DO(open(trigger, O_WRONLY));
		const char *t = texts[i & 1];

		if (fd < 0)
			break;
		DO(write(fd, t, strlen(t)));
		DO(close(fd));
		__atomic_add_fetch(&triggers, 1, __ATOMIC_SEQ_CST);
		usleep(20000);
	}
	return NULL;
}

static void *slow_reader(void *arg)
{
	char buf[64];

	me = &clients[(intptr_t)arg];
	while (!stop) {
		int fd = DO(open(slow, O_RDONLY));

		if (fd < 0)
			break;
		if (DO(read(fd, buf, sizeof(buf))) <= 0)
			bad("slow: empty");
		close(fd);
	}
	return NULL;
}

/* ---- killing ---- */

/* The process of this mount with that internal command; the first holder has the user's command line and is a parent. */
static pid_t find(const char *command)
{
	char path[300], line[8192];
	pid_t found = 0;
	struct dirent *e;
	DIR *d = opendir("/proc");

	while (!found && d && (e = readdir(d))) {
		ssize_t n;
		int fd;

		if (e->d_name[0] < '0' || e->d_name[0] > '9')
			continue;
		snprintf(path, sizeof(path), "/proc/%s/cmdline", e->d_name);
		fd = open(path, O_RDONLY);
		n = fd < 0 ? 0 : read(fd, line, sizeof(line) - 1);
		if (fd >= 0)
			close(fd);
		if (n <= 0)
			continue;
		line[n] = '\0';
		char *one = line + strlen(line) + 1, *two = one < line + n ? one + strlen(one) + 1 : one;
		char *three = two < line + n ? two + strlen(two) + 1 : two;

		if (three < line + n && !strcmp(one, command) && !strcmp(three, mountpoint))
			found = (pid_t)atoi(e->d_name);
	}
	if (d)
		closedir(d);
	return found;
}

static pid_t parent_of(pid_t pid)
{
	char path[64], line[512];
	pid_t parent = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "re");
	if (f && fgets(line, sizeof(line), f))
		sscanf(strrchr(line, ')') + 2, "%*c %d", &parent);
	if (f)
		fclose(f);
	return parent;
}

static pid_t find_holder(void)
{
	pid_t revived = find("--internal-holder"), server = find("--internal-server");

	return revived ? revived : server ? parent_of(server) : 0;
}

static bool has_fuse(pid_t pid)
{
	char path[64], target[64];
	bool found = false;

	for (int fd = 3; !found && fd < 32; fd++) {
		ssize_t n;

		snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, fd);
		n = readlink(path, target, sizeof(target) - 1);
		if (n > 0) {
			target[n] = '\0';
			found = !strcmp(target, "/dev/fuse");
		}
	}
	return found;
}

/* The connection lives as long as one of the two: the server must know its holder before that is killed, and the next one must hold the
 * descriptors before the server is. */
static void kill_holder(pid_t pid)
{
	pid_t next;

	usleep(200000);
	kill(pid, signal_number);
	for (int i = 0; i < 1000; i++) {
		usleep(10000);
		next = find("--internal-holder");
		if (next && next != pid && has_fuse(next))
			return;
	}
}

static uint64_t take_worst(void)
{
	uint64_t worst = 0, t = now();

	for (int i = 0; i < CLIENTS; i++) {
		uint64_t w = __atomic_exchange_n(&clients[i].worst, 0, __ATOMIC_RELAXED);
		uint64_t b = __atomic_load_n(&clients[i].began, __ATOMIC_RELAXED);

		worst = w > worst ? w : worst;
		if (b && b < t && t - b > worst)
			worst = t - b;
	}
	return worst;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static int run_kills(uint64_t *pauses)
{
	int n = 0, tries = 0;

	while (n < kills && tries++ < kills + 1000) {
		bool holder = holder_every && n % holder_every == holder_every - 1;
		pid_t pid = holder ? find_holder() : find("--internal-server");

		if (pid <= 1) {
			usleep(2000);
			continue;
		}
		take_worst();
		if (holder)
			kill_holder(pid);
		else
			kill(pid, signal_number);
		usleep((useconds_t)interval_ms * 1000);
		pauses[n++] = take_worst();
	}
	qsort(pauses, (size_t)n, sizeof(*pauses), compare);
	return n;
}

/* Clients in a call that takes longer than that already. */
static int busy_clients(uint64_t ns)
{
	int n = 0;

	for (int i = 0; i < CLIENTS; i++) {
		uint64_t b = __atomic_load_n(&clients[i].began, __ATOMIC_RELAXED);

		if (!b || now() - b <= ns)
			continue;
		n++;
		if (ns)
			fprintf(stderr, "client %d hangs\n", i);
	}
	return n;
}

/* ---- main ---- */

static int start(pthread_t *t, int n, void *(*f)(void *), int count)
{
	for (int i = 0; i < count; i++, n++)
		if (pthread_create(&t[n], NULL, f, (void *)(intptr_t)n))
			exit(2);
	return n;
}

static void parse(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "m:d:n:i:H:p:t:a:b:s:x")) != -1) {
		switch (c) {
		case 'm': mountpoint = optarg; break;
		case 'd': dir = optarg; break;
		case 'n': kills = atoi(optarg); break;
		case 'i': interval_ms = atoi(optarg); break;
		case 'H': holder_every = atoi(optarg); break;
		case 'p': event = optarg; break;
		case 't': trigger = optarg; break;
		case 'a': texts[0] = optarg; break;
		case 'b': texts[1] = optarg; break;
		case 's': slow = optarg; break;
		case 'x': signal_number = 0; break;
		default: exit(2);
		}
	}
	if (!mountpoint || kills > KILLS_MAX)
		exit(2);
	dir = dir ? dir : mountpoint;
	trigger = trigger ? trigger : event;
}

int main(int argc, char **argv)
{
	static uint64_t pauses[KILLS_MAX];
	pthread_t t[CLIENTS];
	uint64_t ops = 0;
	int n = 0, done, hung;

	parse(argc, argv);
	me = &clients[CLIENTS - 1];
	if (strcmp(dir, "-")) {
		make_files();
		n = start(t, n, reader, READERS);
		n = start(t, n, writer, WRITERS);
	}
	if (event) {
		n = start(t, n, poller, POLLERS);
		n = start(t, n, puller, 1);
	}
	if (slow)
		n = start(t, n, slow_reader, 1);
	usleep(300000);
	done = run_kills(pauses);
	stop = true;
	for (int i = 0; i < 80 && busy_clients(0); i++)
		usleep(100000);
	hung = busy_clients(5000000000ULL);
	for (int i = 0; i < n && !hung; i++)
		pthread_join(t[i], NULL);
	for (int i = 0; i < CLIENTS; i++)
		ops += clients[i].ops;
	printf("%d kills, %llu operations, %llu errors, %llu late polls, %d hung; worst pause per kill: p50 %.1f ms, p99 %.1f ms, max %.1f ms\n",
	       done, (unsigned long long)ops, (unsigned long long)errors, (unsigned long long)late, hung,
	       done ? (double)pauses[done / 2] / 1e6 : 0, done ? (double)pauses[done * 99 / 100] / 1e6 : 0,
	       done ? (double)pauses[done - 1] / 1e6 : 0);
	return errors || late || hung || done < kills;
}
