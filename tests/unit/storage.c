// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Storage with real mounts (root only): each driver, with and without an id map; the mounts of root file systems; bases and who keeps
 * them. Hostile trees are deleted and measured.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "backends/core/buf.h"
#include "backends/core/cleanup.h"
#include "backends/core/idmap.h"
#include "backends/core/keep.h"
#include "backends/core/mount.h"
#include "backends/core/storage.h"
#include "backends/core/tree.h"
#include "backends/storage/dir.h"
#include "backends/storage/overlay.h"
#include "tests/unit/unit.h"

#define FP_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define FP_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static char state[64] = "/tmp/instfs-storage-XXXXXX";
static struct err last;
static bool full_disk;

static int sh(const char *fmt, ...)
{
	char command[2048];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	return system(command);
}

#define GOOD(call)                                                                             \
	do {                                                                                   \
		err_clear(&last);                                                              \
		if ((call) < 0)                                                                \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, last.text);         \
		CHECK(!last.code);                                                             \
	} while (0)

static void make_base(const char *fingerprint)
{
	sh("mkdir -p %s/bases/%s/rootfs/etc %s/bases/%s/rootfs/dir/sub && cd %s/bases/%s/rootfs && echo one >etc/file && echo gone >etc/gone && "
	   "echo x >dir/sub/x && chown 33:44 etc/file && ln etc/file etc/hard && chmod 711 . && cp /bin/true prog && "
	   "setcap cap_net_raw+ep prog; chmod u+s prog",
	   state, fingerprint, state, fingerprint, state, fingerprint);
}

static void volume_init(struct volume *v, const char *name, const char *fingerprint)
{
	*v = (struct volume){ .snap = "" };
	snprintf(v->dir, sizeof(v->dir), "%s/instances/%s", state, name);
	if (fingerprint)
		base_path(fingerprint, v->base, sizeof(v->base));
	sh("mkdir -p %s", v->dir);
}

static const struct idmap shifted = {
	.n_uid = 1, .n_gid = 1, .uid = { { 0, 100000, 65536 } }, .gid = { { 0, 200000, 65536 } },
};
static const struct idmap privileged = { .n_uid = 0 };

/* ---- drivers ---- */

/* As root of the guest, whose ids on the host these are. */
static int as_guest(const struct idmap *m, const char *target, const char *command)
{
	return sh("cd %s && setpriv --reuid %u --regid %u --clear-groups --inh-caps -all sh -c '%s'", target,
		  m->n_uid ? m->uid[0].host : 0, m->n_gid ? m->gid[0].host : 0, command);
}

static void write_as_guest(const struct idmap *m, const char *target)
{
	uint32_t uid = m->n_uid ? m->uid[0].host : 0, gid = m->n_gid ? m->gid[0].host : 0;

	CHECK(!as_guest(m, target, "echo two >>etc/new && rm etc/gone && mv dir moved && ln etc/new etc/newhard && mkfifo etc/fifo && "
				   "truncate -s 10M etc/sparse"));
	CHECK(!sh("test $(stat -c %%u:%%g %s/etc/new) = %u:%u", target, uid, gid));
	CHECK(!sh("test $(stat -c %%u:%%g %s/etc/file) = %u:%u", target, uid + 33, gid + 44));
}

static void check_written(const char *target)
{
	CHECK(!sh("cd %s && test \"$(cat etc/new)\" = two && ! test -e etc/gone && ! test -e dir && test -e moved/sub/x && test -p etc/fifo && "
		  "test $(stat -c %%h etc/new) = 2 && test $(stat -c %%s etc/sparse) = 10485760 && test $(stat -c %%b etc/sparse) -lt 100 && "
		  "test \"$(cat etc/file)\" = one && test $(stat -c %%a .) = 711",
		  target));
	/* Programs keep set-id bits and capabilities. */
	CHECK(!sh("test -u %s/prog && getcap %s/prog | grep -q cap_net_raw", target, target));
}

static void test_snapshots(const struct storage_ops *ops, struct volume *v, const struct idmap *m, const char *target)
{
	struct volume snap = *v, copy;
	uint64_t bytes = 0, limit;

	GOOD(ops->snapshot(v, "s1", NULL, &last));
	GOOD(ops->mount(v, m, target, &last));
	CHECK(!as_guest(m, target, "echo three >etc/new; rm -r moved"));
	GOOD(mount_detach(target, &last));
	strcpy(snap.snap, "s1");
	GOOD(ops->mount(&snap, m, target, &last));
	check_written(target);
	CHECK(as_guest(m, target, "touch x 2>/dev/null") && as_guest(m, target, "rm etc/file 2>/dev/null"));
	GOOD(mount_detach(target, &last));
	GOOD(ops->usage(&snap, &bytes, &limit, &last));
	CHECK(bytes >= 4096 && bytes < 2000000);

	GOOD(ops->snapshot_rename(v, "s1", "s2", &last));
	GOOD(ops->snapshot_rename(v, "s1", "s2", &last));
	GOOD(ops->restore(v, "s2", NULL, &last));
	GOOD(ops->mount(v, m, target, &last));
	check_written(target);
	CHECK(!as_guest(m, target, "echo four >etc/four"));
	GOOD(mount_detach(target, &last));

	volume_init(&copy, "copy", NULL);
	strcpy(snap.snap, "s2");
	GOOD(ops->copy(&copy, &snap, NULL, &last));
	GOOD(ops->mount(&copy, m, target, &last));
	check_written(target);
	CHECK(sh("test -e %s/etc/four", target));
	GOOD(mount_detach(target, &last));
	GOOD(ops->copy(&copy, v, NULL, &last));
	GOOD(ops->mount(&copy, m, target, &last));
	CHECK(!sh("test -e %s/etc/four", target));
	GOOD(mount_detach(target, &last));

	GOOD(ops->snapshot_delete(v, "s2", &last));
	GOOD(ops->snapshot_delete(v, "s2", &last));
	CHECK(ops->restore(v, "s2", NULL, &last) == -ENOENT);
	GOOD(ops->remove(&copy, &last));
	GOOD(ops->remove(&copy, &last));
	CHECK(!sh("test -z \"$(ls -A %s)\"", copy.dir));
}

static void test_driver(const struct storage_ops *ops, const struct idmap *m)
{
	char target[128];
	struct volume v;
	uint64_t bytes = 0, limit;

	printf("%s, %s\n", ops->name, m->n_uid ? "shifted" : "privileged");
	snprintf(target, sizeof(target), "%s/rootfs/test", model_rundir());
	mkdir(target, 0700);
	volume_init(&v, "v", FP_A);
	CHECK(ops->mount(&v, m, target, &last) == -ENOENT);
	/* Leftovers of an interrupted run. */
	sh("mkdir -p %s/.%s.new/upper/x", v.dir, ops->name);
	GOOD(ops->create(&v, NULL, &last));
	GOOD(ops->mount(&v, m, target, &last));
	CHECK(mount_is(target) == 1);
	write_as_guest(m, target);
	check_written(target);
	GOOD(mount_detach(target, &last));
	CHECK(mount_is(target) == 0);
	GOOD(ops->mount(&v, m, target, &last));
	check_written(target);
	GOOD(ops->usage(&v, &bytes, &limit, &last));
	CHECK(bytes >= 4096 && bytes < 2000000);
	GOOD(mount_detach(target, &last));
	test_snapshots(ops, &v, m, target);

	/* Rebuild: nothing of the old one is left, then an empty one. */
	GOOD(ops->create(&v, NULL, &last));
	GOOD(ops->mount(&v, m, target, &last));
	CHECK(!sh("test -e %s/etc/gone && ! test -e %s/etc/new", target, target));
	GOOD(mount_detach(target, &last));
	v.base[0] = '\0';
	GOOD(ops->create(&v, NULL, &last));
	GOOD(ops->mount(&v, m, target, &last));
	CHECK(!sh("test -z \"$(ls -A %s)\"", target));
	GOOD(mount_detach(target, &last));
	GOOD(ops->remove(&v, &last));
	CHECK(!sh("test -z \"$(ls -A %s)\"", v.dir));
	CHECK(!sh("cd %s/bases/" FP_A "/rootfs && test -e etc/gone && ! test -e etc/new && test -d dir", state));
	rmdir(target);
	CHECK(!sh("test -z \"$(ls -A %s/rootfs)\"", model_rundir()));
}

/* A rebuild takes another image; the older snapshot goes on with its own. */
static void test_rebase(void)
{
	struct volume v, snap;
	char target[128];

	snprintf(target, sizeof(target), "%s/rootfs/test", model_rundir());
	mkdir(target, 0700);
	volume_init(&v, "rebase", FP_A);
	GOOD(overlay_storage.create(&v, NULL, &last));
	GOOD(overlay_storage.snapshot(&v, "old", NULL, &last));
	sh("mkdir -p %s/bases/" FP_B "/rootfs && echo b >%s/bases/" FP_B "/rootfs/b", state, state);
	base_path(FP_B, v.base, sizeof(v.base));
	GOOD(overlay_storage.create(&v, NULL, &last));
	GOOD(overlay_storage.mount(&v, &shifted, target, &last));
	CHECK(!sh("test -e %s/b && ! test -e %s/etc", target, target));
	GOOD(mount_detach(target, &last));
	snap = v;
	strcpy(snap.snap, "old");
	GOOD(overlay_storage.mount(&snap, &shifted, target, &last));
	CHECK(!sh("test -e %s/etc/file && ! test -e %s/b", target, target));
	GOOD(mount_detach(target, &last));
	GOOD(overlay_storage.restore(&v, "old", NULL, &last));
	GOOD(overlay_storage.mount(&v, &shifted, target, &last));
	CHECK(!sh("test -e %s/etc/file", target));
	GOOD(mount_detach(target, &last));
	rmdir(target);
}

/* ---- trees ---- */

static void test_trees(void)
{
	_cleanup_close_ int dir = open(state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	uint64_t bytes = 0;
	int fd;

	sh("mkdir %s/t %s/outside; echo keep >%s/outside/keep; cd %s/t; ln -s ../outside link; ln -s / root; mkdir a; mkfifo a/f; "
	   "mknod a/c c 0 0; dd if=/dev/zero of=big bs=1M count=3 status=none; ln big big2; truncate -s 1G sparse; touch im; chattr +i im 2>/dev/null; "
	   "mkdir frozen; touch frozen/x; chattr +i frozen 2>/dev/null; true",
	   state, state, state, state);
	/* Deeper than a path can be long. */
	sh("cd %s/t && python3 -c \"import os\nfor i in range(3000): os.mkdir('d' * 20); os.chdir('d' * 20)\nopen('end', 'w').write('x')\"", state);
	GOOD(tree_usage(dir, "t", &bytes, &last));
	CHECK(bytes >= 3 << 20 && bytes < 8 << 20);
	GOOD(tree_remove(dir, "t", &last));
	CHECK(!sh("! test -e %s/t && test -e %s/outside/keep", state, state));
	GOOD(tree_remove(dir, "t", &last));
	sh("ln -s outside %s/l", state);
	GOOD(tree_remove(dir, "l", &last));
	CHECK(!sh("! test -L %s/l && test -e %s/outside/keep", state, state));
	CHECK(tree_usage(dir, "none", &bytes, &last) == -ENOENT);

	/* What is mounted inside is not touched. */
	sh("mkdir -p %s/m/x && mount --bind %s/outside %s/m/x", state, state, state);
	CHECK(tree_remove(dir, "m", &last) == -EBUSY);
	sh("umount %s/m/x", state);
	CHECK(!sh("test -e %s/outside/keep", state));
	GOOD(tree_remove(dir, "m", &last));

	fd = tree_stage(dir, "s", &last);
	CHECK(fd >= 0);
	close(fd);
	sh("echo new >%s/.s.new/f; mkdir %s/s; echo old >%s/s/f", state, state, state);
	GOOD(tree_commit(dir, "s", &last));
	CHECK(!sh("test $(cat %s/s/f) = new && ! test -e %s/.s.new", state, state));
	GOOD(tree_discard(dir, "s", &last));
	GOOD(tree_discard(dir, "s", &last));
}

/* ---- the mounts of instances ---- */

static int user_ids(const char *file)
{
	static char path[2][80];
	int i = !strcmp(file, "gid");

	snprintf(path[i], sizeof(path[i]), "%s/sub%s", state, file);
	return sh("echo root:300000:65536 >%s", path[i]) ? -1 : 0;
}

static void test_rootfs(void)
{
	_cleanup_object_ struct object *o = NULL;
	static char subuid[80], subgid[80];
	const struct meta meta = { .mode = 0755 };
	const struct storage_ops *ops;
	struct volume v;
	char path[512], again[512];

	CHECK(!user_ids("uid") && !user_ids("gid"));
	snprintf(subuid, sizeof(subuid), "%s/subuid", state);
	snprintf(subgid, sizeof(subgid), "%s/subgid", state);
	idmap_use_files(subuid, subgid);
	GOOD(object_create(SPACE_INSTANCES, "c1", &meta, &o, &last));
	CHECK(!storage_exists(o));
	CHECK(storage_volume(o, NULL, &ops, &v, &last) == -ENOENT);
	CHECK(rootfs_mount(o, NULL, path, sizeof(path), &last) == -ENOENT);
	CHECK(storage_assign(o, "../x", false, &last) == -EINVAL);
	GOOD(storage_assign(o, FP_A, false, &last));
	CHECK(!storage_exists(o));
	GOOD(storage_volume(o, NULL, &ops, &v, &last));
	CHECK_STR(ops->name, "overlay");
	GOOD(ops->create(&v, NULL, &last));
	CHECK(storage_exists(o));

	GOOD(rootfs_mount(o, NULL, path, sizeof(path), &last));
	CHECK(mount_is(path) == 1);
	CHECK(!sh("test $(stat -c %%u %s/etc) = 300000", path));
	GOOD(rootfs_mount(o, "", again, sizeof(again), &last));
	CHECK_STR(again, path);
	CHECK(!sh("test $(grep -c ' %s ' /proc/self/mountinfo) = 1", path));
	/* Nobody else sees it. */
	CHECK(!sh("grep ' %s ' /proc/self/mountinfo | grep -vq shared:", path));
	CHECK(!sh("test $(stat -c %%a %s/rootfs) = 700", model_rundir()));

	/* Another map while stopped: mounted anew. */
	GOOD(object_set(o, ENT_CONFIG, "security.privileged", "true\n", 5, &last));
	GOOD(rootfs_mount(o, NULL, path, sizeof(path), &last));
	CHECK(!sh("test $(stat -c %%u %s/etc) = 0", path));
	CHECK(!sh("test $(grep -c ' %s ' /proc/self/mountinfo) = 1", path));
	/* Running: as it is. */
	o->run.init_pid = 1;
	GOOD(object_set(o, ENT_CONFIG, "security.privileged", NULL, 0, &last));
	GOOD(rootfs_mount(o, NULL, path, sizeof(path), &last));
	CHECK(!sh("test $(stat -c %%u %s/etc) = 0", path));
	o->run.init_pid = 0;

	CHECK(rootfs_mount(o, "nope", path, sizeof(path), &last) == -ENOENT);
	GOOD(rootfs_unmount(o, "nope", &last));
	/* Busy is no obstacle. */
	GOOD(rootfs_mount(o, NULL, path, sizeof(path), &last));
	{
		_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);

		CHECK(fd >= 0);
		GOOD(rootfs_unmount(o, NULL, &last));
	}
	CHECK(mount_is(path) == 0);
	CHECK(!sh("test -z \"$(ls -A %s/rootfs)\"", model_rundir()));
	GOOD(rootfs_unmount(o, NULL, &last));
}

/* ---- bases ---- */

static void wait_collected(const char *fingerprint)
{
	base_wait();
	CHECK(sh("test -e %s/bases/%s", state, fingerprint));
}

static void test_bases(void)
{
	char path[512];
	int fd;

	/* FP_A is used by c1, FP_B by the volume that was rebuilt on it and then restored: by nobody. */
	make_base("cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc");
	base_collect();
	wait_collected("cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc");
	wait_collected(FP_B);
	CHECK(sh("test -e %s/bases/cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc", state));
	CHECK(sh("test -e %s/bases/" FP_B, state));
	CHECK(!sh("test -e %s/bases/" FP_A "/rootfs/etc/file", state));
	CHECK(base_dirfd(FP_B) == -ENOENT && base_dirfd("..") == -ENOENT);
	fd = base_dirfd(FP_A);
	CHECK(fd >= 0);
	close(fd);

	GOOD(base_stage(7, path, sizeof(path), &last));
	sh("mkdir %s/rootfs; touch %s/.lock", path, path);
	GOOD(base_stage(7, path, sizeof(path), &last));
	CHECK(!sh("test -z \"$(ls -A %s)\"", path));
	sh("mkdir %s/rootfs; touch %s/.lock", path, path);
	base_hold();
	GOOD(base_install(7, FP_B, &last));
	CHECK(!sh("test -d %s/bases/" FP_B "/rootfs && ! test -e %s/bases/" FP_B "/.lock", state, state));
	base_collect();
	usleep(200000);
	CHECK(!sh("test -d %s/bases/" FP_B, state));
	base_release();
	wait_collected(FP_B);
	CHECK(sh("test -e %s/bases/" FP_B, state));
	CHECK(base_is_fingerprint(FP_A) && !base_is_fingerprint("x") && !base_is_fingerprint("../../../../../../../../../../../../../../../../../../../../../../"));
}

static int probe_in_vain(const char *state_dir, struct err *e)
{
	return err_set(e, full_disk ? ENOSPC : EINVAL, "not today");
}

/* A driver that does not work today keeps its bases for the day on which it works again; a full disk says nothing of a driver. */
static void test_broken_driver(void)
{
	static struct storage_ops broken;
	static const struct storage_ops *const list[] = { &broken, &dir_storage, NULL };
	_cleanup_buf_ struct buf version = BUF_INIT;

	broken = overlay_storage;
	broken.name = "broken";
	broken.probe = probe_in_vain;
	GOOD(storage_init(list, NULL, &version, &last));
	CHECK_STR(buf_str(&version), "storage dir\n");
	base_collect();
	base_wait();
	CHECK(!sh("test -e %s/bases/" FP_A "/rootfs/etc/file", state));
	full_disk = true;
	broken.name = "full";
	buf_reset(&version);
	GOOD(storage_init(list, NULL, &version, &last));
	CHECK_STR(buf_str(&version), "storage full dir\n");
}

static void test_close(void)
{
	_cleanup_object_ struct object *o = object_find(SPACE_INSTANCES, "c1");
	char path[512], dir[512];

	snprintf(dir, sizeof(dir), "%s/rootfs", model_rundir());
	GOOD(rootfs_mount(o, NULL, path, sizeof(path), &last));
	o->run.init_pid = 1;
	rootfs_close();
	CHECK(mount_is(path) == 1 && mount_is(dir) == 1);
	o->run.init_pid = 0;
	rootfs_close();
	CHECK(mount_is(path) == 0 && mount_is(dir) == 0);
	CHECK(sh("test -e %s", dir));
}

static void tests(void)
{
	static const struct storage_ops *const list[] = { &overlay_storage, &dir_storage, NULL };
	_cleanup_buf_ struct buf version = BUF_INIT;

	GOOD(storage_init(list, NULL, &version, &last));
	CHECK_STR(buf_str(&version), "storage overlay dir\n");
	CHECK(storage_init(list, "zfs", &version, &last) == -EINVAL);
	GOOD(storage_init(list, "overlay", &version, &last));
	make_base(FP_A);
	test_driver(&overlay_storage, &shifted);
	test_driver(&overlay_storage, &privileged);
	test_driver(&dir_storage, &shifted);
	test_driver(&dir_storage, &privileged);
	test_rebase();
	test_trees();
	test_rootfs();
	test_bases();
	test_close();
	test_broken_driver();
}

int main(void)
{
	if (geteuid()) {
		printf("root is needed to mount\n");
		return 77;
	}
	/* Mounts of a failed test go with the process. */
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return 77;
	umask(022);
	if (!mkdtemp(state) || keep_attach_private() < 0 || model_open(state, &last) < 0) {
		fprintf(stderr, "%s\n", last.text);
		return 1;
	}
	tests();
	base_wait();
	model_close();
	sh("umount -l %s/rootfs 2>/dev/null; rm -rf %s", model_rundir(), state);
	return UNIT_END();
}
