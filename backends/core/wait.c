// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Waiting for a state of an instance. A waiter stands in one list until what it waits for is so. State changes are told by
 * wait_notify(); addresses come without a message, so a timer looks for them, only while somebody waits for one and the
 * instance runs.
 *
 * `lock` guards the list; it is a leaf. Nothing is called under it. `n_waiters` is there so that nobody pays who does not wait.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "backends/core/cleanup.h"
#include "backends/core/lifecycle.h"
#include "backends/core/watch.h"

#define POLL_MS 200

enum goal { RUNNING, STOPPED, FROZEN, ADDRESS, READY, N_GOALS };
static const char *const goal_names[N_GOALS] = { "running", "stopped", "frozen", "address", "ready" };

struct waiter {
	uint64_t id;
	struct object *o;
	enum goal goal;
	void (*f)(void *arg);
	void *arg;
	struct waiter *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct waiter *waiters;
static atomic_uint n_waiters;
static uint64_t last_id;
static bool polling;		/* a timer is set */

static bool has_address(struct object *o)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	char *line, *save = NULL, nic[64], family[16], address[80];

	if (backend_addresses(o, &b, NULL) < 0 || !b.data)
		return false;
	for (line = strtok_r(b.data, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (sscanf(line, "%63s %15s %79s", nic, family, address) != 3 || !strcmp(nic, "lo"))
			continue;
		/* Link-local addresses come by themselves and reach nobody. */
		if (!strncmp(family, "inet", 4) && strncmp(address, "fe80:", 5) != 0)
			return true;
	}
	return false;
}

static enum inst_state state_of(struct object *o, bool *gone)
{
	HOLD_LOCK(&o->lock);

	*gone = o->gone || o->space != SPACE_INSTANCES;
	return o->run.state;
}

/* Nothing more will happen to an instance that is gone: its waiters are told, and find it gone. */
static bool reached(struct object *o, enum goal goal)
{
	bool gone;
	enum inst_state s = state_of(o, &gone);

	if (gone)
		return true;
	switch (goal) {
	case RUNNING:
		return s == INST_RUNNING;
	case STOPPED:
		return s == INST_STOPPED;
	case FROZEN:
		return s == INST_FROZEN;
	default:
		return s == INST_RUNNING && has_address(o);
	}
}

static void call(struct waiter *w)
{
	w->f(w->arg);
	object_put(w->o);
	free(w);
}

/*
 * The list is looked at in steps, because reached() cannot be asked under the lock: ids only grow, so none is missed or seen
 * twice.
 */
static struct waiter *copy_next(uint64_t below, const struct object *o, struct waiter *ret)
{
	HOLD_LOCK(&lock);

	for (struct waiter *w = waiters; w; w = w->next) {
		if (w->id < below && (!o || w->o == o)) {
			*ret = *w;
			object_ref(w->o);
			return w;
		}
	}
	return NULL;
}

static struct waiter *take(uint64_t id)
{
	HOLD_LOCK(&lock);

	for (struct waiter **p = &waiters; *p; p = &(*p)->next) {
		struct waiter *w = *p;

		if (w->id == id) {
			*p = w->next;
			n_waiters--;
			return w;
		}
	}
	return NULL;
}

static void poll_again(void);

/* o NULL: all objects. */
static void check(struct object *o)
{
	struct waiter w = { .id = UINT64_MAX };
	bool poll = false, gone;

	while (copy_next(w.id, o, &w)) {
		struct waiter *due = reached(w.o, w.goal) ? take(w.id) : NULL;

		if (due)
			call(due);
		else if (w.goal >= ADDRESS && state_of(w.o, &gone) == INST_RUNNING)
			poll = true;
		object_put(w.o);
	}
	if (poll)
		poll_again();
}

static void on_timer(void *unused)
{
	pthread_mutex_lock(&lock);
	polling = false;
	pthread_mutex_unlock(&lock);
	check(NULL);
}

static void poll_again(void)
{
	HOLD_LOCK(&lock);

	if (!polling && watch_timer(POLL_MS, on_timer, NULL) > 0)
		polling = true;
}

void wait_notify(struct object *o)
{
	if (n_waiters)
		check(o);
}

static int parse_goal(const char *state, enum goal *ret, struct err *e)
{
	for (int g = 0; g < N_GOALS; g++) {
		if (!strcmp(state, goal_names[g])) {
			*ret = g;
			return 0;
		}
	}
	return err_set(e, EINVAL, "\"%s\" is nothing to wait for; it can be running, stopped, frozen, address or ready", state);
}

uint64_t instance_wait(struct object *o, const char *state, void (*f)(void *arg), void *arg, struct err *e)
{
	struct waiter *w;
	enum goal goal = RUNNING;
	uint64_t id;

	if (parse_goal(state, &goal, e) < 0)
		return 0;
	w = malloc(sizeof(*w));
	if (!w) {
		err_set(e, ENOMEM, "out of memory");
		return 0;
	}
	pthread_mutex_lock(&lock);
	id = ++last_id;
	*w = (struct waiter){ .id = id, .o = object_ref(o), .goal = goal, .f = f, .arg = arg, .next = waiters };
	waiters = w;
	n_waiters++;
	pthread_mutex_unlock(&lock);
	/* In the list first: a change between the look and the listing would be missed. */
	if (reached(o, goal)) {
		w = take(id);
		if (w)
			call(w);
		return w ? 0 : id;
	}
	if (goal >= ADDRESS)
		poll_again();
	return id;
}

bool instance_wait_cancel(uint64_t id)
{
	struct waiter *w = take(id);

	if (!w)
		return false;
	object_put(w->o);
	free(w);
	return true;
}
