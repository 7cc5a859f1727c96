// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Reads files of /proc as a program in a container does: enters the mount and pid namespaces of process PID and forks. One line is printed.
 *
 *	procread PID rate SECONDS THREADS FILE      microseconds per open + read + close, all threads together
 *	procread PID once SECONDS 1 FILE            the same for a single time
 *	procread PID check SECONDS THREADS FILE...  "READS ERRORS TORN": every thread reads each file through a descriptor that it has
 *	                                            open for all the time, and through a new one. Torn: with a zero byte, not ended by
 *	                                            a newline, or of another length than fstat(2) told both before and after
 *	procread PID age SECONDS 1 FILE             FILE is an uptime: milliseconds that it was old at most when it was opened, without its
 *	                                            own steps of 10 ms: what shows them all by chance has been as fresh and as old as it gets
 *	procread PID poll SECONDS 1 FILE            writes a PSI trigger ("some 100000 2000000") and waits: "event" or "timeout"
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SIZE (1 << 18)
#define THREADS_MAX 64

static char **files;
static int n_files;
static double seconds;
static int batch = 32;				/* reads between two looks at the clock */
static unsigned long counts[THREADS_MAX][3];	/* reads, errors, torn */

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void *rate(void *arg)
{
	unsigned long *c = arg;
	double end = now() + seconds;
	char *data = malloc(SIZE);

	do
		for (int i = 0; i < batch; i++) {
			int fd = open(files[0], O_RDONLY);

			if (fd < 0 || read(fd, data, SIZE) < 0)
				die(files[0]);
			close(fd);
			c[0]++;
		}
	while (batch > 1 && now() < end);
	free(data);
	return NULL;
}

/* The length may change between the looks at it; what it was neither before nor after is wrong. */
static void check_one(int fd, const char *name, char *data, unsigned long *c)
{
	struct stat before, after;
	ssize_t n;

	c[0]++;
	if (fd < 0 || fstat(fd, &before) < 0 || (n = pread(fd, data, SIZE, 0)) < 0 || fstat(fd, &after) < 0) {
		c[1]++;
		fprintf(stderr, "%s: %s\n", name, strerror(errno));
	} else if (memchr(data, 0, (size_t)n) || (n && data[n - 1] != '\n') ||
		   (n != before.st_size && n != after.st_size && before.st_size == after.st_size)) {
		c[2]++;
		fprintf(stderr, "%s: %zd bytes, not %lld or %lld\n", name, n, (long long)before.st_size, (long long)after.st_size);
	}
}

static void *check(void *arg)
{
	unsigned long *c = arg;
	double end = now() + seconds;
	char *data = malloc(SIZE);
	int kept[64];

	for (int i = 0; i < n_files; i++)
		kept[i] = open(files[i], O_RDONLY);
	do
		for (int i = 0; i < n_files; i++) {
			int fd = open(files[i], O_RDONLY);

			check_one(fd, files[i], data, c);
			check_one(kept[i], files[i], data, c);
			close(fd);
		}
	while (now() < end);
	free(data);
	return NULL;
}

static void age(void)
{
	const double steps = 0.01;
	double end = now() + seconds, least = 1e30, most = -1e30, t, shown, late;
	char text[64];

	while ((t = now()) < end) {
		int fd = open(files[0], O_RDONLY);
		ssize_t n = read(fd, text, sizeof(text) - 1);

		if (n <= 0)
			die(files[0]);
		text[n] = 0;
		close(fd);
		shown = strtod(text, NULL);
		late = now() - shown;
		least = late < least ? late : least;
		most = t - shown > most ? t - shown : most;
	}
	printf("%.1f\n", (most - least - steps) * 1000);
}

static void await(void)
{
	const char trigger[] = "some 100000 2000000";
	int fd = open(files[0], O_RDWR | O_NONBLOCK);
	struct pollfd p = { .fd = fd, .events = POLLPRI };

	if (fd < 0 || write(fd, trigger, sizeof(trigger)) < 0)
		die(files[0]);
	puts(poll(&p, 1, (int)(seconds * 1000)) > 0 && p.revents & POLLPRI ? "event" : "timeout");
}

static void run(void *(*f)(void *), int n, bool is_rate)
{
	pthread_t t[THREADS_MAX];
	unsigned long sum[3] = { 0 };
	double begin = now();

	for (int i = 0; i < n; i++)
		pthread_create(&t[i], NULL, f, counts[i]);
	for (int i = 0; i < n; i++) {
		pthread_join(t[i], NULL);
		for (int k = 0; k < 3; k++)
			sum[k] += counts[i][k];
	}
	if (is_rate)
		printf("%.3f\n", (now() - begin) * 1e6 / (double)sum[0]);
	else
		printf("%lu %lu %lu\n", sum[0], sum[1], sum[2]);
}

static void enter(pid_t pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0), status = 0;
	pid_t child;

	if (fd < 0 || setns(fd, CLONE_NEWNS | CLONE_NEWPID) < 0)
		die("its namespaces");
	child = fork();
	if (!child)
		return;
	waitpid(child, &status, 0);
	exit(status != 0);
}

int main(int argc, char **argv)
{
	int threads = argc > 5 ? atoi(argv[4]) : 0;

	if (threads < 1 || threads > THREADS_MAX || argc - 5 > 64)
		return 2;
	seconds = atof(argv[3]);
	files = argv + 5;
	n_files = argc - 5;
	enter(atoi(argv[1]));
	if (!strcmp(argv[2], "once"))
		batch = 1;
	if (!strcmp(argv[2], "rate") || batch == 1)
		run(rate, threads, true);
	else if (!strcmp(argv[2], "check"))
		run(check, threads, false);
	else if (!strcmp(argv[2], "age"))
		age();
	else
		await();
	return 0;
}
