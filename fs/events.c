// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A reader of `events` starts at the head of the log at its open: fh is that position. Its file offset plus fh is a position in the
 * log, until it was too slow once: then it gets one line that says so, and from there another difference holds, which is
 * kept (KEEP_STREAM by fh) with the offset where it begins, so that a read that is repeated after a restart gets the same answer.
 */
#include "fs/events.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backends/core/event.h"
#include "backends/core/keep.h"
#include "fs/edit.h"
#include "fs/view.h"

struct position {
	uint64_t base;		/* log position of file offset 0 */
	uint64_t gap_at;	/* file offset of the gap line, UINT64_MAX: none yet */
	uint64_t gap_len;
	uint64_t after;		/* log position of file offset gap_at + gap_len */
};

static uint64_t stream_open(struct view *v)
{
	const uint64_t fh = FH_READER | edit_number();
	const struct position p = { .base = event_head(), .gap_at = UINT64_MAX };

	keep_put(KEEP_STREAM, fh, &p, sizeof(p));
	return fh;
}

static uint64_t log_position(const struct position *p, uint64_t off)
{
	return off < p->gap_at ? p->base + off : p->after + (off - p->gap_at - p->gap_len);
}

/* The number of the event at a position of the log. */
static unsigned long long sequence_at(uint64_t pos)
{
	static const char head[] = "{\"seq\":";
	_cleanup_buf_ struct buf b = BUF_INIT;
	bool gap = false;

	event_read(pos, 4096, &b, &gap);
	return strncmp(buf_str(&b), head, strlen(head)) ? 1 : strtoull(b.data + strlen(head), NULL, 10);
}

/* The reader lost something: says so, with the number of the last event that it lost, and goes on with the oldest that is there. */
static void put_gap(uint64_t fh, struct position *p, uint64_t off, uint64_t pos, struct buf *out)
{
	uint64_t tail = event_tail();

	buf_addf(out, "{\"seq\":%llu,\"type\":\"gap\",\"lost_bytes\":%llu}\n", sequence_at(tail) - 1,
		 (unsigned long long)(tail - pos));
	p->base = log_position(p, off) - off;
	p->gap_at = off;
	p->gap_len = out->len;
	p->after = tail;
	keep_put(KEEP_STREAM, fh, p, sizeof(*p));
}

static int stream_wait(struct view *v, uint64_t fh, size_t size, off_t off, struct buf *out, struct err *e)
{
	struct position p;
	uint64_t pos;
	bool gap = false;

	if (!keep_get_struct(KEEP_STREAM, fh, &p, sizeof(p)))
		p = (struct position){ .base = event_head(), .gap_at = UINT64_MAX };
	if ((uint64_t)off >= p.gap_at && (uint64_t)off < p.gap_at + p.gap_len) {
		put_gap(fh, &p, (uint64_t)off, p.base + (uint64_t)off, out);
		return 0;
	}
	pos = log_position(&p, (uint64_t)off);
	if (event_head() > pos) {
		event_read(pos, size, out, &gap);
		if (gap) {
			buf_reset(out);
			put_gap(fh, &p, (uint64_t)off, pos, out);
		}
		return buf_error(out);
	}
	v->wait_id = event_wait(pos, v->ready, v->done_arg);
	return 1;
}

const struct stream events_stream = { .open_read = stream_open, .wait = stream_wait, .cancel = event_cancel };

static int log_read(struct view *v, size_t size, off_t off, struct buf *out, struct err *e)
{
	uint64_t tail = event_tail(), head = event_head();
	bool gap = false;

	if (off < 0 || tail + (uint64_t)off >= head)
		return 0;
	event_read(tail + (uint64_t)off, size, out, &gap);
	return buf_error(out);
}

static int log_size(struct view *v, uint64_t *ret, struct err *e)
{
	*ret = event_head() - event_tail();
	return 0;
}

const struct stream events_log_stream = { .read = log_read, .size = log_size };
