// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The passthrough below rootfs/ on a plain FUSE session, over a directory that is mounted shifted by 100000 ids as a
 * guest's is: a POSIX exercise whose every result is compared with what the directory itself shows.
 *
 * With arguments "serve MOUNTPOINT DIRECTORY" it only serves, for other tools to be run on it: c1 is the instance, c1@s0 a
 * snapshot.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include <linux/securebits.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/fsuid.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#include "backends/core/cleanup.h"
#include "backends/core/config.h"
#include "backends/core/instance.h"
#include "backends/core/keep.h"
#include "backends/core/storage.h"
#include "backends/core/watch.h"
#include "fs/holder.h"
#include "fs/rootfs.h"
#include "tests/unit/unit.h"

#define SHIFT 100000
#define DIR_INO 2
#define SNAP_SLOT 7

/* ---- what stands in for the model, the holder and the session ---- */

static struct object the_object = {
	.id = 5, .space = SPACE_INSTANCES, .name = "c1", .loaded = true,
	.change = PTHREAD_MUTEX_INITIALIZER, .lock = PTHREAD_MUTEX_INITIALIZER,
};
static struct snapshot the_snapshot = { .slot = SNAP_SLOT, .name = "s0" };
static char shifted_dir[256];
static const bool guest_runs = true;

#define WEAK __attribute__((weak))

WEAK struct object *object_get(uint32_t id) { return id == the_object.id ? &the_object : NULL; }
WEAK struct object *object_put(struct object *o) { (void)o; return NULL; }
WEAK struct snapshot *object_snapshot(struct object *o, const char *name)
{
	(void)o;
	return strcmp(name, "s0") ? NULL : &the_snapshot;
}
WEAK struct snapshot *object_snapshot_by_slot(struct object *o, uint32_t slot)
{
	(void)o;
	return slot == SNAP_SLOT ? &the_snapshot : NULL;
}
WEAK int rootfs_mount(struct object *o, const char *snap, char *path, size_t size, struct err *e)
{
	(void)o; (void)snap; (void)e;
	snprintf(path, size, "%s", shifted_dir);
	return 0;
}
WEAK int config_expand(struct object *o, struct expanded *ret, struct err *e)
{
	(void)o; (void)e;
	*ret = (struct expanded){ .items = NULL };
	return 0;
}
WEAK bool instance_is_running(struct object *o) { (void)o; return guest_runs; }
WEAK void expanded_free(struct expanded *x) { (void)x; }
WEAK int idmap_for(const struct expanded *x, struct idmap *ret, struct err *e)
{
	(void)x; (void)e;
	*ret = (struct idmap){ .n_uid = 1, .n_gid = 1, .uid = { { 0, SHIFT, 65536 } }, .gid = { { 0, SHIFT, 65536 } } };
	return 0;
}
WEAK int idmap_parse(const char *text, struct idmap *ret, struct err *e) { (void)text; (void)ret; (void)e; return -EINVAL; }
WEAK bool idmap_to_guest(const struct idmap *m, bool group, uint32_t host, uint32_t *ret)
{
	(void)m; (void)group;
	*ret = host - SHIFT;
	return host >= SHIFT && host - SHIFT < 65536;
}
WEAK bool idmap_to_host(const struct idmap *m, bool group, uint32_t guest, uint32_t *ret)
{
	(void)m; (void)group;
	*ret = guest + SHIFT;
	return guest < 65536;
}
WEAK int holder_store_fd(uint64_t key, int fd) { (void)key; (void)fd; return -ENOTCONN; }
WEAK int holder_drop_fd(uint64_t key) { (void)key; return 0; }
WEAK int holder_fetch_fd(uint64_t key) { (void)key; return -ENOTCONN; }
WEAK void notify_inode(uint64_t ino, bool data) { (void)ino; (void)data; }
WEAK void notify_entry(uint64_t parent, const char *name) { (void)parent; (void)name; }
WEAK fuse_ino_t rootfs_dir_ino(void) { return DIR_INO; }
WEAK int request_begin(const struct caller *who, int *result, uint64_t *ino)
{
	(void)who; (void)result; (void)ino;
	return REQUEST_NEW;
}
WEAK void request_result(const struct caller *who, int result, uint64_t ino) { (void)who; (void)result; (void)ino; }
WEAK void request_caller(fuse_req_t req, struct caller *ret)
{
	const struct fuse_ctx *c = fuse_req_ctx(req);

	*ret = (struct caller){ .uid = c->uid, .gid = c->gid, .pid = c->pid };
}

static void top_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fuse_entry_param e = { .ino = 0 };
	const char *snap = strchr(name, '@');
	struct err er = ERR_INIT;
	int r = -ENOENT;

	(void)parent;
	if (!strncmp(name, "c1", 2) && (!name[2] || snap))
		r = rootfs_lookup_root(&the_object, snap ? snap + 1 : NULL, &e, &er);
	if (r < 0)
		fuse_reply_err(req, -r);
	else
		fuse_reply_entry(req, &e);
}

static void top_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct stat st = { .st_ino = ino, .st_mode = S_IFDIR | 0755, .st_nlink = 2 };

	(void)fi;
	fuse_reply_attr(req, &st, 0);
}

WEAK const struct fuse_lowlevel_ops fs_ops = { .lookup = top_lookup, .getattr = top_getattr };

/* One table that leads to the other by the number, as the daemon's session does. */
static struct fuse_lowlevel_ops both;

static void r_lookup(fuse_req_t req, fuse_ino_t p, const char *name)
{
	(p & ROOTFS_BIT ? rootfs_ops.lookup : fs_ops.lookup)(req, p, name);
}

static void r_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(ino & ROOTFS_BIT ? rootfs_ops.getattr : fs_ops.getattr)(req, ino, fi);
}

static void r_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	fuse_reply_err(req, ENOSYS);
}

static void fill_table(void)
{
	both = rootfs_ops;
	both.lookup = r_lookup;
	both.getattr = r_getattr;
	both.opendir = r_opendir;
}

static struct fuse_session *session;

static void on_signal(int sig)
{
	(void)sig;
	fuse_session_exit(session);
}

static int serve(const char *mountpoint)
{
	char *argv[] = { "rootfs", "-o", "allow_other,default_permissions,nosuid,nodev,fsname=rootfs-test", NULL };
	struct fuse_args args = FUSE_ARGS_INIT(3, argv);
	struct fuse_loop_config *config = fuse_loop_cfg_create();
	struct sigaction sa = { .sa_handler = on_signal };
	int r;

	keep_attach_private();
	if (watch_init() < 0)
		return 1;
	fill_table();
	session = fuse_session_new(&args, &both, sizeof(both), NULL);
	if (!session || fuse_session_mount(session, mountpoint) != 0)
		return 77;
	sigaction(SIGTERM, &sa, NULL);
	fuse_loop_cfg_set_max_threads(config, 8);
	r = fuse_session_loop_mt(session, config);
	fuse_session_unmount(session);
	return r ? 1 : 0;
}

/* ---- a directory mounted again, shifted ---- */

static int shifting_userns(void)
{
	char path[64], map[64];
	int pipefd[2], fd;
	pid_t pid;

	if (pipe2(pipefd, O_CLOEXEC) < 0)
		return -1;
	pid = (pid_t)syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL);
	if (pid == 0) {
		char c;

		close(pipefd[1]);
		_exit(read(pipefd[0], &c, 1) < 0);
	}
	snprintf(map, sizeof(map), "0 %d 65536\n", SHIFT);
	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "/proc/%d/%s", pid, i ? "gid_map" : "uid_map");
		fd = open(path, O_WRONLY);
		if (fd < 0 || write(fd, map, strlen(map)) < 0)
			perror(path);
		close(fd);
	}
	snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	close(pipefd[0]);
	close(pipefd[1]);
	waitpid(pid, NULL, 0);
	return fd;
}

static int mount_shifted(const char *dir, const char *target)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_IDMAP };
	int tree = (int)syscall(SYS_open_tree, AT_FDCWD, dir, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC), r;

	attr.userns_fd = (uint64_t)shifting_userns();
	r = (int)syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attr, sizeof(attr));
	if (r == 0)
		r = (int)syscall(SYS_move_mount, tree, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH);
	close(tree);
	close((int)attr.userns_fd);
	return r;
}

/* ---- the exercise; the working directory is rootfs/c1, `real` the directory below it ---- */

static char real[256];
static uid_t real_shift;	/* of the ids that are seen in `real` */
static bool live;		/* `real` is a guest's: somebody of the guest must do what is done there */

static const char *real_path(const char *name)
{
	static char path[512];

	snprintf(path, sizeof(path), "%s/%s", real, name);
	return path;
}

/* Both sides show the same, but for the inode number. */
/* fs/apart.h */
static bool same_nsec(const struct stat *a, long nsec)
{
	return S_ISDIR(a->st_mode) ? a->st_mtim.tv_nsec / 1000 == nsec / 1000 : a->st_mtim.tv_nsec == nsec;
}

static bool same(const char *name)
{
	struct stat a, b;

	if (lstat(name, &a) < 0 || lstat(real_path(name), &b) < 0)
		return false;
	return a.st_mode == b.st_mode && a.st_uid + real_shift == b.st_uid &&
	       a.st_gid + real_shift == b.st_gid && a.st_nlink == b.st_nlink &&
	       (S_ISDIR(a.st_mode) || a.st_size == b.st_size) && a.st_rdev == b.st_rdev &&
	       a.st_mtim.tv_sec == b.st_mtim.tv_sec && same_nsec(&a, b.st_mtim.tv_nsec) && a.st_blocks == b.st_blocks;
}

static int write_file(const char *name, const char *text, int flags)
{
	int fd = open(name, O_WRONLY | O_CREAT | flags, 0644);
	ssize_t n = fd < 0 ? -1 : write(fd, text, strlen(text));

	if (fd >= 0)
		close(fd);
	return n == (ssize_t)strlen(text) ? 0 : -1;
}

static const char *read_file(const char *name)
{
	static char text[4096];
	int fd = open(name, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	text[n < 0 ? 0 : n] = '\0';
	return n < 0 ? "(error)" : text;
}

static ino_t ino_of(const char *name)
{
	struct stat st;

	return lstat(name, &st) < 0 ? 0 : st.st_ino;
}

#define FAILS(call, code) CHECK((call) < 0 && errno == (code))

static void test_files(void)
{
	CHECK(write_file("f", "hello\n", 0) == 0);
	CHECK_STR(read_file("f"), "hello\n");
	CHECK_STR(read_file(real_path("f")), "hello\n");
	CHECK(same("f"));
	CHECK(write_file("f", "x", O_TRUNC) == 0);
	CHECK_STR(read_file("f"), "x");
	CHECK(write_file("f", "y", O_APPEND) == 0);
	CHECK_STR(read_file("f"), "xy");
	FAILS(open("f", O_CREAT | O_EXCL | O_WRONLY, 0644), EEXIST);
	FAILS(open("absent", O_RDONLY), ENOENT);
	CHECK(truncate("f", 10000) == 0 && same("f"));
	CHECK(truncate("f", 1) == 0 && same("f"));
	CHECK(unlink("f") == 0);
	FAILS(access(real_path("f"), F_OK), ENOENT);
	FAILS(unlink("f"), ENOENT);
}

static void test_owners(void)
{
	struct stat st;

	CHECK(write_file("own", "", 0) == 0);
	CHECK(stat("own", &st) == 0 && st.st_uid == 0 && st.st_gid == 0);
	CHECK(chown("own", 33, 44) == 0 && same("own"));
	CHECK(stat(real_path("own"), &st) == 0 && st.st_uid == 33 + real_shift && st.st_gid == 44 + real_shift);
	FAILS(chown("own", 70000, 0), EINVAL);
	CHECK(chmod("own", 04751) == 0 && same("own"));
	CHECK(chown("own", 34, -1) == 0 && same("own"));
	CHECK(stat("own", &st) == 0 && (st.st_mode & 07777) == 0751);
	CHECK(mkdir("sgid", 0755) == 0 && chown("sgid", 0, 50) == 0 && chmod("sgid", 02777) == 0);
	CHECK(write_file("sgid/f", "", 0) == 0 && mkdir("sgid/d", 0700) == 0);
	CHECK(stat("sgid/f", &st) == 0 && st.st_gid == 50);
	CHECK(stat("sgid/d", &st) == 0 && st.st_gid == 50 && (st.st_mode & S_ISGID));
	CHECK(same("sgid/d") && same("sgid/f"));
}

/* As a user of the host with the ids 1000 and 1001. */
static void as_user(void (*f)(void))
{
	pid_t pid = fork();
	int status = 0;

	if (pid == 0) {
		unit_failed = 0;
		if (setgroups(0, NULL) < 0 || setresgid(1001, 1001, 1001) < 0 || setresuid(1000, 1000, 1000) < 0)
			_exit(99);
		f();
		_exit(unit_failed);
	}
	waitpid(pid, &status, 0);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void user_part(void)
{
	struct stat st;

	FAILS(open("private", O_RDONLY), EACCES);
	FAILS(open("public", O_WRONLY), EACCES);
	CHECK_STR(read_file("public"), "p");
	FAILS(mkdir("no", 0755), EACCES);
	umask(027);
	CHECK(write_file("tmp/mine", "m", 0) == 0);
	CHECK(stat("tmp/mine", &st) == 0 && st.st_uid == 1000 && st.st_gid == 1001 && (st.st_mode & 0777) == 0640);
	CHECK(mkdir("tmp/dir", 0777) == 0 && stat("tmp/dir", &st) == 0 && st.st_uid == 1000 && (st.st_mode & 0777) == 0750);
	CHECK(symlink("x", "tmp/link") == 0 && lstat("tmp/link", &st) == 0 && st.st_uid == 1000);
	FAILS(unlink("tmp/roots"), EPERM);	/* sticky */
	FAILS(chmod("tmp/roots", 0777), EPERM);
	FAILS(chown("tmp/mine", 0, -1), EPERM);
	FAILS(mknod("tmp/null", S_IFCHR | 0666, makedev(1, 3)), EPERM);
	FAILS(getxattr("public", "trusted.t", NULL, 0), ENODATA);
	CHECK(chmod("tmp/mine", 04755) == 0);
	CHECK(write_file("tmp/mine", "changed", 0) == 0);
	CHECK(stat("tmp/mine", &st) == 0 && !(st.st_mode & S_ISUID));
}

static void test_users(void)
{
	CHECK(write_file("private", "", 0) == 0 && chmod("private", 0600) == 0);
	CHECK(write_file("public", "p", 0) == 0 && setxattr("public", "trusted.t", "1", 1, 0) == 0);
	CHECK(mkdir("tmp", 0755) == 0 && chmod("tmp", 01777) == 0 && write_file("tmp/roots", "", 0) == 0);
	as_user(user_part);
	CHECK(same("tmp/mine") && same("tmp/dir") && same("tmp/link"));
}

static void test_kinds(void)
{
	char target[64];
	ssize_t n;

	CHECK(mkdir("d", 0750) == 0 && same("d"));
	FAILS(mkdir("d", 0750), EEXIST);
	CHECK(symlink("../some/where", "l") == 0 && same("l"));
	n = readlink("l", target, sizeof(target));
	CHECK(n == 13 && !memcmp(target, "../some/where", 13));
	CHECK(mkfifo("fifo", 0600) == 0 && same("fifo"));
	CHECK(mknod("null", S_IFCHR | 0666, makedev(1, 3)) == 0 && same("null"));
	FAILS(open("null", O_RDONLY), EACCES);	/* nodev */
	CHECK(mknod("sock", S_IFSOCK | 0600, 0) == 0 && same("sock"));
	FAILS(rmdir("l"), ENOTDIR);
	FAILS(unlink("d"), EISDIR);
	CHECK(write_file("d/x", "", 0) == 0);
	FAILS(rmdir("d"), ENOTEMPTY);
	CHECK(unlink("d/x") == 0 && rmdir("d") == 0);
	CHECK(lchown("l", 7, 8) == 0 && same("l"));
	CHECK(unlink("l") == 0 && unlink("fifo") == 0 && unlink("null") == 0 && unlink("sock") == 0);
}

static void test_links(void)
{
	CHECK(write_file("h1", "one", 0) == 0 && mkdir("hd", 0755) == 0);
	CHECK(link("h1", "hd/h2") == 0);
	CHECK(ino_of("h1") == ino_of("hd/h2") && same("h1") && same("hd/h2"));
	CHECK(write_file("hd/h2", "two", O_TRUNC) == 0);
	CHECK_STR(read_file("h1"), "two");
	CHECK(unlink("h1") == 0);
	CHECK_STR(read_file("hd/h2"), "two");
	CHECK(same("hd/h2"));
	FAILS(link("hd", "hd2"), EPERM);
	FAILS(link("hd/h2", "/tmp/no-such-link"), EXDEV);
}

static void test_renames(void)
{
	ino_t a, b;
	int fd;

	CHECK(write_file("a", "A", 0) == 0 && write_file("b", "B", 0) == 0);
	a = ino_of("a");
	b = ino_of("b");
	CHECK(renameat2(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_EXCHANGE) == 0);
	CHECK(ino_of("a") == b && ino_of("b") == a);
	CHECK_STR(read_file("a"), "B");
	FAILS(renameat2(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_NOREPLACE), EEXIST);
	CHECK(rename("a", "b") == 0);
	CHECK_STR(read_file("b"), "B");
	FAILS(rename("a", "c"), ENOENT);
	CHECK(mkdir("m1", 0755) == 0 && mkdir("m1/deep", 0755) == 0 && write_file("m1/deep/f", "F", 0) == 0 && mkdir("m2", 0755) == 0);
	fd = open("m1/deep/f", O_RDWR);
	CHECK(rename("m1", "m2/m") == 0);
	CHECK_STR(read_file("m2/m/deep/f"), "F");
	CHECK(same("m2/m/deep/f") && fchmod(fd, 0600) == 0 && same("m2/m/deep/f"));
	FAILS(rename("m2", "m2/m/deep/x"), EINVAL);
	close(fd);
}

/* Files that have no name any more work as long as they are open. */
static void test_unlinked(void)
{
	char text[8] = "";
	struct stat st;
	int fd = open("gone", O_RDWR | O_CREAT, 0644), dir;

	CHECK(write(fd, "abc", 3) == 3 && unlink("gone") == 0);
	CHECK(fstat(fd, &st) == 0 && st.st_nlink == 0 && st.st_size == 3);
	CHECK(fchmod(fd, 0600) == 0 && fstat(fd, &st) == 0 && (st.st_mode & 0777) == 0600);
	CHECK(ftruncate(fd, 2) == 0 && pread(fd, text, 8, 0) == 2);
	CHECK(fsetxattr(fd, "user.x", "1", 1, 0) == 0 && fgetxattr(fd, "user.x", text, 8) == 1);
	CHECK(write_file("gone", "new", 0) == 0);
	CHECK(fstat(fd, &st) == 0 && st.st_size == 2);
	close(fd);
	CHECK(mkdir("gonedir", 0755) == 0);
	dir = open("gonedir", O_RDONLY | O_DIRECTORY);
	CHECK(rmdir("gonedir") == 0);
	CHECK(openat(dir, "x", O_CREAT | O_WRONLY, 0644) < 0 && (errno == ENOENT || errno == ESTALE));
	close(dir);
}

static void test_times(void)
{
	const struct timespec set[2] = { { 1000000000, 123456789 }, { 1100000000, 987654321 } };
	const struct timespec omit[2] = { { 0, UTIME_OMIT }, { 5, 0 } }, now[2] = { { 0, UTIME_NOW }, { 0, UTIME_NOW } };
	struct stat st;

	CHECK(write_file("t", "t", 0) == 0 && symlink("x", "tl") == 0);
	CHECK(utimensat(AT_FDCWD, "t", set, 0) == 0 && same("t"));
	CHECK(stat("t", &st) == 0 && st.st_atim.tv_sec == 1000000000 && st.st_mtim.tv_nsec == 987654321);
	CHECK(utimensat(AT_FDCWD, "t", omit, 0) == 0 && stat("t", &st) == 0);
	CHECK(st.st_atim.tv_nsec == 123456789 && st.st_mtim.tv_sec == 5);
	CHECK(utimensat(AT_FDCWD, "t", now, 0) == 0 && stat("t", &st) == 0 && st.st_mtim.tv_sec > 1700000000 && same("t"));
	CHECK(utimensat(AT_FDCWD, "tl", set, AT_SYMLINK_NOFOLLOW) == 0 && same("tl"));
}

static void test_xattrs(void)
{
	char list[256], value[64];
	struct vfs_ns_cap_data caps = { .magic_etc = VFS_CAP_REVISION_2, .data = { { .permitted = 1 << CAP_NET_RAW } } };
	const unsigned char acl[] = {	/* user::rw- user:33:r-- group::r-- mask::r-- other::r-- */
		2, 0, 0, 0, 1, 0, 6, 0, 255, 255, 255, 255, 2, 0, 4, 0, 33, 0, 0, 0, 4, 0, 4, 0, 255, 255, 255, 255,
		16, 0, 4, 0, 255, 255, 255, 255, 32, 0, 4, 0, 255, 255, 255, 255,
	};

	CHECK(write_file("x", "", 0) == 0 && symlink("nowhere", "xl") == 0);
	CHECK(setxattr("x", "user.k", "v", 1, XATTR_CREATE) == 0);
	FAILS(setxattr("x", "user.k", "v", 1, XATTR_CREATE), EEXIST);
	CHECK(getxattr("x", "user.k", value, sizeof(value)) == 1 && getxattr(real_path("x"), "user.k", value, sizeof(value)) == 1);
	FAILS(getxattr("x", "user.absent", value, sizeof(value)), ENODATA);
	CHECK(listxattr("x", list, sizeof(list)) == 7 && !strcmp(list, "user.k"));
	CHECK(removexattr("x", "user.k") == 0 && listxattr("x", list, sizeof(list)) == 0);
	CHECK(lsetxattr("xl", "trusted.k", "v", 1, 0) == 0 && lgetxattr(real_path("xl"), "trusted.k", value, sizeof(value)) == 1);
	CHECK(setxattr("x", "security.capability", &caps, XATTR_CAPS_SZ_2, 0) == 0);
	CHECK(getxattr("x", "security.capability", value, sizeof(value)) == XATTR_CAPS_SZ_2 && !memcmp(value, &caps, XATTR_CAPS_SZ_2));
	CHECK(getxattr(real_path("x"), "security.capability", value, sizeof(value)) ==
	      (ssize_t)(live ? XATTR_CAPS_SZ_3 : XATTR_CAPS_SZ_2));
	CHECK(write_file("x", "w", 0) == 0);
	FAILS(getxattr("x", "security.capability", value, sizeof(value)), ENODATA);
	CHECK(setxattr("x", "system.posix_acl_access", acl, sizeof(acl), 0) == 0);
	for (int i = 0; i < 2; i++) {
		CHECK(getxattr(i ? real_path("x") : "x", "system.posix_acl_access", value, sizeof(value)) == sizeof(acl));
		CHECK((i && live) || !memcmp(value, acl, sizeof(acl)));
	}
}

static void test_sparse(void)
{
	char *big = malloc(1 << 20), *back = malloc(1 << 20);
	int fd = open("s", O_RDWR | O_CREAT, 0644), to = open("s2", O_RDWR | O_CREAT, 0644);
	off_t in = 0, out = 0;
	char *map;

	for (int i = 0; i < 1 << 20; i++)
		big[i] = (char)(i * 7 + i / 4096);
	CHECK(pwrite(fd, big, 1 << 20, 64 << 20) == 1 << 20 && fsync(fd) == 0 && same("s"));
	CHECK(lseek(fd, 0, SEEK_DATA) == 64 << 20 && lseek(fd, 64 << 20, SEEK_HOLE) == 65 << 20);
	CHECK(pread(fd, back, 1 << 20, 64 << 20) == 1 << 20 && !memcmp(big, back, 1 << 20));
	CHECK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 64 << 20, 65536) == 0);
	CHECK(lseek(fd, 0, SEEK_DATA) == (64 << 20) + 65536);
	CHECK(fallocate(fd, 0, 0, 70 << 20) == 0 && same("s"));
	in = 64 << 20;
	CHECK(copy_file_range(fd, &in, to, &out, 1 << 20, 0) == 1 << 20 && same("s2"));
	map = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, to, 0);
	CHECK(map != MAP_FAILED && !memcmp(map + 65536, big + 65536, (1 << 20) - 65536));
	map[5] = 'M';
	CHECK(msync(map, 1 << 20, MS_SYNC) == 0 && pread(to, back, 8, 0) == 8 && back[5] == 'M');
	munmap(map, 1 << 20);
	close(fd);
	fd = open(real_path("s2"), O_RDONLY);
	CHECK(pread(fd, back, 8, 0) == 8 && back[5] == 'M');
	close(fd);
	close(to);
	free(big);
	free(back);
}

/* A mapping written through a handle for appending goes where it belongs. */
static void test_mapped_append(void)
{
	int fd = open("ma", O_RDWR | O_CREAT | O_APPEND, 0644);
	char *map;

	CHECK(write(fd, "abcdef", 6) == 6);
	map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(map != MAP_FAILED && !memcmp(map, "abcdef", 6));
	map[1] = 'X';
	CHECK(msync(map, 4096, MS_SYNC) == 0);
	munmap(map, 4096);
	CHECK(write(fd, "g", 1) == 1);
	close(fd);
	CHECK_STR(read_file(real_path("ma")), "aXcdefg");
}

static int count_names(const char *dir, int remove_every, bool numbers)
{
	DIR *d = opendir(dir);
	struct dirent *de;
	struct stat st;
	int n = 0;

	while (d && (de = readdir(d))) {
		if (de->d_name[0] == '.')
			continue;
		if (numbers)
			CHECK(fstatat(dirfd(d), de->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_ino == de->d_ino);
		if (remove_every && n % remove_every == 0)
			CHECK(unlinkat(dirfd(d), de->d_name, 0) == 0);
		n++;
	}
	if (d)
		closedir(d);
	return n;
}

static void test_lists(void)
{
	char name[64];

	CHECK(mkdir("many", 0755) == 0);
	for (int i = 0; i < 5000; i++) {
		snprintf(name, sizeof(name), "many/a-rather-long-name-of-a-file-%d", i);
		CHECK(write_file(name, "", 0) == 0);
	}
	CHECK(count_names("many", 0, true) == 5000);
	CHECK(count_names("many", 2, false) == 5000);
	CHECK(count_names("many", 0, false) == 2500);
	CHECK(count_names("many", 1, false) == 2500);
	CHECK(rmdir("many") == 0);
}

/* For as long as the kernel may believe what it was told. */
static void settle(void)
{
	usleep(30000);
}

/* With root's capabilities: users of the host cannot reach the place. */
static void act_as_guest(bool yes)
{
	prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP);
	setfsgid(yes ? real_shift : 0);
	setfsuid(yes ? real_shift : 0);
	prctl(PR_SET_SECUREBITS, 0);
}

/* What the guest does to its files while we look. */
static void test_guest(void)
{
	char other[512];
	bool done;

	CHECK(mkdir("g", 0755) == 0 && write_file("g/f", "1", 0) == 0);
	CHECK(mkdir("g/sub", 0755) == 0 && write_file("g/sub/x", "x", 0) == 0);
	act_as_guest(true);
	CHECK(write_file(real_path("g/f"), "22", O_TRUNC | O_NOFOLLOW) == 0);
	act_as_guest(false);
	settle();
	CHECK_STR(read_file("g/f"), "22");
	snprintf(other, sizeof(other), "%s/g/moved", real);
	act_as_guest(true);
	CHECK(rename(real_path("g/sub"), other) == 0);
	act_as_guest(false);
	CHECK_STR(read_file("g/moved/x"), "x");
	settle();
	FAILS(access("g/sub/x", F_OK), ENOENT);
	act_as_guest(true);
	done = unlink(real_path("g/f")) == 0 && mkfifo(real_path("g/f"), 0644) == 0;
	act_as_guest(false);
	CHECK(done);
	settle();
	CHECK(same("g/f"));
	act_as_guest(true);
	done = unlink(real_path("g/f")) == 0 && symlink("/nowhere/at/all", real_path("g/f")) == 0;
	act_as_guest(false);
	CHECK(done);
	settle();
	CHECK(same("g/f"));
}

/* A listing that was kept is not believed, however soon after it the guest made another file. */
static void test_guest_lists(void)
{
	char name[64];
	int fd;

	CHECK(mkdir("gl", 0777) == 0);
	for (int i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "gl/f%d", i);
		act_as_guest(true);
		fd = open(real_path(name), O_WRONLY | O_CREAT | O_NOFOLLOW, 0644);
		act_as_guest(false);
		CHECK(fd >= 0);
		close(fd);
		CHECK(count_names("gl", 0, false) == i + 1);
	}
	act_as_guest(true);
	CHECK(unlink(real_path("gl/f7")) == 0);
	act_as_guest(false);
	CHECK(count_names("gl", 0, false) == 199);
}

static int names_of(DIR *d, char (*seen)[5000], int wanted)
{
	struct dirent *de;
	int n, i;

	for (n = 0; n < wanted && (de = readdir(d)); n++)
		if (sscanf(de->d_name, "n%d", &i) == 1 && i >= 0 && i < 5000)
			(*seen)[i]++;
	return n;
}

/* Three go through one directory at once, at their own pace, while the guest adds and removes others: all see each name once. */
static void test_lists_at_once(void)
{
	char seen[3][5000] = { { 0 } };
	char name[64];
	DIR *d[3];

	CHECK(mkdir("at-once", 0777) == 0);
	for (int i = 0; i < 5000; i++) {
		snprintf(name, sizeof(name), "at-once/n%d", i);
		CHECK(write_file(real_path(name), "", 0) == 0);
	}
	for (int k = 0; k < 3; k++)
		d[k] = opendir("at-once");
	for (int round = 0, more = 1; more; round++) {
		more = 0;
		for (int k = 0; k < 3; k++)
			more += names_of(d[k], &seen[k], 150 + 100 * k);
		snprintf(name, sizeof(name), "at-once/other%d", round);
		CHECK(write_file(real_path(name), "", 0) == 0);
		snprintf(name, sizeof(name), "at-once/other%d", round - 3);
		unlink(real_path(name));
	}
	for (int k = 0; k < 3; k++) {
		closedir(d[k]);
		for (int i = 0; i < 5000; i++)
			CHECK(seen[k][i] == 1);
	}
}

static const char *text_of(const char *name)
{
	static char text[4096];
	ssize_t n = readlink(name, text, sizeof(text) - 1);

	text[n < 0 ? 0 : n] = '\0';
	return text;
}

/* Links are followed inside of the guest, whatever they say; what they say is shown as it is. */
static void test_confined(void)
{
	CHECK(mkdir("etc", 0755) == 0 && mkdir("usr", 0755) == 0 && mkdir("usr/lib", 0755) == 0);
	CHECK(write_file("etc/passwd", "guest", 0) == 0 && symlink("/etc", "usr/lib/conf") == 0);
	CHECK(symlink("/etc/passwd", "usr/lib/abs") == 0 && symlink("../../../../../../../../etc/passwd", "usr/lib/up") == 0);
	CHECK(symlink("../../etc/passwd", "usr/lib/rel") == 0 && symlink("conf/../../../../etc/passwd", "usr/lib/via") == 0);
	CHECK(symlink("/", "usr/lib/top") == 0 && symlink("../../..", "usr/lib/out") == 0 && symlink("/nowhere", "usr/lib/new") == 0);
	CHECK(symlink("abs", "usr/lib/twice") == 0 && symlink("/usr/lib/loop", "usr/lib/loop") == 0);
	CHECK_STR(read_file("usr/lib/abs"), "guest");
	CHECK_STR(read_file("usr/lib/up"), "guest");
	CHECK_STR(read_file("usr/lib/rel"), "guest");
	CHECK_STR(read_file("usr/lib/via"), "guest");
	CHECK_STR(read_file("usr/lib/conf/passwd"), "guest");
	CHECK_STR(read_file("usr/lib/twice"), "guest");
	CHECK_STR(read_file("usr/lib/top/etc/passwd"), "guest");
	CHECK_STR(read_file("usr/lib/out/etc/passwd"), "guest");
	FAILS(open("usr/lib/loop", O_RDONLY), ELOOP);
	FAILS(open("usr/lib/new", O_RDONLY), ENOENT);
	CHECK(write_file("usr/lib/new", "made", 0) == 0);
	CHECK_STR(read_file("nowhere"), "made");
	CHECK_STR(text_of("usr/lib/abs"), "/etc/passwd");
	CHECK_STR(text_of("usr/lib/up"), "../../../../../../../../etc/passwd");
	CHECK_STR(text_of("usr/lib/conf"), "/etc");
	CHECK_STR(text_of("usr/lib/conf/../usr/lib/new"), "/nowhere");
}

static void *replace_for_a_while(void *arg)
{
	char path[512], spare[512];

	snprintf(path, sizeof(path), "%s/race", real);
	snprintf(spare, sizeof(spare), "%s/race2", real);
	act_as_guest(true);
	for (int i = 0; !__atomic_load_n((int *)arg, __ATOMIC_SEQ_CST); i++) {
		unlink(spare);
		if (i % 3 == 0)
			write_file(spare, "mine", 0);
		else if (i % 3 == 1)
			symlink("/etc/hostname", spare);
		else
			mkfifo(spare, 0644);
		rename(spare, path);
	}
	return NULL;
}

/*
 * A name that is by turns a file, a link to a file of the host and a fifo: never anything but the file is opened
 * by the server.
 */
static void test_race(void)
{
	int good = 0, bad = 0, stop = 0;
	pthread_t t;

	write_file("race", "mine", 0);
	pthread_create(&t, NULL, replace_for_a_while, &stop);
	for (int i = 0; i < 2000 || (good < 50 && i < 100000); i++) {
		int fd = open("race", O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
		char text[64] = "";
		struct stat st;

		if (fd < 0) {
			usleep(200);
			continue;
		}
		if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && read(fd, text, sizeof(text) - 1) >= 0) {
			good += !strcmp(text, "mine");
			bad += strcmp(text, "mine") && *text;
		}
		close(fd);
	}
	__atomic_store_n(&stop, 1, __ATOMIC_SEQ_CST);
	pthread_join(t, NULL);
	CHECK(bad == 0);
	CHECK(good > 0);
}

static void test_snapshot(void)
{
	struct statvfs sv;

	CHECK(write_file("snapped", "s", 0) == 0 && chdir("../c1@s0") == 0);
	CHECK_STR(read_file("snapped"), "s");
	FAILS(open("snapped", O_WRONLY), EROFS);
	FAILS(open("new", O_WRONLY | O_CREAT, 0644), EROFS);
	FAILS(mkdir("new", 0755), EROFS);
	FAILS(unlink("snapped"), EROFS);
	FAILS(rename("snapped", "x"), EROFS);
	FAILS(chmod("snapped", 0600), EROFS);
	FAILS(chown("snapped", 1, 1), EROFS);
	FAILS(truncate("snapped", 0), EROFS);
	FAILS(utimensat(AT_FDCWD, "snapped", NULL, 0), EROFS);
	FAILS(setxattr("snapped", "user.a", "", 0, 0), EROFS);
	FAILS(symlink("a", "fresh"), EROFS);
	FAILS(link("snapped", "fresh"), EROFS);
	FAILS(rename("../c1/snapped", "x"), EROFS);
	FAILS(link("../c1/snapped", "fresh"), EROFS);
	FAILS(rename("snapped", "../c1/fresh"), EROFS);
	CHECK(statvfs(".", &sv) == 0 && sv.f_blocks > 0);
	CHECK(chdir("../c1") == 0);
}

static void test_roots(void)
{
	struct stat st;

	CHECK(stat(".", &st) == 0 && st.st_ino == rootfs_root_ino(5, 0));
	CHECK(stat("..", &st) == 0 && stat("tmp/..", &st) == 0 && st.st_ino == rootfs_root_ino(5, 0));
}

static void exercise(void)
{
	umask(022);
	test_files();
	test_owners();
	test_users();
	test_kinds();
	test_links();
	test_renames();
	test_unlinked();
	test_times();
	test_xattrs();
	test_sparse();
	test_mapped_append();
	test_lists();
	test_guest();
	test_guest_lists();
	test_lists_at_once();
	test_race();
	if (live)	/* perhaps not at the root */
		return;
	test_confined();
	test_snapshot();
	test_roots();
}

static bool wait_until_mounted(const char *path, pid_t server)
{
	struct stat st;
	int status;

	for (int i = 0; i < 500 && stat(path, &st) < 0; i++) {
		if (waitpid(server, &status, WNOHANG) == server)
			return false;
		usleep(10000);
	}
	return true;
}

static int exercise_daemon(char **argv)
{
	snprintf(real, sizeof(real), "%s", argv[3]);
	real_shift = (uid_t)atoi(argv[4]);
	live = true;
	CHECK(chdir(argv[2]) == 0);
	if (!unit_failed)
		exercise();
	return UNIT_END();
}

int main(int argc, char **argv)
{
	char base[] = "/var/tmp/rootfs-test-XXXXXX", mountpoint[128], root[160];
	bool only_serve = argc == 4 && !strcmp(argv[1], "serve");
	int status = 0, r;
	pid_t pid;

	if (argc == 5 && !strcmp(argv[1], "on"))
		return exercise_daemon(argv);
	if (geteuid() != 0 || unshare(only_serve ? 0 : CLONE_NEWNS) < 0 || !mkdtemp(base)) {
		printf("needs root\n");
		return 77;
	}
	if (!only_serve)
		mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
	snprintf(shifted_dir, sizeof(shifted_dir), "%s/shifted", base);
	snprintf(real, sizeof(real), "%s", only_serve ? argv[3] : base);
	if (!only_serve)
		strcat(real, "/real");
	snprintf(mountpoint, sizeof(mountpoint), "%s", only_serve ? argv[2] : base);
	if (!only_serve)
		strcat(mountpoint, "/mnt");
	mkdir(real, 0755);
	mkdir(shifted_dir, 0755);
	mkdir(mountpoint, 0755);
	if (mount_shifted(real, shifted_dir) < 0) {
		perror("idmapped mount");
		return 77;
	}
	if (only_serve) {
		r = serve(mountpoint);
		umount2(shifted_dir, MNT_DETACH);
		return r;
	}
	pid = fork();
	if (pid == 0)
		_exit(serve(mountpoint));
	snprintf(root, sizeof(root), "%s/c1", mountpoint);
	if (!wait_until_mounted(root, pid)) {
		printf("no FUSE here\n");
		return 77;
	}
	CHECK(chdir(root) == 0);
	if (!unit_failed)
		exercise();
	CHECK(chdir("/") == 0);
	umount2(mountpoint, MNT_DETACH);
	kill(pid, SIGTERM);
	waitpid(pid, &status, 0);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	umount2(shifted_dir, MNT_DETACH);
	r = snprintf(root, sizeof(root), "rm -rf %s", base);
	if (r < (int)sizeof(root) && system(root) != 0)
		unit_failed++;
	return UNIT_END();
}
