/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The command line, in the manner of sshfs and of mount helpers. Plain data of fixed size: it lies in the shared memory. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "backends/core/err.h"

enum command { COMMAND_MOUNT, COMMAND_UPGRADE, COMMAND_SHUTDOWN, COMMAND_VERSION, COMMAND_HELP, COMMAND_LIST_KEYS, COMMAND_LIST_DEVICES };
enum takeover { TAKEOVER_AUTO, TAKEOVER_RESEND, TAKEOVER_JOURNAL };

struct options {
	uint32_t command;		/* enum command */
	uint32_t takeover;		/* enum takeover: how requests under way get to the next server */
	uint64_t mount_flags;		/* MS_* */
	uint32_t owner;			/* uid of who mounted */
	uint32_t health;		/* seconds that a server may take to answer; 0: for ever */
	uint8_t foreground, debug, allow_other, default_permissions, read_only, pad[3];
	char mountpoint[4096];		/* absolute */
	char fsname[256];
	char state_dir[4096];		/* absolute */
	char backend[32], storage[32];	/* "" for the default */
};

/* EINVAL with a sentence. Mount point and state directory are made absolute; the mount point must exist. */
int options_parse(int argc, char **argv, struct options *ret, struct err *e);
void options_help(void);
