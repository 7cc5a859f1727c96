/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* snapshots.schedule: points of time as for cron. Parsed into masks, so that whoever looks at a clock needs no text any more. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "backends/core/err.h"

#define SCHEDULE_TRIGGERS_MAX 16

struct schedule_trigger {
	/* "@hourly" and the like: minute (and hour) are the instance's own, so that not all begin at once. */
	enum { SCHEDULE_CRON, SCHEDULE_HOURLY, SCHEDULE_DAILY, SCHEDULE_MIDNIGHT, SCHEDULE_WEEKLY, SCHEDULE_MONTHLY, SCHEDULE_YEARLY,
	       SCHEDULE_STARTUP } when;
	uint64_t minutes;		/* bit 0: minute 0 */
	uint32_t hours, days, months;	/* days from bit 1, months from bit 1 */
	uint8_t weekdays;		/* bit 0: Sunday */
	bool any_day, any_weekday;	/* written as '*': then only the other one decides, else either does */
};

struct schedule {
	struct schedule_trigger triggers[SCHEDULE_TRIGGERS_MAX];
	unsigned n;			/* 0: @never */
};

/* "0 6 * * *", "@daily", "30 2 * * mon-fri, @monthly", "@never". EINVAL, ERANGE. */
int schedule_parse(const char *s, struct schedule *ret, struct err *e);
