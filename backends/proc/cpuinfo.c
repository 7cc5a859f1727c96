// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * /proc/cpuinfo: the host's blocks of the CPUs that the instance has, numbered from 0, and the common parts that some architectures
 * write around them.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>

#include "backends/core/cleanup.h"
#include "backends/proc/host.h"
#include "backends/proc/scan.h"
#include "backends/proc/show.h"

#define MHZ_WIDTH 9		/* "12345.678" */
#define STEP 64

struct filter {
	const struct cpus *set;
	unsigned count;
	bool keep;		/* the block that is being read */
	unsigned missing;	/* letters that changing numbers have less than they might */
	struct buf *out;
};

/* arm64 tells 32-bit programs other things, by the personality of the thread that reads. */
static int read_host(struct proc_source *s, struct buf *out)
{
	int old = s->facts.personality ? personality((unsigned long)s->facts.personality) : -1, r;

	r = host_read(HOST_CPUINFO, out);
	if (old >= 0)
		personality((unsigned long)old);
	return r;
}

/* What number the line gives to a CPU: "processor\t: 3", or s390's "processor 3: ..." and "cpu number      : 3". -1: it does not. */
static long number_of(const char *line, const char **number)
{
	const char *p = !strncmp(line, "processor", 9) ? line + 9 : !strncmp(line, "cpu number", 10) ? line + 10 : NULL;

	if (!p)
		return -1;
	p += strspn(p, "\t ");
	if (*p == ':')
		p++;
	p += strspn(p, "\t ");
	*number = p;
	return isdigit((unsigned char)*p) ? strtol(p, NULL, 10) : -1;
}

/* The number under which the instance has that CPU, or -1. */
static int shown_as(const struct filter *f, long cpu)
{
	int i = cpus_find(f->set, (unsigned)cpu);

	return i >= 0 && (unsigned)i < f->count ? i : -1;
}

static void add_numbered(struct filter *f, const char *line, const char *number, long cpu)
{
	int i = shown_as(f, cpu);
	const char *rest = number + strspn(number, "0123456789");

	f->keep = i >= 0;
	if (f->keep)
		buf_addf(f->out, "%.*s%d%.*s\n", (int)(number - line), line, i, (int)strcspn(rest, "\n"), rest);
}

static void add_line(struct filter *f, const char *line)
{
	size_t len = strcspn(line, "\n");
	const char *number, *dot;
	long cpu = number_of(line, &number);

	if (cpu >= 0) {
		add_numbered(f, line, number, cpu);
		/* s390: such a line is a block by itself */
		if (number[-1] == ' ' && memchr(number, ':', len - (size_t)(number - line)))
			f->keep = true;
		return;
	}
	if (!strncmp(line, "# processors", 12)) {
		buf_addf(f->out, "%.*s: %u\n", (int)strcspn(line, ":\n"), line, f->count);
		return;
	}
	if (!f->keep) {
		/* what follows an empty line without the number of a CPU is common to all */
		f->keep = !len;
		return;
	}
	buf_add(f->out, line, len);
	buf_addch(f->out, '\n');
	dot = !strncmp(line, "cpu MHz", 7) ? memchr(line, ':', len) : NULL;
	if (dot && (size_t)(line + len - dot - 2) < MHZ_WIDTH)
		f->missing += MHZ_WIDTH - (unsigned)(line + len - dot - 2);
}

/* Blanks at the end of the last line that is not empty make up for frequencies with fewer digits. */
static void even_out(struct filter *f)
{
	size_t end = f->out->len;
	_cleanup_buf_ struct buf tail = BUF_INIT;

	while (end && f->out->data[end - 1] == '\n')
		end--;
	buf_add(&tail, f->out->data + end, f->out->len - end);
	buf_resize(f->out, end);
	for (unsigned i = 0; i < f->missing; i++)
		buf_addch(f->out, ' ');
	buf_addstr(f->out, buf_str(&tail));
}

int cpuinfo_show(struct proc_source *s, unsigned cpu, struct buf *out)
{
	_cleanup_buf_ struct buf host = BUF_INIT;
	_cleanup_cpus_ struct cpus set = CPUS_INIT;
	struct filter f = { .set = &set, .keep = true, .out = out };
	int r = source_cpus(s, &set, &f.count);

	if (r == 0 && read_host(s, &host) == -ENOMEM)
		r = -ENOMEM;
	if (r < 0)
		return r;
	for (const char *l = host.len ? host.data : NULL; l; l = scan_next(l))
		add_line(&f, l);
	if (out->len)
		even_out(&f);
	return 0;
}
