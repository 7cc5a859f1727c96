// SPDX-License-Identifier: LGPL-2.1-or-later
#include "backends/core/probe.h"

#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "backends/core/hash.h"
#include "backends/core/keep.h"

#define PROBE_KEYS (1ULL << 62)		/* backends use object ids, which are below */

struct probe {
	uint64_t ino, size;		/* of the program: another one may find something else */
	struct timespec mtime;
	int32_t result;
	char text[236];
};

static uint64_t key_of(const char *what)
{
	return PROBE_KEYS | hash_bytes(HASH_INIT, what, strlen(what)) >> 2;
}

static bool stamp_program(struct probe *p)
{
	struct stat st;

	memset(p, 0, sizeof(*p));
	if (stat("/proc/self/exe", &st))
		return false;
	p->ino = st.st_ino;
	p->size = (uint64_t)st.st_size;
	p->mtime = st.st_mtim;
	return true;
}

bool probe_known(const char *what, int *result, struct buf *text)
{
	struct probe now, p;

	if (!stamp_program(&now) || !keep_get_struct(KEEP_BACKEND, key_of(what), &p, sizeof(p)) || p.ino != now.ino ||
	    p.size != now.size || p.mtime.tv_sec != now.mtime.tv_sec || p.mtime.tv_nsec != now.mtime.tv_nsec)
		return false;
	p.text[sizeof(p.text) - 1] = '\0';
	if (text)
		buf_addstr(text, p.text);
	*result = p.result;
	return true;
}

void probe_remember(const char *what, int result, const char *text)
{
	struct probe p;

	if (!stamp_program(&p) || strlen(text) >= sizeof(p.text))
		return;
	p.result = result;
	memcpy(p.text, text, strlen(text));
	keep_put(KEEP_BACKEND, key_of(what), &p, sizeof(p));
}
