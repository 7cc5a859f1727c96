// SPDX-License-Identifier: LGPL-2.1-or-later
/* The store on disk: versions, locks, leftovers, damaged records, the index, and a daemon that is killed at any moment. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "backends/core/cleanup.h"
#include "backends/core/journal.h"
#include "backends/core/keep.h"
#include "backends/core/record.h"
#include "backends/core/store.h"
#include "tests/unit/steps.h"

static char dir[64];

static void sh(const char *command)
{
	char line[512];

	snprintf(line, sizeof(line), "cd %s && %s", dir, command);
	if (system(line))
		CHECK(!"a command of the test failed");
}

static bool is(const char *test)
{
	char line[512];

	snprintf(line, sizeof(line), "cd %s && %s", dir, test);
	return !system(line);
}

static int reopen(void)
{
	err_clear(&last);
	model_close();
	return model_open(dir, &last);
}

static uint32_t make(enum space s, const char *name)
{
	_cleanup_object_ struct object *o = NULL;

	CHECK(!object_create(s, name, &plain, &o, &last));
	return o ? o->id : 0;
}

static uint32_t id_of(enum space s, const char *name)
{
	_cleanup_object_ struct object *o = object_find(s, name);

	return o ? o->id : 0;
}

static int set(uint32_t id, const char *key, const char *value)
{
	_cleanup_object_ struct object *o = object_get(id);

	return o ? object_set(o, ENT_CONFIG, key, value, strlen(value), &last) : -ENOENT;
}

static void test_version(void)
{
	model_close();
	CHECK(is("test \"$(cat version)\" = 2"));
	sh("cp version v && echo 3 > version && rm -rf profiles");
	CHECK(model_open(dir, &last) == -EPROTO && strstr(last.text, "format 3"));
	CHECK(is("test ! -e profiles"));
	sh("echo hello > version");
	CHECK(model_open(dir, &last) == -EPROTO);
	sh("mv v version");
	CHECK(!model_open(dir, &last) && is("test -d profiles"));
}

static void test_lock(void)
{
	char c = 0;
	int p[2];
	pid_t pid;

	model_close();
	if (pipe(p) < 0)
		return;
	pid = fork();
	if (!pid) {
		if (!model_open(dir, &last) && write(p[1], "x", 1) == 1)
			pause();
		_exit(1);
	}
	CHECK(read(p[0], &c, 1) == 1);
	CHECK(model_open(dir, &last) == -EBUSY && strstr(last.text, "another instfs"));
	kill(pid, SIGKILL);
	CHECK(!model_open(dir, &last));		/* at once, not only when it was waited for */
	waitpid(pid, NULL, 0);
	close(p[0]);
	close(p[1]);
}

static void test_leftovers(void)
{
	uint32_t a = make(SPACE_INSTANCES, "left"), p;

	sh("mkdir -p instances/.new-99/x trash/.purge-98/rootfs/deep && touch ids.tmp instances/left/object.json.tmp daemon/object.json.tmp");
	sh("touch instances/file && mkdir instances/bad_name instances/.hidden && ln -s left instances/link");
	CHECK(!reopen());
	CHECK(is("test ! -e instances/.new-99 -a ! -e ids.tmp -a ! -e daemon/object.json.tmp -a -e instances/file"));
	CHECK(object_count(SPACE_INSTANCES) == 1 && id_of(SPACE_INSTANCES, "left") == a);
	CHECK(is("test ! -e instances/left/object.json.tmp -a -e trash/.purge-98"));
	CHECK(trash_expire(false) == 1 && is("test ! -e trash/.purge-98"));
	p = make(SPACE_PROFILES, "p");
	CHECK(p > a);
	sh("rm -rf instances/file instances/bad_name instances/.hidden instances/link");
}

static void damage(const char *text)
{
	_cleanup_object_ struct object *o = NULL;
	uint32_t id = make(SPACE_INSTANCES, "damaged");
	char line[300];
	struct err e;

	model_close();
	snprintf(line, sizeof(line), "printf '%s' > instances/damaged/object.json && cp instances/damaged/object.json saved", text);
	sh(line);
	CHECK(!model_open(dir, &last));
	CHECK(object_count(SPACE_INSTANCES) == 2 && id_of(SPACE_INSTANCES, "left"));
	o = object_find(SPACE_INSTANCES, "damaged");
	CHECK(o && o->id == id && o->run.state == INST_ERROR);
	if (!o)
		return;
	object_error_get(o, &e);
	CHECK(e.code == EIO && strstr(e.text, "instances/damaged/object.json"));
	CHECK(object_set(o, ENT_CONFIG, "a", "1", 1, &last) == -EIO && strstr(last.text, "damaged"));
	CHECK(!object_new_slot(o, &last) && object_set_meta(o, (enum entry_kind)0, NULL, &plain, &last) == -EIO);
	CHECK(is("cmp -s saved instances/damaged/object.json"));
	CHECK(!object_rename(o, "damaged2", &last) && !object_remove(o, &last) && !object_purge(o, &last));
	CHECK(is("test -z \"$(ls trash)\""));
}

static void test_damaged(void)
{
	damage("");
	damage("{");
	damage("[]");
	damage("{ \"id\": 5 }");
	damage("{ \"format\": 2, \"id\": 5 }");
	damage("{ \"format\": 1, \"id\": -1, \"config\": [] }");
	damage("\\0\\377");
	damage("{ \"format\": 1, \"id\": 99999 }");
	CHECK(!reopen());
}

static void test_unknown(void)
{
	uint32_t id = make(SPACE_PROFILES, "unknown");

	model_close();
	sh("sed -i 's/\"format\": 1,/\"format\": 1, \"later\": { \"x\": [ 1, 2 ] },/' profiles/unknown/object.json");
	CHECK(!model_open(dir, &last) && id_of(SPACE_PROFILES, "unknown") == id);
	CHECK(!set(id, "a", "1") && !reopen() && !set(id, "b", "1"));
	CHECK(!journal_settle_all(&last));
	CHECK(is("tr -d ' \\n' < profiles/unknown/object.json | grep -q '\"later\":{\"x\":\\[1,2\\]}'"));
}

static void remove_profile(const char *name)
{
	_cleanup_object_ struct object *o = object_find(SPACE_PROFILES, name);

	CHECK(o && !object_remove(o, &last));
}

/* Whatever the index says, the objects are what lies in the directories. */
static void test_index(void)
{
	uint32_t a = make(SPACE_PROFILES, "a"), b = make(SPACE_PROFILES, "b"), c;
	static const char *const harm[] = {
		"true", "rm index", ": > index", "echo rubbish > index", "printf 'instfs-index 1 clean\\nrubbish\\n' > index",
		"sed -i '1s/.*/instfs-index 1 00000000-0000-0000-0000-000000000000/' index", "sed -i 's/ b$/ a/' index",
		"echo '5 -' >> index", "sed -i 's/ b$/ zz/' index", "rm ids", "echo rubbish > ids",
		"sed -i -n 1p index", "truncate -s -3 index", "printf '7 8 profiles new' >> index",
	};

	for (size_t i = 0; i < sizeof(harm) / sizeof(harm[0]); i++) {
		model_close();
		sh(harm[i]);
		CHECK(!model_open(dir, &last));
		CHECK(id_of(SPACE_PROFILES, "a") == a && id_of(SPACE_PROFILES, "b") == b && !id_of(SPACE_PROFILES, "zz"));
		c = make(SPACE_PROFILES, "c");
		CHECK(c > b);
		remove_profile("c");
	}
	/* Wrong numbers are noticed when the object is read, and gone with the next start. */
	model_close();
	sh("sed -i 's/^[0-9]* /3 /' index");
	CHECK(!model_open(dir, &last));
	id_of(SPACE_PROFILES, "a");
	id_of(SPACE_PROFILES, "b");
	CHECK(!reopen() && id_of(SPACE_PROFILES, "a") == a && id_of(SPACE_PROFILES, "b") == b);
	model_close();
	sh("rm -r profiles/b && mv profiles/a profiles/b");
	CHECK(!model_open(dir, &last) && id_of(SPACE_PROFILES, "b") == a && !id_of(SPACE_PROFILES, "a"));
	model_close();
	sh("cp -a profiles/b profiles/copy");
	CHECK(!model_open(dir, &last) && id_of(SPACE_PROFILES, "b") == a);
	c = id_of(SPACE_PROFILES, "copy");
	CHECK(c > b && !set(c, "a", "1") && !reopen() && id_of(SPACE_PROFILES, "copy") == c);
	model_close();
	sh("rm index ids");
	CHECK(!model_open(dir, &last) && id_of(SPACE_PROFILES, "copy") == c && make(SPACE_PROFILES, "d") > c);
}

/* ---- the journal ---- */

static int value_of(uint32_t id)
{
	_cleanup_object_ struct object *o = object_get(id);
	char text[16] = "-1";

	return o && object_value(o, ENT_CONFIG, "a", text, sizeof(text)) ? atoi(text) : -1;
}

/* A store that was left after some changes as a kill leaves it. */
static void die_after(uint32_t id, int changes)
{
	pid_t pid;

	model_close();
	pid = fork();
	if (!pid) {
		char text[16];
		int r = model_open(dir, &last);

		for (int i = 1; !r && i <= changes; i++) {
			snprintf(text, sizeof(text), "%d", i);
			r = set(id, "a", text);
		}
		_exit(r ? 1 : 0);
	}
	waitpid(pid, NULL, 0);
}

static void test_journal(void)
{
	static char large[600000];
	uint32_t id = make(SPACE_PROFILES, "journal");

	die_after(id, 3);
	CHECK(is("! grep -q '\"3\"' profiles/journal/object.json && grep -aq 'profiles/journal$' journal"));
	CHECK(!model_open(dir, &last) && value_of(id) == 3);
	CHECK(is("grep -q '\"3\"' profiles/journal/object.json"));
	die_after(id, 4);
	sh("printf x | dd of=journal bs=1 seek=16500 conv=notrunc status=none");	/* in the fourth */
	CHECK(!model_open(dir, &last) && value_of(id) == 3);
	die_after(id, 300);		/* more than there is room for */
	CHECK(!model_open(dir, &last) && value_of(id) == 300);
	die_after(id, 301);
	sh("printf x | dd of=journal bs=1 seek=20 conv=notrunc status=none");	/* the mark: 44 changes are lost with it */
	CHECK(!model_open(dir, &last) && value_of(id) < 301 && value_of(id) > 0);
	die_after(id, 5);
	sh("rm journal");
	CHECK(!model_open(dir, &last) && !set(id, "a", "7") && !reopen() && value_of(id) == 7);
	/* What has reached its place is the business of the journal no more. */
	model_close();
	sh("grep -aq '\"7\"' journal && sed -i 's/\"7\"/\"8\"/' profiles/journal/object.json");
	CHECK(!model_open(dir, &last) && value_of(id) == 8 && !set(id, "a", "7"));
	/* The older format has no journal; what lies there is of a daemon from before. */
	die_after(id, 8);
	sh("echo 1 > version");
	CHECK(!model_open(dir, &last) && value_of(id) == 7 && is("test \"$(cat version)\" = 2"));
	memset(large, 'x', sizeof(large) - 1);
	CHECK(!set(id, "a", "9") && !set(id, "big", large) && !set(id, "a", "10"));
	CHECK(is("grep -q '\"10\"' profiles/journal/object.json"));	/* no record has room for it */
	CHECK(!reopen() && value_of(id) == 10);
	/* Whose directory was removed while nobody looked. */
	die_after(id, 11);
	sh("rm -r profiles/journal");
	CHECK(!model_open(dir, &last) && !id_of(SPACE_PROFILES, "journal") && is("test ! -e profiles/journal"));
}

/* ---- records ---- */

static void test_record(void)
{
	struct meta m = { .mode = 04755, .uid = 1, .gid = META_INHERIT, .mtime = { 253402300800LL, 999999999 }, .ctime = { -62167219201LL, 1 } };
	struct entry *list[2] = { entry_new(ENT_FIELD, "f", "\"\\\n", 3, 0, &m), entry_new(ENT_CONFIG, "k", "", 0, 12, &plain) };
	struct record in = { .id = 77, .next_slot = 5, .generation = 3, .meta = plain, .entries = list, .n_entries = 2 }, out;
	_cleanup_buf_ struct buf b = BUF_INIT, again = BUF_INIT;
	uint32_t id;

	CHECK(!record_print(&in, &b, &last) && !record_parse(b.data, b.len, &out, &last));
	CHECK(out.id == 77 && out.next_slot == 13 && out.generation == 3 && out.n_entries == 2);
	CHECK(!strcmp(out.entries[0]->value, "\"\\\n") && out.entries[0]->meta.mode == 04755 && out.entries[0]->meta.uid == 1);
	CHECK(out.entries[0]->meta.mtime.tv_sec == m.mtime.tv_sec && out.entries[0]->meta.mtime.tv_nsec == 999999999);
	CHECK(out.entries[0]->meta.ctime.tv_sec == m.ctime.tv_sec && out.entries[0]->meta.gid == META_INHERIT);
	out.next_slot = 5;
	CHECK(!record_print(&out, &again, &last) && again.len == b.len && !memcmp(b.data, again.data, b.len));
	CHECK(!record_parse_id(b.data, b.len, &id) && id == 77);
	CHECK(!record_parse_id("{\"format\":1,\"id\":9}", 19, &id) && id == 9);
	CHECK(record_parse_id("{\n \"format\": 1,\n \"id\": 9x", 25, &id) < 0);
	record_free(&out);
	entry_free(list[0]);
	entry_free(list[1]);
}

/* ---- killed at any moment ---- */

static void child(int fd, unsigned seed)
{
	if (model_open(dir, &last))
		_exit(1);
	for (int i = 0;; i++) {
		struct step s = { .what = rand_r(&seed) % DO_KINDS, .a = rand_r(&seed) % NAMES, .b = rand_r(&seed) % NAMES, .value = i };

		if (write(fd, &s, sizeof(s)) < 0)
			_exit(1);
		if (carry_out(&s) < 0)
			s.what = DO_KINDS;
		s.done = true;
		if (write(fd, &s, sizeof(s)) < 0)
			_exit(1);
	}
}

static void test_killed(void)
{
	struct truth t = { 0 }, seen, after;
	uint32_t highest = 0;
	size_t steps = 0;

	model_close();
	for (unsigned round = 0; round < 40; round++) {
		struct timespec pause = { .tv_nsec = 3000000 + (long)(round * 7919 % 97) * 130000 };
		struct step s = { .done = true }, now;
		int p[2];
		pid_t pid;

		if (pipe(p) < 0)
			return;
		pid = fork();
		if (!pid)
			child(p[1], round);
		close(p[1]);
		/* It is at work when it has told its first step; under sanitizers that takes a while. */
		poll(&(struct pollfd){ .fd = p[0], .events = POLLIN }, 1, 10000);
		nanosleep(&pause, NULL);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		while (read(p[0], &now, sizeof(now)) == (ssize_t)sizeof(now)) {
			s = now;
			if (!s.done)
				continue;
			apply(&t, &s);
			steps++;
			if (s.what == DO_CREATE) {
				CHECK(s.id > highest);
				highest = s.id;
			}
		}
		close(p[0]);
		CHECK(!model_open(dir, &last));
		look(&seen);
		after = t;
		if (!s.done) {
			s.id = seen.id[s.a];
			apply(&after, &s);
		}
		CHECK(same(&seen, &t) || same(&seen, &after));
		t = seen;
		for (int i = 0; i < NAMES; i++)
			highest = t.id[i] > highest ? t.id[i] : highest;
		model_close();
	}
	CHECK(steps > 40);
	CHECK(!model_open(dir, &last));
}

int main(void)
{
	snprintf(dir, sizeof(dir), "/tmp/instfs-store-XXXXXX");
	if (!mkdtemp(dir) || keep_attach_private() < 0 || model_open(dir, &last) < 0)
		return fprintf(stderr, "%s\n", last.text), 1;
	test_version();
	test_lock();
	test_leftovers();
	test_damaged();
	test_unknown();
	test_index();
	test_record();
	test_journal();
	test_killed();
	rmdir(model_rundir());
	model_close();
	keep_detach();
	if (!unit_failed && snprintf(last.text, sizeof(last.text), "rm -rf %s", dir) > 0 && system(last.text))
		return 1;
	return UNIT_END();
}
