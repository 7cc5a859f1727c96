// SPDX-License-Identifier: LGPL-2.1-or-later
/* Records as JSON, made for being read by a person too: one member per line, times as text, modes in octal. */
#include "backends/core/record.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static const char *const kind_names[ENT_KIND_MAX] = {
	[ENT_FIELD] = "fields", [ENT_CONFIG] = "config", [ENT_DEVICE] = "devices",
	[ENT_PROPERTY] = "properties", [ENT_VOLATILE] = "volatile", [ENT_META] = "meta",
};

const char *entry_kind_name(enum entry_kind k)
{
	return k > 0 && k < ENT_KIND_MAX ? kind_names[k] : "";
}

static inline void cleanup_json(json_t **j)
{
	json_decref(*j);
}
#define _cleanup_json_ __attribute__((cleanup(cleanup_json)))

/* ---- entries ---- */

struct entry *entry_new(enum entry_kind k, const char *name, const char *value, size_t len, uint32_t slot, const struct meta *m)
{
	size_t n = strlen(name) + 1;
	struct entry *en = malloc(sizeof(*en) + n + len + 1);

	if (!en)
		return NULL;
	en->kind = k;
	en->slot = slot;
	en->meta = *m;
	en->len = len;
	memcpy(en->name, name, n);
	en->value = en->name + n;
	if (len)
		memcpy(en->value, value, len);
	en->value[len] = '\0';
	return en;
}

void entry_free(struct entry *en)
{
	free(en);
}

void entries_free(struct entry **list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		entry_free(list[i]);
	free(list);
}

int entry_compare(const struct entry *en, enum entry_kind k, const char *name)
{
	return en->kind != k ? (en->kind < k ? -1 : 1) : strcmp(en->name, name);
}

size_t entry_search(struct entry *const *list, size_t n, enum entry_kind k, const char *name, bool *found)
{
	size_t lo = 0, hi = n;

	*found = false;
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		int c = entry_compare(list[mid], k, name);

		if (!c) {
			*found = true;
			return mid;
		}
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

void snapshot_free(struct snapshot *s)
{
	if (!s)
		return;
	entries_free(s->entries, s->n_entries);
	free(s->description);
	free(s);
}

void record_free(struct record *r)
{
	entries_free(r->entries, r->n_entries);
	json_decref((json_t *)r->extra);
	memset(r, 0, sizeof(*r));
}

/* ---- printing ---- */

/* RFC 3339 as far as it goes; what utimensat() can set beyond its years is printed as a number of seconds. */
static json_t *print_time(struct timespec t)
{
	struct tm tm;

	if (t.tv_sec < -62167219200LL || t.tv_sec > 253402300799LL || !gmtime_r(&t.tv_sec, &tm))
		return json_sprintf("%lld.%09ld", (long long)t.tv_sec, t.tv_nsec);
	return json_sprintf("%04d-%02d-%02dT%02d:%02d:%02d.%09ldZ", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
			    tm.tm_min, tm.tm_sec, t.tv_nsec);
}

static bool same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

/* json_object_set_new() takes over the value, fails on NULL, and is all that can fail here: results are added up. */
static int print_meta(json_t *j, const struct meta *m, uint32_t mode, uint32_t owner)
{
	int r = 0;

	if (m->mode != mode)
		r |= json_object_set_new(j, "mode", json_sprintf("%04" PRIo32, m->mode));
	if (m->uid != owner)
		r |= json_object_set_new(j, "uid", json_integer(m->uid));
	if (m->gid != owner)
		r |= json_object_set_new(j, "gid", json_integer(m->gid));
	r |= json_object_set_new(j, "mtime", print_time(m->mtime));
	if (!same_time(m->mtime, m->ctime))
		r |= json_object_set_new(j, "ctime", print_time(m->ctime));
	return r;
}

static json_t *print_entry(const struct entry *en)
{
	_cleanup_json_ json_t *j = json_object();
	int r = 0;

	if (en->kind != ENT_META)
		r |= json_object_set_new(j, "value", json_stringn(en->value, en->len));
	if (en->slot)
		r |= json_object_set_new(j, "slot", json_integer(en->slot));
	r |= print_meta(j, &en->meta, 0644, META_INHERIT);
	return r ? NULL : json_incref(j);
}

static int print_entries(json_t *j, struct entry *const *list, size_t n)
{
	json_t *part = NULL;

	for (size_t i = 0; i < n; i++) {
		if (!i || list[i]->kind != list[i - 1]->kind) {
			part = json_object();
			if (json_object_set_new(j, entry_kind_name(list[i]->kind), part))
				return -1;
		}
		if (json_object_set_new(part, list[i]->name, print_entry(list[i])))
			return -1;
	}
	return 0;
}

static int add_text(const char *data, size_t len, void *arg)
{
	buf_add(arg, data, len);
	return 0;
}

static int print_json(const json_t *j, struct buf *out, struct err *e)
{
	if (json_dump_callback(j, add_text, out, JSON_INDENT(1)) || (buf_addch(out, '\n'), buf_error(out)))
		return err_set(e, ENOMEM, "out of memory");
	return 0;
}

static int check_text(struct entry *const *list, size_t n, struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		json_t *name = json_string(list[i]->name), *value = json_stringn(list[i]->value, list[i]->len);
		bool good = name && value;

		json_decref(name);
		json_decref(value);
		if (!good)
			return err_set(e, EINVAL, "%s/%s is not valid UTF-8", entry_kind_name(list[i]->kind), name ? list[i]->name : "?");
	}
	return err_set(e, ENOMEM, "out of memory");
}

int record_print(const struct record *r, struct buf *out, struct err *e)
{
	_cleanup_json_ json_t *j = json_object();
	const char *name;
	json_t *value;
	int bad = 0;

	bad |= json_object_set_new(j, "format", json_integer(RECORD_FORMAT));
	bad |= json_object_set_new(j, "id", json_integer(r->id));
	bad |= json_object_set_new(j, "created", print_time(r->created));
	bad |= print_meta(j, &r->meta, UINT32_MAX, META_INHERIT);
	bad |= json_object_set_new(j, "next_slot", json_integer(r->next_slot));
	bad |= json_object_set_new(j, "generation", json_integer((json_int_t)r->generation));
	if (r->configured != r->generation)
		bad |= json_object_set_new(j, "configured", json_integer((json_int_t)r->configured));
	bad |= print_entries(j, r->entries, r->n_entries);
	json_object_foreach((json_t *)r->extra, name, value)
		bad |= json_object_set(j, name, value);
	return bad ? check_text(r->entries, r->n_entries, e) : print_json(j, out, e);
}

int record_print_snapshot(const struct snapshot *s, struct buf *out, struct err *e)
{
	_cleanup_json_ json_t *j = json_object();
	int bad = 0;

	bad |= json_object_set_new(j, "format", json_integer(RECORD_FORMAT));
	bad |= json_object_set_new(j, "slot", json_integer(s->slot));
	bad |= json_object_set_new(j, "created", print_time(s->created));
	if (s->expires)
		bad |= json_object_set_new(j, "expires", print_time((struct timespec){ .tv_sec = s->expires }));
	if (*s->description && json_object_set_new(j, "description", json_string(s->description)))
		return err_set(e, EINVAL, "the description is not valid UTF-8");
	bad |= print_meta(j, &s->meta, UINT32_MAX, UINT32_MAX);
	bad |= print_entries(j, s->entries, s->n_entries);
	return bad ? check_text(s->entries, s->n_entries, e) : print_json(j, out, e);
}

/* ---- parsing ---- */

static int number(const json_t *j, const char *name, json_int_t min, json_int_t max, json_int_t def, json_int_t *ret, struct err *e)
{
	const json_t *v = json_object_get(j, name);

	*ret = v ? json_integer_value(v) : def;
	if (v && (!json_is_integer(v) || *ret < min || *ret > max))
		return err_set(e, EINVAL, "\"%s\" is not a number from %lld to %lld", name, (long long)min, (long long)max);
	return 0;
}

static const char *digits(const char *s, unsigned n, long *ret)
{
	for (*ret = 0; s && n; n--, s++) {
		if (*s < '0' || *s > '9')
			return NULL;
		*ret = *ret * 10 + (*s - '0');
	}
	return s;
}

static bool parse_date(const char *s, struct timespec *ret)
{
	static const char after[] = "--T::.Z";
	static const unsigned width[] = { 4, 2, 2, 2, 2, 2, 9 };
	long v[7];
	struct tm tm;

	for (int i = 0; i < 7; i++) {
		s = digits(s, width[i], &v[i]);
		if (!s || *s++ != after[i])
			return false;
	}
	tm = (struct tm){ .tm_year = (int)v[0] - 1900, .tm_mon = (int)v[1] - 1, .tm_mday = (int)v[2], .tm_hour = (int)v[3],
			  .tm_min = (int)v[4], .tm_sec = (int)v[5] };
	if (*s || v[1] < 1 || v[1] > 12 || v[2] < 1 || v[2] > 31 || v[3] > 23 || v[4] > 59 || v[5] > 60)
		return false;
	ret->tv_sec = timegm(&tm);
	ret->tv_nsec = v[6];
	return true;
}

static bool parse_seconds(const char *s, struct timespec *ret)
{
	long ns;
	char *end;

	errno = 0;
	ret->tv_sec = strtoll(s, &end, 10);
	if (errno || end == s || *end != '.')
		return false;
	s = digits(end + 1, 9, &ns);
	ret->tv_nsec = ns;
	return s && !*s;
}

static int time_of(const json_t *j, const char *name, struct timespec def, struct timespec *ret, struct err *e)
{
	const json_t *v = json_object_get(j, name);
	const char *s = json_string_value(v);

	*ret = def;
	if (!v || (s && (parse_date(s, ret) || parse_seconds(s, ret))))
		return 0;
	return err_set(e, EINVAL, "\"%s\" is not a time like 2026-01-02T03:04:05.678901234Z", name);
}

static int parse_meta(const json_t *j, const struct meta *def, struct meta *ret, struct err *e)
{
	const json_t *v = json_object_get(j, "mode");
	const char *s = json_string_value(v);
	json_int_t uid, gid;
	unsigned long mode = def->mode;
	char *end = NULL;
	int r;

	if (s)
		mode = strtoul(s, &end, 8);
	if (v && (!s || !*s || *s == '-' || *end || mode > 07777))
		return err_set(e, EINVAL, "\"mode\" is not permission bits in octal, as \"0755\"");
	r = number(j, "uid", 0, UINT32_MAX, def->uid, &uid, e);
	if (!r)
		r = number(j, "gid", 0, UINT32_MAX, def->gid, &gid, e);
	if (!r)
		r = time_of(j, "mtime", def->mtime, &ret->mtime, e);
	if (!r)
		r = time_of(j, "ctime", ret->mtime, &ret->ctime, e);
	if (r)
		return r;
	ret->mode = (uint32_t)mode;
	ret->uid = (uint32_t)uid;
	ret->gid = (uint32_t)gid;
	return 0;
}

static int parse_entry(enum entry_kind k, const char *name, const json_t *j, struct timespec mtime, struct entry **ret, struct err *e)
{
	const struct meta def = { .mode = 0644, .uid = META_INHERIT, .gid = META_INHERIT, .mtime = mtime };
	const json_t *v = json_object_get(j, "value");
	struct meta m;
	json_int_t slot;
	int r;

	if (!json_is_object(j) || (k == ENT_META ? v != NULL : !json_is_string(v)))
		return err_set(e, EINVAL, "it has no string \"value\"");
	if (!*name || strlen(name) > RECORD_NAME_MAX)
		return err_set(e, EINVAL, "a name must have 1 to %d bytes", RECORD_NAME_MAX);
	r = number(j, "slot", 0, SLOT_MAX, 0, &slot, e);
	if (!r)
		r = parse_meta(j, &def, &m, e);
	if (r)
		return r;
	*ret = entry_new(k, name, json_string_value(v), json_string_length(v), (uint32_t)slot, &m);
	return *ret ? 0 : err_set(e, ENOMEM, "out of memory");
}

static int compare(const void *a, const void *b)
{
	const struct entry *y = *(struct entry *const *)b;

	return entry_compare(*(struct entry *const *)a, y->kind, y->name);
}

/* On failure *list holds what was made so far. */
static int parse_entries(const json_t *j, struct timespec mtime, struct entry ***list, size_t *n, struct err *e)
{
	size_t total = 0;
	const char *name;
	json_t *value;

	for (int k = 1; k < ENT_KIND_MAX; k++) {
		const json_t *part = json_object_get(j, kind_names[k]);

		if (part && !json_is_object(part))
			return err_set(e, EINVAL, "\"%s\" is not an object", kind_names[k]);
		total += json_object_size(part);
	}
	*list = total ? calloc(total, sizeof(struct entry *)) : NULL;
	if (total && !*list)
		return err_set(e, ENOMEM, "out of memory");
	for (int k = 1; k < ENT_KIND_MAX; k++)
		json_object_foreach(json_object_get(j, kind_names[k]), name, value) {
			if (parse_entry((enum entry_kind)k, name, value, mtime, &(*list)[*n], e) < 0)
				return err_wrap(e, "%s, \"%.80s\"", kind_names[k], name);
			(*n)++;
		}
	if (*n)
		qsort(*list, *n, sizeof(struct entry *), compare);
	return 0;
}

static int load(const char *text, size_t len, json_t **ret, struct err *e)
{
	json_error_t je;
	json_int_t format;
	json_t *j = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &je);

	if (!j)
		return json_error_code(&je) == json_error_out_of_memory ? err_set(e, ENOMEM, "out of memory") :
			err_set(e, EINVAL, "line %d: %s", je.line, je.text);
	*ret = j;
	if (!json_is_object(j))
		return err_set(e, EINVAL, "it is not a JSON object");
	if (number(j, "format", 1, INT32_MAX, 0, &format, e) < 0)
		return -EINVAL;
	if (format > RECORD_FORMAT)
		return err_set(e, EPROTO, "it has format %d; this instfs knows format %d", (int)format, RECORD_FORMAT);
	return format ? 0 : err_set(e, EINVAL, "it has no \"format\"");
}

static bool is_known(const char *name)
{
	static const char *const known[] = { "format", "id", "created", "mode", "uid", "gid", "mtime", "ctime", "next_slot", "generation",
					     "configured" };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!strcmp(known[i], name))
			return true;
	for (int k = 1; k < ENT_KIND_MAX; k++)
		if (!strcmp(kind_names[k], name))
			return true;
	return false;
}

static int parse_extra(json_t *j, struct record *r, struct err *e)
{
	const char *name;
	json_t *value;

	json_object_foreach(j, name, value) {
		if (is_known(name))
			continue;
		if (!r->extra)
			r->extra = (struct json_t *)json_object();
		if (json_object_set((json_t *)r->extra, name, value))
			return err_set(e, ENOMEM, "out of memory");
	}
	return 0;
}

static int parse_record(json_t *j, struct record *r, struct err *e)
{
	const struct meta def = { .mode = 0755 };
	json_int_t id, next_slot, generation, configured = 0;
	uint32_t highest = 0;
	int bad;

	bad = number(j, "id", 0, (1 << 28) - 1, -1, &id, e);
	if (!bad && id < 0)
		bad = err_set(e, EINVAL, "it has no \"id\"");
	if (!bad)
		bad = number(j, "next_slot", 1, SLOT_MAX + 1, 1, &next_slot, e);
	if (!bad)
		bad = number(j, "generation", 0, INT64_MAX, 0, &generation, e);
	if (!bad)
		bad = number(j, "configured", 0, INT64_MAX, generation, &configured, e);
	if (!bad)
		bad = time_of(j, "created", (struct timespec){ 0 }, &r->created, e);
	if (!bad)
		bad = parse_meta(j, &def, &r->meta, e);
	if (!bad)
		bad = parse_entries(j, r->meta.mtime, &r->entries, &r->n_entries, e);
	if (!bad)
		bad = parse_extra(j, r, e);
	if (bad)
		return bad;
	for (size_t i = 0; i < r->n_entries; i++)
		if (r->entries[i]->slot > highest)
			highest = r->entries[i]->slot;
	r->id = (uint32_t)id;
	r->next_slot = (uint32_t)next_slot > highest ? (uint32_t)next_slot : highest + 1;
	r->generation = (uint64_t)generation;
	r->configured = (uint64_t)configured;
	return 0;
}

int record_parse(const char *text, size_t len, struct record *ret, struct err *e)
{
	_cleanup_json_ json_t *j = NULL;
	struct record rec = { 0 };
	int r = load(text, len, &j, e);

	if (!r)
		r = parse_record(j, &rec, e);
	if (r < 0)
		record_free(&rec);
	else
		*ret = rec;
	return r;
}

int record_parse_id(const char *text, size_t len, uint32_t *ret)
{
	char head[64];
	unsigned format, id;
	char end;
	struct record rec;
	int r;

	snprintf(head, sizeof(head), "%.*s", len < sizeof(head) ? (int)len : (int)sizeof(head) - 1, text);
	if (sscanf(head, "{\n \"format\": %9u,\n \"id\": %9u%c", &format, &id, &end) == 3 && format == RECORD_FORMAT && end == ',' &&
	    id < 1u << 28) {
		*ret = id;
		return 0;
	}
	r = record_parse(text, len, &rec, NULL);
	if (r < 0)
		return r;
	*ret = rec.id;
	record_free(&rec);
	return 0;
}

static int parse_snapshot(const json_t *j, struct snapshot *s, struct err *e)
{
	const struct meta def = { .mode = 0755 };
	const json_t *text = json_object_get(j, "description");
	struct timespec expires;
	json_int_t slot = 0;
	int r = number(j, "slot", 1, SLOT_MAX, 0, &slot, e);

	if (!r && !slot)
		r = err_set(e, EINVAL, "it has no \"slot\"");
	if (!r && text && (!json_is_string(text) || strlen(json_string_value(text)) != json_string_length(text)))
		r = err_set(e, EINVAL, "\"description\" is not a string");
	if (!r)
		r = time_of(j, "created", (struct timespec){ 0 }, &s->created, e);
	if (!r)
		r = time_of(j, "expires", (struct timespec){ 0 }, &expires, e);
	if (!r)
		r = parse_meta(j, &def, &s->meta, e);
	if (!r)
		r = parse_entries(j, s->meta.mtime, &s->entries, &s->n_entries, e);
	if (r)
		return r;
	s->slot = (uint32_t)slot;
	s->expires = expires.tv_sec;
	s->description = strdup(text ? json_string_value(text) : "");
	return s->description ? 0 : err_set(e, ENOMEM, "out of memory");
}

int record_parse_snapshot(const char *text, size_t len, struct snapshot **ret, struct err *e)
{
	_cleanup_json_ json_t *j = NULL;
	struct snapshot *s;
	int r = load(text, len, &j, e);

	if (r < 0)
		return r;
	s = calloc(1, sizeof(*s));
	r = s ? parse_snapshot(j, s, e) : err_set(e, ENOMEM, "out of memory");
	if (r < 0)
		snapshot_free(s);
	else
		*ret = s;
	return r;
}
