// SPDX-License-Identifier: LGPL-2.1-or-later
/* Names, values and permissions of single entries. No state; profiles are looked up with no lock held. */
#include "backends/core/config_rules.h"

#include <errno.h>
#include <string.h>

#include "backends/core/expand.h"
#include "backends/core/keys.h"
#include "backends/core/restricted.h"
#include "backends/core/value.h"

#define TEXT_MAX (64u << 10)
#define PROFILES_MAX 64

/* ---- names ---- */

static int check_key_name(struct object *o, const char *name, struct err *e)
{
	const struct key *k;
	int r = key_check_name(name, &k, e);

	if (r < 0)
		return r;
	switch (o->space) {
	case SPACE_DAEMON:
		if (k->flags & KEY_SETTING)
			return 0;
		return err_set(e, EINVAL, "%.100s is not a setting, it is a key of instances and profiles", name);
	case SPACE_INSTANCES:
	case SPACE_PROFILES:
		if (k->flags & (o->space == SPACE_PROFILES ? KEY_PROFILE : KEY_INSTANCE))
			return 0;
		if (k->flags & KEY_SETTING)
			return err_set(e, EINVAL, "%.100s is a setting of the daemon, it belongs into settings/", name);
		if (k->flags & KEY_NETWORK)
			return err_set(e, EINVAL, "%.100s is a key of networks, it belongs into networks/NAME/config/", name);
		return err_set(e, EINVAL, "%.100s cannot stand in %s", name, o->space == SPACE_PROFILES ? "a profile" : "an instance");
	case SPACE_NETWORKS:
		if (k->flags & KEY_NETWORK)
			return 0;
		return err_set(e, EINVAL, "%.100s is not a key of networks", name);
	default:
		return err_set(e, EINVAL, "there are no keys in %s", space_name(o->space));
	}
}

static int check_field_name(struct object *o, const char *name, struct err *e)
{
	bool instance = o->space == SPACE_INSTANCES;
	bool document = instance || o->space == SPACE_PROFILES || o->space == SPACE_NETWORKS;

	if (!strcmp(name, "description") && (document || o->space == SPACE_IMAGES))
		return 0;
	if (!strcmp(name, CONFIG_DOCUMENT) && document)
		return 0;
	if (instance && (!strcmp(name, "profiles") || !strcmp(name, "ephemeral")))
		return 0;
	if (instance && !strcmp(name, "architecture"))
		return err_set(e, EROFS, "architecture follows the image and cannot be written");
	return err_set(e, EROFS, "%.100s cannot be written", name);
}

int rules_check_name(struct object *o, enum entry_kind k, const char *name, struct err *e)
{
	bool devices = o->space == SPACE_INSTANCES || o->space == SPACE_PROFILES;

	if (o->space == SPACE_TRASH)
		return err_set(e, EROFS, "what is in the trash cannot be changed; move it back to instances/ first");
	switch (k) {
	case ENT_CONFIG:
		return check_key_name(o, name, e);
	case ENT_FIELD:
		return check_field_name(o, name, e);
	case ENT_DEVICE:
		return devices ? name_check("device", name, e) : err_set(e, EINVAL, "there are no devices in %s", space_name(o->space));
	case ENT_PROPERTY:
		if (o->space == SPACE_IMAGES)
			return name_check("property", name, e);
		return err_set(e, EINVAL, "there are no properties in %s", space_name(o->space));
	default:
		return err_set(e, EROFS, "%.100s cannot be written", name);
	}
}

/* ---- values ---- */

struct profile_list {
	char names[PROFILES_MAX][NAME_LEN_MAX + 2];
	size_t n;
	struct err *e;
};

static int check_profile(const char *name, void *arg)
{
	struct profile_list *l = arg;
	_cleanup_object_ struct object *p = NULL;

	if (name_check("profile", name, l->e) < 0)
		return -EINVAL;
	for (size_t i = 0; i < l->n; i++) {
		if (!strcmp(l->names[i], name))
			return err_set(l->e, EINVAL, "the profile %s is named twice", name);
	}
	if (l->n == PROFILES_MAX)
		return err_set(l->e, EINVAL, "an instance can have at most %d profiles", PROFILES_MAX);
	p = object_find(SPACE_PROFILES, name);
	if (!p)
		return err_set(l->e, EINVAL, "there is no profile %s; mkdir profiles/%s makes one", name, name);
	strcpy(l->names[l->n++], name);
	return 0;
}

static int check_text(const struct entry_change *c, struct err *e)
{
	if (c->len > TEXT_MAX)
		return err_set(e, EFBIG, "the text has %zu bytes, at most %u are allowed", c->len, TEXT_MAX);
	return value_text(c->value, c->len, e);
}

static int check_bool(const struct entry_change *c, struct err *e)
{
	size_t len = c->len && c->value[c->len - 1] == '\n' ? c->len - 1 : c->len;
	char text[64];
	bool v;
	int r;

	if (len >= sizeof(text))
		return err_set(e, EINVAL, "the value is neither true nor false");
	r = value_line(c->value, len, e);
	if (r < 0)
		return r;
	memcpy(text, c->value, len);
	text[len] = '\0';
	return value_bool(text, &v, e);
}

static int check_field(const struct entry_change *c, struct err *e)
{
	struct profile_list l = { .e = e };
	int r;

	if (!strcmp(c->name, "ephemeral"))
		return check_bool(c, e);
	r = check_text(c, e);
	if (r == 0 && !strcmp(c->name, "profiles"))
		r = expand_each_profile(c->value, c->len, check_profile, &l);
	return r;
}

int rules_check_value(const struct entry_change *c, struct err *e)
{
	int r;

	switch (c->kind) {
	case ENT_CONFIG:
		return key_check(c->name, c->value, c->len, e);
	case ENT_DEVICE:
		return device_check(c->name, c->value, c->len, e);
	case ENT_FIELD:
		r = check_field(c, e);
		break;
	default:
		r = check_text(c, e);
		break;
	}
	return r < 0 ? err_wrap(e, "%.100s", c->name), r : 0;
}

int rules_check_permission(const struct entry_change *c, const struct caller *who, struct err *e)
{
	const struct key *k;

	if (!who || who->uid == 0)
		return 0;
	k = c->kind == ENT_CONFIG ? key_find(c->name) : NULL;
	if (k && k->flags & KEY_ROOT)
		return err_set(e, EPERM, "only root may change %.100s", c->name);
	/* to take a device away gives nobody any power */
	if (c->kind == ENT_DEVICE && c->value && restricted_device(c->value, c->len))
		return err_set(e, EPERM, "device %.64s: only root may give devices of the host that no list in settings/restricted.* names",
			       c->name);
	return 0;
}
