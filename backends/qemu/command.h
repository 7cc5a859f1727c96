/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The command line of a QEMU, with the descriptors that it inherits: it opens nothing of the host by name but its own modules. */
#pragma once

#include "backends/core/config.h"
#include "backends/core/spawn.h"
#include "backends/qemu/place.h"

#define QEMU "/usr/bin/qemu-system-x86_64"
#define SETPRIV "/usr/bin/setpriv"

struct command {
	char *argv[96];			/* ended by NULL */
	size_t n;
	struct spawn_fd fds[12];	/* the sockets, and then its own */
	size_t n_fds;
	int code;			/* -ENOMEM: something is missing */
};

#define _cleanup_command_ __attribute__((cleanup(command_free)))
void command_free(struct command *c);

/* One word; and a descriptor, which is taken over: its number in QEMU. */
void command_add(struct command *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int command_pass(struct command *c, int fd);

/* What is configured, or the default: 1 GiB and one CPU, as LXD has it. */
int command_memory(const struct expanded *x, uint64_t *bytes, struct err *e);
int command_cpus(const struct expanded *x, unsigned *n, struct err *e);

/* sockets: listening ones, in the order of enum vm_socket; they stay the caller's. */
int command_make(struct command *c, struct object *o, const struct place *p, const struct expanded *x, const int *sockets, struct err *e);
