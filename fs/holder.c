// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The holder's life. One loop waits for: signals, the end of the server (a pidfd, because after an accident the server need
 * not be a child), words from the server (eventfd, descriptor store), `--upgrade`, and two timers that are armed only when
 * there is something to wait for. A second thread sends notifications, and may hang in the kernel until the server answers somebody.
 *
 * What must be known after an exec or by another holder is in the shared memory, the rest in `h`.
 */
#include "fs/holder.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backends/core/cleanup.h"
#include "backends/core/watch.h"
#include "fs/control.h"
#include "fs/log.h"
#include "fs/mount.h"
#include "fs/sender.h"
#include "fs/service.h"
#include "fs/shm.h"
#include "fs/start.h"

#define INSTANT_NS 1000000000ULL	/* a server that lives shorter died at once */
#define INSTANT_MAX 30
#define EXIT_REFUSED 2			/* the server's own status: it wrote shm->error */
#define STOP_WAIT_MS 2000

static struct {
	int signals, health, retry;	/* descriptors */
	int ready_fd;
	bool stopping, done;
	int status;
	uint32_t told;			/* the last server whose readiness was noticed */
	uint64_t requests_seen;		/* counter at the last look */
	uint64_t probe_started;		/* 0: no probe runs */
} h = { .ready_fd = -1 };

static void arm(int timer, uint64_t ms)
{
	const struct itimerspec t = { .it_value = { .tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000 * 1000000) } };

	timerfd_settime(timer, 0, &t, NULL);
}

static void drain(int fd)
{
	uint64_t n;

	while (read(fd, &n, sizeof(n)) > 0)
		;
}

static bool is_unmounted(void)
{
	return __atomic_load_n(&shm->state, __ATOMIC_SEQ_CST) == SHM_UNMOUNTED;
}

/* ---- children ---- */

static void stop_child(int32_t *pid)
{
	pid_t p = *pid;

	*pid = 0;
	if (p > 0 && getpgid(p) >= 0) {
		kill(p, SIGKILL);
		waitpid(p, NULL, WNOHANG);
	}
}

static void start_poker(void)
{
	if (shm->kind == SHM_TREE)
		start_helper("--internal-poker", &shm->poker_pid);
}

/* The host goes down: the instances are stopped, and whoever did that unmounts. */
static void shut_down(void)
{
	if (shm->kind == SHM_TREE && start_helper("--internal-shutdown", &(pid_t){ 0 }))
		log_error("cannot start what stops the instances");
}

static void start_server(void)
{
	posix_spawn_file_actions_t fa;
	pid_t pid;
	int r;

	shm->generation++;
	shm->error[0] = '\0';
	shm->born_ns = shm_clock();
	__atomic_store_n(&shm->state, SHM_STARTING, __ATOMIC_SEQ_CST);
	posix_spawn_file_actions_init(&fa);
	shm_pass_fds(&fa, FD_HOLDER + 1);
	r = start_self("--internal-server", "-", &fa, &pid);
	posix_spawn_file_actions_destroy(&fa);
	if (!r) {
		shm->server_pid = pid;
		r = shm_take_fd((int)syscall(SYS_pidfd_open, pid, 0), FD_SERVER);
		shm->server_start = process_start_time(pid);
	}
	if (r) {
		log_error("the server cannot be started: %s", strerror(-r));
		arm(h.retry, 1000);
	}
}

/* ---- end ---- */

static void kill_server(void)
{
	syscall(SYS_pidfd_send_signal, FD_SERVER, SIGKILL, NULL, 0);
}

static void tell_starter(const char *text)
{
	if (h.ready_fd < 0)
		return;
	if (write(h.ready_fd, text, strlen(text)) < 0)
		log_warning("the starter went away");
	close(h.ready_fd);
	h.ready_fd = -1;
}

static void finish(int status)
{
	struct mount_place m;

	h.done = true;
	h.status = status;
	__atomic_store_n(&shm->state, SHM_UNMOUNTED, __ATOMIC_SEQ_CST);
	service_notify("STOPPING=1");
	service_drop_fds();
	if (!mount_find(shm->options.mountpoint, &m, NULL) && m.dev_major == shm->dev_major && m.dev_minor == shm->dev_minor)
		mount_remove(&shm->options, NULL);
	stop_child(&shm->poker_pid);
	stop_child(&shm->probe_pid);
	control_answer("the tree was unmounted");
}

static void give_up(void)
{
	char text[ERR_TEXT_MAX + 64];

	snprintf(text, sizeof(text), "E%s", shm->error[0] ? shm->error : "the server died again and again");
	if (!shm->error[0])	/* else the server said it itself */
		log_error("giving up: %s", text + 1);
	tell_starter(text);
	finish(1);
}

static void stop(void)
{
	struct err e = ERR_INIT;

	h.stopping = true;
	service_notify("STOPPING=1");
	stop_child(&shm->poker_pid);
	stop_child(&shm->probe_pid);
	if (mount_remove(&shm->options, &e))
		log_warning("%s", e.text);
	/* The server ends by itself unless somebody still uses the tree. */
	if (shm->server_pid)
		arm(h.retry, STOP_WAIT_MS);
	else
		finish(0);
}

/* ---- death of the server ---- */

static void log_death(const siginfo_t *i)
{
	if (i->si_code == CLD_EXITED)
		log_warning("the server ended with status %d; starting another", i->si_status);
	else if (i->si_pid)
		log_warning("the server was killed by signal %d (%s); starting another", i->si_status, strsignal(i->si_status));
	else
		log_warning("the server died; starting another");
}

/* One that crashes again and again is restarted more and more slowly, and given up in the end; SIGKILL is nobody's fault. */
static void restart(const siginfo_t *i)
{
	const bool killed = !i->si_pid || (i->si_code == CLD_KILLED && (i->si_status == SIGKILL || i->si_status == SIGTERM));
	uint64_t delay = 0;

	shm->crashed = !killed;
	if (killed || shm->reaped_ns - shm->born_ns > INSTANT_NS)
		shm->instant_deaths = 0;
	else
		shm->instant_deaths++;
	if (shm->instant_deaths > INSTANT_MAX) {
		give_up();
		return;
	}
	if (shm->instant_deaths > 3)
		delay = shm->instant_deaths > 10 ? 2000 : 10ULL << (shm->instant_deaths - 3);
	if (delay)
		arm(h.retry, delay);
	else
		start_server();
}

static void server_gone(void)
{
	siginfo_t i = { 0 };

	if (waitid(P_PIDFD, FD_SERVER, &i, WEXITED) < 0)	/* not our child: how it ended is not known */
		i = (siginfo_t){ 0 };
	shm->reaped_ns = shm_clock();
	shm_release_fd(FD_SERVER);
	shm->server_pid = 0;
	if (h.stopping || is_unmounted()) {
		finish(0);
		return;
	}
	if (i.si_pid && i.si_code == CLD_EXITED && i.si_status == EXIT_REFUSED && !shm->ready) {
		give_up();
		return;
	}
	shm->deaths++;
	if (!shm->upgrading)
		log_death(&i);
	restart(&i);
}

/* ---- health: while requests come in, a child asks for a statfs from time to time; it must be answered within the limit ---- */

static uint64_t health_interval(void)
{
	return shm->options.health * 250ULL;
}

static void start_probe(void)
{
	/* Between fork and _exit only system calls: another thread may hold any lock. */
	pid_t pid = fork();

	if (!pid) {
		struct statvfs s;

		__atomic_store_n(&shm->probe_pid, (int32_t)getpid(), __ATOMIC_SEQ_CST);
		_exit(statvfs(shm->options.mountpoint, &s) != 0);
	}
	if (pid > 0)
		h.probe_started = shm_clock();
}

static void server_hangs(void)
{
	log_error("the server did not answer for %u seconds; killing it", shm->options.health);
	stop_child(&shm->probe_pid);
	h.probe_started = 0;
	kill_server();
}

static void check_health(void)
{
	uint64_t requests = __atomic_load_n(&shm->count.requests, __ATOMIC_SEQ_CST);
	bool busy = requests != h.requests_seen;

	h.requests_seen = requests;
	if (h.probe_started && shm_clock() - h.probe_started > shm->options.health * 1000000000ULL) {
		server_hangs();
	} else if (!h.probe_started && busy) {
		start_probe();
	} else if (!h.probe_started) {
		/* Quiet, and the last probe was answered. The next request wakes us. */
		__atomic_store_n(&shm->watched, 0, __ATOMIC_SEQ_CST);
		if (__atomic_load_n(&shm->count.requests, __ATOMIC_SEQ_CST) == requests)
			return;
		__atomic_store_n(&shm->watched, 1, __ATOMIC_SEQ_CST);
	}
	arm(h.health, health_interval());
}

static void watch_health(void)
{
	if (shm->options.health)
		arm(h.health, health_interval());
}

/* ---- upgrade ---- */

static void upgrade(void)
{
	char *argv[] = { (char *)(uintptr_t)"instfs", (char *)(uintptr_t)"--internal-holder", (char *)(uintptr_t)"upgraded",
			 shm->options.mountpoint, NULL };
	struct err e = ERR_INIT;

	if (start_check(shm->exe, &e)) {
		log_error("%s", e.text);
		control_answer(e.text);
		return;
	}
	shm->upgrading = 1;
	shm_close_on_exec(false, FD_END);
	holder_fds_close_on_exec(false);
	execv(shm->exe, argv);
	log_error("%s: %s", shm->exe, strerror(errno));
	shm->upgrading = 0;
	shm_close_on_exec(true, FD_END);
	holder_fds_close_on_exec(true);
	control_answer("the program cannot be executed");
}

/* ---- events ---- */

static void server_ready(void)
{
	if (h.told == shm->ready || shm->ready != shm->generation)
		return;
	if (!h.told)
		service_notify("READY=1\nSTATUS=serving");
	if (shm->deaths)
		log_info("server %u took over %.1f ms after the end of the last one", shm->ready,
			 (double)(shm->ready_ns - shm->reaped_ns) / 1e6);
	h.told = shm->ready;
	tell_starter("R");
	if (shm->upgrading) {
		shm->upgrading = 0;
		log_info("version " INSTFS_VERSION " took over");
		control_answer("");
	}
	if (!shm->poker_pid)
		start_poker();
}

static void on_kick(void)
{
	drain(FD_KICK);
	server_ready();
	if (__atomic_load_n(&shm->watched, __ATOMIC_SEQ_CST))
		watch_health();
}

static void reap_children(void)
{
	siginfo_t i = { 0 };
	pid_t pid;

	/* The server's end is told by its pidfd. */
	if (shm->poker_pid && waitpid(shm->poker_pid, NULL, WNOHANG) == shm->poker_pid) {
		shm->poker_pid = 0;
		if (!h.stopping)
			start_poker();
	}
	pid = shm->probe_pid;
	if (pid && waitpid(pid, NULL, WNOHANG) == pid) {
		shm->probe_pid = 0;
		h.probe_started = 0;
	}
	/* Others are those that were stopped, by an earlier holder's program too, and who stopped the instances. */
	while (!waitid(P_ALL, 0, &i, WEXITED | WNOHANG | WNOWAIT) && i.si_pid && i.si_pid != shm->server_pid) {
		waitpid(i.si_pid, NULL, WNOHANG);
		i.si_pid = 0;
	}
	i.si_pid = 0;
	if (shm->server_pid && !waitid(P_PID, (id_t)shm->server_pid, &i, WSTOPPED | WNOHANG) && i.si_pid)
		watch_health();		/* somebody stopped it: nobody else would tell */
}

static void on_signal(void)
{
	struct signalfd_siginfo s;

	while (read(h.signals, &s, sizeof(s)) == sizeof(s)) {
		if (s.ssi_signo == SIGCHLD)
			reap_children();
		else if (s.ssi_signo == SIGHUP)
			upgrade();
		else if (s.ssi_signo == SIGPWR)
			shut_down();
		else if (!h.stopping)
			stop();
	}
}

static void on_retry(void)
{
	drain(h.retry);
	if (h.stopping) {
		log_warning("the tree is still in use; programs that use it lose it");
		kill_server();
		finish(0);
	} else if (!shm->server_pid) {
		start_server();
	}
}

static void loop(void)
{
	struct pollfd p[] = {
		{ .fd = h.signals, .events = POLLIN }, { .fd = FD_SERVER, .events = POLLIN }, { .fd = FD_KICK, .events = POLLIN },
		{ .fd = FD_STORE_PEER, .events = POLLIN }, { .fd = FD_CONTROL, .events = POLLIN }, { .fd = h.health, .events = POLLIN },
		{ .fd = h.retry, .events = POLLIN },
	};

	while (!h.done) {
		p[1].fd = shm->server_pid ? FD_SERVER : -1;
		if (poll(p, sizeof(p) / sizeof(*p), -1) < 0)
			continue;
		if (p[3].revents)
			holder_fds_serve();
		if (p[2].revents)
			on_kick();
		if (p[5].revents) {
			drain(h.health);
			check_health();
		}
		if (p[1].revents && !h.done)
			server_gone();
		if (p[6].revents && !h.done)
			on_retry();
		if (p[4].revents & POLLIN && control_accept())
			upgrade();
		if (p[0].revents && !h.done)
			on_signal();
	}
}

/* ---- birth ---- */

static void make_descriptors(void)
{
	static const int signals[] = { SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGPWR };
	sigset_t s;

	sigemptyset(&s);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaddset(&s, signals[i]);
	sigprocmask(SIG_SETMASK, &s, NULL);
	h.signals = signalfd(-1, &s, SFD_CLOEXEC | SFD_NONBLOCK);
	h.health = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	h.retry = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	shm_close_on_exec(true, FD_END);
	holder_fds_close_on_exec(true);
}

/* The killed holder's lock and name are free when the kernel has closed its descriptors: soon. */
static void take_names(void)
{
	int lock = start_open_lock(&shm->options, shm->kind), locked = -1, r = -EADDRINUSE;

	for (int i = 0; i < 20 && (locked < 0 || r == -EADDRINUSE); i++) {
		if (i)
			poll(NULL, 0, 50);
		if (locked < 0)
			locked = flock(lock, LOCK_EX | LOCK_NB);
		if (r == -EADDRINUSE)
			r = control_listen();
	}
	if (locked < 0 || shm_take_fd(lock, FD_LOCK))
		log_warning("%s cannot be locked", shm->options.state_dir);
	if (r)
		log_warning("instfs --upgrade will not find us: %s", strerror(-r));
}

static void begin_first(void)
{
	int r = control_listen();

	/* The name is that of the device number, which an unmounted tree had a moment ago, and whose holder has yet to see that it was. */
	for (int i = 0; r == -EADDRINUSE && i < 400; i++) {
		poll(NULL, 0, 50);
		r = control_listen();
	}
	if (r)
		log_warning("instfs --upgrade will not find us: %s", strerror(-r));
	start_server();
}

static void begin_upgraded(void)
{
	stop_child(&shm->poker_pid);
	stop_child(&shm->probe_pid);
	if (shm->server_pid)
		kill_server();
	else
		start_server();
}

static void begin_revived(void)
{
	const uint64_t one = 1;

	shm->poker_pid = shm->probe_pid = 0;
	holder_fds_forget_all();
	take_names();
	h.told = shm->ready;
	start_poker();
	/* A wakeup that the killed one had read and not acted upon. */
	if (write(FD_KICK, &one, sizeof(one)) < 0)
		log_warning("eventfd: %s", strerror(errno));
}

static void begin_restored(void)
{
	int pair[2];

	shm->poker_pid = shm->probe_pid = 0;
	holder_fds_forget_all();
	if (shm_take_fd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), FD_KICK) ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) ||
	    shm_take_fd(pair[0], FD_STORE) || shm_take_fd(pair[1], FD_STORE_PEER))
		log_error("descriptors: %s", strerror(errno));
	take_names();
	/* A server that does not know our socket is of no use. */
	if (shm->server_pid && !shm_take_fd(process_open(shm->server_pid, shm->server_start), FD_SERVER)) {
		kill_server();
	} else {
		shm->server_pid = 0;
		start_server();
	}
}

int holder_run(enum holder_birth birth, int ready_fd)
{
	static void (*const begin[])(void) = {
		[HOLDER_FIRST] = begin_first, [HOLDER_UPGRADED] = begin_upgraded,
		[HOLDER_REVIVED] = begin_revived, [HOLDER_RESTORED] = begin_restored,
	};

	h.ready_fd = ready_fd;
	if (chdir("/") < 0)
		log_warning("/: %s", strerror(errno));
	shm_take_fd((int)syscall(SYS_pidfd_open, getpid(), 0), FD_HOLDER);
	shm->holder_start = process_start_time(getpid());
	shm->holder_pid = getpid();
	make_descriptors();
	begin[birth]();
	service_store_fds();
	sender_start();
	loop();
	return h.status;
}
