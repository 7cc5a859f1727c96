// SPDX-License-Identifier: LGPL-2.1-or-later
/* Any bytes as object.json or snapshot.json: no crash, a refusal has a sentence, and what was accepted survives printing and parsing. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "backends/core/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void same_entries(struct entry *const *a, size_t n_a, struct entry *const *b, size_t n_b)
{
	if (n_a != n_b)
		abort();
	for (size_t i = 0; i < n_a; i++) {
		if (a[i]->kind != b[i]->kind || strcmp(a[i]->name, b[i]->name) != 0 || a[i]->slot != b[i]->slot)
			abort();
		if (a[i]->len != b[i]->len || memcmp(a[i]->value, b[i]->value, a[i]->len) != 0)
			abort();
		if (a[i]->meta.mode != b[i]->meta.mode || a[i]->meta.mtime.tv_sec != b[i]->meta.mtime.tv_sec)
			abort();
		if (i && entry_compare(a[i - 1], a[i]->kind, a[i]->name) >= 0)
			abort();
	}
}

static void try_object(const char *text, size_t len)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct err e = ERR_INIT;
	struct record x, y;
	uint32_t id;

	if (record_parse(text, len, &x, &e) < 0) {
		if (!e.code || !*e.text)
			abort();
		record_parse_id(text, len, &id);
		return;
	}
	if (record_print(&x, &b, &e) < 0 || record_parse(b.data, b.len, &y, &e) < 0)
		abort();
	if (x.id != y.id || x.next_slot != y.next_slot || x.generation != y.generation || x.created.tv_nsec != y.created.tv_nsec)
		abort();
	if (record_parse_id(b.data, b.len, &id) < 0 || id != x.id)
		abort();
	same_entries(x.entries, x.n_entries, y.entries, y.n_entries);
	record_free(&x);
	record_free(&y);
}

static void try_snapshot(const char *text, size_t len)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct err e = ERR_INIT;
	struct snapshot *x, *y;

	if (record_parse_snapshot(text, len, &x, &e) < 0) {
		if (!e.code || !*e.text)
			abort();
		return;
	}
	if (record_print_snapshot(x, &b, &e) < 0 || record_parse_snapshot(b.data, b.len, &y, &e) < 0)
		abort();
	if (x->slot != y->slot || x->expires != y->expires || strcmp(x->description, y->description) != 0)
		abort();
	same_entries(x->entries, x->n_entries, y->entries, y->n_entries);
	snapshot_free(x);
	snapshot_free(y);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	try_object((const char *)data, size);
	try_snapshot((const char *)data, size);
	return 0;
}
