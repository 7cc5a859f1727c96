// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The lists are of what root has thought about: these very directories (not what is below: a user who may write there could put a
 * link in the way), these very interfaces and networks, these whole types of devices. Without a list nothing is allowed.
 */
#include "backends/core/restricted.h"

#include <string.h>
#include <strings.h>

#include "backends/core/cleanup.h"
#include "backends/core/config.h"
#include "backends/core/value.h"

#define LIST_MAX 4097

static bool setting(const char *key, char *buf, size_t size)
{
	_cleanup_object_ struct object *o = object_get(0);

	return o && object_value(o, ENT_CONFIG, key, buf, size);
}

static int is_word(const char *word, void *arg)
{
	return !strcmp(word, arg);
}

static bool is_listed(const char *key, char *what)
{
	char list[LIST_MAX];

	return setting(key, list, sizeof(list)) && value_each_word(list, is_word, what);
}

/* Without slashes at its end, as in the list. */
static bool disk_allowed(const char *text, size_t len)
{
	char source[LIST_MAX], options[2];
	size_t n;

	if (!device_get(text, len, "source", source, sizeof(source)) || *source != '/' ||
	    device_get(text, len, "raw.mount.options", options, sizeof(options)))
		return false;
	for (n = strlen(source); n > 1 && source[n - 1] == '/'; n--)
		source[n - 1] = '\0';
	return is_listed("restricted.devices.disk.paths", source);
}

static bool nic_allowed(const char *text, size_t len)
{
	_cleanup_object_ struct object *network = NULL;
	char parent[64];

	if (!device_get(text, len, "parent", parent, sizeof(parent)))
		return !device_needs_root(text, len);
	/* Networks of the tree are there for instances. */
	network = object_find(SPACE_NETWORKS, parent);
	return (network && !device_needs_root(text, len)) || is_listed("restricted.networks.access", parent);
}

static bool type_allowed(const char *type)
{
	char key[80], word[16];

	snprintf(key, sizeof(key), "restricted.devices.%.32s", type);
	return setting(key, word, sizeof(word)) && !strcmp(word, "allow");
}

bool restricted_device(const char *text, size_t len)
{
	char type[64];

	if (!device_get(text, len, "type", type, sizeof(type)))
		return true;
	if (!strcmp(type, "nic"))
		return !nic_allowed(text, len);
	if (!device_needs_root(text, len))
		return false;
	return !strcmp(type, "disk") ? !disk_allowed(text, len) : !type_allowed(type);
}
