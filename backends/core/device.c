// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Texts of devices: `key=value` lines, '#' comments, blank lines; blanks around keys and values do not count. Pure functions
 * over the text, which is kept as it was written. Properties are rows of tables, one table per type of device.
 */
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "backends/core/config.h"
#include "backends/core/value.h"

#define DEVICE_TEXT_MAX (64u << 10)
#define VALUE_MAX 4096
#define COUNT(a) (sizeof(a) / sizeof(*(a)))

struct span {
	const char *p;
	size_t len;
};

struct text {			/* a device's text and where a walk through it is */
	const char *p, *end;
	unsigned line;
};

struct property {
	const char *name;
	int (*check)(const char *value, struct err *e);
};

struct device_type {
	const char *name;
	const struct property *properties;
	size_t n_properties;
	const char *const *later;	/* known to LXD, not applied here yet; ended by NULL; a final '*' covers a family */
	int (*check)(const char *text, size_t len, struct err *e);	/* of the whole, after its properties */
};

/* ---- reading ---- */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static struct span trim(const char *p, const char *end)
{
	while (p < end && is_blank(*p))
		p++;
	while (end > p && is_blank(end[-1]))
		end--;
	return (struct span){ p, (size_t)(end - p) };
}

/* The next property. Returns 1, 0 at the end, -EINVAL for a line without '=' or key. */
static int next_property(struct text *t, struct span *key, struct span *value)
{
	while (t->p < t->end) {
		const char *nl = memchr(t->p, '\n', (size_t)(t->end - t->p)), *eol = nl ? nl : t->end, *eq;
		struct span line = trim(t->p, eol);

		t->p = nl ? nl + 1 : t->end;
		t->line++;
		if (!line.len || *line.p == '#')
			continue;
		eq = memchr(line.p, '=', line.len);
		if (!eq || eq == line.p) {
			*key = line;
			return -EINVAL;
		}
		*key = trim(line.p, eq);
		*value = trim(eq + 1, line.p + line.len);
		return 1;
	}
	return 0;
}

static bool span_is(struct span s, const char *word)
{
	return strlen(word) == s.len && !memcmp(s.p, word, s.len);
}

bool device_get(const char *text, size_t len, const char *key, char *buf, size_t size)
{
	struct text t = { text, text + len, 0 };
	struct span k, v;
	int r;

	while ((r = next_property(&t, &k, &v)) != 0) {
		if (r < 0 || !span_is(k, key))
			continue;
		if (size) {
			if (v.len >= size)
				v.len = size - 1;
			memcpy(buf, v.p, v.len);
			buf[v.len] = '\0';
		}
		return true;
	}
	return false;
}

static bool has(const char *text, size_t len, const char *key)
{
	char c[2];

	return device_get(text, len, key, c, sizeof(c)) && c[0];
}

/* ---- checks of properties ---- */

static int check_any(const char *value, struct err *e)
{
	return 0;
}

static int check_bool(const char *value, struct err *e)
{
	bool v;

	return value_bool(value, &v, e);
}

static int check_path(const char *value, struct err *e)
{
	if (value[0] != '/')
		return err_set(e, EINVAL, "\"%.100s\" is not an absolute path", value);
	for (const char *p = value; *p;) {
		size_t n = strcspn(++p, "/");

		if (n == 2 && !memcmp(p, "..", 2))
			return err_set(e, EINVAL, "\"%.100s\" has a \"..\"", value);
		p += n;
	}
	return 0;
}

static int check_propagation(const char *value, struct err *e)
{
	static const char *const words[] = { "private", "shared", "slave", "unbindable", "rprivate", "rshared", "rslave", "runbindable" };

	for (size_t i = 0; i < COUNT(words); i++) {
		if (!strcmp(value, words[i]))
			return 0;
	}
	return err_set(e, EINVAL, "\"%.32s\" is not one of private, shared, slave, unbindable or these with an r in front", value);
}

static int check_interface(const char *value, struct err *e)
{
	size_t n = strlen(value);

	if (n >= 2 && n <= 15 && strcmp(value, "..") != 0 &&
	    !value[strspn(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")])
		return 0;
	return err_set(e, EINVAL, "\"%.32s\" is not a name for a network interface: 2 to 15 letters, digits and - _ .", value);
}

static int check_mac(const char *value, struct err *e)
{
	static const char hex[] = "0123456789abcdefABCDEF";

	for (int i = 0; i < 17; i++) {
		if (i % 3 == 2 ? value[i] != ':' : !value[i] || !strchr(hex, value[i]))
			return err_set(e, EINVAL, "\"%.32s\" is not a MAC address like 00:16:3e:12:34:56", value);
	}
	if (value[17])
		return err_set(e, EINVAL, "\"%.32s\" is not a MAC address like 00:16:3e:12:34:56", value);
	if (strchr("13579bdfBDF", value[1]))
		return err_set(e, EINVAL, "%s is a multicast address, which no interface can have", value);
	if (!strcmp(value, "00:00:00:00:00:00"))
		return err_set(e, EINVAL, "%s is no address that an interface can have", value);
	return 0;
}

static int check_mtu(const char *value, struct err *e)
{
	int64_t v;

	return value_int(value, 1280, 16384, &v, e);
}

static int check_nictype(const char *value, struct err *e)
{
	static const char *const now[] = { "bridged", "macvlan", "p2p", "physical" };
	static const char *const later[] = { "ipvlan", "ovn", "routed", "sriov" };

	for (size_t i = 0; i < COUNT(now); i++) {
		if (!strcmp(value, now[i]))
			return 0;
	}
	for (size_t i = 0; i < COUNT(later); i++) {
		if (!strcmp(value, later[i]))
			return err_set(e, EOPNOTSUPP, "nictype=%s is not supported yet", value);
	}
	return err_set(e, EINVAL, "nictype \"%.32s\" is not one of bridged, macvlan, p2p, physical", value);
}

/* ---- checks of whole devices ---- */

static int check_disk(const char *text, size_t len, struct err *e)
{
	static const char *const not_root[] = { "source", "readonly", "recursive", "required", "optional", "shift", "propagation" };
	char path[VALUE_MAX + 1];
	bool readonly = false, recursive = false;

	if (!device_get(text, len, "path", path, sizeof(path)))
		return err_set(e, EINVAL, "a disk needs path=, where it appears in the instance");
	if (!path[strspn(path, "/")]) {
		for (size_t i = 0; i < COUNT(not_root); i++) {
			if (has(text, len, not_root[i]))
				return err_set(e, EINVAL, "%s= has no meaning for the root disk (path=/)", not_root[i]);
		}
		return 0;
	}
	if (has(text, len, "pool"))
		return err_set(e, EOPNOTSUPP, "volumes of pools are not supported yet; pool= is for the root disk (path=/)");
	if (!has(text, len, "source"))
		return err_set(e, EINVAL, "a disk other than the root disk (path=/) needs source=, a path of the host");
	if (has(text, len, "required") && has(text, len, "optional"))
		return err_set(e, EINVAL, "required= and optional= say the same; only one of them can stand");
	if (device_get(text, len, "readonly", path, sizeof(path)))
		value_bool(path, &readonly, NULL);
	if (device_get(text, len, "recursive", path, sizeof(path)))
		value_bool(path, &recursive, NULL);
	if (readonly && recursive)
		return err_set(e, EOPNOTSUPP, "readonly= and recursive= together are not supported: mounts below would stay writable");
	return 0;
}

static int check_nic(const char *text, size_t len, struct err *e)
{
	char type[32];

	if (!device_get(text, len, "nictype", type, sizeof(type)))
		return err_set(e, EINVAL, "a nic needs nictype=, one of bridged, macvlan, p2p, physical");
	if (strcmp(type, "p2p") != 0 && !has(text, len, "parent"))
		return err_set(e, EINVAL, "nictype=%s needs parent=, an interface of the host", type);
	if (!strcmp(type, "p2p") && has(text, len, "parent"))
		return err_set(e, EINVAL, "nictype=p2p has no parent=");
	if (has(text, len, "host_name") && strcmp(type, "bridged") != 0 && strcmp(type, "p2p") != 0)
		return err_set(e, EINVAL, "nictype=%s has no host_name=", type);
	return 0;
}

static int check_nothing(const char *text, size_t len, struct err *e)
{
	return 0;
}

static const struct property disk_properties[] = {
	{ "optional", check_bool }, { "path", check_path }, { "pool", check_any }, { "propagation", check_propagation },
	{ "readonly", check_bool }, { "recursive", check_bool }, { "required", check_bool }, { "shift", check_bool },
	{ "source", check_path },
};

static const char *const disk_later[] = {
	"boot.priority", "ceph.*", "io.*", "limits.*", "raw.mount.options", "size", "size.state", NULL,
};

static const struct property nic_properties[] = {
	{ "host_name", check_interface }, { "hwaddr", check_mac }, { "mtu", check_mtu }, { "name", check_interface },
	{ "nictype", check_nictype }, { "parent", check_interface },
};

static const char *const nic_later[] = {
	"boot.priority", "gvrp", "host_address", "host_table", "ipv4.*", "ipv6.*", "limits.*", "maas.*", "mode", "network",
	"queue.tx.length", "security.*", "vlan", "vlan.tagged", NULL,
};

static const char *const nothing_later[] = { NULL };

static const struct device_type device_types[] = {
	{ "disk", disk_properties, COUNT(disk_properties), disk_later, check_disk },
	{ "nic", nic_properties, COUNT(nic_properties), nic_later, check_nic },
	{ "none", NULL, 0, nothing_later, check_nothing },
};

static const char *const types_later[] = {
	"gpu", "infiniband", "pci", "proxy", "tpm", "unix-block", "unix-char", "unix-hotplug", "usb", NULL,
};

/* ---- checking ---- */

static const struct device_type *find_type(const char *name)
{
	for (size_t i = 0; i < COUNT(device_types); i++) {
		if (!strcmp(device_types[i].name, name))
			return &device_types[i];
	}
	return NULL;
}

static bool is_later(const char *const *list, struct span key)
{
	for (; *list; list++) {
		size_t n = strlen(*list);

		if ((*list)[n - 1] == '*' ? key.len >= n && !memcmp(*list, key.p, n - 1) : span_is(key, *list))
			return true;
	}
	return false;
}

static int check_property(const struct device_type *type, struct span key, struct span value, struct err *e)
{
	char text[VALUE_MAX + 1];
	int len = key.len > 64 ? 64 : (int)key.len, r;

	if (span_is(key, "type"))
		return 0;
	if (is_later(type->later, key))
		return err_set(e, EOPNOTSUPP, "%.*s= is not supported yet", len, key.p);
	for (size_t i = 0; i < type->n_properties; i++) {
		if (!span_is(key, type->properties[i].name))
			continue;
		if (!value.len)
			return err_set(e, EINVAL, "%s= has no value; leave the line out instead", type->properties[i].name);
		if (value.len > VALUE_MAX)
			return err_set(e, EINVAL, "the value of %s= is longer than %d bytes", type->properties[i].name, VALUE_MAX);
		memcpy(text, value.p, value.len);
		text[value.len] = '\0';
		r = type->properties[i].check(text, e);
		return r < 0 ? err_wrap(e, "%s", type->properties[i].name), r : 0;
	}
	return err_set(e, EINVAL, "a device of type %s has no property \"%.*s\"", type->name, len, key.p);
}

static int find_twice(const char *text, size_t len, struct span key, unsigned line, struct err *e)
{
	struct text t = { text, text + len, 0 };
	struct span k, v;

	while (next_property(&t, &k, &v) == 1 && t.line < line) {
		if (k.len == key.len && !memcmp(k.p, key.p, k.len))
			return err_set(e, EINVAL, "line %u: %.*s= stands in line %u already", line, k.len > 64 ? 64 : (int)k.len, k.p, t.line);
	}
	return 0;
}

static int check_type(const char *text, size_t len, const struct device_type **ret, struct err *e)
{
	char name[64];

	if (!device_get(text, len, "type", name, sizeof(name)))
		return err_set(e, EINVAL, "the line type= is missing; types are disk, nic, none");
	*ret = find_type(name);
	if (*ret)
		return 0;
	if (is_later(types_later, (struct span){ name, strlen(name) }))
		return err_set(e, EOPNOTSUPP, "devices of type %s are not supported yet", name);
	return err_set(e, EINVAL, "\"%s\" is not a type of device; types are disk, nic, none", name);
}

static int check_lines(const char *text, size_t len, struct err *e)
{
	struct text t = { text, text + len, 0 };
	struct span key, value;
	unsigned n = 0;
	int r;

	while ((r = next_property(&t, &key, &value)) == 1) {
		/* more lines than there are properties cannot be right; it bounds the search for a second one */
		if (++n > 64)
			return err_set(e, EINVAL, "the device has more than 64 properties");
		r = value_line(key.p, (size_t)(value.p + value.len - key.p), e);
		if (r < 0)
			return err_wrap(e, "line %u", t.line), r;
		r = find_twice(text, len, key, t.line, e);
		if (r < 0)
			return r;
	}
	if (r < 0)
		return err_set(e, EINVAL, "line %u is not key=value: \"%.*s\"", t.line, key.len > 64 ? 64 : (int)key.len, key.p);
	return n ? 0 : err_set(e, EINVAL, "the device is empty; it needs at least type=; remove the file to remove the device");
}

static int check_device(const char *text, size_t len, struct err *e)
{
	struct text t = { text, text + len, 0 };
	const struct device_type *type = NULL;
	struct span key, value;
	int r;

	r = value_text(text, len, e);
	if (r == 0)
		r = check_lines(text, len, e);
	if (r == 0)
		r = check_type(text, len, &type, e);
	while (r == 0 && next_property(&t, &key, &value) == 1)
		r = check_property(type, key, value, e);
	return r < 0 ? r : type->check(text, len, e);
}

int device_check(const char *name, const char *text, size_t len, struct err *e)
{
	int r = name_check("device", name, e);

	if (r < 0)
		return r;
	if (len > DEVICE_TEXT_MAX)
		return err_set(e, EFBIG, "device %s: the text has %zu bytes, at most %u are allowed", name, len, DEVICE_TEXT_MAX);
	r = check_device(text, len, e);
	return r < 0 ? err_wrap(e, "device %s", name), r : 0;
}

bool device_needs_root(const char *text, size_t len)
{
	char type[64], nictype[32];

	if (!device_get(text, len, "type", type, sizeof(type)))
		return true;
	if (!strcmp(type, "none"))
		return false;
	if (!strcmp(type, "disk"))
		return has(text, len, "source");
	if (!strcmp(type, "nic"))
		return has(text, len, "parent") && (!device_get(text, len, "nictype", nictype, sizeof(nictype)) ||
						    (strcmp(nictype, "bridged") != 0 && strcmp(nictype, "p2p") != 0));
	return true;
}
