/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * instfs-lxc: the program that calls liblxc, one process per task, so that the threaded server never does. It is started by the
 * server and outlives it.
 *
 *   instfs-lxc start DIR NAME           starts the container DIR/NAME/config describes and stays as its monitor
 *   instfs-lxc exec DIR NAME EXECDIR    runs a command in it; inputs and outputs are files in EXECDIR (exec.h)
 *   instfs-lxc mounts SOURCE TARGET ... binds them over a running container's files; descriptor 3 is a pidfd of its init
 *   instfs-lxc mount|unmount ...       gives a running container a mount of the host, or takes it (helper_mount.c)
 *   instfs-lxc device DIR NAME ...     allows or denies a device of a running container (helper_device.c)
 *   instfs-lxc version                  the version of liblxc
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#define REBOOT_FILE "reboot"	/* beside the configuration: the guest that just ended wants to be started again */

struct helper {
	const char *dir;	/* liblxc's "lxcpath" */
	const char *name;
};

int helper_start(const struct helper *h);
int helper_mounts(int argc, char *const argv[]);
int helper_exec(const struct helper *h, const char *exec_dir);
/* The arguments are in their file; they return an errno for the exit status. */
int helper_device(char *const *args);
int helper_mount(char *const *args);
int helper_unmount(char *const *args);

struct lxc_container;

/* Installs the filter for system calls of 32-bit programs when the container wants it (a file deny-compat beside its config). */
int helper_deny_compat(const struct helper *h);
/* Has the view server answer system calls of this process and its children, if the container wants it (helper_intercept.c). -errno. */
int helper_intercept(const struct helper *h);
/* Commands get the limits that init has now. */
void helper_limits_of_init(struct lxc_container *c);

/* What `ps` shows; at most as long as the arguments were. */
void helper_title(const char *fmt, const char *name);
