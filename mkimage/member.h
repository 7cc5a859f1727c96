/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One member of an archive as it is put into the root file system. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "backends/core/err.h"

struct archive;
struct archive_entry;

/* What the unpacking of one archive carries from member to member. */
struct member_state {
	int root;			/* directory that names are relative to */
	char parent[4096];		/* directory that was used last, "" for none, and its descriptor */
	int parent_fd;
	struct member_directory {	/* set at the end: what is made inside changes the times, and inherits the ACL */
		char *path;
		struct timespec mtime;
		void *acl;		/* default ACL or NULL */
		size_t acl_len;
	} *directories;
	size_t n_directories, cap_directories;
	int64_t ids;
	uint64_t devices;		/* skipped nodes */
	/* Takes the next bytes of a file's contents into account, -errno to stop. */
	int (*count)(void *arg, uint64_t bytes, struct err *e);
	void *arg;
};

void member_begin(struct member_state *s, int root);
/* Makes what the entry describes at path (clean, relative to the root; "": the root itself). link: clean target of a hard link or NULL. */
int member_make(struct member_state *s, struct archive *a, struct archive_entry *entry, const char *path, const char *link,
		struct err *e);
/* After the last member: times and default ACLs of the directories. */
int member_finish(struct member_state *s, struct err *e);
void member_end(struct member_state *s);

/* Copies a file's contents to fd (-1: only counts them). */
int member_data(struct member_state *s, struct archive *a, int fd, const char *path, struct err *e);
