// SPDX-License-Identifier: LGPL-2.1-or-later
/* The reference page of devices, printed from the tables so that it cannot be wrong. */
#include "backends/core/device.h"

static const char *effect_word(const struct device_type *t, const struct device_property *p)
{
	switch (p->effect) {
	case DEVICE_SAME:
	case DEVICE_LIVE:
		return "at once";
	case DEVICE_AGAIN:
		return t->hot ? "at once, the device is attached anew" : "next start";
	case DEVICE_NEXT_START:
		return "next start";
	}
	return "";
}

static void print_type(const struct device_type *t, struct buf *out)
{
	buf_addf(out, "\n## %s\n\n%s. %s\n", t->name, t->doc,
		 t->hot ? "Comes, changes and goes while the instance runs." :
		 t->properties ? "A change waits for the next start of the instance." : "No properties.");
	if (!t->properties)
		return;
	buf_addstr(out, "\n| property | value | default | takes effect | who | meaning |\n|---|---|---|---|---|---|\n");
	for (const struct device_property *p = t->properties; p->name; p++)
		buf_addf(out, "| `%s` | %s | %s | %s | %s | %s |\n", p->name, p->type, p->def, effect_word(t, p),
			 p->flags & DEVICE_ROOT ? "root" : "owner", p->doc);
	for (const char *const *l = t->later; l && *l; l++)
		buf_addf(out, "%s`%s`", l == t->later ? "\nNot supported yet: " : ", ", *l);
	if (t->later && *t->later)
		buf_addstr(out, ".\n");
	if (t->notes)
		buf_addf(out, "\n%s\n", t->notes);
}

void devices_print_markdown(struct buf *out)
{
	buf_addstr(out,
		   "# Devices\n\n"
		   "One file per device: `instances/NAME/devices/DEVICE`, `profiles/NAME/devices/DEVICE`, with `key=value` lines, comments\n"
		   "with `#`, and always a line `type=`. `rm` detaches. What a device became on a running instance is in\n"
		   "`instances/NAME/runtime/devices/DEVICE`. This page is printed by `instfs --list-devices`.\n\n"
		   "A device of an instance hides the whole device of the same name in its profiles. A change is all or nothing: what the\n"
		   "kernel refuses leaves everything as it was, and `error` says why. Disks with a source on the host, nodes, proxies and nics\n"
		   "on interfaces of the host are root's to give.\n");
	for (size_t i = 0; device_types[i]; i++)
		print_type(device_types[i], out);
	buf_addstr(out, "\n## Not supported yet\n\nKnown, and refused with EOPNOTSUPP:\n\n");
	for (const char *const *l = device_types_later; *l; l++)
		buf_addf(out, "- `%s`\n", *l);
}
