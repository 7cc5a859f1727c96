// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Images from the upload to the fields, with the real unpacker (root only); then the server is killed at random moments and
 * a new one must end what it began.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "backends/core/buf.h"
#include "backends/core/cleanup.h"
#include "backends/core/image.h"
#include "backends/core/keep.h"
#include "backends/core/spawn.h"
#include "backends/core/storage.h"
#include "backends/storage/dir.h"
#include "backends/storage/overlay.h"
#include "tests/unit/unit.h"

static char state[64] = "/tmp/instfs-image-XXXXXX";
static struct err last;
static const struct caller root = { .uid = 0 };
static const struct meta meta = { .mode = 0755 };

static int sh(const char *fmt, ...)
{
	char command[2048];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	return system(command);
}

static void output(char *buf, size_t size, const char *fmt, ...)
{
	char command[1024];
	va_list ap;
	FILE *f;

	va_start(ap, fmt);
	vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	buf[0] = '\0';
	f = popen(command, "r");
	if (f && fgets(buf, (int)size, f))
		buf[strcspn(buf, "\n ")] = '\0';
	if (f)
		pclose(f);
}

/* ---- one upload ---- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t ended = PTHREAD_COND_INITIALIZER;
static int result = 1;

static void on_done(void *arg, int r)
{
	HOLD_LOCK(&lock);

	result = r;
	pthread_cond_signal(&ended);
}

static int copy_in(struct object *o, const char *file)
{
	_cleanup_close_ int to = image_upload(o, true, &last), from = open(file, O_RDONLY | O_CLOEXEC);
	char chunk[65536];
	ssize_t n;

	while (to >= 0 && (n = read(from, chunk, sizeof(chunk))) > 0)
		CHECK(write(to, chunk, (size_t)n) == n);
	return to < 0 ? to : 0;
}

static int upload(struct object *o, const char *file)
{
	int r = copy_in(o, file);

	CHECK(image_uploading(o));
	result = 1;
	if (!r)
		r = image_commit(o, &root, on_done, NULL, &last);
	if (r < 0)
		return r;
	HOLD_LOCK(&lock);
	while (result == 1)
		pthread_cond_wait(&ended, &lock);
	object_error_get(o, &last);
	return result;
}

static const char *value(struct object *o, enum entry_kind k, const char *name)
{
	static char buf[4][256];
	static int i;
	char *b = buf[i++ % 4];

	return object_value(o, k, name, b, 256) ? b : NULL;
}

static void make_files(void)
{
	CHECK(!sh("mkdir -p %s/in/rootfs/etc && cd %s/in && echo hello >rootfs/etc/motd && chown 5:6 rootfs/etc/motd && "
		  "head -c 3000000 /dev/urandom >rootfs/data && "
		  "printf 'architecture: amd64\\ncreation_date: 1700000000\\nexpiry_date: 1800000000\\nproperties:\\n  os: Test\\n  serial: \"1\"\\n' "
		  ">metadata.yaml && tar -czf ../a.tar.gz metadata.yaml rootfs && "
		  "printf 'architecture: arm64\\ncreation_date: 1700000001\\nproperties:\\n  os: Other\\n' >metadata.yaml && "
		  "tar -cJf ../b.tar.xz ./metadata.yaml ./rootfs && tar -cf ../nometa.tar rootfs && head -c 200000 ../a.tar.gz >../cut.tar.gz",
		  state, state));
}

static void check_unused(void)
{
	CHECK(!sh("! ls -A %s/bases | grep -q '^.new\\|^.commit'", state));
	CHECK(!sh("! ls %s/images/*/upload %s/images/*/unpacking 2>/dev/null | grep -q .", state, state));
}

static void check_first(struct object *o)
{
	char sum[80];

	output(sum, sizeof(sum), "sha256sum %s/a.tar.gz", state);
	CHECK_STR(value(o, ENT_FIELD, "fingerprint"), sum);
	CHECK_STR(value(o, ENT_FIELD, "type"), "container");
	CHECK_STR(value(o, ENT_FIELD, "architecture"), "x86_64");
	CHECK_STR(value(o, ENT_FIELD, "created"), "2023-11-14T22:13:20Z");
	CHECK_STR(value(o, ENT_FIELD, "expires"), "2027-01-15T08:00:00Z");
	CHECK(value(o, ENT_FIELD, "uploaded"));
	CHECK_STR(value(o, ENT_PROPERTY, "os"), "Test");
	CHECK_STR(value(o, ENT_PROPERTY, "serial"), "1");
	CHECK(!sh("cmp -s %s/images/%s/image %s/a.tar.gz", state, o->name, state));
	CHECK(!sh("test \"$(cat %s/bases/%s/rootfs/etc/motd)\" = hello && test $(stat -c %%u:%%g %s/bases/%s/rootfs/etc/motd) = 5:6", state, sum,
		  state, sum));
}

static void test_upload(void)
{
	_cleanup_object_ struct object *o = NULL, *twin = NULL;
	char path[128];
	int fd;

	CHECK(!image_create("one", &meta, &root, &o, &last));
	CHECK(image_open(o) == -ENODATA);
	CHECK(!image_uploading(o));
	snprintf(path, sizeof(path), "%s/nometa.tar", state);
	CHECK(upload(o, path) == -EINVAL);
	CHECK(strstr(last.text, "no metadata.yaml"));
	CHECK(image_open(o) == -ENODATA && !value(o, ENT_FIELD, "fingerprint"));
	check_unused();

	CHECK(!object_set(o, ENT_FIELD, "fingerprint", "12345", 5, &last));
	snprintf(path, sizeof(path), "%s/a.tar.gz", state);
	CHECK(upload(o, path) == -EINVAL);
	CHECK(strstr(last.text, "fingerprints don't match, got ") && strstr(last.text, " expected 12345"));
	CHECK_STR(value(o, ENT_FIELD, "fingerprint"), "12345");
	CHECK(!object_set(o, ENT_FIELD, "fingerprint", NULL, 0, &last));
	check_unused();

	CHECK(upload(o, path) == 0);
	CHECK_STR(last.text, "");
	check_first(o);
	check_unused();
	fd = image_open(o);
	CHECK(fd >= 0);
	close(fd);

	/* A failure leaves it as it was; other data replace everything. */
	snprintf(path, sizeof(path), "%s/cut.tar.gz", state);
	CHECK(upload(o, path) == -EINVAL);
	check_first(o);
	check_unused();

	CHECK(!image_create("two", &meta, &root, &twin, &last));
	snprintf(path, sizeof(path), "%s/a.tar.gz", state);
	CHECK(upload(twin, path) == 0);
	check_first(twin);
	snprintf(path, sizeof(path), "%s/b.tar.xz", state);
	CHECK(upload(o, path) == 0);
	CHECK_STR(value(o, ENT_FIELD, "architecture"), "aarch64");
	CHECK_STR(value(o, ENT_PROPERTY, "os"), "Other");
	CHECK(!value(o, ENT_PROPERTY, "serial") && !value(o, ENT_FIELD, "expires"));
	check_first(twin);
	check_unused();

	CHECK(copy_in(o, path) == 0);
	image_abandon(o);
	CHECK(!image_uploading(o));
	CHECK(image_set_source(o, "https://host/x", false, &root, NULL, NULL, &last) == -EOPNOTSUPP);
	CHECK(image_set_source(o, "nonsense", false, &root, NULL, NULL, &last) == -EINVAL);
}

static int count_user(uint32_t id, const char *name, void *arg)
{
	CHECK_STR(name, "c1");
	++*(int *)arg;
	return 0;
}

static void test_users(void)
{
	_cleanup_object_ struct object *o = object_find(SPACE_IMAGES, "one"), *c = NULL;
	const char *fingerprint = value(o, ENT_FIELD, "fingerprint");
	int n = 0;

	CHECK(!object_create(SPACE_INSTANCES, "c1", &meta, &c, &last));
	CHECK(image_each_user(o, count_user, &n) == 0 && n == 0);
	CHECK(!object_set(c, ENT_VOLATILE, "base_image", fingerprint, strlen(fingerprint), &last));
	CHECK(image_each_user(o, count_user, &n) == 0 && n == 1);
}

/* ---- servers that are killed ---- */

static int start_server(int keep)
{
	static const struct storage_ops *const list[] = { &overlay_storage, &dir_storage, NULL };
	_cleanup_buf_ struct buf version = BUF_INIT;
	int r = keep < 0 ? keep_attach_private() : keep_attach(keep);

	if (!r)
		r = model_open(state, &last);
	if (!r)
		r = storage_init(list, NULL, &version, &last);
	if (!r)
		r = image_init(&last);
	if (!r)
		r = op_init(2, &last);
	if (r < 0)
		fprintf(stderr, "server: %d %s\n", r, last.text);
	return r;
}

/* Waits until nothing is under way, or is killed. */
__attribute__((noreturn)) static void serve(int keep, const char *file)
{
	struct object *o;

	if (start_server(keep) < 0)
		_exit(2);
	o = object_find(SPACE_IMAGES, "crash");
	if (!o)
		_exit(3);
	if (file && (copy_in(o, file) < 0 || image_commit(o, &root, NULL, NULL, &last) < 0))
		_exit(4);
	for (;;) {
		bool idle;

		pthread_mutex_lock(&o->lock);
		idle = !o->run.op;
		pthread_mutex_unlock(&o->lock);
		if (idle)
			_exit(0);
		usleep(2000);
	}
}

static void crash_once(const char *file, const char *sum)
{
	int keep = memfd_create("keep", MFD_CLOEXEC), status = 0, rounds = 0;
	char got[200];

	CHECK(ftruncate(keep, KEEP_SIZE) == 0);
	do {
		pid_t pid = fork();

		if (!pid)
			serve(keep, rounds ? NULL : file);
		if (rounds < 4) {
			usleep((useconds_t)(rand() % 150000 + (rounds ? 1000 : 40000)));
			kill(pid, SIGKILL);
		}
		waitpid(pid, &status, 0);
	} while (++rounds < 8 && !(WIFEXITED(status) && WEXITSTATUS(status) == 0 && rounds > 1));
	close(keep);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	/* Either the new data are there with all their fields, or, killed before the operation was accepted, the old ones are. */
	output(got, sizeof(got), "sha256sum <%s/images/crash/image", state);
	CHECK(!sh("grep -q '%s' %s/images/crash/object.json", got, state));
	CHECK(!sh("test -e %s/bases/%s/rootfs/etc/motd", state, got));
	CHECK(!sh("! ls -A %s/bases | grep -q '^.commit'", state));
	if (strcmp(got, sum) != 0)
		printf("killed before it began\n");
}

static void test_crashes(void)
{
	_cleanup_object_ struct object *o = NULL;
	char a[128], b[128], sum_a[80], sum_b[80];

	CHECK(!image_create("crash", &meta, &root, &o, &last));
	snprintf(a, sizeof(a), "%s/a.tar.gz", state);
	snprintf(b, sizeof(b), "%s/b.tar.xz", state);
	output(sum_a, sizeof(sum_a), "sha256sum <%s", a);
	output(sum_b, sizeof(sum_b), "sha256sum <%s", b);
	CHECK(upload(o, a) == 0);
	object_put(steal_pointer(&o));
	op_shutdown();
	base_wait();
	model_close();
	keep_detach();
	for (int i = 0; i < 10; i++)
		crash_once(i % 2 ? a : b, i % 2 ? sum_a : sum_b);
}

int main(void)
{
	char path[600];

	if (geteuid() || spawn_helper("instfs-unpack", path, sizeof(path), &last) < 0) {
		printf("needed are root and instfs-unpack beside this program\n");
		return 77;
	}
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return 77;
	umask(022);
	srand((unsigned)time(NULL));
	if (!mkdtemp(state) || start_server(-1) < 0) {
		fprintf(stderr, "%s\n", last.text);
		return 1;
	}
	make_files();
	test_upload();
	test_users();
	test_crashes();
	sh("umount -l /run/instfs/*/rootfs 2>/dev/null; rm -rf %s", state);
	return UNIT_END();
}
