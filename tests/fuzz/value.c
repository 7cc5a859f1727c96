// SPDX-License-Identifier: LGPL-2.1-or-later
/* Any bytes as any value: no crash, and a refusal always has a code and a sentence. The first byte chooses the key. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "backends/core/idmap.h"
#include "backends/core/keys.h"
#include "backends/core/name.h"
#include "backends/core/pattern.h"
#include "backends/core/rlimit.h"
#include "backends/core/schedule.h"
#include "backends/core/syscalls.h"
#include "backends/core/sysctl.h"
#include "backends/core/pattern.h"
#include "backends/core/rlimit.h"
#include "backends/core/schedule.h"
#include "backends/core/syscalls.h"
#include "backends/core/sysctl.h"
#include "backends/core/value.h"
#include "backends/core/yaml_check.h"
#include "backends/core/yaml_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void parse_names(const char *text)
{
	struct rlimit l;

	if (rlimit_parse("nofile", text, &l, NULL) == 0 && l.rlim_cur > l.rlim_max)
		abort();
	rlimit_parse("memlock", text, &l, NULL);
	rlimit_find(text, NULL);
	if (*text)
		sysctl_check_name(text, NULL);
	syscalls_check_policy(text, NULL);
	yaml_check(text, strlen(text), NULL);
}

/* What is accepted gives a valid name at every moment, and schedules that can come. */
static void parse_snapshots(const char *text)
{
	const struct tm tm = { .tm_year = 99, .tm_mday = 1 };
	struct schedule s;
	char name[NAME_LEN_MAX + 1];

	if (pattern_check(text, NULL) == 0 && pattern_render(text, &tm, 0, name, sizeof(name), NULL) == 0 && name_check("snapshot", name, NULL) < 0)
		abort();
	if (schedule_parse(text, &s, NULL) < 0)
		return;
	for (unsigned i = 0; i < s.n; i++) {
		const struct schedule_trigger *t = &s.triggers[i];

		if (t->when == SCHEDULE_CRON && (!t->minutes || !t->hours || !t->days || !t->months || !t->weekdays))
			abort();
	}
}

static void parse_all(const char *text)
{
	struct idmap m;
	uint64_t a, b, c;
	unsigned n;
	char list[256];
	time_t t;

	if (value_size(text, &a, NULL) == 0 && a > INT64_MAX)
		abort();
	if (value_size_or_percent(text, 1 << 30, &a, NULL) == 0 && a > INT64_MAX)
		abort();
	if (value_cpu(text, &n, list, sizeof(list), NULL) == 0 && !n == !list[0])
		abort();
	value_allowance(text, &a, &b, &c, NULL);
	value_time(text, &t, NULL);
	value_expiry(text, 1700000000, &t, NULL);
	if (idmap_parse(text, &m, NULL) == 0) {
		_cleanup_buf_ struct buf out = BUF_INIT;
		struct idmap back;

		idmap_print(&m, &out);
		if (idmap_parse(buf_str(&out), &back, NULL) < 0 || memcmp(&m, &back, sizeof(m)) != 0)
			abort();
	}
	idmap_check_raw(text, NULL);
	parse_names(text);
	parse_snapshots(text);
}

/* A name of the row's family. */
static const char *sample(const struct key *k)
{
	if (k->name[strlen(k->name) - 1] != '*')
		return k->name;
	if (!k->check_rest)
		return "user.x";
	return strstr(k->name, "kernel") ? "limits.kernel.nofile" : "linux.sysctl.net.ipv4.ip_forward";
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = ERR_INIT;
	const struct key *k = key_table;
	char *text;

	if (!size)
		return 0;
	for (unsigned i = *data; i; i--)
		k = k[1].name ? k + 1 : key_table;
	if ((key_check(sample(k), (const char *)data + 1, size - 1, &e) < 0) != !!e.text[0])
		abort();
	text = strndup((const char *)data + 1, size - 1);
	if (text)
		parse_all(text);
	if (text && (key_check_name(text, NULL, NULL) == 0) != (key_find(text) != NULL))
		abort();
	free(text);
	return 0;
}
