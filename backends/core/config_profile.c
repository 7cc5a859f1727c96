// SPDX-License-Identifier: LGPL-2.1-or-later
/* Who uses a profile. Found by looking through the instances: there is no second list that could be wrong. */
#include <errno.h>
#include <string.h>

#include "backends/core/cleanup.h"
#include "backends/core/expand.h"

struct search {
	const struct object *profile;
	int (*f)(uint32_t id, const char *name, void *arg);
	void *arg;
};

static int is_name(const char *name, void *arg)
{
	return !strcmp(name, arg);
}

static bool uses(struct object *inst, const char *profile)
{
	struct entry *ent;
	char name[NAME_LEN_MAX + 20];

	snprintf(name, sizeof(name), "%s", profile);
	HOLD_LOCK(&inst->lock);
	ent = object_entry(inst, ENT_FIELD, "profiles");
	return ent && expand_each_profile(ent->value, ent->len, is_name, name);
}

static int look_at(uint32_t id, const char *name, void *arg)
{
	const struct search *s = arg;
	_cleanup_object_ struct object *inst = object_get(id);

	return inst && uses(inst, s->profile->name) ? s->f(id, name, s->arg) : 0;
}

int profile_each_user(struct object *profile, int (*f)(uint32_t id, const char *name, void *arg), void *arg)
{
	struct search s = { .profile = profile, .f = f, .arg = arg };

	return object_each(SPACE_INSTANCES, 0, look_at, &s);
}
