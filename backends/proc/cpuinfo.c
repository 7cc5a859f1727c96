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

/* Where a block's CPU is, as its own lines say: -1 when they do not. And what follows from all that are shown. */
struct where {
	long package, core;
	unsigned siblings, cores;
};

struct filter {
	const struct cpus *set;
	unsigned count;
	bool keep;		/* the block that is being read */
	struct where *where;	/* of each CPU that is shown */
	struct where *here;	/* of the block that is being read; NULL: it is of none */
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
	f->here = i >= 0 ? &f->where[i] : NULL;
	if (f->keep)
		buf_addf(f->out, "%.*s%d%.*s\n", (int)(number - line), line, i, (int)strcspn(rest, "\n"), rest);
}

/* The number of a line "NAME\t: NUMBER", -1: it is another one. */
static long value_of(const char *line, const char *name)
{
	size_t n = strlen(name);

	if (strncmp(line, name, n) != 0 || (line[n] != '\t' && line[n] != ' '))
		return -1;
	line += n + strspn(line + n, "\t :");
	return isdigit((unsigned char)*line) ? strtol(line, NULL, 10) : -1;
}

static bool same_core(const struct where *a, const struct where *b)
{
	return a->package == b->package && a->core == b->core;
}

/* How many CPUs and cores of each package the instance has. */
static void count_all(struct filter *f)
{
	for (unsigned i = 0; i < f->count; i++) {
		struct where *w = &f->where[i];
		bool first = true;

		for (unsigned j = 0; j < i && first; j++)
			first = !same_core(&f->where[j], w);
		for (unsigned j = 0; j < f->count; j++) {
			f->where[j].siblings += f->where[j].package == w->package;
			f->where[j].cores += first && f->where[j].package == w->package;
		}
	}
}

static void locate(struct filter *f, const char *host)
{
	struct where *w = NULL;

	for (unsigned i = 0; i < f->count; i++)
		f->where[i] = (struct where){ -1, -1, 0, 0 };
	for (const char *l = host; l; l = scan_next(l)) {
		const char *number;
		long cpu = number_of(l, &number), package = value_of(l, "physical id"), core = value_of(l, "core id");
		int i = cpu >= 0 ? shown_as(f, cpu) : -1;

		if (cpu >= 0)
			w = i >= 0 ? &f->where[i] : NULL;
		if (w && package >= 0)
			w->package = package;
		if (w && core >= 0)
			w->core = core;
	}
	count_all(f);
}

/* What says how many there are on the host says how many the instance has. False: another line. */
static bool add_count(struct filter *f, const char *line)
{
	bool siblings = f->here && f->here->package >= 0 && value_of(line, "siblings") >= 0;

	if (!siblings && (!f->here || f->here->package < 0 || value_of(line, "cpu cores") < 0))
		return false;
	buf_addf(f->out, "%.*s: %u\n", (int)strcspn(line, ":\n"), line, siblings ? f->here->siblings : f->here->cores);
	return true;
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
	if (add_count(f, line))
		return;
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

int cpuinfo_show(struct proc_source *s, const struct proc_place *at, struct buf *out)
{
	_cleanup_buf_ struct buf host = BUF_INIT;
	_cleanup_cpus_ struct cpus set = CPUS_INIT;
	_cleanup_free_ struct where *where = NULL;
	struct filter f = { .set = &set, .keep = true, .out = out };
	int r = source_cpus(s, &set, &f.count);

	if (r == 0 && read_host(s, &host) == -ENOMEM)
		r = -ENOMEM;
	if (r < 0)
		return r;
	where = calloc(f.count, sizeof(*where));
	if (!where)
		return -ENOMEM;
	f.where = where;
	locate(&f, host.len ? host.data : NULL);
	for (const char *l = host.len ? host.data : NULL; l; l = scan_next(l))
		add_line(&f, l);
	if (out->len)
		even_out(&f);
	return 0;
}
