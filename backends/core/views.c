// SPDX-License-Identifier: LGPL-2.1-or-later
#include "backends/core/views.h"

#include <errno.h>

static const struct views_provider *provider;

void views_register(const struct views_provider *p)
{
	provider = p;
}

int views_open(bool nesting, struct err *e)
{
	return provider ? provider->start(nesting, e) : err_set(e, EOPNOTSUPP, "this daemon has no virtual files");
}

void views_each(const struct object *o, bool nesting, views_fn f, void *arg)
{
	if (provider)
		provider->each(o->id, nesting, f, arg);
}
