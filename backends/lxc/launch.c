// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Starting a container. The helper (helper_start.c) becomes its monitor; its pid is in the keep before it runs (KEEP_BACKEND,
 * struct starting), so that after a kill of the server at any moment the next one either waits for what was begun or removes it.
 * The container is started when init executes its own program, which /proc tells; a little later than `lxc-start -d` returns.
 */
#include "backends/lxc/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "backends/core/cleanup.h"
#include "backends/core/instance.h"
#include "backends/core/intercept.h"
#include "backends/core/keep.h"
#include "backends/core/mount.h"
#include "backends/core/spawn.h"
#include "backends/core/storage.h"
#include "backends/core/views.h"
#include "backends/core/watch.h"
#include "backends/lxc/cpus.h"
#include "backends/lxc/device.h"
#include "backends/lxc/live.h"
#include "backends/lxc/lxcconf.h"
#include "backends/lxc/modules.h"
#include "backends/lxc/proc.h"
#include "backends/lxc/seccomp.h"
#include "backends/lxc/viewmounts.h"

#define START_MS 60000
#define LISTEN_NS 20000000
#define LISTEN_MAX 50		/* looks at what init listens to */
#define STOP_S 30
#define REBOOT_MS 3000		/* nobody is served meanwhile */
#define LOOK_NS 500000		/* while a start is awaited */
#define LOG_MAX (1 << 20)

struct starting {
	uint64_t start_time;
	int32_t pid;
	uint32_t reserved;
};

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static bool ended(int pidfd, int64_t ns)
{
	struct timespec t = { .tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000 };

	return ppoll(&(struct pollfd) { .fd = pidfd, .events = POLLIN }, 1, &t, NULL) == 1;
}

/* ---- files ---- */

static int write_text(const char *path, const char *data, size_t len, struct err *e)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	ssize_t n;

	if (fd < 0)
		return err_sys(e, errno, "%s", path);
	n = write(fd, data, len);
	return n == (ssize_t)len ? 0 : err_sys(e, n < 0 ? errno : ENOSPC, "%s", path);
}

/* The log of this start; that of the one before stays beside it. */
static int open_log(const struct place *p, struct err *e)
{
	char old[576];
	int fd;

	snprintf(old, sizeof(old), "%s.1", p->log);
	rename(p->log, old);
	fd = open(p->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	return fd < 0 ? err_sys(e, errno, "%s", p->log) : fd;
}

/*
 * The guest's root is nobody on the host, and must be able to walk to its file system: through a directory that is its own and
 * nobody else's, since programs with set ids in it are no business of the host's users.
 */
static int attach_rootfs(struct object *o, const struct place *p, const struct idmap *map, struct err *e)
{
	_cleanup_close_ int fd = -1;
	uint32_t uid = 0, gid = 0;
	char path[512];
	int r;

	r = rootfs_mount(o, NULL, path, sizeof(path), e);
	if (r == 0)
		r = mount_private(p->lxcpath, 0711, e);
	if (r < 0)
		return r;
	idmap_to_host(map, false, 0, &uid);
	idmap_to_host(map, true, 0, &gid);
	if ((mkdir(p->dir, 0100) < 0 && errno != EEXIST) || chmod(p->dir, 0100) < 0 || lchown(p->dir, uid, gid) < 0)
		return err_sys(e, errno, "%s", p->dir);
	if (mkdir(p->rootfs, 0700) < 0 && errno != EEXIST)
		return err_sys(e, errno, "%s", p->rootfs);
	r = mount_detach(p->rootfs, e);
	if (r < 0)
		return r;
	fd = mount_clone(path, -1, false, e);
	return fd < 0 ? fd : mount_attach(fd, p->rootfs, e);
}

static int keep_idmap(struct object *o, const struct idmap *map, struct err *e)
{
	_cleanup_buf_ struct buf text = BUF_INIT;

	if (!map->n_uid)
		return object_set(o, ENT_VOLATILE, "idmap", NULL, 0, e);
	idmap_print(map, &text);
	return object_set(o, ENT_VOLATILE, "idmap", buf_str(&text), text.len, e);
}

/* A file for the helper beside the configuration; empty text: none. */
static int write_wish(const struct place *p, const char *name, const struct buf *text, struct err *e)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", p->dir, name);
	if (buf_error(text) < 0)
		return err_sys(e, ENOMEM, "%s", name);
	if (text->len)
		return write_text(path, text->data, text->len, e);
	return unlink(path) < 0 && errno != ENOENT ? err_sys(e, errno, "%s", path) : 0;
}

/* What liblxc does not do with system calls (helper_limits.c, helper_intercept.c). Without views nobody would answer. */
static int write_wishes(const struct object *o, const struct place *p, const struct expanded *x, bool views, struct err *e)
{
	_cleanup_buf_ struct buf compat = BUF_INIT, calls = BUF_INIT;
	int r;

	if (expanded_bool(x, "security.syscalls.deny_compat", false))
		buf_addch(&compat, '\n');
	views = views && seccomp_intercepts();
	for (int i = 0; i < INTERCEPT_CALLS && views; i++) {
		if (!intercept_wanted(x, (enum intercept_call)i))
			continue;
		if (!calls.len)
			buf_addf(&calls, "%u", o->id);
		buf_addf(&calls, " %s", intercept_name((enum intercept_call)i));
	}
	r = write_wish(p, "deny-compat", &compat, e);
	return r < 0 ? r : write_wish(p, INTERCEPT_FILE, &calls, e);
}

/* The policy over system calls; *path NULL: none is needed. */
static int write_seccomp(const struct expanded *x, const char *file, const char **path, struct err *e)
{
	_cleanup_buf_ struct buf policy = BUF_INIT;
	bool needed = seccomp_make(x, &policy);

	*path = needed ? file : NULL;
	if (buf_error(&policy) < 0)
		return err_sys(e, ENOMEM, "policy over system calls");
	return needed ? write_text(file, policy.data, policy.len, e) : 0;
}

static int write_config(struct object *o, const struct expanded *x, const struct place *p, struct limits *limits, struct err *e)
{
	_cleanup_buf_ struct buf text = BUF_INIT, devices = BUF_INIT;
	char seccomp[512];
	struct idmap map;
	struct lxcconf c = { .place = p, .name = strrchr(p->dir, '/') + 1, .map = &map, .x = x, .limits = limits,
			     .devices = "", .narrow = instance_is_32_bit(o) };
	int r;

	r = idmap_for(x, &map, e);
	if (r == 0)
		r = keep_idmap(o, &map, e);
	if (r == 0)
		r = limits_make(x, o->id, LIMITS_ALL, false, limits, e);
	if (r == 0)
		r = attach_rootfs(o, p, &map, e);
	if (r == 0)
		r = devices_prepare(o, p, x, &map, &devices, e);
	c.devices = buf_str(&devices);
	if (r == 0)
		r = modules_load(x, e);
	snprintf(seccomp, sizeof(seccomp), "%s/seccomp", p->dir);
	/* Without it the container starts as well. */
	c.views = r == 0 && views_open(expanded_bool(x, "security.nesting", false), NULL) == 0 ? o : NULL;
	if (r == 0)
		r = write_wishes(o, p, x, c.views, e);
	if (r == 0)
		r = write_seccomp(x, seccomp, &c.seccomp, e);
	if (r == 0)
		r = lxcconf_make(&c, &text, e);
	if (r == 0)
		r = write_text(p->config, text.data, text.len, e);
	return r;
}

/* ---- the monitor ---- */

static int record_start(pid_t pid, uint64_t start_time, void *arg)
{
	const struct object *o = arg;
	struct starting s = { .start_time = start_time, .pid = pid };

	return keep_put(KEEP_BACKEND, o->id, &s, sizeof(s));
}

static int spawn_monitor(struct object *o, const struct place *p, struct spawned *ret, struct err *e)
{
	_cleanup_close_ int log = open_log(p, e);
	char helper[512];
	const char *argv[] = { "instfs-lxc", "start", p->lxcpath, strrchr(p->dir, '/') + 1, NULL };
	struct spawn s = { .path = helper, .argv = argv, .session = true, .err = log, .born = record_start, .born_arg = o };
	int r;

	if (log < 0)
		return log;
	r = spawn_helper("instfs-lxc", helper, sizeof(helper), e);
	return r < 0 ? r : spawn_start(&s, ret, e);
}

/* A descriptor of the monitor that an earlier server started and that still lives; -1: none. */
static int find_monitor(struct object *o, struct starting *s)
{
	if (!keep_get_struct(KEEP_BACKEND, o->id, s, sizeof(*s)))
		return -1;
	return process_open(s->pid, s->start_time);
}

static void kill_monitor(int fd)
{
	if (fd < 0)
		return;
	process_signal(fd, SIGKILL);
	ended(fd, INT64_C(2000000000));
}

/*
 * Why it did not start: the first error in liblxc's log is the cause, the others are its consequences. A line is
 * "NAME DATE ERROR    MODULE - FILE:FUNCTION:LINE - TEXT"; our helper writes "NAME - ERROR - TEXT".
 */
static int explain(const struct place *p, struct err *e)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	char *s, *text;

	buf_read_file(&b, AT_FDCWD, p->log, LOG_MAX);
	s = b.data ? strstr(b.data, " ERROR ") : NULL;
	if (!s)
		return err_set(e, EIO, "the container did not start; liblxc gave no reason in %s", p->log);
	s[strcspn(s, "\n")] = '\0';
	text = strstr(s, " - ");
	if (text && strstr(text + 3, " - "))
		text = strstr(text + 3, " - ");
	return err_set(e, EIO, "the container did not start: %.400s", text ? text + 3 : s + 7);
}

/* Until init executes its program. ESRCH: the monitor ended before that. */
static int wait_init(pid_t monitor, int pidfd, unsigned ms, pid_t *init)
{
	int64_t end = now_ms() + ms;

	while (!ended(pidfd, LOOK_NS)) {
		*init = proc_init_of(monitor);
		if (*init)
			return 0;
		if (now_ms() > end)
			return -ETIMEDOUT;
	}
	return -ESRCH;
}

static int fill_run(struct object *o, const struct place *p, const struct starting *s, pid_t init, struct err *e)
{
	uint64_t start_time = process_start_time(init);

	if (!start_time)
		return err_set(e, EIO, "the container's init ended as soon as it had begun; its console may tell why");
	HOLD_LOCK(&o->lock);
	o->run.init_pid = init;
	o->run.init_start = start_time;
	o->run.monitor_pid = s->pid;
	o->run.monitor_start = s->start_time;
	memcpy(o->run.cgroup, p->cgroup, sizeof(o->run.cgroup));
	clock_gettime(CLOCK_REALTIME, &o->run.started);
	return 0;
}

static int wait_started(struct object *o, const struct place *p, const struct starting *s, int pidfd, const struct expanded *x,
			struct err *e)
{
	pid_t init = 0;
	int r = wait_init(s->pid, pidfd, START_MS, &init);

	if (r == -ESRCH)
		return explain(p, e);
	if (r < 0)
		return err_set(e, ETIMEDOUT, "the container's init did not run within %d s", START_MS / 1000);
	r = fill_run(o, p, s, init, e);
	if (r == 0)
		r = devices_started(o, x, e);
	return r < 0 ? r : live_add(o, e);
}

/* What the configuration file could not say: optional files of groups, and the choice of CPUs for others to see. */
static void finish_limits(struct object *o, const struct place *p, const char *cpus, const struct limits *limits)
{
	struct limits rest = { .n = 0 };

	for (size_t i = 0; i < limits->n; i++) {
		if (limits->list[i].optional)
			rest.list[rest.n++] = limits->list[i];
		if (limits->list[i].controller == CGROUP_CPUSET)
			cpus_note(o->id, p->cgroup, cpus, limits->list[i].value);
	}
	if (rest.n)
		limits_write(&rest, p->cgroup, NULL);
	cpus_balance();
}

int launch_start(struct object *o, const struct expanded *x, struct op *op, struct err *e)
{
	_cleanup_close_ int pidfd = -1;
	struct starting s = { .pid = 0 };
	struct limits limits = { .n = 0 };
	struct spawned child;
	struct place p;
	int r;

	place_of(o, &p);
	pidfd = find_monitor(o, &s);
	if (pidfd >= 0 && op->again) {
		r = limits_make(x, o->id, LIMITS_ALL, false, &limits, e);
	} else {
		kill_monitor(pidfd);
		live_clean(o, pidfd);
		r = write_config(o, x, &p, &limits, e);
		if (r == 0)
			r = spawn_monitor(o, &p, &child, e);
		if (r == 0) {
			if (pidfd >= 0)
				close(pidfd);
			pidfd = child.pidfd;
			s = (struct starting) { .pid = child.pid, .start_time = child.start_time };
		}
	}
	if (r == 0)
		r = wait_started(o, &p, &s, pidfd, x, e);
	if (r < 0) {
		kill_monitor(pidfd);
		live_drop(o->id);
		live_clean(o, pidfd);
		return r;
	}
	finish_limits(o, &p, expanded_get(x, "limits.cpu"), &limits);
	viewmounts_grant(o, p.cgroup);
	return 0;
}

int launch_adopt(struct object *o, struct err *e)
{
	_cleanup_close_ int monitor = -1, init = -1;
	struct starting s;
	struct place p;
	struct run run;
	_cleanup_expanded_ struct expanded x = { .items = NULL };
	char list[CGROUP_VALUE_MAX];
	pid_t pid;

	place_of(o, &p);
	pthread_mutex_lock(&o->lock);
	run = o->run;
	pthread_mutex_unlock(&o->lock);
	monitor = process_open(run.monitor_pid, run.monitor_start);
	if (monitor < 0) {
		monitor = find_monitor(o, &s);
		if (monitor >= 0)
			return 0;	/* a start is under way, and its operation will be continued */
		live_clean(o, -1);
		return 0;
	}
	init = process_open(run.init_pid, run.init_start);
	s = (struct starting) { .pid = run.monitor_pid, .start_time = run.monitor_start };
	pid = init >= 0 ? run.init_pid : 0;
	/* init is gone: the guest reboots, or the end was under way when the last server died */
	if (!pid && wait_init(s.pid, monitor, REBOOT_MS, &pid) < 0) {
		kill_monitor(monitor);
		live_clean(o, -1);
		return 0;
	}
	if (init < 0 && fill_run(o, &p, &s, pid, e) < 0)
		return 0;
	pthread_mutex_lock(&o->lock);
	o->run.state = cgroup_is_frozen(p.cgroup) ? INST_FROZEN : INST_RUNNING;
	memcpy(o->run.cgroup, p.cgroup, sizeof(o->run.cgroup));
	pthread_mutex_unlock(&o->lock);
	if (config_expand(o, &x, NULL) == 0 && cgroup_read(CGROUP_CPUSET, p.cgroup, "cpuset.cpus", list) == 0)
		cpus_note(o->id, p.cgroup, expanded_get(&x, "limits.cpu"), list);
	devices_adopt(o);
	return live_add(o, e) == 0;
}

/* ---- the end ---- */

/* Kills init, and the monitor if it does not follow by itself. */
static void force(int init, int monitor, const char *cgroup)
{
	if (init >= 0)
		process_signal(init, SIGKILL);
	else
		cgroup_kill(cgroup);
	if (cgroup_is_frozen(cgroup))
		cgroup_kill(cgroup);	/* thaws as well: the dead cannot leave while frozen */
	if (!ended(monitor, INT64_C(5000000000)))
		kill_monitor(monitor);
}

/* Asks init as soon as it listens: what one that has just begun does not listen to is lost. True: it ended meanwhile. */
static bool tell_init(const struct run *run, int init, int monitor, int64_t *left)
{
	int sig;

	for (int n = 0; !(sig = proc_halt_signal(run->init_pid, run->monitor_pid, n >= LISTEN_MAX)) && *left > 0; n++) {
		if (ended(monitor, LISTEN_NS))
			return true;
		*left -= LISTEN_NS;
	}
	if (sig)
		process_signal(init, sig);
	return false;
}

/* Asks init, if there is one: without it the guest reboots or is about to end, and both are waited for alike. */
static int ask(const struct run *run, int init, int monitor, const char *cgroup, struct op *op, struct err *e)
{
	int64_t seconds = op->timeout ? op->timeout : STOP_S, passed = 0, left;
	struct timespec now;
	int r;

	if (cgroup_is_frozen(cgroup)) {
		r = cgroup_freeze(cgroup, false, 5000, e);
		if (r < 0)
			return r;
	}
	clock_gettime(CLOCK_REALTIME, &now);
	if (op->again && now.tv_sec > op->started.tv_sec)
		passed = now.tv_sec - op->started.tv_sec;
	op_progress(op, "waiting for the instance to shut down, at most %d s", (int)seconds);
	left = passed < seconds ? (seconds - passed) * 1000000000 : 0;
	if ((init >= 0 && tell_init(run, init, monitor, &left)) || ended(monitor, left))
		return 0;
	return err_set(e, ETIMEDOUT, "the instance did not shut down within %d s; it still runs (\"stopped force\" kills it)",
		       (int)seconds);
}

int launch_stop(struct object *o, struct op *op, struct err *e)
{
	_cleanup_close_ int monitor = -1, init = -1;
	struct run run;
	struct place p;
	int r = 0;

	place_of(o, &p);
	live_hold(o->id);
	pthread_mutex_lock(&o->lock);
	run = o->run;
	pthread_mutex_unlock(&o->lock);
	monitor = process_open(run.monitor_pid, run.monitor_start);
	init = process_open(run.init_pid, run.init_start);
	if (monitor >= 0 && (op->flags & OP_FORCE))
		force(init, monitor, p.cgroup);
	else if (monitor >= 0)
		r = ask(&run, init, monitor, p.cgroup, op, e);
	if (r < 0) {
		live_release(o->id);
		return r;
	}
	live_drop(o->id);
	live_clean(o, monitor);
	return 0;
}
