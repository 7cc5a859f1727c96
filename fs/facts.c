// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/facts.h"

#include <stdio.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/sysinfo.h>

#include "backends/core/cleanup.h"
#include "backends/core/config.h"
#include "backends/core/hash.h"
#include "backends/core/instance.h"
#include "backends/core/value.h"

static void take_run(struct object *o, struct proc_facts *f)
{
	HOLD_LOCK(&o->lock);
	f->object = o->id;
	snprintf(f->name, sizeof(f->name), "%.63s", o->name);
	if (!o->run.init_pid)
		return;
	memcpy(f->cgroup, o->run.cgroup, sizeof(f->cgroup));
	f->init_pid = o->run.init_pid;
	f->init_start = o->run.init_start;
	f->started = (int64_t)o->run.started.tv_sec * 1000000000 + o->run.started.tv_nsec;
}

static void take_memory(const struct expanded *x, struct proc_facts *f)
{
	const char *value = expanded_get(x, "limits.memory"), *enforce = expanded_get(x, "limits.memory.enforce"),
		   *swap = expanded_get(x, "limits.memory.swap");
	struct sysinfo si;
	uint64_t bytes;
	bool allowed;

	f->memory = f->swap = PROC_NO_LIMIT;
	if (value && !(enforce && !strcmp(enforce, "soft")) && !sysinfo(&si) &&
	    !value_size_or_percent(value, (uint64_t)si.totalram * si.mem_unit, &bytes, NULL))
		f->memory = f->swap = bytes;
	/* a size is that much besides the memory; true leaves it to what the memory is limited to */
	if (swap && !value_swap(swap, &allowed, &bytes, NULL) && bytes != UINT64_MAX)
		f->swap = bytes;
}

static void take_cpu(const struct expanded *x, struct proc_facts *f)
{
	const char *set = expanded_get(x, "limits.cpu"), *allowance = expanded_get(x, "limits.cpu.allowance");
	const char *shown = expanded_get(x, "proc.cpus");
	uint64_t percent, quota, period;
	unsigned count;

	if (set && !value_cpu(set, &count, f->cpu_list, sizeof(f->cpu_list), NULL))
		f->cpu_count = count;
	if (allowance && !value_allowance(allowance, &percent, &quota, &period, NULL)) {
		f->quota_us = quota;
		f->period_us = period;
	}
	f->cpus = shown && value_is(shown, "quota") ? PROC_CPUS_QUOTA : PROC_CPUS_CPUSET;
}

/* Equal facts have equal generations, whoever made them. */
static uint64_t generation_of(const struct proc_facts *f)
{
	return hash_bytes(HASH_INIT, f, sizeof(*f));
}

void facts_of(struct object *o, struct proc_facts *ret)
{
	_cleanup_expanded_ struct expanded x = { .items = NULL };

	memset(ret, 0, sizeof(*ret));
	ret->size = sizeof(*ret);
	take_run(o, ret);
	ret->personality = instance_is_32_bit(o) ? PER_LINUX32 : 0;
	config_expand(o, &x, NULL);
	take_memory(&x, ret);
	take_cpu(&x, ret);
	ret->nesting = expanded_bool(&x, "security.nesting", false);
	ret->generation = generation_of(ret);
}
