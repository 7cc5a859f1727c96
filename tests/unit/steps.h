/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Steps of life of a few instances, what must be on disk after each, and what is: for tests that cut the life off. */
#pragma once

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "backends/core/cleanup.h"
#include "backends/core/object.h"
#include "tests/unit/unit.h"

static struct err last;
static const struct meta plain = { .mode = 0755 };

#define NAMES 8

enum { DO_CREATE, DO_SET, DO_RENAME, DO_REMOVE, DO_KINDS };

struct step {
	int what, a, b, value;
	uint32_t id;
	bool done;
};

/* What must be on disk: by name, id (0: not there) and value. */
struct truth {
	uint32_t id[NAMES];
	int value[NAMES];
	size_t trashed;
};

static const char *nth(int i)
{
	static char buf[2][16];
	static int turn;

	turn = !turn;
	snprintf(buf[turn], sizeof(buf[turn]), "kill%d", i);
	return buf[turn];
}

static int carry_out(struct step *s)
{
	_cleanup_object_ struct object *o = s->what == DO_CREATE ? NULL : object_find(SPACE_INSTANCES, nth(s->a));
	char text[16];
	int r;

	snprintf(text, sizeof(text), "%d", s->value);
	if (s->what == DO_CREATE)
		r = object_create(SPACE_INSTANCES, nth(s->a), &plain, &o, &last);
	else if (!o)
		return -ENOENT;
	else if (s->what == DO_SET)
		r = object_set(o, ENT_CONFIG, "a", text, strlen(text), &last);
	else if (s->what == DO_RENAME)
		r = object_rename(o, nth(s->b), &last);
	else
		r = object_remove(o, &last);
	s->id = o ? o->id : 0;
	return r;
}

static void apply(struct truth *t, const struct step *s)
{
	if (s->what == DO_CREATE) {
		t->id[s->a] = s->id;
		t->value[s->a] = -1;
	} else if (s->what == DO_SET) {
		t->value[s->a] = s->value;
	} else if (s->what == DO_RENAME && s->a != s->b) {
		t->id[s->b] = t->id[s->a];
		t->value[s->b] = t->value[s->a];
		t->id[s->a] = 0;
	} else if (s->what == DO_REMOVE) {
		t->id[s->a] = 0;
		t->trashed++;
	}
}

static void look(struct truth *t)
{
	for (int i = 0; i < NAMES; i++) {
		_cleanup_object_ struct object *o = object_find(SPACE_INSTANCES, nth(i));
		char text[16];

		t->id[i] = o ? o->id : 0;
		t->value[i] = o && object_value(o, ENT_CONFIG, "a", text, sizeof(text)) ? atoi(text) : -1;
		CHECK(!o || o->run.state == INST_STOPPED);
	}
}

static bool same(const struct truth *x, const struct truth *y)
{
	for (int i = 0; i < NAMES; i++)
		if (x->id[i] != y->id[i] || (x->id[i] && x->value[i] != y->value[i]))
			return false;
	return true;
}
