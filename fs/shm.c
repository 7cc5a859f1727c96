// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/shm.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "backends/core/keep.h"

struct shm *shm;

uint64_t shm_clock(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

int shm_take_fd(int fd, int number)
{
	int high, r;

	if (fd < 0)
		return fd;
	/* By way of a high number: the source may stand where another one belongs. */
	high = fcntl(fd, F_DUPFD_CLOEXEC, FD_END);
	if (high < 0)
		return -errno;
	if (fd != number)
		close(fd);
	r = dup3(high, number, O_CLOEXEC) < 0 ? -errno : 0;
	close(high);
	return r;
}

void shm_release_fd(int number)
{
	dup3(FD_SHM, number, O_CLOEXEC);
}

void shm_pass_fds(posix_spawn_file_actions_t *fa, int end)
{
	for (int fd = FD_FUSE; fd < end; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			posix_spawn_file_actions_adddup2(fa, fd, fd);
}

void shm_close_on_exec(bool on, int end)
{
	for (int fd = FD_FUSE; fd < end; fd++)
		fcntl(fd, F_SETFD, on ? FD_CLOEXEC : 0);
}

static int map(struct err *e)
{
	struct shm *p;
	struct stat st;

	if (fstat(FD_SHM, &st) < 0)
		return err_sys(e, errno, "shared memory");
	p = mmap(NULL, sizeof(*p), PROT_READ | PROT_WRITE, MAP_SHARED, FD_SHM, 0);
	if (p == MAP_FAILED)
		return err_sys(e, errno, "shared memory");
	shm = p;
	for (int fd = FD_FUSE; fd < FD_END; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			shm_release_fd(fd);
	return 0;
}

static int shared_file(const char *name, size_t size, int number, struct err *e)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 || ftruncate(fd, (off_t)size) < 0 || fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) < 0 ||
	    shm_take_fd(fd, number) < 0)
		return err_sys(e, errno, "shared memory of %zu bytes", size);
	return 0;
}

int shm_create(const struct options *o, enum shm_kind kind, struct err *e)
{
	int pair[2], r;

	r = shared_file("instfs", sizeof(struct shm), FD_SHM, e);
	if (!r)
		r = shared_file("instfs-keep", KEEP_SIZE, FD_KEEP, e);
	if (!r)
		r = map(e);
	if (r)
		return r;
	if (shm_take_fd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), FD_KICK) < 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(e, errno, "descriptors");
	if (shm_take_fd(pair[0], FD_STORE) < 0 || shm_take_fd(pair[1], FD_STORE_PEER) < 0)
		return err_sys(e, errno, "descriptors");
	shm->options = *o;
	shm->kind = kind;
	r = (int)readlink("/proc/self/exe", shm->exe, sizeof(shm->exe) - 1);
	if (r < 0)
		return err_sys(e, errno, "/proc/self/exe");
	shm->size = sizeof(struct shm);
	shm->version = SHM_VERSION;
	shm->magic = SHM_MAGIC;
	return 0;
}

int shm_attach(struct err *e)
{
	struct stat st;

	if (fstat(FD_SHM, &st) < 0)
		return err_sys(e, errno, "no shared memory: this is for the daemon's own use");
	if ((size_t)st.st_size < sizeof(*shm))
		return err_set(e, EPROTO, "the running daemon is older than this program can take over; mount again");
	if (map(e))
		return -e->code;
	if (shm->magic != SHM_MAGIC || shm->version != SHM_VERSION || shm->size != sizeof(*shm)) {
		munmap(shm, sizeof(*shm));
		shm = NULL;
		return err_set(e, EPROTO, "the running daemon has shared memory of another version than %d; mount again", SHM_VERSION);
	}
	return 0;
}

void shm_lock_memory(void)
{
	if (mlockall(MCL_CURRENT | MCL_ONFAULT) < 0)
		return;
	mlock(shm->slots, sizeof(shm->slots));
	munlock(&shm->notify, sizeof(shm->notify) + sizeof(shm->touch));
}
