/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Directories inside of instances, profiles and images, each defined beside its rows. */
#pragma once

#include "fs/row.h"

extern const struct children instance_children;		/* the top of an instance, profile or image: scratch files only */
extern const struct dir config_dir, devices_dir;	/* values; also in profiles */
extern const struct dir expanded_dir, usage_dir, runtime_dir, runtime_devices_dir, volatile_dir, wait_dir;
extern const struct dir snapshots_dir, execs_dir;
