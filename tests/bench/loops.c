// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The loops of the benchmarks, so that the shell is not what is measured. Each prints one number or line.
 *
 *	loops list DIR OUT       paths of everything below DIR, d or f or l and the path per line
 *	loops clone LIST SRC DST the same names with files of the same sizes below DST
 *	loops stat LIST ROOT     microseconds per stat of every entry
 *	loops read LIST ROOT     microseconds per open + read + close of every regular file
 *	loops write FILE A B N   median, 95th percentile and longest of N writes that alternate between two values, microseconds
 *	loops mkdir DIR PREFIX N microseconds per mkdir
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static FILE *must_open(const char *path, const char *mode)
{
	FILE *f = fopen(path, mode);

	if (!f)
		die(path);
	return f;
}

static void list(const char *root, const char *rel, FILE *out)
{
	char path[4096], below[4096];
	struct dirent *d;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/%s", root, rel);
	dir = opendir(path);
	if (!dir)
		return;
	while ((d = readdir(dir))) {
		if (!strcmp(d->d_name, ".") || !strcmp(d->d_name, ".."))
			continue;
		snprintf(below, sizeof(below), "%s%s%s", rel, rel[0] ? "/" : "", d->d_name);
		fprintf(out, "%c %s\n", d->d_type == DT_DIR ? 'd' : d->d_type == DT_LNK ? 'l' : 'f', below);
		if (d->d_type == DT_DIR)
			list(root, below, out);
	}
	closedir(dir);
}

struct line {
	char kind;
	char path[4095];
};

static bool next(FILE *f, struct line *l)
{
	size_t n;

	if (!fgets((char *)l, sizeof(*l), f))
		return false;
	n = strcspn(l->path, "\n");
	l->path[n] = '\0';
	memmove(l->path, l->path + 1, n);
	return true;
}

static int clone_tree(char **a)
{
	FILE *f = must_open(a[0], "r");
	char from[8300], to[8300];
	struct stat st;
	struct line l;

	while (next(f, &l)) {
		snprintf(from, sizeof(from), "%s/%s", a[1], l.path);
		snprintf(to, sizeof(to), "%s/%s", a[2], l.path);
		if (l.kind == 'd') {
			mkdir(to, 0755);
		} else if (l.kind == 'l') {
			if (symlink("x", to))
				continue;
		} else if (!lstat(from, &st)) {
			int fd = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
			char *data = calloc(1, (size_t)st.st_size + 1);

			memset(data, 'x', (size_t)st.st_size);
			if (fd < 0 || write(fd, data, (size_t)st.st_size) != st.st_size)
				die(to);
			close(fd);
			free(data);
		}
	}
	return 0;
}

static int over_list(char **a, bool reading)
{
	FILE *f = must_open(a[0], "r");
	char buf[65536];
	struct stat st;
	struct line l;
	size_t n = 0, cap = 1 << 20;
	char **paths = malloc(cap * sizeof(*paths));
	double begin;

	if (chdir(a[1]))
		die(a[1]);
	while (next(f, &l)) {
		if (reading && l.kind != 'f')
			continue;
		if (n == cap)
			paths = realloc(paths, (cap *= 2) * sizeof(*paths));
		paths[n++] = strdup(l.path);
	}
	begin = now();
	for (size_t i = 0; i < n; i++) {
		if (!reading) {
			lstat(paths[i], &st);
			continue;
		}
		int fd = open(paths[i], O_RDONLY | O_CLOEXEC);

		if (fd < 0 || read(fd, buf, sizeof(buf)) < 0)
			continue;
		close(fd);
	}
	printf("%.3f %zu\n", (now() - begin) / (double)(n ? n : 1), n);
	return 0;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static int writes(char **a)
{
	int n = atoi(a[3]);
	double *t = malloc((size_t)n * sizeof(*t));
	char v[2][256];

	snprintf(v[0], sizeof(v[0]), "%s\n", a[1]);
	snprintf(v[1], sizeof(v[1]), "%s\n", a[2]);
	for (int i = 0; i < n; i++) {
		const char *s = v[i % 2];
		double begin = now();
		int fd = open(a[0], O_WRONLY | O_TRUNC | O_CLOEXEC);

		if (fd < 0 || write(fd, s, strlen(s)) < 0)
			die(a[0]);
		close(fd);
		t[i] = now() - begin;
	}
	qsort(t, (size_t)n, sizeof(*t), by_size);
	printf("%.0f %.0f %.0f\n", t[n / 2], t[n * 95 / 100], t[n - 1]);
	return 0;
}

static int mkdirs(char **a)
{
	int n = atoi(a[2]);
	double begin = now();
	char path[4096];

	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s/%s%d", a[0], a[1], i);
		if (mkdir(path, 0755))
			die(path);
	}
	printf("%.1f\n", (now() - begin) / n);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "list")) {
		FILE *out = must_open(argv[3], "w");

		list(argv[2], "", out);
		return fclose(out);
	}
	if (argc == 5 && !strcmp(argv[1], "clone"))
		return clone_tree(argv + 2);
	if (argc == 4 && (!strcmp(argv[1], "stat") || !strcmp(argv[1], "read")))
		return over_list(argv + 2, argv[1][0] == 'r');
	if (argc == 6 && !strcmp(argv[1], "write"))
		return writes(argv + 2);
	if (argc == 5 && !strcmp(argv[1], "mkdir"))
		return mkdirs(argv + 2);
	fprintf(stderr, "loops: what is asked for stands in the head of its source\n");
	return 2;
}
