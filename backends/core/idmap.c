// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Id maps: made of the lines of /etc/subuid and /etc/subgid and of raw.idmap, printed and parsed. User namespaces that carry
 * them are in idmap_userns.c. Maps are values, nothing is kept; the files are read each time, so that an edit counts at once.
 */
#include "backends/core/idmap.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "backends/core/cleanup.h"
#include "backends/core/value.h"

#define DEFAULT_IDS 65536u
#define NOBODY 65534u
#define ID_MAX (UINT32_MAX - 1)		/* the kernel reserves the last one */
#define SUBID_LINES_MAX 64
#define SUBID_FILE_MAX (4u << 20)

struct side {				/* uids or gids */
	const char *word, *path;
	struct id_extent *extents;
	unsigned *n;
	struct id_extent own[SUBID_LINES_MAX];	/* lines of the file that are ours: host, count */
	unsigned n_own;
};

static const char *subuid_path = "/etc/subuid", *subgid_path = "/etc/subgid";

void idmap_use_files(const char *subuid, const char *subgid)
{
	subuid_path = subuid;
	subgid_path = subgid;
}

/* ---- /etc/subuid and /etc/subgid ---- */

static bool is_owner(const char *field, size_t len, uid_t uid, const char *name)
{
	char number[16];

	snprintf(number, sizeof(number), "%u", (unsigned)uid);
	return (strlen(number) == len && !memcmp(field, number, len)) || (*name && strlen(name) == len && !memcmp(field, name, len));
}

/* "owner:first:count" */
static bool parse_subid(const char *line, size_t len, uid_t uid, const char *name, struct id_extent *ret)
{
	const char *colon = memchr(line, ':', len);
	unsigned long long first, count;
	char *end;

	if (!colon || !is_owner(line, (size_t)(colon - line), uid, name) || colon[1] < '0' || colon[1] > '9')
		return false;
	first = strtoull(colon + 1, &end, 10);
	if (end[0] != ':' || end[1] < '0' || end[1] > '9')
		return false;
	count = strtoull(end + 1, &end, 10);
	if (end > line + len || !count || first > ID_MAX || count > ID_MAX - first + 1)
		return false;
	*ret = (struct id_extent){ .host = (uint32_t)first, .count = (uint32_t)count };
	return true;
}

static void collect(struct side *s, const char *text, uid_t uid, const char *name)
{
	for (const char *p = text; *p && s->n_own < SUBID_LINES_MAX;) {
		size_t len = strcspn(p, "\n");

		s->n_own += parse_subid(p, len, uid, name, &s->own[s->n_own]);
		p += len + (p[len] == '\n');
	}
}

static void user_name(uid_t uid, char *buf, size_t size)
{
	struct passwd pw, *found = NULL;
	char text[2048];

	buf[0] = '\0';
	if (getpwuid_r(uid, &pw, text, sizeof(text), &found) == 0 && found)
		snprintf(buf, size, "%s", pw.pw_name);
}

static int read_side(struct side *s, struct err *e)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	int r = buf_read_file(&text, -1, s->path, SUBID_FILE_MAX);
	char name[128];

	if (r < 0 && r != -ENOENT)
		return err_sys(e, -r, "%s", s->path);
	collect(s, buf_str(&text), 0, "root");
	if (!s->n_own && geteuid() != 0) {
		user_name(geteuid(), name, sizeof(name));
		collect(s, buf_str(&text), geteuid(), name);
	}
	return 0;
}

/* ---- building ---- */

static int by_guest(const void *a, const void *b)
{
	const struct id_extent *x = a, *y = b;

	return x->guest < y->guest ? -1 : x->guest > y->guest;
}

static int add_extent(struct side *s, uint32_t guest, uint32_t host, uint32_t count, struct err *e)
{
	if (!count)
		return 0;
	if (*s->n == IDMAP_EXTENTS_MAX)
		return err_set(e, ERANGE, "the %s map has more than %d parts", s->word, IDMAP_EXTENTS_MAX);
	s->extents[(*s->n)++] = (struct id_extent){ guest, host, count };
	return 0;
}

/* The line whose beginning all instances share that are not isolated; NULL: none is long enough. */
static const struct id_extent *shared_line(const struct side *s)
{
	for (unsigned i = 0; i < s->n_own; i++) {
		if (s->own[i].count >= DEFAULT_IDS)
			return &s->own[i];
	}
	return NULL;
}

static int add_base(struct side *s, struct err *e)
{
	const struct id_extent *line = shared_line(s);

	if (line)
		return add_extent(s, 0, line->host, DEFAULT_IDS, e);
	if (s->n_own)
		return err_set(e, EPERM, "no line for root in %s has %u ids; add \"root:100000:%u\"", s->path, DEFAULT_IDS, DEFAULT_IDS);
	return err_set(e, EPERM, "no line for root in %s; add \"root:100000:%u\"", s->path, DEFAULT_IDS);
}

/* Takes guest ids out of the default range, of which up to two parts remain. Parts of raw.idmap never overlap. */
static int punch(struct side *s, uint32_t first, uint32_t count, struct err *e)
{
	uint64_t end = (uint64_t)first + count;

	for (unsigned i = 0; i < *s->n; i++) {
		struct id_extent *x = &s->extents[i], old = *x;
		uint64_t old_end = (uint64_t)old.guest + old.count;
		int r = 0;

		if (end <= old.guest || first >= old_end)
			continue;
		x->count = first > old.guest ? first - old.guest : 0;
		if (end < old_end)
			r = add_extent(s, (uint32_t)end, old.host + (uint32_t)(end - old.guest), (uint32_t)(old_end - end), e);
		if (r < 0)
			return r;
	}
	return 0;
}

static bool is_allowed(const struct side *s, uint32_t host, uint32_t count)
{
	for (unsigned i = 0; i < s->n_own; i++) {
		if (host >= s->own[i].host && (uint64_t)host + count <= (uint64_t)s->own[i].host + s->own[i].count)
			return true;
	}
	return false;
}

/* An id of the host must not be two ids of the guest: the kernel refuses such a map. */
static int check_hosts(const struct side *s, struct err *e)
{
	for (unsigned i = 0; i < *s->n; i++) {
		for (unsigned j = 0; j < i; j++) {
			const struct id_extent *x = &s->extents[i], *y = &s->extents[j];

			if (x->host < (uint64_t)y->host + y->count && y->host < (uint64_t)x->host + x->count)
				return err_set(e, EINVAL, "%s %u of the host would be two ids of the instance", s->word,
					       x->host > y->host ? x->host : y->host);
		}
	}
	return 0;
}

static void tidy(struct side *s)
{
	unsigned n = 0;

	for (unsigned i = 0; i < *s->n; i++) {
		if (s->extents[i].count)
			s->extents[n++] = s->extents[i];
	}
	*s->n = n;
	qsort(s->extents, n, sizeof(*s->extents), by_guest);
}

/* ---- lines of raw.idmap and of volatile/idmap: word, range, range ---- */

struct map_line {
	bool uid, gid;
	uint32_t first[2], count[2];
};

static const char *next_word(const char **s, size_t *len)
{
	const char *w = *s + strspn(*s, " \t");

	*len = strcspn(w, " \t\n#");
	*s = w + *len;
	return w;
}

static bool parse_id(const char **s, uint32_t *ret)
{
	uint64_t v = 0;
	const char *p = *s;

	for (; *p >= '0' && *p <= '9' && v <= ID_MAX; p++)
		v = v * 10 + (uint64_t)(*p - '0');
	if (p == *s || v > ID_MAX)
		return false;
	*s = p;
	*ret = (uint32_t)v;
	return true;
}

static bool parse_range(const char **s, uint32_t *first, uint32_t *count)
{
	const char *p = *s + strspn(*s, " \t");
	uint32_t last;

	if (!parse_id(&p, first))
		return false;
	last = *first;
	if (*p == '-') {
		p++;
		if (!parse_id(&p, &last) || last < *first)
			return false;
	}
	if (*p && !strchr(" \t\n#", *p))
		return false;
	*count = last - *first + 1;
	*s = p;
	return true;
}

/* Reads one line and moves *s behind it. Returns 1: a line, 0: blank or a comment. */
static int parse_line(const char **s, unsigned number, struct map_line *ret, struct err *e)
{
	const char *line = *s, *word;
	int shown = (int)strcspn(line, "\n");
	size_t len;

	if (shown > 64)
		shown = 64;
	word = next_word(s, &len);
	if (len) {
		ret->uid = (len == 4 && !memcmp(word, "both", 4)) || (len == 3 && !memcmp(word, "uid", 3));
		ret->gid = (len == 4 && !memcmp(word, "both", 4)) || (len == 3 && !memcmp(word, "gid", 3));
		if (!ret->uid && !ret->gid)
			return err_set(e, EINVAL, "line %u begins with none of both, uid, gid: \"%.*s\"", number, shown, line);
		if (!parse_range(s, &ret->first[0], &ret->count[0]) || !parse_range(s, &ret->first[1], &ret->count[1]))
			return err_set(e, EINVAL, "line %u is not like \"both 1000 1000\" or \"uid 50-59 500-509\": \"%.*s\"", number,
				       shown, line);
		if (ret->count[0] != ret->count[1])
			return err_set(e, EINVAL, "line %u has ranges of different sizes: \"%.*s\"", number, shown, line);
		*s += strspn(*s, " \t");
		if (**s && **s != '\n' && **s != '#')
			return err_set(e, EINVAL, "line %u has more than two ranges: \"%.*s\"", number, shown, line);
	}
	*s += strcspn(*s, "\n");
	*s += **s == '\n';
	return len ? 1 : 0;
}

static int add_raw_line(struct side *s, const struct map_line *l, unsigned number, struct id_extent *raw, unsigned *n_raw, struct err *e)
{
	uint32_t host = l->first[0], guest = l->first[1], count = l->count[0];
	int r;

	for (unsigned i = 0; i < *n_raw; i++) {
		if (guest < (uint64_t)raw[i].guest + raw[i].count && raw[i].guest < (uint64_t)guest + count)
			return err_set(e, EINVAL, "line %u: %s %u of the instance is mapped twice", number, s->word,
				       guest > raw[i].guest ? guest : raw[i].guest);
	}
	if (!is_allowed(s, host, count))
		return err_set(e, EPERM, "line %u: root may not map %s %u; add \"root:%u:%u\" to %s", number, s->word, host, host, count,
			       s->path);
	if (*n_raw == IDMAP_EXTENTS_MAX)
		return err_set(e, ERANGE, "more than %d lines for %s", IDMAP_EXTENTS_MAX, s->word);
	raw[(*n_raw)++] = (struct id_extent){ guest, host, count };
	r = punch(s, guest, count, e);
	return r < 0 ? r : add_extent(s, guest, host, count, e);
}

static int add_raw(struct side *uid, struct side *gid, const char *text, struct err *e)
{
	struct id_extent raw[2][IDMAP_EXTENTS_MAX];
	unsigned n_raw[2] = { 0, 0 }, number = 1;

	for (const char *p = text; *p; number++) {
		struct map_line l;
		int r = parse_line(&p, number, &l, e);

		if (r > 0 && l.uid)
			r = add_raw_line(uid, &l, number, raw[0], &n_raw[0], e) ?: 1;
		if (r > 0 && l.gid)
			r = add_raw_line(gid, &l, number, raw[1], &n_raw[1], e);
		if (r < 0)
			return r;
	}
	return 0;
}

/* What an instance asks for. */
struct wish {
	const char *raw;	/* NULL: none */
	bool isolated;
	uint32_t id;		/* whose range is kept; 0: nobody's */
	uint32_t base, count;	/* base 0: any */
};

static int add_isolated(struct side *uid, struct side *gid, const struct wish *w, struct err *e)
{
	struct idmap_lines lines = { .uid = uid->own, .gid = gid->own, .n_uid = uid->n_own, .n_gid = gid->n_own };
	const struct id_extent *line[2] = { shared_line(uid), shared_line(gid) };
	uint32_t base;
	int r;

	for (unsigned i = 0; i < 2; i++) {
		if (line[i])
			lines.shared[i] = (struct id_extent){ .host = line[i]->host, .count = DEFAULT_IDS };
	}
	r = idmap_isolate(w->id, w->base, w->count, &lines, &base, e);
	if (r == -EPERM)
		return err_set(e, EPERM, "%s and %s give root no %u ids in a row besides the %u that all share; add \"root:%u:%u\"", uid->path,
			       gid->path, w->count, DEFAULT_IDS, 10000000u, 1000 * DEFAULT_IDS);
	if (r == 0)
		r = add_extent(uid, 0, base, w->count, e);
	return r < 0 ? r : add_extent(gid, 0, base, w->count, e);
}

static int build(const struct wish *w, struct idmap *ret, struct err *e)
{
	struct side uid = { .word = "uid", .path = subuid_path, .extents = ret->uid, .n = &ret->n_uid };
	struct side gid = { .word = "gid", .path = subgid_path, .extents = ret->gid, .n = &ret->n_gid };
	struct side *sides[] = { &uid, &gid };
	const char *raw = w->raw;
	int r = 0;

	*ret = (struct idmap){ 0 };
	for (unsigned i = 0; i < 2 && r == 0; i++) {
		r = read_side(sides[i], e);
		if (r == 0 && !w->isolated)
			r = add_base(sides[i], e);
	}
	if (r == 0 && w->isolated)
		r = add_isolated(&uid, &gid, w, e);
	if (r == 0 && raw)
		r = add_raw(&uid, &gid, raw, e);
	for (unsigned i = 0; i < 2 && r == 0; i++) {
		tidy(sides[i]);
		r = check_hosts(sides[i], e);
	}
	return r;
}

static uint32_t get_number(const struct expanded *x, const char *key, uint32_t def)
{
	const char *s = expanded_get(x, key);
	int64_t v;

	return s && value_int(s, 1, ID_MAX, &v, NULL) == 0 ? (uint32_t)v : def;
}

static int build_for(const struct expanded *x, uint32_t id, struct idmap *ret, struct err *e)
{
	const struct wish w = { .raw = expanded_get(x, "raw.idmap"), .isolated = expanded_bool(x, "security.idmap.isolated", false), .id = id,
				.base = get_number(x, "security.idmap.base", 0),
				.count = get_number(x, "security.idmap.size", DEFAULT_IDS) };

	*ret = (struct idmap){ 0 };
	return expanded_bool(x, "security.privileged", false) ? 0 : build(&w, ret, e);
}

int idmap_for(const struct expanded *x, struct idmap *ret, struct err *e)
{
	struct idmap m;
	int r = build_for(x, x->id, &m, e);

	if (r == 0)
		*ret = m;
	return r;
}

int idmap_check(const struct expanded *x, struct err *e)
{
	struct idmap m;

	return build_for(x, 0, &m, e);
}

int idmap_check_raw(const char *text, struct err *e)
{
	const struct wish w = { .raw = text };
	struct idmap m = { 0 };

	return build(&w, &m, e);
}

/* ---- using ---- */

bool idmap_to_guest(const struct idmap *m, bool group, uint32_t host, uint32_t *ret)
{
	const struct id_extent *x = group ? m->gid : m->uid;
	unsigned n = group ? m->n_gid : m->n_uid;

	if (!m->n_uid && !m->n_gid) {
		*ret = host;
		return true;
	}
	for (unsigned i = 0; i < n; i++) {
		if (host - x[i].host < x[i].count) {
			*ret = x[i].guest + (host - x[i].host);
			return true;
		}
	}
	*ret = NOBODY;
	return false;
}

bool idmap_to_host(const struct idmap *m, bool group, uint32_t guest, uint32_t *ret)
{
	const struct id_extent *x = group ? m->gid : m->uid;
	unsigned n = group ? m->n_gid : m->n_uid;

	if (!m->n_uid && !m->n_gid) {
		*ret = guest;
		return true;
	}
	for (unsigned i = 0; i < n; i++) {
		if (guest - x[i].guest < x[i].count) {
			*ret = x[i].host + (guest - x[i].guest);
			return true;
		}
	}
	*ret = NOBODY;
	return false;
}

static void print_range(struct buf *out, uint32_t first, uint32_t count)
{
	buf_addf(out, count > 1 ? " %u-%u" : " %u", first, first + count - 1);
}

static void print_side(struct buf *out, const char *word, const struct id_extent *x, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		buf_addstr(out, word);
		print_range(out, x[i].guest, x[i].count);
		print_range(out, x[i].host, x[i].count);
		buf_addch(out, '\n');
	}
}

void idmap_print(const struct idmap *m, struct buf *out)
{
	if (m->n_uid == m->n_gid && !memcmp(m->uid, m->gid, m->n_uid * sizeof(*m->uid))) {
		print_side(out, "both", m->uid, m->n_uid);
		return;
	}
	print_side(out, "uid", m->uid, m->n_uid);
	print_side(out, "gid", m->gid, m->n_gid);
}

int idmap_parse(const char *text, struct idmap *ret, struct err *e)
{
	struct idmap m = { 0 };
	struct side uid = { .word = "uid", .extents = m.uid, .n = &m.n_uid }, gid = { .word = "gid", .extents = m.gid, .n = &m.n_gid };
	unsigned number = 1;

	for (const char *p = text; *p; number++) {
		struct map_line l;
		int r = parse_line(&p, number, &l, e);

		if (r > 0 && l.uid)
			r = add_extent(&uid, l.first[0], l.first[1], l.count[0], e) ?: 1;
		if (r > 0 && l.gid)
			r = add_extent(&gid, l.first[0], l.first[1], l.count[0], e);
		if (r < 0)
			return r;
	}
	tidy(&uid);
	tidy(&gid);
	*ret = m;
	return 0;
}
