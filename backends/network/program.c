// SPDX-License-Identifier: LGPL-2.1-or-later
/* Running the programs that do the work. No state but the paths, which are found once. */
#include "backends/network/program.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "backends/core/cleanup.h"
#include "backends/core/spawn.h"

#define TIMEOUT_MS 20000
#define WORDS_MAX 8192

static const struct {
	const char *name, *package;
} programs[PROGRAM_MAX] = {
	[PROGRAM_IP] = { "ip", "iproute2" }, [PROGRAM_TC] = { "tc", "iproute2" }, [PROGRAM_BRIDGE] = { "bridge", "iproute2" },
	[PROGRAM_NFT] = { "nft", "nftables" }, [PROGRAM_DNSMASQ] = { "dnsmasq", "dnsmasq-base" },
	[PROGRAM_NSENTER] = { "nsenter", "util-linux" },
};

const char *program_path(enum program p)
{
	static const char *const dirs[] = { "/usr/sbin", "/sbin", "/usr/bin", "/bin" };
	static char paths[PROGRAM_MAX][32];
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

	HOLD_LOCK(&lock);
	for (size_t i = 0; !paths[p][0] && i < sizeof(dirs) / sizeof(*dirs); i++) {
		char path[sizeof(paths[p])];

		snprintf(path, sizeof(path), "%s/%s", dirs[i], programs[p].name);
		if (access(path, X_OK) == 0)
			strcpy(paths[p], path);
	}
	return paths[p][0] ? paths[p] : NULL;
}

/* ---- what they say ---- */

static int meaning(const char *words)
{
	static const struct { const char *words; int code; } known[] = {
		{ "Unknown device type", EOPNOTSUPP }, { "not supported", EOPNOTSUPP }, { "kind is unknown", EOPNOTSUPP },
		{ "Failed to load TC", EOPNOTSUPP }, { "File exists", EEXIST }, { "in use", EBUSY }, { "busy", EBUSY },
		{ "Cannot find device", ENODEV }, { "No such device", ENODEV }, { "does not exist", ENODEV }, { "not permitted", EPERM },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (strstr(words, known[i].words))
			return known[i].code;
	return EIO;
}

/* The n-th line, from 1. */
static const char *line_of(const char *text, int n, int *len)
{
	while (--n > 0 && (text = strchr(text, '\n')))
		text++;
	if (!text)
		return NULL;
	*len = (int)strcspn(text, "\n");
	return text;
}

/* "RTNETLINK answers: File exists" first, "Command failed -:3" last. nft: "/dev/stdin:3:1-4: Error: ...". */
static int explain(enum program p, const char *words, const struct buf *text, struct err *e)
{
	const char *failed = strstr(words, "Command failed -:"), *first = words, *error = strstr(words, "Error: "), *line = NULL;
	int code = meaning(words), len = 0;

	if (error)
		first = error + 7;
	first += strspn(first, "\n");
	if (failed && text)
		line = line_of(buf_str(text), atoi(failed + 17), &len);
	if (!*first)
		return err_set(e, code, "%s failed without a word", programs[p].name);
	if (line)
		return err_set(e, code, "%s %.*s: %.*s", programs[p].name, len > 200 ? 200 : len, line, (int)strcspn(first, "\n"), first);
	return err_set(e, code, "%s: %.*s", programs[p].name, (int)strcspn(first, "\n"), first);
}

/* ---- running ---- */

static int memory_file(const struct buf *text)
{
	int fd = memfd_create("instfs", MFD_CLOEXEC);

	if (fd >= 0 && text && (write(fd, text->data, text->len) != (ssize_t)text->len || lseek(fd, 0, SEEK_SET) < 0)) {
		close(fd);
		return -1;
	}
	return fd;
}

static int run(enum program p, const char *path, const char *const *argv, const struct buf *text, struct err *e)
{
	_cleanup_close_ int in = text ? memory_file(text) : -1, words = memory_file(NULL);
	const struct spawn s = { .path = path, .argv = argv, .in = in, .out = words, .err = words, .session = true };
	_cleanup_buf_ struct buf b = BUF_INIT;
	int r;

	if ((text && in < 0) || words < 0)
		return err_sys(e, errno, "%s: memory for its input", programs[p].name);
	r = spawn_run(&s, TIMEOUT_MS, NULL, e);
	if (r == 0 || r == -ETIMEDOUT)
		return r;
	if (lseek(words, 0, SEEK_SET) < 0 || buf_read_fd(&b, words, WORDS_MAX) < 0 || !b.len)
		return r;
	return explain(p, buf_str(&b), text, e);
}

static int missing(enum program p, struct err *e)
{
	return err_set(e, EOPNOTSUPP, "the program %s is not installed (package %s)", programs[p].name, programs[p].package);
}

int program_run(enum program p, const char *const *argv, struct err *e)
{
	const char *path = program_path(p);

	return path ? run(p, path, argv, NULL, e) : missing(p, e);
}

int program_batch(enum program p, const struct buf *text, struct err *e)
{
	const char *path = program_path(p);
	const char *const batch[] = { programs[p].name, "-batch", "-", NULL }, *const nft[] = { "nft", "-f", "-", NULL };

	if (buf_error(text))
		return err_sys(e, ENOMEM, "%s", programs[p].name);
	if (!text->len)
		return 0;
	return path ? run(p, path, p == PROGRAM_NFT ? nft : batch, text, e) : missing(p, e);
}

int program_ip_in(pid_t pid, const struct buf *text, struct err *e)
{
	const char *path = program_path(PROGRAM_NSENTER), *ip = program_path(PROGRAM_IP);
	char ns[64];
	const char *const argv[] = { "nsenter", ns, ip, "-batch", "-", NULL };

	if (buf_error(text))
		return err_sys(e, ENOMEM, "ip");
	if (!text->len)
		return 0;
	if (!path || !ip)
		return missing(path ? PROGRAM_IP : PROGRAM_NSENTER, e);
	snprintf(ns, sizeof(ns), "--net=/proc/%d/ns/net", (int)pid);
	return run(PROGRAM_IP, path, argv, text, e);
}
