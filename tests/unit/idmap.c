// SPDX-License-Identifier: LGPL-2.1-or-later
/* Id maps: subordinate ids, raw.idmap, translation, text form, and the namespace that carries one. */
#include <errno.h>
#include <stdlib.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backends/core/cleanup.h"
#include "backends/core/idmap.h"
#include "tests/unit/unit.h"

static char dir[] = "/tmp/unit-idmap-XXXXXX", uid_file[64], gid_file[64];
static struct err last;

static void put(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	CHECK(f && fputs(text, f) >= 0);
	if (f)
		fclose(f);
}

static void set(const char *uids, const char *gids)
{
	put(uid_file, uids);
	put(gid_file, gids);
}

/* The value is edited by expanded_get(). */
static char value[4096];

static int make(const char *raw, const char *privileged, struct idmap *m)
{
	struct expanded_item items[2];
	struct expanded x = { .items = items };

	err_clear(&last);
	if (raw) {
		snprintf(value, sizeof(value), "%s", raw);
		items[x.n++] = (struct expanded_item){ .kind = ENT_CONFIG, .name = (char *)"raw.idmap", .value = value, .len = strlen(value) };
	}
	if (privileged)
		items[x.n++] = (struct expanded_item){ .kind = ENT_CONFIG, .name = (char *)"security.privileged",
						       .value = (char *)privileged, .len = strlen(privileged) };
	return idmap_for(&x, m, &last);
}

static void test_base(void)
{
	struct idmap m;
	uint32_t id;

	set("# x\nlxd:500000:65536\nroot:100000:65536\n", "root:200000:100000\n");
	CHECK(make(NULL, NULL, &m) == 0 && m.n_uid == 1 && m.n_gid == 1);
	CHECK(m.uid[0].guest == 0 && m.uid[0].host == 100000 && m.uid[0].count == 65536 && m.gid[0].host == 200000);
	CHECK(idmap_to_host(&m, false, 1000, &id) && id == 101000 && idmap_to_host(&m, true, 0, &id) && id == 200000);
	CHECK(idmap_to_guest(&m, false, 165535, &id) && id == 65535);
	CHECK(!idmap_to_guest(&m, false, 165536, &id) && id == 65534 && !idmap_to_guest(&m, false, 0, &id) && !idmap_to_host(&m, true, 65536, &id));
	CHECK(make(NULL, "true", &m) == 0 && m.n_uid == 0 && m.n_gid == 0);
	CHECK(idmap_to_host(&m, false, 1000, &id) && id == 1000 && idmap_to_guest(&m, true, 7, &id) && id == 7);
	set("0:100000:65536\n", "root:100000:65536");
	CHECK(make(NULL, "false", &m) == 0 && m.n_uid == 1 && m.n_gid == 1);
}

static void test_missing(void)
{
	struct idmap m = { .n_uid = 9 };

	set("lxd:100000:65536\n", "root:100000:65536\n");
	CHECK(make(NULL, NULL, &m) == -EPERM && m.n_uid == 9);
	CHECK(strstr(last.text, "no line for root in") && strstr(last.text, "add \"root:100000:65536\""));
	set("root:100000:65536\n", "root:1000:1\nroot:x:y\nroot:1:\nroot::\nroot\nroot:4294967290:65536\n");
	CHECK(make(NULL, NULL, &m) == -EPERM && strstr(last.text, "65536 ids"));
	unlink(uid_file);
	CHECK(make(NULL, NULL, &m) == -EPERM && strstr(last.text, uid_file));
}

static void test_raw(void)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct idmap m, back;
	uint32_t id;

	set("root:100000:65536\nroot:1000:1\nroot:50:10\n", "root:100000:65536\nroot:1000:1\n");
	CHECK(make("both 1000 1000\n", NULL, &m) == 0 && m.n_uid == 3 && m.n_gid == 3);
	CHECK(idmap_to_host(&m, false, 999, &id) && id == 100999 && idmap_to_host(&m, false, 1000, &id) && id == 1000);
	CHECK(idmap_to_host(&m, true, 1001, &id) && id == 101001 && idmap_to_guest(&m, true, 1000, &id) && id == 1000);
	CHECK(!idmap_to_guest(&m, false, 101000, &id));
	idmap_print(&m, &b);
	CHECK_STR(buf_str(&b), "both 0-999 100000-100999\nboth 1000 1000\nboth 1001-65535 101001-165535\n");
	CHECK(idmap_parse(buf_str(&b), &back, NULL) == 0 && back.n_uid == 3 && back.n_gid == 3 && !memcmp(back.uid, m.uid, 3 * sizeof(*m.uid)));
	CHECK(make("# c\n\n uid\t50-59 \t 500-509 # there\n", NULL, &m) == 0 && m.n_uid == 3 && m.n_gid == 1);
	buf_reset(&b);
	idmap_print(&m, &b);
	CHECK_STR(buf_str(&b), "uid 0-499 100000-100499\nuid 500-509 50-59\nuid 510-65535 100510-165535\ngid 0-65535 100000-165535\n");
	CHECK(make("uid 1000 0", NULL, &m) == 0 && m.n_uid == 2 && m.uid[0].guest == 0 && m.uid[0].host == 1000);
	CHECK(make("uid 1000 65535", NULL, &m) == 0 && m.n_uid == 2);
	CHECK(make("uid 1000 70000", NULL, &m) == 0 && m.n_uid == 2 && idmap_to_host(&m, false, 70000, &id) && id == 1000);
}

static int check_isolated(const char *base, const char *size, const char *raw, struct idmap *m)
{
	struct expanded_item items[4];
	struct expanded x = { .items = items };

	err_clear(&last);
#define ADD(NAME, VALUE) \
	items[x.n++] = (struct expanded_item){ .kind = ENT_CONFIG, .name = (char *)NAME, .value = (char *)VALUE, .len = strlen(VALUE) }
	if (raw)
		ADD("raw.idmap", raw);
	if (base)
		ADD("security.idmap.base", base);
	ADD("security.idmap.isolated", "true");
	if (size)
		ADD("security.idmap.size", size);
	return m ? idmap_for(&x, m, &last) : idmap_check(&x, &last);
}

/* Of no instance that is known: nothing is kept. The range that all others share is never given. */
static void test_isolated(void)
{
	struct idmap m;

	set("root:100000:65536\nroot:500000:200000\nroot:1000:1\n", "root:100000:65536\nroot:550000:200000\nroot:1000:1\n");
	CHECK(check_isolated(NULL, NULL, NULL, &m) == 0 && m.n_uid == 1 && m.uid[0].host == 550000 && m.uid[0].count == 65536);
	CHECK(m.n_gid == 1 && m.gid[0].host == 550000);
	CHECK(check_isolated(NULL, "150000", NULL, &m) == 0 && m.uid[0].count == 150000);
	CHECK(check_isolated(NULL, "150001", NULL, NULL) == -EPERM && strstr(last.text, "150001 ids"));
	CHECK(check_isolated("600000", NULL, NULL, &m) == 0 && m.uid[0].host == 600000);
	CHECK(check_isolated("100000", NULL, NULL, NULL) == -EBUSY && check_isolated("650000", NULL, NULL, NULL) == -EPERM);
	CHECK(check_isolated(NULL, NULL, "both 1000 7", &m) == 0 && m.n_uid == 3 && m.uid[1].host == 1000 && m.uid[2].host == 550008);
	CHECK(check_isolated(NULL, NULL, "both 1001 7", NULL) == -EPERM);
	set("root:100000:65536\n", "root:100000:65536\n");
	CHECK(check_isolated(NULL, NULL, NULL, NULL) == -EPERM && strstr(last.text, "besides the 65536 that all share"));
}

static void test_bad(void)
{
	static const char *const bad[] = {
		"bogus", "both", "both 1000", "both 1000 x", "both 1000-999 5-6", "both 1-2 1-3", "both -1 5", "both 1000 1000 5",
		"both 4294967295 5", "bothx 1000 1000", "both 1000- 5", "both 1000 1000\nboth 50 1000", "both 1000 1000\nuid 1000 2000",
	};
	struct idmap m;

	set("root:100000:65536\nroot:1000:1\nroot:50:10\n", "root:100000:65536\nroot:1000:1\nroot:50:10\n");
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		CHECK(make(bad[i], NULL, &m) == -EINVAL);
		CHECK(idmap_check_raw(bad[i], NULL) == -EINVAL);
	}
	CHECK(make("both 1001 1001", NULL, &m) == -EPERM && strstr(last.text, "root:1001:1"));
	CHECK(make("both 1000-1001 5-6", NULL, &m) == -EPERM && strstr(last.text, "root:1000:2"));
	/* the default range gives host 100005 to guest 5 already */
	CHECK(make("uid 100005 7", NULL, &m) == -EINVAL);
	CHECK(make("uid 100005 5", NULL, &m) == 0);
	CHECK(idmap_parse("both 0-65535", &m, NULL) == -EINVAL && idmap_parse("", &m, NULL) == 0 && m.n_uid == 0);
}

static void test_many(void)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct idmap m;

	set("root:100000:65536\nroot:1000:100\n", "root:100000:65536\nroot:1000:100\n");
	for (int i = 0; i < 7; i++)
		buf_addf(&b, "uid %d %d\n", 1000 + i, 10 * i + 5);
	CHECK(make(buf_str(&b), NULL, &m) == 0 && m.n_uid == 15);
	for (int i = 7; i < 9; i++)
		buf_addf(&b, "uid %d %d\n", 1000 + i, 10 * i + 5);
	CHECK(make(buf_str(&b), NULL, &m) == -ERANGE);
	buf_reset(&b);
	for (int i = 0; i < 40; i++)
		buf_addf(&b, "both 0-999999 0-999999\n");
	CHECK(idmap_parse(buf_str(&b), &m, NULL) == -ERANGE);
}

static int read_in(int userns, const char *file, char *out, size_t size)
{
	int fds[2], status;
	ssize_t n;
	pid_t pid;

	if (pipe(fds) < 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		char text[4096];
		FILE *f;

		if (setns(userns, CLONE_NEWUSER) < 0)
			_exit(errno == EINVAL ? 77 : 1);
		f = fopen(file, "r");
		n = f ? (ssize_t)fread(text, 1, sizeof(text), f) : -1;
		_exit(n > 0 && write(fds[1], text, (size_t)n) == n ? 0 : 2);
	}
	close(fds[1]);
	n = read(fds[0], out, size - 1);
	close(fds[0]);
	waitpid(pid, &status, 0);
	out[n > 0 ? n : 0] = '\0';
	return status;
}

static void test_userns(void)
{
	struct idmap m, none = { 0 };
	struct stat a, b, c;
	char text[4096];
	unsigned first, host, count;
	int fd, again, other;

	CHECK(idmap_userns(&none, NULL) == -EINVAL);
	if (geteuid() != 0)
		return;
	set("root:100000:65536\nroot:1000:1\n", "root:300000:65536\nroot:1000:1\n");
	CHECK(make(NULL, NULL, &m) == 0);
	fd = idmap_userns(&m, &last);
	if (fd < 0 && (last.code == EPERM || last.code == ENOSPC)) {
		printf("no user namespaces here: %s\n", last.text);
		return;
	}
	CHECK(fd >= 0);
	/* EINVAL: the thread sanitizer has a thread of its own, with which nobody can enter a user namespace */
	if (read_in(fd, "/proc/self/uid_map", text, sizeof(text)) != 77 << 8) {
		CHECK(sscanf(text, "%u %u %u", &first, &host, &count) == 3 && first == 0 && host == 100000 && count == 65536);
		CHECK(read_in(fd, "/proc/self/gid_map", text, sizeof(text)) == 0 && sscanf(text, "%u %u", &first, &host) == 2);
		CHECK(host == 300000);
	}
	again = idmap_userns(&m, NULL);
	CHECK(make("both 1000 1000", NULL, &m) == 0);
	other = idmap_userns(&m, NULL);
	CHECK(again >= 0 && other >= 0 && fstat(fd, &a) == 0 && fstat(again, &b) == 0 && fstat(other, &c) == 0);
	CHECK(a.st_ino == b.st_ino && a.st_ino != c.st_ino);
	CHECK(waitpid(-1, NULL, WNOHANG | __WALL) == -1 && errno == ECHILD);
	close(fd);
	close(again);
	close(other);
}

int main(void)
{
	CHECK(mkdtemp(dir) != NULL);
	snprintf(uid_file, sizeof(uid_file), "%s/subuid", dir);
	snprintf(gid_file, sizeof(gid_file), "%s/subgid", dir);
	idmap_use_files(uid_file, gid_file);
	test_base();
	test_missing();
	test_raw();
	test_bad();
	test_isolated();
	test_many();
	test_userns();
	unlink(uid_file);
	unlink(gid_file);
	rmdir(dir);
	return UNIT_END();
}
