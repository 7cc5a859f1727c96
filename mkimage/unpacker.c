// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * instfs-unpack: unpacks a hostile image from stdin into an empty directory; started by the server as root, usable by hand too.
 *
 * Two processes. This one reads the file once, hashes what it reads, hands it on through a pipe, reports progress, and looks into
 * nothing. The other one is confined (confine.h), unpacks, and says in one line of JSON what it found. So whatever an archive does to the
 * unpacking process, it cannot lie about the fingerprint.
 *
 * Output: lines "progress DONE TOTAL", at last "fingerprint SHA256 SIZE" and one JSON object: what metadata_print_json() tells, with
 * "entries", "bytes", "devices"; or, without fingerprint, {"errno":N,"error":"sentence"}. Exit status 0 or 1.
 *
 * DIRECTORY/.lock is locked (flock) as long as one of the two lives; a second one on the same directory fails with EBUSY.
 */
#include <archive.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <locale.h>
#include <openssl/evp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "backends/core/buf.h"
#include "backends/core/cleanup.h"
#include "mkimage/confine.h"
#include "mkimage/unpack.h"

#define CHUNK (1u << 20)
#define REPORT_MAX (4u << 20)
#define KEPT 200		/* number of the first descriptor that the confined process keeps */

struct job {
	const char *dir;
	struct unpack_limits limits;
	struct confine_limits confine;
	uint64_t total;			/* bytes of the archive, 0: unknown */
	int lock, userns;
	int feed[2], report[2];		/* archive to the confined process, what it found back */
};

static int write_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

static void print_failure(int fd, const struct err *e)
{
	_cleanup_free_ char *text = NULL;
	json_t *o = json_pack("{s:i, s:s}", "errno", e->code, "error", e->text);

	/* A name from the archive may have cut a character in two. */
	if (!o)
		o = json_pack("{s:i, s:s}", "errno", e->code, "error", "the image cannot be unpacked; a name in it is not UTF-8");
	text = o ? json_dumps(o, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;
	if (text) {
		write_all(fd, text, strlen(text));
		write_all(fd, "\n", 1);
	}
	json_decref(o);
}

/* ---- the confined process ---- */

/* What is behind the end of the archive belongs to the file and is hashed: the other side must be able to write it. */
static void drain(int fd)
{
	char buf[65536];
	ssize_t n;

	do {
		n = read(fd, buf, sizeof(buf));
	} while (n > 0 || (n < 0 && errno == EINTR));
}

static void print_found(int fd, const struct unpacked *u)
{
	_cleanup_buf_ struct buf out = BUF_INIT;

	metadata_print_json(&u->metadata, &out);
	if (out.len && out.data[out.len - 1] == '}')
		buf_resize(&out, out.len - 1);
	buf_addf(&out, ",\"type\":\"%s\",\"entries\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"devices\":%" PRIu64 "}\n", unpacked_type(u), u->entries,
		 u->bytes, u->devices);
	if (!buf_error(&out))
		write_all(fd, out.data, out.len);
}

/*
 * Nothing else may be open: a directory would lead out of the prison, the standard output would let the archive speak for the other
 * process. What is needed moves out of the way, the rest is closed.
 */
static int keep_descriptors(struct job *j, struct err *e)
{
	int *const needed[] = { &j->feed[0], &j->report[1], &j->userns, &j->lock };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0 || close_range(KEPT, ~0u, 0) < 0)
		return err_sys(e, errno, "cannot open /dev/null");
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		*needed[i] = fcntl(*needed[i], F_DUPFD_CLOEXEC, KEPT);
		if (*needed[i] < 0)
			return err_sys(e, errno, "cannot duplicate a descriptor");
	}
	for (int fd = 0; fd <= 2; fd++) {
		if (dup2(null, fd) < 0)
			return err_sys(e, errno, "cannot redirect descriptor %d", fd);
	}
	if (close_range(3, KEPT - 1, 0) < 0)
		return err_sys(e, errno, "cannot close descriptors");
	return 0;
}

static int unpack_confined(struct job *j, struct unpacked *u, struct err *e)
{
	_cleanup_close_ int root = -1;
	struct archive *a;
	int r = keep_descriptors(j, e);

	if (!r)
		r = confine_enter(j->dir, j->userns, &j->confine, e);
	if (r < 0)
		return r;
	close(j->userns);
	root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return err_sys(e, errno, "cannot open the target");
	a = unpack_open(j->feed[0], e);
	if (!a)
		return -e->code;
	r = unpack_archive(a, root, &j->limits, u, e);
	archive_read_free(a);
	return r;
}

__attribute__((noreturn)) static void run_confined(struct job *j)
{
	struct unpacked u = { .entries = 0 };
	struct err e = ERR_INIT;
	int r;

	umask(0);
	r = unpack_confined(j, &u, &e);
	if (r < 0) {
		print_failure(j->report[1], &e);
		_exit(1);
	}
	drain(j->feed[0]);
	print_found(j->report[1], &u);
	metadata_free(&u.metadata);
	_exit(0);
}

/* ---- the other one ---- */

static void show_progress(const struct job *j, uint64_t done, struct timespec *last)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (now.tv_sec == last->tv_sec && now.tv_nsec - last->tv_nsec < 200000000)
		return;
	*last = now;
	printf("progress %" PRIu64 " %" PRIu64 "\n", done, j->total);
	/* Nobody listens any more: then the result is of no use either. */
	if (fflush(stdout))
		_exit(1);
}

/* Feeds the whole input. 0; 1: the other side stopped reading; -errno. */
static int feed(struct job *j, EVP_MD_CTX *hash, uint64_t *size, struct err *e)
{
	_cleanup_free_ char *buf = malloc(CHUNK);
	struct timespec last = { .tv_sec = 0 };

	if (!buf)
		return err_set(e, ENOMEM, "not enough memory");
	for (;;) {
		ssize_t n = read(STDIN_FILENO, buf, CHUNK);
		int r;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, errno, "cannot read the image");
		if (!n)
			return 0;
		if (EVP_DigestUpdate(hash, buf, (size_t)n) != 1)
			return err_set(e, EIO, "cannot hash the image");
		*size += (uint64_t)n;
		r = write_all(j->feed[1], buf, (size_t)n);
		if (r == -EPIPE)
			return 1;
		if (r < 0)
			return err_sys(e, -r, "cannot hand on the image");
		show_progress(j, *size, &last);
	}
}

static int print_fingerprint(EVP_MD_CTX *hash, uint64_t size)
{
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	if (EVP_DigestFinal_ex(hash, md, &n) != 1)
		return -EIO;
	printf("fingerprint ");
	for (unsigned i = 0; i < n; i++)
		printf("%02x", md[i]);
	printf(" %" PRIu64 "\n", size);
	return 0;
}

/* How the confined process ended when it said nothing. */
static int explain(int status, struct err *e)
{
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		return err_set(e, EFBIG, "the image takes too much memory or time to unpack");
	if (WIFSIGNALED(status))
		return err_set(e, EINVAL, "the image made the unpacking process crash (signal %d)", WTERMSIG(status));
	return err_set(e, EIO, "the unpacking process ended without a word (status %d)", WEXITSTATUS(status));
}

static int supervise(struct job *j, pid_t pid, EVP_MD_CTX *hash, struct err *e)
{
	_cleanup_buf_ struct buf report = BUF_INIT;
	uint64_t size = 0;
	int r, status = 0, fed;

	close(j->feed[0]);
	close(j->report[1]);
	fed = confine_drop(e);
	if (!fed)
		fed = feed(j, hash, &size, e);
	close(j->feed[1]);
	r = fed < 0 ? fed : buf_read_fd(&report, j->report[0], REPORT_MAX);
	if (fed >= 0 && r < 0)
		err_sys(e, -r, "cannot read the unpacking process's report");
	close(j->report[0]);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (r < 0)
		return r;
	if (!size && !fed)
		return err_set(e, EINVAL, "the image is empty");
	if (!report.len)
		return explain(status, e);
	if (status == 0 && fed == 0 && print_fingerprint(hash, size) < 0)
		return err_set(e, EIO, "cannot hash the image");
	/* One line: what else there may be is not this program's. */
	printf("%.*s\n", (int)strcspn(report.data, "\n"), report.data);
	return status || fed ? 1 : 0;
}

static int prepare(struct job *j, struct err *e)
{
	_cleanup_close_ int dir = open(j->dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct statvfs vfs;
	struct stat st;

	if (dir < 0)
		return err_sys(e, errno, "cannot open the directory %s", j->dir);
	j->lock = openat(dir, ".lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (j->lock < 0 || flock(j->lock, LOCK_EX | LOCK_NB) < 0)
		return err_sys(e, errno == EWOULDBLOCK ? EBUSY : errno, "cannot lock the directory %s", j->dir);
	/* A store that is filled to the last block stops running guests. */
	if (!j->limits.bytes && !fstatvfs(dir, &vfs)) {
		j->limits.bytes = (uint64_t)vfs.f_bavail * vfs.f_frsize / 100 * 95;
		if (!j->limits.bytes)
			return err_set(e, ENOSPC, "no space is left where images are unpacked");
	}
	if (!fstat(STDIN_FILENO, &st) && S_ISREG(st.st_mode))
		j->total = (uint64_t)st.st_size;
	j->userns = confine_userns(e);
	if (j->userns < 0)
		return j->userns;
	if (pipe2(j->feed, O_CLOEXEC) < 0 || pipe2(j->report, O_CLOEXEC) < 0)
		return err_sys(e, errno, "cannot make a pipe");
	fcntl(j->feed[1], F_SETPIPE_SZ, (int)CHUNK);
	return 0;
}

static int run(struct job *j, struct err *e)
{
	EVP_MD_CTX *hash = EVP_MD_CTX_new();
	pid_t pid;
	int r;

	/* OpenSSL reads its configuration now, while there are files. */
	if (!hash || EVP_DigestInit_ex(hash, EVP_sha256(), NULL) != 1)
		return err_set(e, ENOMEM, "cannot hash");
	r = prepare(j, e);
	if (!r) {
		pid = confine_fork();
		if (!pid)
			run_confined(j);
		r = pid < 0 ? err_sys(e, -pid, "cannot start the unpacking process; root is needed") : supervise(j, pid, hash, e);
	}
	EVP_MD_CTX_free(hash);
	return r;
}

static int parse_options(int argc, char **argv, struct job *j)
{
	static const struct option options[] = {
		{ "max-bytes", required_argument, NULL, 'b' }, { "max-entries", required_argument, NULL, 'e' },
		{ "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (c == 'b')
			j->limits.bytes = strtoull(optarg, NULL, 10);
		else if (c == 'e')
			j->limits.entries = strtoull(optarg, NULL, 10);
		else
			return c == 'h' ? 1 : -EINVAL;
	}
	if (optind + 1 != argc)
		return -EINVAL;
	j->dir = argv[optind];
	return 0;
}

int main(int argc, char **argv)
{
	struct job j = {
		.limits = UNPACK_LIMITS_DEFAULT,
		.confine = { .memory = UINT64_C(2) << 30, .cpu_seconds = 7200 },
		.lock = -1,
	};
	struct err e = ERR_INIT;
	int r = parse_options(argc, argv, &j);

	if (r) {
		fprintf(r > 0 ? stdout : stderr, "usage: instfs-unpack [--max-bytes=N] [--max-entries=N] DIRECTORY <IMAGE\n");
		return r > 0 ? 0 : 2;
	}
	/* Names are bytes: UTF-8 passes through as it is, and needs tables that are not there any more once confined. */
	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		setlocale(LC_CTYPE, "");
	signal(SIGPIPE, SIG_IGN);
	r = run(&j, &e);
	if (r < 0) {
		fflush(stdout);
		print_failure(STDOUT_FILENO, &e);
	}
	return r || fflush(stdout) ? 1 : 0;
}
