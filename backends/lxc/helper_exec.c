// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * instfs-lxc exec: attaches one command to a running container, copies what it prints into EXECDIR/{stdout,stderr,output}, and
 * leaves its exit status in EXECDIR/status. SIGTERM kills the command with its session.
 *
 * The container is hostile: its files are opened below its root only, and what it prints is cut at OUTPUT_MAX.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/openat2.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <lxc/lxccontainer.h>

#include "backends/core/buf.h"
#include "backends/core/cleanup.h"
#include "backends/lxc/helper.h"

#define INPUT_MAX (1 << 20)
#define OUTPUT_MAX (64 << 20)	/* of each of stdout and stderr; on tmpfs */
#define WORDS_MAX 4096
#define GROUPS_MAX 64

struct user {
	uid_t uid;
	gid_t gid;
	char name[256], home[1024], shell[1024];
	gid_t groups[GROUPS_MAX];
	size_t n_groups;
};

struct stream {
	int pipe;		/* our end, -1 when the command closed its */
	int file;
	size_t copied;
};

struct task {
	int dir;		/* EXECDIR */
	struct lxc_container *c;
	struct buf words, env;	/* zero bytes between */
	char *argv[WORDS_MAX + 1], *envp[WORDS_MAX + 1];
	char cwd[4097];
	struct user user;
	int output;
	struct stream out, err;
};

/* ---- inputs ---- */

static bool read_input(struct task *t, const char *name, struct buf *out)
{
	if (buf_read_file(out, t->dir, name, INPUT_MAX) < 0)
		return false;
	if (out->len && out->data[out->len - 1] == '\n')
		buf_resize(out, out->len - 1);
	return out->len > 0;
}

/* Strings that stand one behind the other to a list of pointers. */
static void point(struct buf *b, char **list)
{
	size_t n = 0;

	for (char *s = b->data; s && s < b->data + b->len && n < WORDS_MAX; s += strlen(s) + 1)
		list[n++] = s;
	list[n] = NULL;
}

static void add_string(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s) + 1);
}

static void split_lines(struct buf *b)
{
	for (size_t i = 0; i < b->len; i++)
		if (b->data[i] == '\n')
			b->data[i] = '\0';
}

static bool read_words(struct task *t)
{
	_cleanup_buf_ struct buf command = BUF_INIT;

	if (read_input(t, "argv", &t->words)) {
		split_lines(&t->words);
		buf_addch(&t->words, '\0');
	} else if (read_input(t, "command", &command)) {
		add_string(&t->words, "/bin/sh");
		add_string(&t->words, "-c");
		add_string(&t->words, buf_str(&command));
	}
	point(&t->words, t->argv);
	return t->argv[0] && buf_error(&t->words) == 0;
}

/* ---- outputs ---- */

static int open_output(struct task *t, const char *name)
{
	return openat(t->dir, name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
}

static bool open_outputs(struct task *t)
{
	t->out.file = open_output(t, "stdout");
	t->err.file = open_output(t, "stderr");
	t->output = open_output(t, "output");
	return t->out.file >= 0 && t->err.file >= 0 && t->output >= 0;
}

static void write_all(int fd, const char *p, size_t len)
{
	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno != EINTR)
			return;
		p += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
	}
}

/* Why there is no command, where its own complaints would be. */
__attribute__((format(printf, 2, 3))) static void complain(struct task *t, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text) - 1, fmt, ap);
	va_end(ap);
	strcat(text, "\n");
	write_all(t->err.file, text, strlen(text));
	write_all(t->output, text, strlen(text));
}

/* ---- the user, as the container's files tell ---- */

static FILE *open_inside(struct task *t, const char *path)
{
	struct open_how how = { .flags = O_RDONLY | O_NONBLOCK | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
	_cleanup_close_ int root = -1;
	char text[64];
	struct stat st;
	int fd;

	snprintf(text, sizeof(text), "/proc/%d/root", (int)t->c->init_pid(t->c));
	root = open(text, O_PATH | O_DIRECTORY | O_CLOEXEC);
	fd = root < 0 ? -1 : (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > INPUT_MAX) {
		close(fd);
		return NULL;
	}
	return fdopen(fd, "r");
}

/* Field n (from 0) of a line of passwd or group, in place: cuts the line. */
static char *field(char *line, int n)
{
	while (n-- > 0 && line)
		line = (line = strchr(line, ':')) ? line + 1 : NULL;
	return line;
}

static bool is_number(const char *s)
{
	return *s && !s[strspn(s, "0123456789")] && strlen(s) < 11;
}

static void copy_field(char *buf, size_t size, const char *line, int n)
{
	const char *s = field((char *)line, n);

	snprintf(buf, size, "%.*s", s ? (int)strcspn(s, ":\n") : 0, s ? s : "");
}

static bool find_user(struct task *t, const char *wanted)
{
	_cleanup_file_ FILE *f = open_inside(t, "etc/passwd");
	char line[4096], name[256], uid[32], gid[32];

	while (f && fgets(line, sizeof(line), f)) {
		copy_field(name, sizeof(name), line, 0);
		copy_field(uid, sizeof(uid), line, 2);
		copy_field(gid, sizeof(gid), line, 3);
		if (!is_number(uid) || !is_number(gid) || (strcmp(name, wanted) != 0 && strcmp(uid, wanted) != 0))
			continue;
		t->user.uid = (uid_t)strtoul(uid, NULL, 10);
		t->user.gid = (gid_t)strtoul(gid, NULL, 10);
		snprintf(t->user.name, sizeof(t->user.name), "%s", name);
		copy_field(t->user.home, sizeof(t->user.home), line, 5);
		copy_field(t->user.shell, sizeof(t->user.shell), line, 6);
		return true;
	}
	return false;
}

static bool lists(char *members, const char *name)
{
	if (!members)
		return false;
	members[strcspn(members, "\n")] = '\0';
	for (char *m = strtok(members, ","); m; m = strtok(NULL, ","))
		if (!strcmp(m, name))
			return true;
	return false;
}

static void find_groups(struct task *t)
{
	_cleanup_file_ FILE *f = open_inside(t, "etc/group");
	char line[16384], gid[32];

	while (f && fgets(line, sizeof(line), f) && t->user.n_groups < GROUPS_MAX) {
		copy_field(gid, sizeof(gid), line, 2);
		if (is_number(gid) && lists(field(line, 3), t->user.name))
			t->user.groups[t->user.n_groups++] = (gid_t)strtoul(gid, NULL, 10);
	}
}

/* Root and plain numbers need no passwd; a name does. */
static bool read_user(struct task *t)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	const char *wanted = read_input(t, "user", &b) ? buf_str(&b) : "0";

	snprintf(t->user.home, sizeof(t->user.home), "%s", !strcmp(wanted, "0") ? "/root" : "/");
	snprintf(t->user.name, sizeof(t->user.name), "%s", !strcmp(wanted, "0") ? "root" : "");
	if (find_user(t, wanted)) {
		find_groups(t);
		return true;
	}
	if (is_number(wanted)) {
		t->user.uid = (uid_t)strtoul(wanted, NULL, 10);
		t->user.gid = t->user.uid;
		return true;
	}
	complain(t, "user %.64s: the instance's /etc/passwd does not know it", wanted);
	return false;
}

/* Later ones win in every shell and libc only if earlier ones are gone: the last of a name is kept. */
static void add_variable(struct task *t, const char *name, const char *value)
{
	buf_addf(&t->env, "%s=%s", name, value);
	buf_addch(&t->env, '\0');
}

static void drop_doubles(char **list)
{
	size_t kept = 0;

	for (size_t i = 0; list[i]; i++) {
		size_t n = strcspn(list[i], "=");
		bool later = false;

		for (size_t j = i + 1; list[j] && !later; j++)
			later = !strncmp(list[j], list[i], n + 1);
		if (!later)
			list[kept++] = list[i];
	}
	list[kept] = NULL;
}

static void read_environment(struct task *t)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	add_variable(t, "PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	add_variable(t, "HOME", *t->user.home ? t->user.home : "/");
	add_variable(t, "USER", t->user.name);
	add_variable(t, "SHELL", *t->user.shell ? t->user.shell : "/bin/sh");
	add_variable(t, "LANG", "C.UTF-8");
	buf_read_file(&t->env, t->dir, ".environ", INPUT_MAX);
	if (read_input(t, "env", &b)) {
		split_lines(&b);
		buf_addch(&b, '\0');
		buf_add(&t->env, b.data, b.len);
	}
	point(&t->env, t->envp);
	drop_doubles(t->envp);
}

static void read_cwd(struct task *t)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	snprintf(t->cwd, sizeof(t->cwd), "%s", read_input(t, "cwd", &b) ? buf_str(&b) : *t->user.home ? t->user.home : "/");
}

/* ---- running ---- */

/* In the container, as its user. A session of its own can be killed as a whole. */
static int run_inside(void *payload)
{
	struct task *t = payload;
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid();
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (chdir(t->cwd) < 0) {
		fprintf(stderr, "%s: %s\n", t->cwd, strerror(errno));
		return 126;
	}
	execvpe(t->argv[0], t->argv, environ);
	fprintf(stderr, "%s: %s\n", t->argv[0], strerror(errno));
	return errno == ENOENT ? 127 : 126;
}

static int open_stdin(struct task *t)
{
	int fd = openat(t->dir, "stdin", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	return fd >= 0 ? fd : open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static pid_t attach(struct task *t, int in, int out, int err)
{
	lxc_attach_options_t o = LXC_ATTACH_OPTIONS_DEFAULT;
	pid_t pid = -1;

	o.env_policy = LXC_ATTACH_CLEAR_ENV;
	o.extra_env_vars = t->envp;
	o.uid = t->user.uid;
	o.gid = t->user.gid;
	o.stdin_fd = in;
	o.stdout_fd = out;
	o.stderr_fd = err;
	if (t->user.n_groups) {
		o.attach_flags |= LXC_ATTACH_SETGROUPS;
		o.groups = (lxc_groups_t) { .size = t->user.n_groups, .list = t->user.groups };
	}
	return t->c->attach(t->c, run_inside, t, &o, &pid) < 0 ? -1 : pid;
}

/* One chunk from the command to its files. False: nothing there now. */
static bool copy(struct task *t, struct stream *s)
{
	static const char cut[] = "\n[the rest of the output was dropped]\n";
	char chunk[65536];
	ssize_t n = s->pipe < 0 ? -1 : read(s->pipe, chunk, sizeof(chunk));

	if (n == 0) {
		close(s->pipe);
		s->pipe = -1;
	}
	if (n <= 0)
		return false;
	if (s->copied < OUTPUT_MAX) {
		write_all(s->file, chunk, (size_t)n);
		write_all(t->output, chunk, (size_t)n);
		s->copied += (size_t)n;
		if (s->copied >= OUTPUT_MAX)
			write_all(t->output, cut, sizeof(cut) - 1);
	}
	return true;
}

/* What the command had printed when it ended: more than a pipe holds is from others that it left behind. */
static void drain(struct task *t, struct stream *s)
{
	for (int i = 0; i < 16 && copy(t, s); i++)
		;
}

/* Until the command itself ended; what it left in the background may go on, unheard. */
static int wait_end(struct task *t, pid_t pid, int signals)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0), status = 0;

	for (;;) {
		struct pollfd p[4] = { { .fd = t->out.pipe, .events = POLLIN }, { .fd = t->err.pipe, .events = POLLIN },
				       { .fd = pidfd, .events = POLLIN }, { .fd = signals, .events = POLLIN } };
		struct signalfd_siginfo si;

		if (poll(p, 4, -1) < 0 && errno != EINTR)
			break;
		if (p[3].revents && read(signals, &si, sizeof(si)) > 0) {
			kill(-pid, SIGKILL);
			kill(pid, SIGKILL);
		}
		if (p[0].revents)
			copy(t, &t->out);
		if (p[1].revents)
			copy(t, &t->err);
		if (p[2].revents)
			break;
	}
	drain(t, &t->out);
	drain(t, &t->err);
	if (waitpid(pid, &status, 0) != pid)
		return 128 + SIGKILL;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int run(struct task *t)
{
	int in = open_stdin(t), out[2], err[2], signals;
	sigset_t term;
	pid_t pid;

	if (in < 0 || pipe2(out, O_CLOEXEC) < 0 || pipe2(err, O_CLOEXEC) < 0)
		return 125;
	/* From here on SIGTERM waits until there is something to kill. */
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, NULL);
	signals = signalfd(-1, &term, SFD_CLOEXEC | SFD_NONBLOCK);
	pid = attach(t, in, out[1], err[1]);
	close(out[1]);
	close(err[1]);
	if (pid < 0) {
		complain(t, "the command could not be attached to the instance");
		return 125;
	}
	t->out.pipe = out[0];
	t->err.pipe = err[0];
	fcntl(out[0], F_SETFL, O_NONBLOCK);
	fcntl(err[0], F_SETFL, O_NONBLOCK);
	return wait_end(t, pid, signals);
}

static void write_status(int dir, int status)
{
	char text[16];
	int fd = openat(dir, ".status.new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return;
	snprintf(text, sizeof(text), "%d\n", status);
	write_all(fd, text, strlen(text));
	close(fd);
	renameat(dir, ".status.new", dir, "status");
}

int helper_exec(const struct helper *h, const char *exec_dir)
{
	static struct task t;
	int status = 125;

	helper_title("[instfs exec] %s", h->name);
	t.dir = open(exec_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (t.dir < 0 || !open_outputs(&t))
		return 1;
	t.c = lxc_container_new(h->name, h->dir);
	if (t.c && read_words(&t) && read_user(&t)) {
		read_environment(&t);
		read_cwd(&t);
		helper_limits_of_init(t.c);
		if (helper_deny_compat(h) == 0 && helper_intercept(h) == 0)
			status = run(&t);
	}
	write_status(t.dir, status);
	return 0;
}
