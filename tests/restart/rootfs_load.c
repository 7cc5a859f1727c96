// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Clients in a directory below rootfs/ that must not notice when the server is killed: what is done exactly once (appends,
 * exchanges, creations, removals), what has no name any more but is open, listings, attributes. Every errno and every
 * wrong byte counts.
 *
 *   rootfs_load DIR SECONDS
 *
 * Exit status 0: nothing was noticed. The directory is empty again then.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#define FIXED 300

static int errors, rounds;
static time_t end;

static void bad(const char *fmt, ...)
{
	int e = errno;
	va_list ap;

	if (errors++ > 10)
		return;
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, " (%s)\n", strerror(e));
}

#define MUST(call)                                                                             \
	do {                                                                                   \
		if ((call) < 0)                                                                \
			bad("%s:%d: %s", __FILE__, __LINE__, #call);                           \
	} while (0)

#define SO(c)                                                                                  \
	do {                                                                                   \
		errno = 0;                                                                     \
		if (!(c))                                                                      \
			bad("%s:%d: not so: %s", __FILE__, __LINE__, #c);                      \
	} while (0)

static bool more(void)
{
	rounds++;
	return time(NULL) < end;
}

/* Lines of many lengths; the file must be their concatenation. */
static size_t line(char *buf, int i)
{
	size_t len = (size_t)snprintf(buf, 64, "%d:", i), want = len + (size_t)(i * 37 % 3000);

	for (; len < want; len++)
		buf[len] = (char)('a' + (i + (int)len) % 26);
	buf[len++] = '\n';
	return len;
}

static void check_appended(const char *name, int lines)
{
	FILE *f = fopen(name, "r");
	char want[4096], got[4096];

	for (int i = 0; f && i < lines; i++) {
		size_t len = line(want, i);

		if (fread(got, 1, len, f) != len || memcmp(want, got, len)) {
			bad("line %d of %s is wrong", i, name);
			break;
		}
	}
	SO(f && fgetc(f) == EOF);
	if (f)
		fclose(f);
}

static void append(void)
{
	char buf[4096];
	int fd, i;

	MUST(fd = open("log", O_WRONLY | O_CREAT | O_EXCL | O_APPEND, 0644));
	for (i = 0; more(); i++) {
		size_t len = line(buf, i);

		SO(write(fd, buf, len) == (ssize_t)len);
		if (i % 500 == 499)
			check_appended("log", i + 1);
	}
	check_appended("log", i);
	close(fd);
	MUST(unlink("log"));
}

static void put(const char *name, const char *text)
{
	int fd;

	MUST(fd = open(name, O_WRONLY | O_CREAT | O_EXCL, 0600));
	SO(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	MUST(close(fd));
}

static bool has(const char *name, const char *text)
{
	char buf[64] = "";
	int fd = open(name, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, sizeof(buf) - 1);

	if (fd >= 0)
		close(fd);
	return n >= 0 && !strcmp(buf, text);
}

static void names(void)
{
	while (more()) {
		MUST(mkdir("d", 0755));
		put("d/one", "1");
		put("d/two", "2");
		MUST(renameat2(AT_FDCWD, "d/one", AT_FDCWD, "d/two", RENAME_EXCHANGE));
		SO(has("d/one", "2") && has("d/two", "1"));
		MUST(link("d/one", "d/three"));
		MUST(renameat2(AT_FDCWD, "d/three", AT_FDCWD, "d/four", RENAME_NOREPLACE));
		MUST(symlink("four", "d/link"));
		SO(has("d/link", "2"));
		MUST(rename("d", "e"));
		SO(has("e/four", "2"));
		MUST(rename("e/one", "e/two"));
		SO(has("e/two", "2"));
		MUST(unlink("e/link"));
		MUST(unlink("e/four"));
		MUST(unlink("e/two"));
		MUST(rmdir("e"));
	}
}

/* Open, without a name, and another file under the name. */
static void nameless(void)
{
	struct stat st;
	char buf[16];

	while (more()) {
		int fd, dir;

		MUST(fd = open("n", O_RDWR | O_CREAT | O_EXCL, 0644));
		SO(pwrite(fd, "nameless", 8, 0) == 8);
		MUST(unlink("n"));
		put("n", "other");
		for (int i = 0; i < 50; i++) {
			SO(pread(fd, buf, sizeof(buf), 0) == 8 && !memcmp(buf, "nameless", 8));
			SO(pwrite(fd, "name", 4, 0) == 4 && fstat(fd, &st) == 0 && st.st_nlink == 0 && st.st_size == 8);
			usleep(5000);
		}
		MUST(fchmod(fd, 0600));
		MUST(ftruncate(fd, 4));
		SO(fstat(fd, &st) == 0 && st.st_size == 4);
		MUST(close(fd));
		MUST(unlink("n"));
		MUST(mkdir("nd", 0755));
		MUST(dir = open("nd", O_RDONLY | O_DIRECTORY));
		MUST(rename("nd", "nd2"));
		MUST(mkdirat(dir, "x", 0755));
		MUST(unlinkat(dir, "x", AT_REMOVEDIR));
		MUST(close(dir));
		MUST(rmdir("nd2"));
	}
}

static void list_once(void)
{
	bool seen[FIXED] = { false };
	struct dirent *de;
	DIR *d = opendir(".");
	int n, i;

	if (!d) {
		bad("opendir");
		return;
	}
	while ((errno = 0, de = readdir(d))) {
		if (sscanf(de->d_name, "fixed-with-a-long-name-so-that-several-requests-are-needed-%d", &i) != 1)
			continue;
		SO(i >= 0 && i < FIXED && !seen[i]);
		if (i >= 0 && i < FIXED)
			seen[i] = true;
	}
	if (errno)
		bad("readdir");
	closedir(d);
	for (i = n = 0; i < FIXED; i++)
		n += seen[i];
	SO(n == FIXED);
}

static void lists(void)
{
	char name[128], other[64];

	for (int i = 0; i < FIXED; i++) {
		snprintf(name, sizeof(name), "fixed-with-a-long-name-so-that-several-requests-are-needed-%d", i);
		put(name, "");
	}
	for (int i = 0; more(); i++) {
		snprintf(other, sizeof(other), "coming-and-going-%d", i % 7);
		put(other, "x");
		list_once();
		MUST(unlink(other));
	}
	for (int i = 0; i < FIXED; i++) {
		snprintf(name, sizeof(name), "fixed-with-a-long-name-so-that-several-requests-are-needed-%d", i);
		MUST(unlink(name));
	}
}

static void attributes(void)
{
	const struct timespec t[2] = { { 1000, 5 }, { 2000, 7 } };
	struct stat st;
	char buf[8];

	put("a", "a");
	while (more()) {
		MUST(setxattr("a", "user.once", "1", 1, XATTR_CREATE));
		SO(getxattr("a", "user.once", buf, sizeof(buf)) == 1);
		MUST(removexattr("a", "user.once"));
		MUST(chown("a", 1000, 1001));
		MUST(chmod("a", 04755));
		MUST(utimensat(AT_FDCWD, "a", t, 0));
		SO(stat("a", &st) == 0 && st.st_uid == 1000 && st.st_gid == 1001 && (st.st_mode & 07777) == 04755);
		SO(st.st_mtim.tv_sec == 2000 && st.st_mtim.tv_nsec == 7);
		MUST(chown("a", 0, 0));
		MUST(truncate("a", 5000));
		SO(stat("a", &st) == 0 && st.st_size == 5000);
		MUST(truncate("a", 1));
	}
	MUST(unlink("a"));
}

static const struct {
	const char *name;
	void (*f)(void);
} clients[] = {
	{ "append", append }, { "names", names }, { "nameless", nameless }, { "lists", lists }, { "attributes", attributes },
};

#define CLIENTS (sizeof(clients) / sizeof(clients[0]))

static int client(size_t i)
{
	MUST(mkdir(clients[i].name, 0755));
	MUST(chdir(clients[i].name));
	clients[i].f();
	MUST(chdir(".."));
	MUST(rmdir(clients[i].name));
	printf("%s: %d rounds, %d errors\n", clients[i].name, rounds, errors);
	return errors != 0;
}

int main(int argc, char **argv)
{
	int status, failed = 0;

	if (argc != 3 || chdir(argv[1]) < 0) {
		fprintf(stderr, "usage: rootfs_load DIR SECONDS\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	end = time(NULL) + atoi(argv[2]);
	for (size_t i = 0; i < CLIENTS; i++)
		if (fork() == 0)
			_exit(client(i));
	for (size_t i = 0; i < CLIENTS; i++)
		failed += wait(&status) < 0 || status != 0;
	return failed != 0;
}
