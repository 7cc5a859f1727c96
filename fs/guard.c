// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A new holder is a child of the server by birth only: it is in a session of its own, inherits the descriptors the server
 * has, and watches the server by a pidfd, so that neither's death is more to the other than an event.
 */
#include "fs/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backends/core/cleanup.h"
#include "backends/core/watch.h"
#include "fs/holder.h"
#include "fs/log.h"
#include "fs/shm.h"
#include "fs/start.h"

static int spawn_holder(int peer, int self, pid_t *pid)
{
	posix_spawn_file_actions_t fa;
	int r = posix_spawn_file_actions_init(&fa);

	if (r)
		return -r;
	shm_pass_fds(&fa, FD_HOLDER);
	posix_spawn_file_actions_adddup2(&fa, peer, FD_STORE_PEER);
	posix_spawn_file_actions_adddup2(&fa, self, FD_SERVER);
	r = start_self("--internal-holder", "revived", &fa, pid);
	posix_spawn_file_actions_destroy(&fa);
	return r;
}

/* Out of the way of the numbers that the child gives out one after the other. */
static int move_high(int fd)
{
	int high = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, FD_END);

	if (fd >= 0)
		close(fd);
	return high;
}

static int revive(void)
{
	_cleanup_close_ int peer = move_high(holder_fds_reconnect());
	_cleanup_close_ int self = move_high((int)syscall(SYS_pidfd_open, getpid(), 0));
	pid_t pid = 0;
	int r;

	if (peer < 0 || self < 0)
		return -EMFILE;
	r = spawn_holder(peer, self, &pid);
	if (!r)
		r = shm_take_fd((int)syscall(SYS_pidfd_open, pid, 0), FD_HOLDER);
	if (!r)
		holder_fds_store_again();
	return r;
}

static void *guard(void *unused)
{
	struct pollfd p = { .fd = FD_HOLDER, .events = POLLIN };
	int r;

	holder_fds_copy_all();
	for (;;) {
		if (poll(&p, 1, -1) < 0)
			continue;
		if (__atomic_load_n(&shm->state, __ATOMIC_SEQ_CST) == SHM_UNMOUNTED)
			return NULL;
		waitid(P_PIDFD, FD_HOLDER, &(siginfo_t){ 0 }, WEXITED | WNOHANG);
		r = revive();
		if (r)
			log_error("no other holder can be started: %s", strerror(-r));
		else
			log_warning("the holder was killed; started another one");
		/* One that dies at once must not make us a fork bomb. */
		poll(NULL, 0, r ? 1000 : 100);
	}
	return NULL;
}

int guard_start(void)
{
	return watch_thread(guard, NULL);
}
