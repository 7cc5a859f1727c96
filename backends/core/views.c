// SPDX-License-Identifier: LGPL-2.1-or-later
#include "backends/core/views.h"

#include <errno.h>
#include <stdio.h>

static const struct views_provider *provider;

void views_register(const struct views_provider *p)
{
	provider = p;
}

int views_open(const struct object *o, char *path, size_t size, struct err *e)
{
	snprintf(path, size, "%s/views/%u", model_rundir(), o->id);
	return provider ? provider->start(e) : err_set(e, EOPNOTSUPP, "this daemon has no virtual files");
}

void views_each(void (*f)(const char *path, unsigned flags, void *arg), void *arg)
{
	if (provider)
		provider->each(f, arg);
}
