// SPDX-License-Identifier: LGPL-2.1-or-later
/* Walks every row of the tree: ids unique and ascending, documented, sensible modes; doc/tree.md says the same. */
#include <stdlib.h>

#include "fs/row.h"
#include "fs/row_doc.h"
#include "tests/unit/unit.h"


static int check_row(const char *path, const struct row *r, void *arg)
{
	CHECK(r->doc && r->doc[0]);
	CHECK(r->doc && r->doc[strlen(r->doc) - 1] != '.');
	CHECK(r->id > 0 && r->id < ROW_MAX && r->id != 2);
	CHECK(row_by_id(r->id) == r);
	CHECK(S_ISDIR(r->mode) || S_ISREG(r->mode) || S_ISLNK(r->mode));
	CHECK(!S_ISDIR(r->mode) == !r->dir || r == &scratch_dir_row);
	if (S_ISREG(r->mode) && r != &entry_row)
		CHECK(r->show || r->flags & ROW_FIELD || r->stream);
	if (r->mode & 0222 && S_ISREG(r->mode) && r != &entry_row)
		CHECK(r->store || r->flags & ROW_FIELD || (r->stream && r->stream->write));
	if (r->flags & ROW_FIELD)
		CHECK(r->deps & CHANGED_ENTRIES);
	if (r->dir)
		for (const struct row *c = r->dir->rows, *p = NULL; c && c->id; p = c++)
			CHECK(!p || p->id < c->id);
	return 0;
}

int main(int argc, char **argv)
{
	struct buf page = BUF_INIT, file = BUF_INIT;

	CHECK(row_init() == 0);
	row_each(check_row, NULL);
	row_print_markdown(&page);
	if (argc > 1 && !strcmp(argv[1], "--print")) {
		fputs(buf_str(&page), stdout);
		return 0;
	}
	CHECK(buf_read_file(&file, -100, SOURCE_DIR "/doc/tree.md", 1 << 20) == 0);
	CHECK(file.len == page.len && !memcmp(buf_str(&file), buf_str(&page), page.len));
	buf_free(&page);
	buf_free(&file);
	return UNIT_END();
}
