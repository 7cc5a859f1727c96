// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The child that unpacks (mkimage/unpacker.c): started, its lines read, its end awaited. It dies with the server, and
 * holds a lock on its directory until both of its processes are gone (base_stage() waits for that). No state, no locks.
 */
#include "backends/core/image_unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backends/core/cleanup.h"
#include "backends/core/spawn.h"
#include "backends/core/storage.h"
#include "backends/core/value.h"

#define OUTPUT_MAX (8u << 20)

struct reading {
	struct op *op;
	char fingerprint[65];
	uint64_t size;
	struct buf line;
	struct buf report;	/* the line that is JSON */
};

/* ---- lines ---- */

static void take_line(struct reading *rd)
{
	const char *line = buf_str(&rd->line);
	uint64_t done, total;

	if (line[0] == '{') {
		buf_reset(&rd->report);
		buf_addstr(&rd->report, line);
	} else if (sscanf(line, "progress %" SCNu64 " %" SCNu64, &done, &total) == 2) {
		if (rd->op && total)
			op_progress(rd->op, "unpack %u%% (%" PRIu64 " MiB of %" PRIu64 " MiB)", (unsigned)(done * 100 / total), done >> 20,
				    total >> 20);
	} else if (!rd->fingerprint[0]) {
		sscanf(line, "fingerprint %64s %" SCNu64, rd->fingerprint, &rd->size);
	}
}

static int take_output(struct reading *rd, const char *data, size_t len)
{
	while (len) {
		const char *end = memchr(data, '\n', len);
		size_t n = end ? (size_t)(end - data) : len;

		buf_add(&rd->line, data, n);
		if (buf_error(&rd->line) || rd->line.len > OUTPUT_MAX)
			return -E2BIG;
		if (end) {
			take_line(rd);
			buf_reset(&rd->line);
			n++;
		}
		data += n;
		len -= n;
	}
	return 0;
}

static int read_output(struct reading *rd, int fd)
{
	char chunk[16384];

	for (;;) {
		ssize_t n = read(fd, chunk, sizeof(chunk));
		int r;

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0;
		r = take_output(rd, chunk, (size_t)n);
		if (r < 0)
			return r;
	}
}

/* ---- the child ---- */

static int wait_end(const struct spawned *child, int *status)
{
	struct pollfd p = { .fd = child->pidfd, .events = POLLIN };

	while (poll(&p, 1, -1) < 0 && errno == EINTR)
		;
	return spawn_reap(child->pidfd, status);
}

static int run_child(int fd, const char *dir, struct reading *rd, int *status, struct err *e)
{
	const char *argv[] = { "instfs-unpack", dir, NULL };
	_cleanup_close_ int in = -1, out = -1;
	struct spawned child = { .pidfd = -1 };
	char path[512];
	int p[2], r;

	r = spawn_helper("instfs-unpack", path, sizeof(path), e);
	if (r < 0)
		return r;
	if (pipe2(p, O_CLOEXEC) < 0)
		return err_sys(e, errno, "cannot make a pipe");
	in = p[0];
	out = p[1];
	const struct spawn s = { .path = path, .argv = argv, .in = fd, .out = out, .die_with_server = true };

	r = spawn_start(&s, &child, e);
	if (r < 0)
		return r;
	close(steal_fd(&out));
	r = read_output(rd, in);
	/* Not reading any more makes it end. */
	close(steal_fd(&in));
	if (wait_end(&child, status) < 0)
		r = -ECHILD;
	close(child.pidfd);
	return r < 0 ? err_sys(e, -r, "cannot follow the unpacking of the image") : 0;
}

/* ---- what it found ---- */

static int failure(const json_t *report, int status, struct err *e)
{
	json_int_t code = json_integer_value(json_object_get(report, "errno"));
	const char *text = json_string_value(json_object_get(report, "error"));

	if (code > 0 && code < 4096 && text)
		return err_set(e, (int)code, "%s", text);
	if (WIFSIGNALED(status))
		return err_set(e, EIO, "the unpacking of the image was ended by signal %d", WTERMSIG(status));
	return err_set(e, EIO, "the unpacking of the image ended without a word (status %d)", WEXITSTATUS(status));
}

static bool is_text(const json_t *facts, const char *name)
{
	const char *s = json_string_value(json_object_get(facts, name));

	return s && *s && strlen(s) <= 64 && value_line(s, strlen(s), NULL) == 0;
}

int image_facts_check(const json_t *facts, struct err *e)
{
	const json_t *p = json_object_get(facts, "properties"), *value;
	bool good = is_text(facts, "fingerprint") && base_is_fingerprint(json_string_value(json_object_get(facts, "fingerprint"))) &&
		    is_text(facts, "type") && is_text(facts, "architecture") && json_is_integer(json_object_get(facts, "size")) &&
		    json_is_integer(json_object_get(facts, "created")) && json_is_integer(json_object_get(facts, "expires")) &&
		    json_is_object(p) && json_object_size(p) <= 1024;
	const char *name;

	if (!good)
		return err_set(e, EIO, "what the unpacking says of the image makes no sense");
	json_object_foreach((json_t *)p, name, value) {
		if (name_check("property", name, NULL) < 0 || !json_is_string(value) || json_string_length(value) > 8192 ||
		    value_text(json_string_value(value), json_string_length(value), NULL) < 0)
			return err_set(e, EIO, "what the unpacking says of the image's properties makes no sense");
	}
	return 0;
}

static int conclude(struct reading *rd, int status, json_t **ret, struct err *e)
{
	json_t *report = rd->report.len ? json_loads(rd->report.data, JSON_REJECT_DUPLICATES, NULL) : NULL;
	int r;

	if (status || !rd->fingerprint[0]) {
		r = failure(report, status, e);
		json_decref(report);
		return r;
	}
	if (report) {
		json_object_set_new(report, "fingerprint", json_string(rd->fingerprint));
		json_object_set_new(report, "size", json_integer((json_int_t)rd->size));
	}
	r = image_facts_check(report, e);
	if (r < 0) {
		json_decref(report);
		return r;
	}
	*ret = report;
	return 0;
}

int image_unpack(int fd, const char *dir, struct op *op, json_t **ret, struct err *e)
{
	struct reading rd = { .op = op, .line = BUF_INIT, .report = BUF_INIT };
	int r, status = 0;

	if (lseek(fd, 0, SEEK_SET) < 0)
		return err_sys(e, errno, "cannot read the image");
	r = run_child(fd, dir, &rd, &status, e);
	if (!r)
		r = conclude(&rd, status, ret, e);
	buf_free(&rd.line);
	buf_free(&rd.report);
	return r;
}
