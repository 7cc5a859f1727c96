/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One thread that waits for processes to end (pidfds) and for descriptors to become readable. No polling, no wakeups when
 * idle.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

int watch_init(void);
/*
 * f(arg) is called from the watch thread each time fd is readable (pidfd: the process ended). The fd stays the caller's;
 * returns an id.
 */
int64_t watch_add(int fd, void (*f)(void *arg), void *arg);
void watch_del(int64_t id);		/* after it returns f is not running and will not be called (unless called from f itself) */
int64_t watch_timer(unsigned ms, void (*f)(void *arg), void *arg);	/* once; watch_del() cancels */
int watch_thread(void *(*f)(void *arg), void *arg);	/* for work that takes longer than those calls may; detached */

/* Start time of a process, field 22 of /proc/PID/stat, 0 when there is none. */
uint64_t process_start_time(pid_t pid);
/* Whether a signal ended it, and it is on its way out. */
bool process_was_killed(pid_t pid);
/* A set of signals in the text of /proc/PID/status: field is "\nSigBlk:" or the like; bit 0 is signal 1. Not there: none. */
uint64_t process_signals(const char *status, const char *field);
/* Whether a signal waits for a thread that is more than news (of a child, of a window); also when it cannot be told. */
bool process_is_interrupted(pid_t tid);
/* A pidfd for pid if its start time is that one, else -ESRCH. */
int process_open(pid_t pid, uint64_t start_time);
/* What has ended hears nothing. */
void process_signal(int pidfd, int sig);
/* Waits at most ms (-1: for ever) until fd can be read; of a pidfd: until its process has ended. */
bool watch_wait(int fd, int ms);
