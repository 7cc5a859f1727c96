// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Everything that QEMU sends is a number or a text of limited length here, whatever it was; what is missing stays as it was. Answers are
 * kept for LOOK_MS, so that reading all files of proc/ asks once.
 */
#include "backends/qemu/machine.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "backends/core/cleanup.h"
#include "backends/qemu/command.h"

#define LOOK_MS 20
#define BALLOON "/machine/peripheral/balloon"
#define CALL_MS 1000		/* where it has answered already */
#define STATS_SECONDS 2		/* how often the guest's driver is asked */

static void json_drop(json_t **j)
{
	json_decref(*j);
}
#define _cleanup_json_ __attribute__((cleanup(json_drop)))

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* PROC_NO_LIMIT: unknown; QEMU says -1 for what a guest does not report. */
static uint64_t number(const json_t *j, const char *name)
{
	double d = json_is_number(json_object_get(j, name)) ? json_number_value(json_object_get(j, name)) : -1;

	return d >= 0 && d < 9e18 ? (uint64_t)d : PROC_NO_LIMIT;
}

static uint64_t count(const json_t *j, const char *name)
{
	uint64_t n = number(j, name);

	return n == PROC_NO_LIMIT ? 0 : n;
}

static void text(const json_t *j, char *buf, size_t size)
{
	const char *s = json_string_value(j);

	snprintf(buf, size, "%.*s", s ? (int)strcspn(s, "\n") : 0, s ? s : "");
}

static int get(struct vm *v, const char *path, const char *property, unsigned ms, json_t **ret, struct err *e)
{
	return qmp_call(v->qmp, "qom-get", json_pack("{s:s, s:s}", "path", path, "property", property), ms, ret, e);
}

/* ---- once ---- */

/* "max-x86_64-cpu" has the names of CPUID as properties. A machine without them is shown without; one that is late is not asked on. */
static int learn_model(struct vm *v, const char *path, unsigned ms, struct proc_machine *m)
{
	static const struct { const char *property; size_t at, size; } rows[] = {
		{ "vendor", offsetof(struct proc_machine, vendor), sizeof(m->vendor) },
		{ "model-id", offsetof(struct proc_machine, name), sizeof(m->name) },
		{ "family", offsetof(struct proc_machine, family), 0 }, { "model", offsetof(struct proc_machine, model), 0 },
		{ "stepping", offsetof(struct proc_machine, stepping), 0 },
	};
	int r = 0;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) && r != -ETIMEDOUT; i++) {
		_cleanup_json_ json_t *value = NULL;
		char *at = (char *)m + rows[i].at;

		r = get(v, path, rows[i].property, ms, &value, NULL);
		if (!r && rows[i].size)
			text(value, at, rows[i].size);
		else if (!r && json_number_value(value) >= 0 && json_number_value(value) < 1000)
			*(uint32_t *)at = (uint32_t)json_number_value(value);
	}
	return r == -ETIMEDOUT ? r : 0;
}

static int learn_cpus(struct vm *v, unsigned ms, struct proc_machine *m, struct err *e)
{
	_cleanup_json_ json_t *cpus = NULL;
	const char *path;
	int r = qmp_call(v->qmp, "query-cpus-fast", NULL, ms, &cpus, e);

	if (r < 0)
		return r;
	if (ms > CALL_MS)
		ms = CALL_MS;
	if (!json_array_size(cpus) || json_array_size(cpus) > PROC_MACHINE_CPUS)
		return err_set(e, EPROTO, "QEMU tells of %zu CPUs", json_array_size(cpus));
	m->cpus = (uint32_t)json_array_size(cpus);
	for (uint32_t i = 0; i < m->cpus; i++) {
		uint64_t thread = count(json_array_get(cpus, i), "thread-id");

		m->thread[i] = thread < INT32_MAX ? (int32_t)thread : 0;
	}
	path = json_string_value(json_object_get(json_array_get(cpus, 0), "qom-path"));
	return path ? learn_model(v, path, ms, m) : 0;
}

int machine_learn(struct vm *v, unsigned ms, struct err *e)
{
	struct proc_machine m = { .total = PROC_NO_LIMIT };
	_cleanup_json_ json_t *size = NULL;
	int r = learn_cpus(v, ms, &m, e);

	if (ms > CALL_MS)
		ms = CALL_MS;
	if (!r)
		r = qmp_call(v->qmp, "query-memory-size-summary", NULL, ms, &size, e);
	if (r < 0)
		return e && !e->code ? err_set(e, -r, "the virtual machine's QEMU does not answer") : r;
	m.memory = count(size, "base-memory");
	/* A guest without the driver is shown by what its QEMU takes. */
	qmp_call(v->qmp, "qom-set", json_pack("{s:s, s:s, s:i}", "path", BALLOON, "property", "guest-stats-polling-interval", "value",
					     STATS_SECONDS), ms, NULL, NULL);
	HOLD_LOCK(&v->lock);
	v->machine = m;
	return 0;
}

int machine_is_stopped(struct vm *v, unsigned ms, bool *ret, struct err *e)
{
	_cleanup_json_ json_t *status = NULL;
	int r = qmp_call(v->qmp, "query-status", NULL, ms, &status, e);

	if (!r)
		*ret = !json_is_true(json_object_get(status, "running"));
	return r;
}

/* ---- again and again ---- */

static int look_memory(struct vm *v, struct proc_machine *m)
{
	_cleanup_json_ json_t *stats = NULL;
	const json_t *s;
	int r = get(v, BALLOON, "guest-stats", QMP_QUICK_MS, &stats, NULL);

	if (r < 0)
		return r;
	s = json_object_get(stats, "stats");
	if (!count(stats, "last-update"))
		return 0;
	m->total = number(s, "stat-total-memory");
	m->free = number(s, "stat-free-memory");
	m->available = number(s, "stat-available-memory");
	m->cached = number(s, "stat-disk-caches");
	return 0;
}

static void take_disk(const json_t *stats, struct proc_machine_disk *d)
{
	static const char *const kinds[PROC_MACHINE_KINDS] = { "rd", "wr", "unmap" };
	char name[32];

	for (int k = 0; k < PROC_MACHINE_KINDS; k++) {
		snprintf(name, sizeof(name), "%s_operations", kinds[k]);
		d->requests[k] = count(stats, name);
		snprintf(name, sizeof(name), "%s_merged", kinds[k]);
		d->merged[k] = count(stats, name);
		snprintf(name, sizeof(name), "%s_bytes", kinds[k]);
		d->bytes[k] = count(stats, name);
		snprintf(name, sizeof(name), "%s_total_time_ns", kinds[k]);
		d->ns[k] = count(stats, name);
	}
	d->flushes = count(stats, "flush_operations");
	d->flush_ns = count(stats, "flush_total_time_ns");
}

/* Those of the guest's devices: QEMU counts for them, not for the layers below. */
static void look_disks(struct vm *v, struct proc_machine *m)
{
	_cleanup_json_ json_t *all = NULL;
	const json_t *one;
	size_t i;

	if (qmp_call(v->qmp, "query-blockstats", NULL, QMP_QUICK_MS, &all, NULL) < 0)
		return;
	m->n_disks = 0;
	json_array_foreach(all, i, one) {
		const char *qdev = json_string_value(json_object_get(one, "qdev"));

		if (qdev && *qdev && m->n_disks < PROC_MACHINE_DISKS)
			take_disk(json_object_get(one, "stats"), &m->disks[m->n_disks++]);
	}
}

static int facts_stopped(struct object *o, struct proc_machine *m, struct err *e)
{
	_cleanup_expanded_ struct expanded x = { .items = NULL };
	unsigned cpus = 1;
	int r = config_expand(o, &x, e);

	if (r < 0)
		return r;
	*m = (struct proc_machine){ .cpus = 1, .memory = 0, .total = PROC_NO_LIMIT };
	/* Values were checked when they were written; one that fits no machine is refused at the start. */
	command_memory(&x, &m->memory, NULL);
	if (command_cpus(&x, &cpus, NULL) == 0)
		m->cpus = cpus;
	return 0;
}

/* It may have been adopted when it did not answer. */
static void catch_up(struct object *o, struct vm *v)
{
	bool known, frozen;

	pthread_mutex_lock(&v->lock);
	known = v->machine.cpus;
	pthread_mutex_unlock(&v->lock);
	if (!known && machine_learn(v, QMP_QUICK_MS, NULL) == 0 && machine_is_stopped(v, QMP_QUICK_MS, &frozen, NULL) == 0)
		vm_frozen(o, frozen);
}

int machine_facts(struct object *o, struct proc_machine *ret, struct err *e)
{
	_cleanup_vm_ struct vm *v = vm_get(o->id);
	struct proc_machine m;
	bool fresh;

	if (!v)
		return facts_stopped(o, ret, e);
	catch_up(o, v);
	pthread_mutex_lock(&v->lock);
	m = v->machine;
	fresh = m.cpus && now_ms() - v->looked < LOOK_MS;
	pthread_mutex_unlock(&v->lock);
	if (!m.cpus)
		return facts_stopped(o, ret, e);
	/* A monitor that is late is asked nothing else. */
	if (!fresh && look_memory(v, &m) == 0)
		look_disks(v, &m);
	*ret = m;
	if (fresh)
		return 0;
	HOLD_LOCK(&v->lock);
	v->machine = m;
	v->looked = now_ms();
	return 0;
}

int machine_effective(struct object *o, struct buf *out, struct err *e)
{
	_cleanup_vm_ struct vm *v = vm_get(o->id);

	if (!v)
		return 0;
	HOLD_LOCK(&v->lock);
	if (v->machine.cpus)
		buf_addf(out, "cpus: %u\nmemory: %" PRIu64 " bytes\n", v->machine.cpus, v->machine.memory);
	return 0;
}
