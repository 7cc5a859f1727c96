// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/row_doc.h"

#include "fs/row.h"

static const char head[] =
	"# The tree, file by file\n"
	"\n"
	"Printed from the row tables in fs/ (`instfs --list-files`); tests/tables checks that this page and the tables agree.\n"
	"\n"
	"Values that people write are kept byte for byte and read back so; values that the daemon makes end in a newline. Times are RFC 3339\n"
	"in UTC, sizes are bytes. A refused write gives an errno (EINVAL a bad value, EPERM not yours to change, EBUSY running or an operation\n"
	"under way, EFBIG too long, EOPNOTSUPP not possible here; EBADMSG where a rename brings a bad value) and a sentence in `error`.\n"
	"*unlisted* files can be opened by name and do not stand in listings, because reading them blocks or starts something. "
	"*volatile* ones change by themselves.\n"
	"Modes are those of a new object; owner, group and mode of a directory can be changed and are kept.\n"
	"\n"
	"A write returns when it is done. `rm` of a key or a device hides the file at once, and unsets or detaches within two seconds, because\n"
	"many programs remove a file to put another in its place; `sync DIRECTORY` returns when that is done, and so does writing an empty\n"
	"value to a key instead.\n"
	"\n"
	"| path | mode | what |\n"
	"|---|---|---|\n";

static const char *type_of(mode_t mode)
{
	return S_ISDIR(mode) ? "/" : S_ISLNK(mode) ? " ->" : "";
}

static int print_row(const char *path, const struct row *r, void *arg)
{
	struct buf *out = arg;

	if (!*path || *path == '(')
		return 0;
	buf_addf(out, "| `%s%s` | %04o | %s", path, type_of(r->mode), r->mode & 07777, r->doc);
	if (r->flags & ROW_UNLISTED)
		buf_addstr(out, " (unlisted)");
	if (r->flags & (ROW_VOLATILE_ALWAYS | ROW_VOLATILE_RUN))
		buf_addstr(out, " (volatile)");
	buf_addstr(out, " |\n");
	return 0;
}

void row_print_markdown(struct buf *out)
{
	buf_addstr(out, head);
	row_each(print_row, out);
}
