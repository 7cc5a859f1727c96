// SPDX-License-Identifier: LGPL-2.1-or-later
/* The reference page of keys, printed from the table so that it cannot be wrong. */
#include "backends/core/keys.h"

static const char *live_word(const struct key *k)
{
	switch (k->live) {
	case KEY_LIVE:
		return "at once";
	case KEY_NEXT_START:
		return "next start";
	case KEY_REFUSED:
		return "when stopped only";
	}
	return "";
}

static void print_rows(struct buf *out, unsigned flag, const char *title)
{
	buf_addf(out, "\n## %s\n\n| key | value | default | takes effect | who | meaning |\n|---|---|---|---|---|---|\n", title);
	for_each_key(k) {
		if (!(k->flags & flag))
			continue;
		buf_addf(out, "| `%s` | %s%s | %s | %s | %s | %s |\n", k->name, k->type, k->flags & KEY_MULTILINE ? ", lines" : "",
			 k->def, live_word(k), k->flags & KEY_ROOT ? "root" : "owner", k->doc);
	}
}

void keys_print_markdown(struct buf *out)
{
	buf_addstr(out,
		   "# Configuration keys\n\n"
		   "One file per key: `instances/NAME/config/KEY`, `profiles/NAME/config/KEY`, `networks/NAME/config/KEY`, `settings/KEY`. A file\n"
		   "that is not there is an unset key; `rm` or an empty value unsets it. This page is printed by `instfs --list-keys`.\n\n"
		   "Blanks around a value are ignored. Booleans are true, false, yes, no, 1, 0, on, off in any case. Sizes are 4096, 256MiB,\n"
		   "256M (both 2^20), 256MB (10^6), 1.5G. Time spans are seconds, or 30s, 5m, 24h, 7d. One line has at most 4096 bytes,\n"
		   "values of several lines 1 MiB.\n");
	print_rows(out, KEY_INSTANCE, "Instances and profiles");
	print_rows(out, KEY_NETWORK, "Networks");
	print_rows(out, KEY_SETTING, "Settings");
	buf_addstr(out,
		   "\nIn `snapshots.pattern`, `{{ creation_date|date:'%Y%m%d-%H%M' }}` is the time, with the letters of strftime or in Go's form\n"
		   "(`2006-01-02_15-04-05`). What comes out must be a name: letters, digits, `.`, `_`, `-`, `+`, `@`.\n");
	buf_addstr(out, "\n## Not supported\n\nKnown from LXD or Incus, and refused with EOPNOTSUPP:\n\n| key | why |\n|---|---|\n");
	for (const struct key_refusal *u = key_refused; u->name; u++)
		buf_addf(out, "| `%s` | %s |\n", u->name, u->why);
}
