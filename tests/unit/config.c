// SPDX-License-Identifier: LGPL-2.1-or-later
/* Changes of configuration on a real store, with a backend that remembers what it was told and fails when it is asked to. */
#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "backends/core/backend.h"
#include "backends/core/cleanup.h"
#include "backends/core/config.h"
#include "backends/core/idmap.h"
#include "backends/core/keep.h"
#include "tests/unit/unit.h"

static const struct caller root = { .uid = 0 }, user = { .uid = 1000, .gid = 1000 };
static struct err last;
static char told[4096];		/* "c1 limits.memory=1G;" for each call of apply() */
static const char *refuse;	/* "c2 limits.memory=1G": apply() fails on it */
static struct object *a, *b, *web, *base;

static int apply(struct object *o, const struct key *k, const char *name, const char *value, const struct expanded *now, struct err *e)
{
	char call[512];
	const char *seen = expanded_get(now, name);

	CHECK(k && !strcmp(k->name, name));
	CHECK(seen ? value && !strcmp(seen, value) : !value);
	snprintf(call, sizeof(call), "%s %s=%s", o->name, name, value ? value : "");
	if (refuse && !strcmp(call, refuse))
		return err_set(e, EBUSY, "the kernel refused %s", value);
	strncat(told, call, sizeof(told) - strlen(told) - 1);
	strcat(told, ";");
	return 0;
}

/* The other entries of the table are never called here. */
static int probe(struct buf *version, struct err *e) { return 0; }
static int start(struct object *o, const struct expanded *x, struct op *op, struct err *e) { return -ENOSYS; }
static int operate(struct object *o, struct op *op, struct err *e) { return -ENOSYS; }
static int adopt(struct object *o, struct err *e) { return 0; }
static int usage(struct object *o, const char *item, struct buf *out, struct err *e) { return -ENOSYS; }
static int show(struct object *o, struct buf *out, struct err *e) { return -ENOSYS; }
static int type_in(struct object *o, const char *data, size_t len, struct err *e) { return -ENOSYS; }
static int tty(struct object *o, bool make, char *buf, size_t size, struct err *e) { return -ENOSYS; }
static int run(struct object *o, struct exec_request *x, struct err *e) { return -ENOSYS; }
static void forget(struct object *o) { }

static const struct backend_ops fake = {
	.name = "fake", .machine = backend_no_machine, .caps = BACKEND_CONTAINER | BACKEND_LIMITS, .probe = probe, .start = start,
	.stop = operate, .freeze = operate,
	.thaw = operate, .apply = apply, .adopt = adopt, .usage = usage, .addresses = show, .effective = show, .warnings = show,
	.console_read = show, .console_write = type_in, .tty = tty, .log = show, .exec_start = run, .exec_kill = run,
	.exec_adopt = run, .forget = forget,
};

static int set_as(struct object *o, enum entry_kind k, const char *name, const char *value, const struct caller *who)
{
	const struct entry_change c = { .kind = k, .name = name, .value = value, .len = value ? strlen(value) : 0 };
	int r;

	told[0] = '\0';
	err_clear(&last);
	r = config_set(o, &c, who, &last);
	CHECK(r == -last.code && !r == !last.text[0]);
	return r;
}

static int key(struct object *o, const char *name, const char *value)
{
	return set_as(o, ENT_CONFIG, name, value, &root);
}

static int device(struct object *o, const char *name, const char *value)
{
	return set_as(o, ENT_DEVICE, name, value, &root);
}

static int field(struct object *o, const char *name, const char *value)
{
	return set_as(o, ENT_FIELD, name, value, &root);
}

/* The value as kept, "" when unset. */
static const char *kept(struct object *o, enum entry_kind k, const char *name)
{
	static char text[4096];

	if (!object_value(o, k, name, text, sizeof(text)))
		text[0] = '\0';
	return text;
}

static const char *expanded(struct object *o, const char *name)
{
	static char text[4096];
	_cleanup_expanded_ struct expanded x = { 0 };
	const char *v;

	CHECK(config_expand(o, &x, NULL) == 0);
	v = expanded_get(&x, name);
	snprintf(text, sizeof(text), "%s", v ? v : "");
	return text;
}

static void state(struct object *o, enum inst_state s)
{
	HOLD_LOCK(&o->lock);
	o->run.state = s;
	o->run.init_pid = s == INST_STOPPED ? 0 : 4711;
}

static struct object *make(enum space s, const char *name)
{
	struct object *o = NULL;
	const struct meta m = { .mode = 0755 };

	CHECK(object_create(s, name, &m, &o, &last) == 0);
	return o;
}

static void test_set(void)
{
	uint64_t generation;

	CHECK(key(a, "limits.memory", "256MiB\n") == 0);
	CHECK_STR(kept(a, ENT_CONFIG, "limits.memory"), "256MiB");
	CHECK_STR(told, "");
	generation = a->generation;
	CHECK(key(a, "limits.memory", "256MiB\n") == 0 && a->generation == generation);
	CHECK(key(a, "limits.memory", "256XiB\n") == -EINVAL && a->generation == generation);
	CHECK(strstr(last.text, "limits.memory") && strstr(last.text, "256XiB"));
	CHECK(key(a, "limits.memroy", "1G") == -EINVAL && strstr(last.text, "limits.memory"));
	CHECK(key(a, "limits.memroy", "") == -EINVAL);
	CHECK(key(a, "trash.expiry", "1d") == -EINVAL && strstr(last.text, "settings/"));
	CHECK(key(a, "nvidia.runtime", "1") == -EOPNOTSUPP);
	CHECK(key(a, "limits.memory", "\n") == 0);
	CHECK_STR(kept(a, ENT_CONFIG, "limits.memory"), "");
	CHECK(key(a, "limits.memory", NULL) == 0 && key(a, "limits.memory", "") == 0);
	CHECK(device(a, "d0", "") == -EINVAL && device(a, "d0", "type=none\n") == 0 && device(a, "d0", NULL) == 0);
	CHECK(set_as(a, ENT_VOLATILE, "uuid", "x", &root) == -EROFS && set_as(a, ENT_PROPERTY, "os", "x", &root) == -EINVAL);
}

static void test_fields(void)
{
	static char big[(64 << 10) + 2];

	CHECK(field(a, "description", "two\nlines\n") == 0 && field(a, "description", "") == 0);
	memset(big, 'x', sizeof(big) - 1);
	CHECK(field(a, "description", big) == -EFBIG && field(a, "description", "\xff") == -EINVAL);
	CHECK(field(a, "ephemeral", "yes\n") == 0 && field(a, "ephemeral", "perhaps") == -EINVAL && field(a, "ephemeral", "false\n") == 0);
	CHECK(field(a, "architecture", "x86_64") == -EROFS && field(a, "type", "container") == -EROFS && field(web, "profiles", "x") == -EROFS);
	CHECK(field(a, "profiles", "web\nbase\n") == 0 && field(a, "profiles", "web\nweb\n") == -EINVAL);
	CHECK(field(a, "profiles", "web\nnone-such\n") == -EINVAL && strstr(last.text, "none-such"));
	CHECK(field(a, "profiles", "../web\n") == -EINVAL);
	CHECK_STR(kept(a, ENT_FIELD, "profiles"), "web\nbase");
	CHECK(field(a, "profiles", "\n") == 0 && field(web, "description", "x") == 0);
}

static void test_permission(void)
{
	CHECK(set_as(a, ENT_CONFIG, "limits.memory", "1G", &user) == 0 && set_as(a, ENT_CONFIG, "limits.memory", NULL, &user) == 0);
	CHECK(set_as(a, ENT_CONFIG, "security.privileged", "true", &user) == -EPERM && strstr(last.text, "only root"));
	CHECK(set_as(a, ENT_CONFIG, "raw.lxc", "lxc.a = b", &user) == -EPERM && set_as(a, ENT_CONFIG, "security.nesting", "1", &user) == -EPERM);
	CHECK(set_as(a, ENT_DEVICE, "d", "type=disk\nsource=/etc\npath=/mnt\n", &user) == -EPERM);
	CHECK(set_as(a, ENT_DEVICE, "d", "type=nic\nnictype=p2p\n", &user) == 0 && set_as(a, ENT_DEVICE, "d", NULL, &user) == 0);
	CHECK(key(a, "security.privileged", "true") == 0);
	CHECK(set_as(a, ENT_CONFIG, "security.privileged", NULL, &user) == -EPERM);
	CHECK(set_as(a, ENT_CONFIG, "security.privileged", "true", &user) == 0);	/* the same bytes */
	CHECK(key(a, "security.privileged", NULL) == 0);
	/* what root put into a profile does not come to an instance through its owner */
	CHECK(key(web, "security.privileged", "true") == 0);
	CHECK(set_as(a, ENT_FIELD, "profiles", "web\n", &user) == -EPERM && strstr(last.text, "profile:web"));
	CHECK(field(a, "profiles", "web\n") == 0 && set_as(a, ENT_FIELD, "profiles", "web\nbase\n", &user) == 0);
	CHECK(set_as(a, ENT_FIELD, "profiles", "\n", &user) == -EPERM);
	CHECK(field(a, "profiles", "\n") == 0 && key(web, "security.privileged", NULL) == 0);
	/* nor by taking away what hides it */
	CHECK(device(base, "host", "type=disk\nsource=/etc\npath=/mnt\n") == 0 && device(web, "host", "type=none\n") == 0);
	CHECK(field(a, "profiles", "base\nweb\n") == 0);
	CHECK(set_as(web, ENT_DEVICE, "host", NULL, &user) == -EPERM && strstr(last.text, "instance a"));
	CHECK(field(a, "profiles", "\n") == 0 && device(base, "host", NULL) == 0 && device(web, "host", NULL) == 0);
}

static void test_expand(void)
{
	_cleanup_expanded_ struct expanded x = { 0 };
	const struct expanded_item *it;

	CHECK(key(base, "limits.cpu", "1") == 0 && key(web, "limits.cpu", "2") == 0 && key(web, "user.x", "w") == 0 && key(a, "user.x", "i\n") == 0);
	CHECK(device(base, "eth0", "type=nic\nnictype=bridged\nparent=br0\n") == 0 && device(web, "eth0", "type=nic\nnictype=p2p\n") == 0);
	CHECK(device(base, "root", "type=disk\npath=/\n") == 0 && device(a, "root", "type=none\n") == 0);
	CHECK(field(a, "profiles", "base\n web \n") == 0 && config_expand(a, &x, &last) == 0 && x.n == 3);
	it = expanded_find(&x, ENT_CONFIG, "limits.cpu");
	CHECK(it && !strcmp(it->value, "2") && !strcmp(it->source, "profile:web") && it->mtime.tv_sec > 0);
	it = expanded_find(&x, ENT_CONFIG, "user.x");
	CHECK(it && it->len == 2 && !strcmp(it->value, "i\n") && !strcmp(it->source, "instance"));
	CHECK_STR(expanded_get(&x, "user.x"), "i");
	it = expanded_find(&x, ENT_DEVICE, "eth0");
	CHECK(it && strstr(it->value, "p2p") && !strstr(it->value, "parent") && !expanded_find(&x, ENT_DEVICE, "root"));
	CHECK(!expanded_get(&x, "limits.memory") && expanded_bool(&x, "boot.autostart", true) && !expanded_bool(&x, "security.nesting", false));
	CHECK(field(a, "profiles", "web\nbase") == 0);
	CHECK_STR(expanded(a, "limits.cpu"), "1");
	CHECK(device(a, "x1", "type=nic\nnictype=p2p\nname=e0\n") == 0 && device(a, "x2", "type=nic\nnictype=p2p\nname=e0\n") == -EINVAL);
	CHECK(strstr(last.text, "x1") && device(web, "x3", "type=nic\nnictype=p2p\nname=e0\n") == -EINVAL && strstr(last.text, "instance a"));
	CHECK(device(a, "x1", NULL) == 0 && device(a, "root", NULL) == 0 && field(a, "profiles", "") == 0 && key(a, "user.x", "") == 0);
	for (size_t i = 0; i < 2; i++) {
		struct object *p = i ? web : base;

		CHECK(key(p, "limits.cpu", "") == 0 && key(p, "user.x", "") == 0 && device(p, "eth0", NULL) == 0 && device(p, "root", NULL) == 0);
	}
}

static void test_live(void)
{
	state(a, INST_RUNNING);
	CHECK(key(a, "limits.memory", "1GiB") == 0);
	CHECK_STR(told, "a limits.memory=1GiB;");
	CHECK(key(a, "limits.memory", "1024M\n") == 0);
	CHECK_STR(told, "");
	CHECK_STR(kept(a, ENT_CONFIG, "limits.memory"), "1024M");
	CHECK(key(a, "user.x", "y") == 0 && key(a, "security.nesting", "true") == 0 && key(a, "boot.autostart", "true") == 0);
	CHECK_STR(told, "");
	refuse = "a limits.memory=1M";
	CHECK(key(a, "limits.memory", "1M") == -EBUSY && strstr(last.text, "refused 1M"));
	CHECK_STR(kept(a, ENT_CONFIG, "limits.memory"), "1024M");
	refuse = NULL;
	CHECK(key(a, "limits.memory", NULL) == 0);
	CHECK_STR(told, "a limits.memory=;");
	state(a, INST_FROZEN);
	CHECK(key(a, "limits.processes", "100") == 0);
	CHECK_STR(told, "a limits.processes=100;");
	state(a, INST_STOPPING);
	refuse = "a limits.processes=200";
	CHECK(key(a, "limits.processes", "200") == 0);
	CHECK_STR(kept(a, ENT_CONFIG, "limits.processes"), "200");
	refuse = NULL;
	state(a, INST_STOPPED);
	CHECK(key(a, "limits.processes", NULL) == 0 && key(a, "security.nesting", NULL) == 0);
	CHECK_STR(told, "");
}

static void test_profiles(void)
{
	CHECK(key(web, "limits.memory", "1G") == 0 && key(web, "limits.processes", "100") == 0 && key(base, "limits.memory", "2G") == 0);
	state(a, INST_RUNNING);
	state(b, INST_RUNNING);
	CHECK(field(a, "profiles", "web\n") == 0);
	CHECK_STR(told, "a limits.memory=1G;a limits.processes=100;");
	CHECK(field(a, "profiles", "web\nbase\n") == 0);
	CHECK_STR(told, "a limits.memory=2G;");
	refuse = "a limits.processes=";
	CHECK(field(a, "profiles", "\n") == -EBUSY);
	CHECK_STR(told, "a limits.memory=;a limits.memory=2G;");
	CHECK_STR(kept(a, ENT_FIELD, "profiles"), "web\nbase");
	refuse = NULL;
	CHECK(field(a, "profiles", "web\n") == 0 && field(b, "profiles", "web\n") == 0);
	/* all or none */
	CHECK(key(web, "limits.memory", "512M") == 0);
	CHECK_STR(told, "a limits.memory=512M;b limits.memory=512M;");
	refuse = "b limits.memory=1M";
	CHECK(key(web, "limits.memory", "1M") == -EBUSY && strstr(last.text, "instance b: the kernel"));
	CHECK_STR(told, "a limits.memory=1M;a limits.memory=512M;");
	CHECK_STR(kept(web, ENT_CONFIG, "limits.memory"), "512M");
	refuse = NULL;
	/* who overrides it does not see it */
	CHECK(key(a, "limits.memory", "512M") == 0);
	CHECK_STR(told, "");
	CHECK(key(web, "limits.memory", "600M") == 0);
	CHECK_STR(told, "b limits.memory=600M;");
	state(b, INST_STOPPED);
	CHECK(key(web, "limits.memory", "700M") == 0);
	CHECK_STR(told, "");
	CHECK_STR(expanded(b, "limits.memory"), "700M");
	CHECK(key(a, "limits.memory", NULL) == 0);
	CHECK_STR(told, "a limits.memory=700M;");
	state(a, INST_STOPPED);
}

/* The disk refuses to grow: the kernel gets back what it had, in one instance and in all users of a profile. */
static void test_save_fails(void)
{
	const struct rlimit none = { 0, RLIM_INFINITY }, all = { RLIM_INFINITY, RLIM_INFINITY };

	state(a, INST_RUNNING);
	state(b, INST_RUNNING);
	CHECK(key(a, "limits.cpu.priority", "5") == 0);
	signal(SIGXFSZ, SIG_IGN);
	CHECK(setrlimit(RLIMIT_FSIZE, &none) == 0);
	CHECK(key(a, "limits.cpu.priority", "6") < 0);
	CHECK_STR(told, "a limits.cpu.priority=6;a limits.cpu.priority=5;");
	CHECK(key(web, "limits.memory", "300M") < 0);
	CHECK_STR(told, "a limits.memory=300M;b limits.memory=300M;a limits.memory=700M;b limits.memory=700M;");
	CHECK(setrlimit(RLIMIT_FSIZE, &all) == 0);
	CHECK_STR(kept(a, ENT_CONFIG, "limits.cpu.priority"), "5");
	CHECK_STR(kept(web, ENT_CONFIG, "limits.memory"), "700M");
	CHECK(key(a, "limits.cpu.priority", NULL) == 0);
	state(a, INST_STOPPED);
	state(b, INST_STOPPED);
}

static int count_user(uint32_t id, const char *name, void *arg)
{
	strcat(arg, name);
	return 0;
}

static void test_users(void)
{
	char names[64] = "";

	CHECK(profile_each_user(web, count_user, names) == 0);
	CHECK_STR(names, "ab");
	CHECK(field(b, "profiles", "base\n") == 0 && field(a, "profiles", "") == 0);
	names[0] = '\0';
	CHECK(profile_each_user(web, count_user, names) == 0);
	CHECK_STR(names, "");
}

static void test_dry(void)
{
	const struct entry_change good = { .kind = ENT_CONFIG, .name = "limits.cpu", .value = "1", .len = 1 };
	const struct entry_change bad = { .kind = ENT_CONFIG, .name = "limits.cpu", .value = "0", .len = 1 };
	const struct entry_change secret = { .kind = ENT_CONFIG, .name = "raw.lxc", .value = "lxc.a=b", .len = 7 };

	state(a, INST_RUNNING);
	told[0] = '\0';
	CHECK(config_check(a, &good, &root, NULL) == 0 && config_check(a, &bad, &root, NULL) == -ERANGE);
	CHECK(config_check(a, &secret, &user, NULL) == -EPERM && config_check(web, &good, &user, NULL) == 0);
	CHECK_STR(told, "");
	CHECK_STR(kept(a, ENT_CONFIG, "limits.cpu"), "");
	state(a, INST_STOPPED);
	CHECK(config_name_check(a, ENT_CONFIG, "limits.cpu", NULL) == 0 && config_name_check(a, ENT_CONFIG, "limits.cpx", NULL) == -EINVAL);
	CHECK(config_name_check(a, ENT_DEVICE, "eth0", NULL) == 0 && config_name_check(a, ENT_DEVICE, "a/b", NULL) == -EINVAL);
	CHECK(config_name_check(a, ENT_CONFIG, "sedAbCdEf", NULL) == -EINVAL);
}

static void test_all(void)
{
	struct entry **entries;
	size_t n;

	/* b is as root made it; to make a equal to it is root's to do */
	CHECK(key(b, "security.privileged", "true") == 0 && key(b, "limits.memory", "1G") == 0);
	entries = b->entries;
	n = b->n_entries;
	CHECK(config_check_all(a, entries, n, &root, &last) == 0);
	CHECK(config_check_all(a, entries, n, &user, &last) == -EPERM && strstr(last.text, "security.privileged"));
	CHECK(config_check_all(b, entries, n, &user, &last) == 0);
	CHECK(key(b, "security.privileged", NULL) == 0);
}

static void test_pending(void)
{
	_cleanup_buf_ struct buf out = BUF_INIT;
	_cleanup_expanded_ struct expanded x = { 0 };

	CHECK(key(a, "security.nesting", "true") == 0 && device(a, "root", "type=disk\npath=/\n") == 0);
	CHECK(config_print_pending(a, &out, &last) == 0 && !out.len);
	CHECK(config_expand(a, &x, NULL) == 0);
	/* changed between the expansion and the end of the start */
	CHECK(key(a, "limits.memory", "1G") == 0);
	CHECK_STR(told, "");
	state(a, INST_STARTING);
	CHECK(config_started(a, &x, &last) == 0);
	CHECK_STR(told, "a limits.memory=1G;");
	state(a, INST_RUNNING);
	CHECK(config_print_pending(a, &out, &last) == 0 && !out.len);
	CHECK(key(a, "security.nesting", "1") == 0 && config_print_pending(a, &out, &last) == 0 && !out.len);
	CHECK(key(a, "security.nesting", NULL) == 0 && key(a, "raw.lxc", "lxc.a = b\n") == 0 && key(a, "user.x", "z") == 0);
	CHECK(device(a, "eth0", "type=nic\nnictype=p2p\n") == 0);
	CHECK(config_print_pending(a, &out, &last) == 0);
	CHECK_STR(buf_str(&out), "raw.lxc\nsecurity.nesting\ndevices/eth0\n");
	state(a, INST_STOPPED);
	buf_reset(&out);
	CHECK(config_print_pending(a, &out, &last) == 0 && !out.len);
	CHECK(key(a, "raw.lxc", NULL) == 0 && key(a, "limits.memory", NULL) == 0 && device(a, "root", NULL) == 0);
}

static void test_settings(void)
{
	struct object *daemon = object_get(0);

	CHECK(daemon != NULL);
	CHECK(key(daemon, "trash.expiry", "7d") == 0 && key(daemon, "trash.expiry", "never") == -EINVAL);
	CHECK(key(daemon, "limits.memory", "1G") == -EINVAL && device(daemon, "x", "type=none") == -EINVAL);
	CHECK(key(daemon, "trash.expiry", "") == 0);
	object_put(daemon);
}

/* Two threads that change different keys of one instance and one that changes its profile: nothing is lost, nothing hangs. */
static void *changer(void *arg)
{
	const char *name = arg;
	struct object *o = !strcmp(name, "profile") ? web : a;
	char text[32];

	for (int i = 1; i <= 30; i++) {
		struct entry_change c = { .kind = ENT_CONFIG, .name = o == web ? "limits.cpu.priority" : name, .value = text };

		c.len = (size_t)snprintf(text, sizeof(text), "%d", o == web ? i % 11 : i);
		if (config_set(o, &c, &root, NULL) < 0)
			return arg;
	}
	return NULL;
}

static void test_threads(void)
{
	static const char *const names[] = { "limits.processes", "limits.memory", "profile" };
	pthread_t t[3];
	void *failed;

	CHECK(field(a, "profiles", "web\n") == 0);
	for (int i = 0; i < 3; i++)
		CHECK(pthread_create(&t[i], NULL, changer, (void *)names[i]) == 0);
	for (int i = 0; i < 3; i++)
		CHECK(pthread_join(t[i], &failed) == 0 && !failed);
	CHECK_STR(kept(a, ENT_CONFIG, "limits.processes"), "30");
	CHECK_STR(kept(a, ENT_CONFIG, "limits.memory"), "30");
	CHECK_STR(kept(web, ENT_CONFIG, "limits.cpu.priority"), "8");
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

int main(void)
{
	static const struct backend_ops *const backends[] = { &fake, NULL };
	char dir[] = "/tmp/unit-config-XXXXXX";

	CHECK(mkdtemp(dir) != NULL && keep_attach_private() == 0 && backend_init(backends, "fake", NULL, &last) == 0);
	if (model_open(dir, &last) < 0) {
		fprintf(stderr, "%s\n", last.text);
		return 1;
	}
	a = make(SPACE_INSTANCES, "a");
	b = make(SPACE_INSTANCES, "b");
	web = make(SPACE_PROFILES, "web");
	base = make(SPACE_PROFILES, "base");
	if (!a || !b || !web || !base)
		return UNIT_END();
	state(a, INST_STOPPED);
	state(b, INST_STOPPED);
	test_set();
	test_fields();
	test_permission();
	test_expand();
	test_live();
	test_profiles();
	test_save_fails();
	test_users();
	test_dry();
	test_all();
	test_pending();
	test_settings();
	test_threads();
	object_put(a);
	object_put(b);
	object_put(web);
	object_put(base);
	model_close();
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return UNIT_END();
}
