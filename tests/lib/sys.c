// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * sys: system calls one after the other, for shell tests that must see errnos, offsets, file handles and open descriptors.
 *
 *	sys CALL ARG... , CALL ARG... , ...
 *
 * The words of each call are in the table at the end. Strings know \n, \t, \\ and \xHH. The first failing call ends the program
 * with status 1 and one line on stderr: "CALL: ERRNO-NAME"; behind the word `try` the next call is made nevertheless. Descriptors are numbered from 0 in the order of opening; calls without
 * a number use the latest, `use N` picks another.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <grp.h>
#include <unistd.h>

static int fds[64], n_fds, cur = -1;

static size_t unescape(const char *s, char *out)
{
	char *p = out;
	unsigned v;
	int n;

	for (; *s; s++) {
		if (*s != '\\' || !s[1]) {
			*p++ = *s;
			continue;
		}
		switch (*++s) {
		case 'n': *p++ = '\n'; break;
		case 't': *p++ = '\t'; break;
		case '0': *p++ = '\0'; break;
		case 'x':
			n = 0;
			if (sscanf(s + 1, "%2x%n", &v, &n) == 1) {
				*p++ = (char)v;
				s += n;
			}
			break;
		default: *p++ = *s;
		}
	}
	return (size_t)(p - out);
}

static int done(long r)
{
	return r < 0 ? -errno : 0;
}

static int do_open(char **a)
{
	int flags = 0, fd;
	bool r = false, w = false;

	for (const char *p = a[1]; *p; p++) {
		switch (*p) {
		case 'r': r = true; break;
		case 'w': w = true; break;
		case 'c': flags |= O_CREAT; break;
		case 't': flags |= O_TRUNC; break;
		case 'x': flags |= O_EXCL; break;
		case 'a': flags |= O_APPEND; break;
		case 'n': flags |= O_NONBLOCK; break;
		case 'd': flags |= O_DIRECTORY; break;
		case 'D': flags |= O_DIRECT; break;
		default: return -EDOM;
		}
	}
	flags |= r && w ? O_RDWR : w ? O_WRONLY : O_RDONLY;
	fd = open(a[0], flags | O_CLOEXEC, a[2] ? (mode_t)strtol(a[2], NULL, 8) : 0644);
	if (fd < 0)
		return -errno;
	cur = n_fds;
	fds[n_fds++] = fd;
	return 0;
}

static int do_use(char **a)
{
	cur = atoi(a[0]);
	return 0;
}

static int put(const char *data, size_t len, off_t off)
{
	ssize_t n = off < 0 ? write(fds[cur], data, len) : pwrite(fds[cur], data, len, off);

	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -EIO;
}

static int do_write(char **a)
{
	char buf[65536];

	return put(buf, unescape(a[0], buf), -1);
}

static int do_pwrite(char **a)
{
	char buf[65536];

	return put(buf, unescape(a[1], buf), atol(a[0]));
}

static int do_fill(char **a)
{
	size_t left = strtoul(a[0], NULL, 10);
	char buf[65536];

	memset(buf, 'x', sizeof(buf));
	while (left) {
		size_t n = left < sizeof(buf) ? left : sizeof(buf);
		int r = put(buf, n, -1);

		if (r)
			return r;
		left -= n;
	}
	return 0;
}

static int get(size_t len, off_t off)
{
	char *buf = malloc(len ? len : 1);
	ssize_t n = off < 0 ? read(fds[cur], buf, len) : pread(fds[cur], buf, len, off);
	int r = done(n);

	if (n > 0)
		fwrite(buf, 1, (size_t)n, stdout);
	free(buf);
	return r;
}

static int do_read(char **a) { return get(strtoul(a[0], NULL, 10), -1); }
static int do_pread(char **a) { return get(strtoul(a[1], NULL, 10), atol(a[0])); }
static int do_seek(char **a) { return done(lseek(fds[cur], atol(a[0]), SEEK_SET)); }
static int do_fsync(char **a) { (void)a; return done(fsync(fds[cur])); }
static int do_ftruncate(char **a) { return done(ftruncate(fds[cur], atol(a[0]))); }
static int do_fallocate(char **a) { return done(fallocate(fds[cur], 0, 0, atol(a[0]))); }

static int do_close(char **a)
{
	int r = done(close(fds[cur]));

	(void)a;
	fds[cur] = -1;
	return r;
}

/* What a shell does around a builtin, and what a child does that ends: FLUSH while the file stays open. */
static int do_flush(char **a)
{
	(void)a;
	return done(close(dup(fds[cur])));
}

static int do_child(char **a)
{
	pid_t pid = fork();

	(void)a;
	if (!pid)
		_exit(0);
	return done(waitpid(pid, NULL, 0));
}

static int do_poll(char **a)
{
	struct pollfd p = { .fd = fds[cur], .events = POLLIN | POLLPRI };
	int n = poll(&p, 1, atoi(a[0]));

	printf("%s%s%s%s%s\n", n == 0 ? "timeout" : "", p.revents & POLLIN ? "in " : "", p.revents & POLLPRI ? "pri " : "",
	       p.revents & POLLERR ? "err " : "", p.revents & POLLHUP ? "hup" : "");
	fflush(stdout);
	return done(n);
}

static int do_sleep(char **a)
{
	usleep((useconds_t)atoi(a[0]) * 1000);
	return 0;
}

static int do_mkdir(char **a) { return done(mkdir(a[0], a[1] ? (mode_t)strtol(a[1], NULL, 8) : 0755)); }
static int do_rmdir(char **a) { return done(rmdir(a[0])); }
static int do_unlink(char **a) { return done(unlink(a[0])); }
static int do_link(char **a) { return done(link(a[0], a[1])); }
static int do_symlink(char **a) { return done(symlink(a[0], a[1])); }
static int do_chmod(char **a) { return done(chmod(a[1], (mode_t)strtol(a[0], NULL, 8))); }
static int do_chown(char **a) { return done(lchown(a[2], (uid_t)atoi(a[0]), (gid_t)atoi(a[1]))); }
static int do_truncate(char **a) { return done(truncate(a[0], atol(a[1]))); }
static int do_mknod(char **a) { return done(mknod(a[0], a[1][0] == 'p' ? S_IFIFO | 0644 : S_IFCHR | 0644, 0x103)); }
static int do_access(char **a) { return done(faccessat(AT_FDCWD, a[0], atoi(a[1]), AT_EACCESS)); }
static int do_chdir(char **a) { return done(chdir(a[0])); }

static int do_rename(char **a)
{
	unsigned flags = a[2] ? (!strcmp(a[2], "noreplace") ? 1 : !strcmp(a[2], "exchange") ? 2 : 4) : 0;

	return done(syscall(SYS_renameat2, AT_FDCWD, a[0], AT_FDCWD, a[1], flags));
}

static int do_utime(char **a)
{
	struct timespec t[2] = { { .tv_sec = atol(a[0]) }, { .tv_sec = atol(a[0]) } };

	return done(utimensat(AT_FDCWD, a[1], t, AT_SYMLINK_NOFOLLOW));
}

static int do_setxattr(char **a) { return done(setxattr(a[0], a[1], a[2], strlen(a[2]), 0)); }

static int do_getxattr(char **a)
{
	char buf[4096];
	ssize_t n = getxattr(a[0], a[1], buf, sizeof(buf));

	if (n > 0)
		printf("%.*s\n", (int)n, buf);
	return done(n);
}

static int do_user(char **a)
{
	if (setgroups(0, NULL) || setresgid((gid_t)atoi(a[1]), (gid_t)atoi(a[1]), (gid_t)atoi(a[1])) ||
	    setresuid((uid_t)atoi(a[0]), (uid_t)atoi(a[0]), (uid_t)atoi(a[0])))
		return -errno;
	return 0;
}

struct saved_handle {
	struct file_handle h;
	char bytes[MAX_HANDLE_SZ];
};

static int do_handle(char **a)
{
	struct saved_handle s = { .h.handle_bytes = MAX_HANDLE_SZ };
	int mount_id;
	FILE *f;

	if (name_to_handle_at(AT_FDCWD, a[0], &s.h, &mount_id, 0) < 0)
		return -errno;
	f = fopen(a[1], "w");
	if (!f || fwrite(&s, sizeof(s), 1, f) != 1 || fclose(f))
		return -errno;
	return 0;
}

static int do_openhandle(char **a)
{
	struct saved_handle s;
	FILE *f = fopen(a[1], "r");
	int mnt = open(a[0], O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd;

	if (!f || mnt < 0 || fread(&s, sizeof(s), 1, f) != 1)
		return -EIO;
	fclose(f);
	fd = open_by_handle_at(mnt, &s.h, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	close(mnt);
	cur = n_fds;
	fds[n_fds++] = fd;
	return 0;
}

static int do_fstat(char **a)
{
	struct stat st;

	(void)a;
	if (fstat(fds[cur], &st))
		return -errno;
	printf("%llu %lld %o %u\n", (unsigned long long)st.st_ino, (long long)st.st_size, st.st_mode, (unsigned)st.st_uid);
	return 0;
}

static int do_statfs(char **a)
{
	struct statvfs v;

	if (statvfs(a[0], &v))
		return -errno;
	printf("%llu %lu\n", (unsigned long long)v.f_blocks, v.f_namemax);
	return 0;
}

static int do_strerror(char **a)
{
	for (int i = 1; i < 134; i++) {
		const char *n = strerrorname_np(i);

		if (n && !strcmp(n, a[0]))
			puts(strerror(i));
	}
	return 0;
}

static const struct call {
	const char *name;
	int min, max;
	int (*f)(char **a);
} calls[] = {
	{ "open", 2, 3, do_open },	   { "use", 1, 1, do_use },	    { "write", 1, 1, do_write },
	{ "pwrite", 2, 2, do_pwrite },	   { "fill", 1, 1, do_fill },	    { "read", 1, 1, do_read },
	{ "pread", 2, 2, do_pread },	   { "seek", 1, 1, do_seek },	    { "fsync", 0, 0, do_fsync },
	{ "ftruncate", 1, 1, do_ftruncate }, { "fallocate", 1, 1, do_fallocate }, { "close", 0, 0, do_close },
	{ "flush", 0, 0, do_flush },	   { "child", 0, 0, do_child },	    { "poll", 1, 1, do_poll },
	{ "sleep", 1, 1, do_sleep },	   { "mkdir", 1, 2, do_mkdir },	    { "rmdir", 1, 1, do_rmdir },
	{ "unlink", 1, 1, do_unlink },	   { "link", 2, 2, do_link },	    { "symlink", 2, 2, do_symlink },
	{ "chmod", 2, 2, do_chmod },	   { "chown", 3, 3, do_chown },	    { "truncate", 2, 2, do_truncate },
	{ "mknod", 2, 2, do_mknod },	   { "access", 2, 2, do_access },   { "chdir", 1, 1, do_chdir },
	{ "rename", 2, 3, do_rename },	   { "utime", 2, 2, do_utime },	    { "setxattr", 3, 3, do_setxattr },
	{ "getxattr", 2, 2, do_getxattr }, { "user", 2, 2, do_user },	    { "handle", 2, 2, do_handle },
	{ "openhandle", 2, 2, do_openhandle }, { "fstat", 0, 0, do_fstat }, { "statfs", 1, 1, do_statfs },
	{ "strerror", 1, 1, do_strerror },
};

static int run(int argc, char **argv)
{
	char *args[8] = { NULL };

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		int r;

		if (strcmp(calls[i].name, argv[0]))
			continue;
		if (argc - 1 < calls[i].min || argc - 1 > calls[i].max)
			break;
		memcpy(args, argv + 1, (size_t)(argc - 1) * sizeof(*args));
		r = calls[i].f(args);
		fflush(stdout);
		if (r)
			fprintf(stderr, "%s: %s\n", argv[0], strerrorname_np(-r) ? strerrorname_np(-r) : "?");
		return r ? 1 : 0;
	}
	fprintf(stderr, "sys: no such call, or wrong number of words: %s\n", argv[0]);
	return 2;
}

int main(int argc, char **argv)
{
	for (int i = 1, start = 1; i <= argc; i++) {
		int r;

		if (i < argc && strcmp(argv[i], ","))
			continue;
		if (i > start) {
			bool attempt = !strcmp(argv[start], "try");

			r = run(i - start - attempt, argv + start + attempt);
			if (r && !attempt)
				return r;
		}
		start = i + 1;
	}
	return 0;
}
