// SPDX-License-Identifier: LGPL-2.1-or-later
#include "backends/lxc/start_nics.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "backends/lxc/device_record.h"

#define RECORD ".nics"		/* facts: DEVICE=KIND INTERFACE NAME */

int start_nics_add(const struct device *d, const struct nic *n, const char *name, struct err *e)
{
	_cleanup_device_record_ struct device_record rec = DEVICE_RECORD_INIT;

	device_record_read(d->place, RECORD, &rec, NULL);
	buf_addf(&rec.facts, "%s=%d %s %s\n", d->name, (int)n->kind, n->peer, name);
	rec.state = RECORD_ATTACHED;
	rec.init_start = 0;
	return device_record_write(d->place, RECORD, &rec, e);
}

/* "KIND INTERFACE NAME" */
static bool parse(const char *value, struct nic *n, char name[NET_NAME_MAX + 1])
{
	int kind;

	*n = (struct nic) { .vlan = -1 };
	if (sscanf(value, "%d %15s %15s", &kind, n->peer, name) != 3)
		return false;
	n->kind = (enum nic_kind)kind;
	return true;
}

int start_nics_hold(const struct device *d, const struct nic *n, struct err *e)
{
	_cleanup_device_record_ struct device_record rec = DEVICE_RECORD_INIT;
	char value[64], name[NET_NAME_MAX + 1];
	struct nic given;

	if (device_record_read(d->place, RECORD, &rec, NULL) < 0 ||
	    !device_get(buf_str(&rec.facts), rec.facts.len, d->name, value, sizeof(value)) || !parse(value, &given, name))
		return 0;
	return nic_hold(&given, e);
}

/* Whether what liblxc gives is what the device is. */
static bool is_real(const struct place *p, const char *device)
{
	_cleanup_device_record_ struct device_record rec = DEVICE_RECORD_INIT;
	char conf[8];

	return device_record_read(p, device, &rec, NULL) == 0 && rec.state == RECORD_ATTACHED &&
	       device_get(buf_str(&rec.facts), rec.facts.len, ".conf", conf, sizeof(conf));
}

/* Calls f for each nic that has a stand-in. */
static void each_held(const struct place *p, const struct device_record *rec, void (*f)(struct nic *n, const char *name, pid_t init),
		      pid_t init)
{
	for (const char *line = buf_str(&rec->facts), *nl; (nl = strchr(line, '\n')); line = nl + 1) {
		char device[128], name[NET_NAME_MAX + 1];
		const char *eq = strchr(line, '=');
		struct nic n;

		if (!eq || eq > nl || eq - line >= (int)sizeof(device) || !parse(eq + 1, &n, name))
			continue;
		snprintf(device, sizeof(device), "%.*s", (int)(eq - line), line);
		if (!is_real(p, device))
			f(&n, name, init);
	}
}

static void take_out(struct nic *n, const char *name, pid_t init)
{
	nic_take_out(n, init, name, NULL);
	nic_hold(n, NULL);
}

void start_nics_renew(const struct place *p, pid_t init, uint64_t init_start)
{
	_cleanup_device_record_ struct device_record rec = DEVICE_RECORD_INIT;

	if (device_record_read(p, RECORD, &rec, NULL) < 0 || rec.init_start == init_start)
		return;
	/* of the first start all are real */
	if (rec.init_start)
		each_held(p, &rec, take_out, init);
	rec.init_start = init_start;
	device_record_write(p, RECORD, &rec, NULL);
}

static void remove_stand_in(struct nic *n, const char *name, pid_t init)
{
	nic_remove(n, NULL);
}

void start_nics_gone(const struct place *p)
{
	_cleanup_device_record_ struct device_record rec = DEVICE_RECORD_INIT;

	if (device_record_read(p, RECORD, &rec, NULL) < 0)
		return;
	each_held(p, &rec, remove_stand_in, 0);
	device_record_remove(p, RECORD);
}
