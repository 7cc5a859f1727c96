// SPDX-License-Identifier: LGPL-2.1-or-later
/* See the header. Single-threaded programs only; no state. */
#include "mkimage/confine.h"

#include <errno.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/mount.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "backends/core/cleanup.h"
#include "backends/core/idmap.h"
#include "backends/core/mount.h"

#if defined(__x86_64__)
#define AUDIT_ARCH_HERE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define AUDIT_ARCH_HERE AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define AUDIT_ARCH_HERE AUDIT_ARCH_RISCV64
#endif

#ifndef __has_feature
#define __has_feature(x) 0
#endif

/* What an unpacker never calls and holes in kernels are often reached by. They fail with EPERM; the rest of the prison does not
 * depend on this list being complete. */
static const int forbidden[] = {
	SYS_add_key, SYS_bpf, SYS_chroot, SYS_clone3, SYS_delete_module, SYS_execve, SYS_execveat, SYS_finit_module, SYS_fsconfig, SYS_fsmount,
	SYS_fsopen, SYS_init_module, SYS_io_uring_enter, SYS_io_uring_register, SYS_io_uring_setup, SYS_kexec_load, SYS_keyctl, SYS_kill,
	SYS_memfd_create, SYS_mount, SYS_mount_setattr, SYS_move_mount, SYS_open_by_handle_at, SYS_open_tree, SYS_perf_event_open,
	SYS_pidfd_getfd, SYS_pidfd_open, SYS_pivot_root, SYS_process_vm_readv, SYS_process_vm_writev, SYS_ptrace, SYS_request_key,
	SYS_setns, SYS_socket, SYS_socketpair, SYS_umount2, SYS_unshare, SYS_userfaultfd, SYS_vmsplice,
};

#define N_FORBIDDEN (sizeof(forbidden) / sizeof(forbidden[0]))

int confine_userns(struct err *e)
{
	static const struct id_extent range = { .guest = 0, .host = CONFINE_ID_FIRST, .count = CONFINE_IDS };
	const struct idmap m = { .n_uid = 1, .n_gid = 1, .uid = { range }, .gid = { range } };

	return idmap_userns(&m, e);
}

pid_t confine_fork(void)
{
	unsigned long flags = CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWPID | CLONE_NEWCGROUP | SIGCHLD;
	pid_t pid = (pid_t)syscall(SYS_clone, flags, NULL, NULL, NULL, NULL);

	return pid < 0 ? -errno : pid;
}

/* The directory, mapped and with all that a mount can forbid, becomes the only file system of this namespace. */
static int change_root(const char *dir, int userns, struct err *e)
{
	struct mount_attr a = {
		.attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NOATIME,
		.attr_clr = MOUNT_ATTR__ATIME,
	};
	_cleanup_close_ int tree = -1;

	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return err_sys(e, errno, "cannot make the mounts private");
	tree = mount_clone(dir, userns, false, e);
	if (tree < 0)
		return tree;
	if (syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &a, sizeof(a)) < 0)
		return err_sys(e, errno, "cannot restrict the mount of %s", dir);
	if (mount_attach(tree, dir, e) < 0)
		return -e->code;
	if (chdir(dir) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		return err_sys(e, errno, "cannot make %s the root directory", dir);
	return 0;
}

static int keep_capabilities(struct err *e)
{
	const uint32_t keep = 1u << CAP_CHOWN | 1u << CAP_DAC_OVERRIDE | 1u << CAP_FOWNER | 1u << CAP_FSETID;
	struct __user_cap_header_struct h = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct d[_LINUX_CAPABILITY_U32S_3] = {
		{ .effective = keep, .permitted = keep }, { .effective = 0 },
	};

	d[CAP_TO_INDEX(CAP_SETFCAP)].effective |= CAP_TO_MASK(CAP_SETFCAP);
	d[CAP_TO_INDEX(CAP_SETFCAP)].permitted |= CAP_TO_MASK(CAP_SETFCAP);
	for (int c = 0; c <= 63; c++) {
		if (prctl(PR_CAPBSET_DROP, c, 0, 0, 0) < 0 && errno != EINVAL)
			return err_sys(e, errno, "cannot give up capability %d", c);
	}
	if (syscall(SYS_capset, &h, d) < 0)
		return err_sys(e, errno, "cannot give up capabilities");
	return 0;
}

static int become_inner_root(int userns, struct err *e)
{
	if (setns(userns, CLONE_NEWUSER) < 0)
		return err_sys(e, errno, "cannot enter the user namespace");
	if (setgroups(0, NULL) < 0 || setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		return err_sys(e, errno, "cannot become root of the user namespace");
	return keep_capabilities(e);
}

static int set_limits(const struct confine_limits *l, struct err *e)
{
	/* Sanitizers reserve terabytes of addresses. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
	const uint64_t memory = RLIM_INFINITY;
#else
	const uint64_t memory = l->memory;
#endif
	const struct { int resource; uint64_t value; } rows[] = {
		{ RLIMIT_AS, memory }, { RLIMIT_CPU, l->cpu_seconds }, { RLIMIT_NOFILE, 64 }, { RLIMIT_NPROC, 1 }, { RLIMIT_CORE, 0 },
		{ RLIMIT_FSIZE, l->file_size ? l->file_size : RLIM_INFINITY }, { RLIMIT_MSGQUEUE, 0 },
	};

	/* Too large a file is then an error of write(2). */
	signal(SIGXFSZ, SIG_IGN);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rlimit r = { .rlim_cur = rows[i].value, .rlim_max = rows[i].value };

		if (setrlimit((__rlimit_resource_t)rows[i].resource, &r) < 0)
			return err_sys(e, errno, "cannot set resource limit %d", rows[i].resource);
	}
	return 0;
}

static int filter_calls(struct err *e)
{
#ifdef AUDIT_ARCH_HERE
	struct sock_filter code[8 + 2 * N_FORBIDDEN];
	struct sock_fprog program = { .filter = code };
	unsigned short n = 0;

	code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
	code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_HERE, 1, 0);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
	/* x86_64 has a second set of numbers for the same calls. */
	code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	for (size_t i = 0; i < N_FORBIDDEN; i++) {
		code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)forbidden[i], 0, 1);
		code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
	}
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	program.len = n;
	/* A kernel without seccomp is no reason to unpack nothing. */
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0 && errno != EINVAL && errno != ENOSYS)
		return err_sys(e, errno, "cannot filter system calls");
#endif
	return 0;
}

int confine_enter(const char *dir, int userns, const struct confine_limits *l, struct err *e)
{
	int r;

	r = change_root(dir, userns, e);
	if (!r)
		r = become_inner_root(userns, e);
	if (!r)
		r = set_limits(l, e);
	if (r < 0)
		return r;
	/* Changing identity cleared it. Should the other side have died just now, its pipes tell. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || prctl(PR_SET_DUMPABLE, 0) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_sys(e, errno, "cannot forbid new privileges");
	return filter_calls(e);
}

int confine_drop(struct err *e)
{
	if (setgroups(0, NULL) < 0 || setresgid(65534, 65534, 65534) < 0 || setresuid(65534, 65534, 65534) < 0)
		return err_sys(e, errno, "cannot become nobody");
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_sys(e, errno, "cannot forbid new privileges");
	return 0;
}
