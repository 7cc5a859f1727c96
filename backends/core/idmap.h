/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Id maps. On disk a root file system has the ids that the guest sees (0 is root); a running unprivileged guest uses a range of
 * the host's ids through idmapped mounts, so that nothing is ever chowned. The range comes from root's (or, without a line
 * for root, the daemon user's) lines in /etc/subuid and /etc/subgid.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "backends/core/config.h"

#define IDMAP_EXTENTS_MAX 16

struct id_extent {
	uint32_t guest, host, count;
};

struct idmap {
	unsigned n_uid, n_gid;		/* both 0: privileged, ids are the host's */
	struct id_extent uid[IDMAP_EXTENTS_MAX], gid[IDMAP_EXTENTS_MAX];
};

/*
 * The map for an instance with that expanded configuration (security.privileged: empty). EPERM names the missing subuid line. For
 * security.idmap.isolated a range that no other instance has is chosen and kept in volatile/ (idmap_isolate()); EBUSY, ENOSPC.
 */
int idmap_for(const struct expanded *x, struct idmap *ret, struct err *e);

/* Whether it could have one, as far as that can be said without choosing. */
int idmap_check(const struct expanded *x, struct err *e);

/* raw.idmap as it would be written: lines "both|uid|gid HOST GUEST", ids or ranges of equal size, '#' comments. EINVAL, EPERM. */
int idmap_check_raw(const char *text, struct err *e);

/* Other files than /etc/subuid and /etc/subgid, for tests; the strings must stay. */
void idmap_use_files(const char *subuid, const char *subgid);

/*
 * The first id of a range of the host for an isolated instance (id 0: any, nothing is kept): base when it is not 0, else the one
 * it had, else the lowest that is free. lines: root's in /etc/subuid and /etc/subgid; shared: what all others have.
 */
struct idmap_lines {
	const struct id_extent *uid, *gid;	/* host, count */
	unsigned n_uid, n_gid;
	struct id_extent shared[2];
};
int idmap_isolate(uint32_t id, uint32_t base, uint32_t count, const struct idmap_lines *lines, uint32_t *ret, struct err *e);

/* Host id to guest id and back; ids outside of the map are 65534 (nobody) and false. */
bool idmap_to_guest(const struct idmap *m, bool group, uint32_t host, uint32_t *ret);
bool idmap_to_host(const struct idmap *m, bool group, uint32_t guest, uint32_t *ret);

/*
 * A user namespace with that map, as a descriptor for mount_setattr(), or -errno. The caller closes it; namespaces are shared by
 * equal maps. An empty map needs none: -EINVAL.
 */
int idmap_userns(const struct idmap *m, struct err *e);

/* Lines "both 0-65535 100000-165535" (guest, host; or uid, gid) for volatile/idmap and back; no line when privileged. */
void idmap_print(const struct idmap *m, struct buf *out);
int idmap_parse(const char *text, struct idmap *ret, struct err *e);
