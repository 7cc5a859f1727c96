// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The making of instances, and what is written to `state`: words, and a table that tells for each state what each verb does.
 * The work itself is in lifecycle.c.
 */
#include "backends/core/instance.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "backends/core/event.h"
#include "backends/core/lifecycle.h"
#include "backends/core/name.h"
#include "backends/core/value.h"

#define TIMEOUT_MAX 86400

/* ---- making ---- */

static int make_uuid(char buf[38])
{
	unsigned char b[16];

	if (getrandom(b, sizeof(b), 0) != sizeof(b))
		return -errno;
	b[6] = (b[6] & 0x0f) | 0x40;
	b[8] = (b[8] & 0x3f) | 0x80;
	snprintf(buf, 38, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x\n", b[0], b[1], b[2], b[3], b[4], b[5],
		 b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
	return 0;
}

/* What every instance has from its first moment. */
static int furnish(struct object *o, struct err *e)
{
	_cleanup_object_ struct object *profile = object_find(SPACE_PROFILES, "default");
	char uuid[38];
	const struct entry_change c[] = {
		{ .kind = ENT_FIELD, .name = "type", .value = "container\n", .len = 10 },
		{ .kind = ENT_VOLATILE, .name = "uuid", .value = uuid, .len = 37 },
		{ .kind = ENT_FIELD, .name = "profiles", .value = "default\n", .len = 8 },
	};
	int r = make_uuid(uuid);

	if (r < 0)
		return err_sys(e, -r, "no random number for the uuid");
	return object_change(o, c, profile ? 3 : 2, CHANGED_ENTRIES, e);
}

/* mkdir that is asked for again: an earlier server made the instance, and may have been killed before it was complete. */
static int create_again(const char *name, struct object **ret, struct err *e)
{
	_cleanup_object_ struct object *o = object_find(SPACE_INSTANCES, name);
	char uuid[40];
	int r = 0;

	if (!o)
		return err_set(e, EEXIST, "instances/%s exists", name);
	if (!object_value(o, ENT_VOLATILE, "uuid", uuid, sizeof(uuid)))
		r = furnish(o, e);
	if (!r)
		*ret = object_ref(o);
	return r;
}

int instance_create(const char *name, const struct meta *m, const struct caller *who, struct object **ret, struct err *e)
{
	_cleanup_object_ struct object *o = NULL;
	int r = name_check_instance(name, e);

	if (r < 0)
		return r;
	r = object_create(SPACE_INSTANCES, name, m, &o, e);
	if (r == -EEXIST && who->again)
		return create_again(name, ret, e);
	if (r < 0)
		return r;
	r = furnish(o, e);
	if (r < 0) {
		/* Into the trash, as everything that is removed; there it harms nobody. */
		object_remove(o, NULL);
		return r;
	}
	event_emit("instance-created", o, NULL);
	*ret = object_ref(o);
	return 0;
}

/* ---- the words ---- */

enum verb { TO_RUNNING, TO_STOPPED, TO_FROZEN, TO_RESTARTED, N_VERBS };
static const char *const verbs[N_VERBS] = { "running", "stopped", "frozen", "restarted" };

struct wish {
	enum verb verb;
	unsigned flags, timeout;
	bool async;
};

static int parse_option(const char *word, struct wish *w, struct err *e)
{
	int64_t n;

	if (!strcmp(word, "force")) {
		w->flags |= OP_FORCE;
	} else if (!strcmp(word, "shutdown")) {
		w->flags |= OP_SHUTDOWN;
	} else if (!strcmp(word, "async")) {
		w->async = true;
	} else if (!strcmp(word, "stateful")) {
		return err_set(e, EOPNOTSUPP, "stateful: the state of processes cannot be saved yet; stop without it");
	} else if (!strncmp(word, "timeout=", 8)) {
		int r = value_int(word + 8, 1, TIMEOUT_MAX, &n, e);

		if (r < 0)
			return e ? err_wrap(e, "timeout") : r;
		w->timeout = (unsigned)n;
	} else {
		return err_set(e, EINVAL, "\"%s\" is not known here; behind the state can stand force, timeout=SECONDS, shutdown, async", word);
	}
	return 0;
}

static int parse_verb(const char *word, enum verb *ret, struct err *e)
{
	for (int v = 0; v < N_VERBS; v++) {
		if (!strcmp(word, verbs[v])) {
			*ret = v;
			return 0;
		}
	}
	return err_set(e, EINVAL, "\"%s\" is not a state to go to; write running, stopped, frozen or restarted", word);
}

static int parse(const char *text, struct wish *w, struct err *e)
{
	char copy[256], *word, *save = NULL;
	int r;

	*w = (struct wish){ .flags = 0 };
	if (strlen(text) >= sizeof(copy))
		return err_set(e, EINVAL, "more than %zu bytes; write running, stopped, frozen or restarted", sizeof(copy) - 1);
	strcpy(copy, text);
	word = strtok_r(copy, " \t\n", &save);
	r = parse_verb(word ? word : "", &w->verb, e);
	while (!r && (word = strtok_r(NULL, " \t\n", &save)))
		r = parse_option(word, w, e);
	return r;
}

/* ---- what they do ---- */

/* Instead of an operation. */
enum { NOTHING = OP_KIND_MAX, REFUSED };

/*
 * On the way from one state to another an operation is under way: to ask for another one then is EBUSY with the name of
 * that, unless the same request had asked for it; op_submit() knows both.
 */
static const unsigned char transitions[N_VERBS][INST_ERROR + 1] = {
	[TO_RUNNING] = {
		[INST_STOPPED] = OP_START, [INST_STARTING] = OP_START, [INST_RUNNING] = NOTHING, [INST_FREEZING] = OP_THAW,
		[INST_FROZEN] = OP_THAW, [INST_THAWING] = OP_THAW, [INST_STOPPING] = OP_START, [INST_RESTARTING] = OP_START,
		[INST_ERROR] = OP_START,
	},
	[TO_STOPPED] = {
		[INST_STOPPED] = NOTHING, [INST_STARTING] = OP_STOP, [INST_RUNNING] = OP_STOP, [INST_FREEZING] = OP_STOP,
		[INST_FROZEN] = OP_STOP, [INST_THAWING] = OP_STOP, [INST_STOPPING] = OP_STOP, [INST_RESTARTING] = OP_STOP,
		[INST_ERROR] = OP_STOP,
	},
	[TO_FROZEN] = {
		[INST_STOPPED] = REFUSED, [INST_STARTING] = OP_FREEZE, [INST_RUNNING] = OP_FREEZE, [INST_FREEZING] = OP_FREEZE,
		[INST_FROZEN] = NOTHING, [INST_THAWING] = OP_FREEZE, [INST_STOPPING] = OP_FREEZE, [INST_RESTARTING] = OP_FREEZE,
		[INST_ERROR] = REFUSED,
	},
	[TO_RESTARTED] = {
		[INST_STOPPED] = OP_RESTART, [INST_STARTING] = OP_RESTART, [INST_RUNNING] = OP_RESTART, [INST_FREEZING] = OP_RESTART,
		[INST_FROZEN] = OP_RESTART, [INST_THAWING] = OP_RESTART, [INST_STOPPING] = OP_RESTART, [INST_RESTARTING] = OP_RESTART,
		[INST_ERROR] = OP_RESTART,
	},
};

static int choose(struct object *o, const struct wish *w, unsigned *ret, struct err *e)
{
	enum inst_state s;

	pthread_mutex_lock(&o->lock);
	s = o->run.state;
	pthread_mutex_unlock(&o->lock);
	*ret = transitions[w->verb][s];
	if (*ret == REFUSED)
		return err_set(e, EINVAL, "%s is %s; start it first", o->name, s == INST_ERROR ? "in error" : inst_state_name(s));
	return 0;
}

int instance_check_state(struct object *o, const char *text, struct err *e)
{
	struct wish w;
	unsigned what = NOTHING;
	int r = parse(text, &w, e);

	return r < 0 ? r : choose(o, &w, &what, e);
}

int instance_set_state(struct object *o, const char *text, bool nonblock, const struct caller *who,
		       void (*done)(void *arg, int result), void *arg, struct err *e)
{
	struct wish w;
	unsigned what = NOTHING;
	int r = parse(text, &w, e);

	if (!r)
		r = choose(o, &w, &what, e);
	if (r < 0 || what == NOTHING)
		return r;
	if ((what == OP_START || what == OP_RESTART) && !op_known(who->unique) && !lifecycle_has_root(o))
		return lifecycle_no_root(o, ENOENT, e);
	if (nonblock || w.async)
		done = NULL;
	r = op_submit(o, what, NULL, w.flags, w.timeout, who, done, arg, e);
	return r < 0 ? r : done != NULL;
}

void instance_register(void)
{
	lifecycle_register();
	instance_source_register();
	instance_snapshot_register();
}
