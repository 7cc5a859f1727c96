// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Every device has its address, and the machine its version: what a guest finds does not change with QEMU. An image that brings a kernel
 * is started with it, any other one from its disk, by firmware.
 */
#include "backends/qemu/command.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>

#include "backends/core/backend.h"
#include "backends/core/cleanup.h"
#include "backends/core/storage.h"
#include "backends/core/tree.h"
#include "backends/core/value.h"
#include "backends/qemu/firmware.h"
#include "backends/storage/disk.h"
#include "mkimage/disk.h"

#define FIRST_FD 10			/* in QEMU */
#define MEMORY_DEFAULT (UINT64_C(1) << 30)
#define MIB (UINT64_C(1) << 20)
#define CPUS_MAX 64
#define CMDLINE_MAX 2048

void command_free(struct command *c)
{
	for (size_t i = 0; i < c->n; i++)
		free(c->argv[i]);
	for (size_t i = VM_SOCKETS; i < c->n_fds; i++)
		close(c->fds[i].fd);
	c->n = c->n_fds = 0;
}

void command_add(struct command *c, const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (c->n + 1 == sizeof(c->argv) / sizeof(c->argv[0]) || vasprintf(&text, fmt, ap) < 0)
		c->code = -ENOMEM;
	else
		c->argv[c->n++] = text;
	va_end(ap);
}

/* The sockets come first: these are not taken over. */
int command_pass(struct command *c, int fd)
{
	int as = FIRST_FD + (int)c->n_fds;

	c->fds[c->n_fds++] = (struct spawn_fd){ .fd = fd, .as = as };
	return as;
}

/* ---- sizes ---- */

int command_memory(const struct expanded *x, uint64_t *bytes, struct err *e)
{
	const char *value = expanded_get(x, "limits.memory");
	struct sysinfo si;
	int r;

	*bytes = MEMORY_DEFAULT;
	if (!value)
		return 0;
	sysinfo(&si);
	r = value_size_or_percent(value, (uint64_t)si.totalram * si.mem_unit, bytes, e);
	*bytes -= *bytes % MIB;
	if (!r && *bytes < 32 * MIB)
		return err_set(e, EINVAL, "limits.memory is %.40s; a virtual machine needs 32MiB at least", value);
	return r;
}

/* A set is so many CPUs: which ones of the host these are is not settled yet (runtime/warnings). */
int command_cpus(const struct expanded *x, unsigned *n, struct err *e)
{
	const char *value = expanded_get(x, "limits.cpu");
	char list[1024];
	int r;

	*n = 1;
	if (!value)
		return 0;
	r = value_cpu(value, n, list, sizeof(list), e);
	if (!r && !*n)
		for (const char *s = list; *s;) {
			char *end;
			unsigned long a = strtoul(s, &end, 10), b = *end == '-' ? strtoul(end + 1, &end, 10) : a;

			*n += (unsigned)(b - a + 1);
			s = end + (*end == ',');
		}
	if (!r && *n > CPUS_MAX)
		return err_set(e, EINVAL, "limits.cpu gives %u CPUs; a virtual machine can have %d at most", *n, CPUS_MAX);
	return r;
}

/* ---- parts ---- */

/* Real hardware only: a /dev/kvm without it (nested, or another hypervisor's) is slower than emulation, if it works at all. */
static bool has_kvm(void)
{
	return access("/dev/kvm", R_OK | W_OK) == 0 &&
	       (access("/sys/module/kvm_intel", F_OK) == 0 || access("/sys/module/kvm_amd", F_OK) == 0);
}

static void add_machine(struct command *c, const char *machine, uint64_t memory, unsigned cpus)
{
	bool kvm = has_kvm();

	command_add(c, "-machine");
	command_add(c, "%s", machine);
	command_add(c, "-accel");
	if (kvm)
		command_add(c, "kvm");
	else
		command_add(c, "tcg,tb-size=64,thread=%s", cpus > 1 ? "multi" : "single");
	command_add(c, "-cpu");
	command_add(c, "%s", kvm ? "host" : "max");
	command_add(c, "-smp");
	command_add(c, "cpus=%u", cpus);
	command_add(c, "-m");
	command_add(c, "%" PRIu64 "M", memory / MIB);
}

static void add_common(struct command *c, struct object *o)
{
	static const char *const words[] = {
		"-nodefaults", "-no-user-config", "-display", "none", "-msg", "timestamp=on", "-sandbox",
		"on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny", "-action", "reboot=reset,shutdown=poweroff",
		"-device", "virtio-balloon-pci,id=balloon,bus=pcie.0,addr=4.0", "-object", "rng-builtin,id=random", "-device",
		"virtio-rng-pci,rng=random,bus=pcie.0,addr=6.0",
	};
	char name[sizeof(o->name)];

	pthread_mutex_lock(&o->lock);
	memcpy(name, o->name, sizeof(name));
	pthread_mutex_unlock(&o->lock);
	command_add(c, "-name");
	command_add(c, "guest=%s,process=instfs-%s,debug-threads=on", name, name);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		command_add(c, "%s", words[i]);
}

static void add_sockets(struct command *c, const int *sockets)
{
	static const char *const names[VM_SOCKETS] = { "qmp", "spare", "console" };

	for (int i = 0; i < VM_SOCKETS; i++) {
		command_add(c, "-chardev");
		command_add(c, "socket,id=%s,fd=%d,server=on,wait=off", names[i], command_pass(c, sockets[i]));
		command_add(c, i == VM_CONSOLE ? "-serial" : "-mon");
		command_add(c, i == VM_CONSOLE ? "chardev:%s" : "chardev=%s,mode=control", names[i]);
	}
}

/* ---- the disk ---- */

static int open_disk(const char *path, int flags, bool backing, bool *qcow2, struct err *e)
{
	_cleanup_close_ int fd = open(path, flags | O_NOFOLLOW | O_CLOEXEC);
	uint64_t size;
	int r;

	if (fd < 0)
		return err_sys(e, errno, "%s", path);
	r = disk_check(fd, backing, qcow2, &size, e);
	return r < 0 ? r : steal_fd(&fd);
}

/* The layer below is named here: what a header says of it does not count. */
static int add_disk(struct command *c, const struct volume *v, struct err *e)
{
	char path[700];
	bool qcow2, base_qcow2;
	int fd, base;

	snprintf(path, sizeof(path), "%s/disk/" DISK_FILE, v->dir);
	fd = open_disk(path, O_RDWR, true, &qcow2, e);
	if (fd < 0)
		return fd;
	fd = command_pass(c, fd);
	if (!qcow2)
		return err_set(e, EINVAL, "%s is no qcow2 disk any more", path);
	snprintf(path, sizeof(path), "%s.img", v->base);
	base = open_disk(path, O_RDONLY, false, &base_qcow2, e);
	if (base < 0)
		return base;
	base = command_pass(c, base);
	command_add(c, "-add-fd");
	command_add(c, "fd=%d,set=1", fd);
	command_add(c, "-add-fd");
	command_add(c, "fd=%d,set=2", base);
	command_add(c, "-blockdev");
	command_add(c, "{\"driver\":\"qcow2\",\"node-name\":\"root\",\"discard\":\"unmap\","
		       "\"file\":{\"driver\":\"file\",\"filename\":\"/dev/fdset/1\",\"discard\":\"unmap\"},"
		       "\"backing\":{\"driver\":\"%s\",\"read-only\":true,"
		       "\"file\":{\"driver\":\"file\",\"read-only\":true,\"filename\":\"/dev/fdset/2\"}}}", base_qcow2 ? "qcow2" : "raw");
	command_add(c, "-device");
	command_add(c, "virtio-blk-pci,id=disk0,drive=root,bus=pcie.0,addr=5.0,num-queues=1,bootindex=1");
	return 0;
}

/* ---- the kernel ---- */

/* A member of the image, which lies beside what would be its rootfs. -ENOENT: there is none. */
static int open_member(const struct volume *v, const char *name, struct err *e)
{
	char path[700];
	int fd;

	snprintf(path, sizeof(path), "%.*s%s", (int)(strrchr(v->base, '/') + 1 - v->base), v->base, name);
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	return errno == ENOENT ? -ENOENT : err_sys(e, errno, "%s", path);
}

static int add_cmdline(struct command *c, const struct volume *v, struct err *e)
{
	_cleanup_close_ int fd = open_member(v, "cmdline", e);
	_cleanup_buf_ struct buf text = BUF_INIT;

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	if (buf_read_fd(&text, fd, CMDLINE_MAX) < 0 || value_text(buf_str(&text), text.len, e) < 0)
		return err_set(e, EINVAL, "the image's `cmdline` is longer than %d bytes or not text", CMDLINE_MAX);
	command_add(c, "-append");
	command_add(c, "%.*s", (int)strcspn(buf_str(&text), "\n"), buf_str(&text));
	return 0;
}

static int add_kernel(struct command *c, const struct volume *v, struct err *e)
{
	int kernel = open_member(v, "kernel", e), initrd;

	if (kernel == -ENOENT)
		return firmware_add(c, v, e);
	if (kernel < 0)
		return kernel;
	command_add(c, "-kernel");
	command_add(c, "/proc/self/fd/%d", command_pass(c, kernel));
	initrd = open_member(v, "initrd", e);
	if (initrd < 0 && initrd != -ENOENT)
		return initrd;
	if (initrd >= 0) {
		command_add(c, "-initrd");
		command_add(c, "/proc/self/fd/%d", command_pass(c, initrd));
	}
	return add_cmdline(c, v, e);
}

/* ---- the whole ---- */

/* "QEMU emulator version 7.2.22 (...)": the machine of that version. Asked once per server and start. */
static int find_machine(char *buf, size_t size, struct err *e)
{
	const char *argv[] = { "qemu-system-x86_64", "--version", NULL };
	struct spawn s = { .path = QEMU, .argv = argv, .die_with_server = true };
	_cleanup_close_ int rd = -1, wr = -1;
	_cleanup_buf_ struct buf text = BUF_INIT;
	unsigned major, minor;
	const char *p;
	int fds[2], r;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_sys(e, errno, "no pipe");
	rd = fds[0];
	s.out = wr = fds[1];
	r = spawn_run(&s, 10000, NULL, e);
	close(steal_fd(&wr));
	if (r < 0)
		return r;
	buf_read_fd(&text, rd, 4096);
	p = strstr(buf_str(&text), "version ");
	if (!p || sscanf(p, "version %u.%u", &major, &minor) != 2)
		return err_set(e, EIO, QEMU " does not tell its version");
	snprintf(buf, size, "pc-q35-%u.%u", major, minor);
	return 0;
}

static void add_privileges(struct command *c, const struct place *p)
{
	command_add(c, "setpriv");
	command_add(c, "--reuid=%u", p->uid);
	command_add(c, "--regid=%u", p->uid);
	command_add(c, "--clear-groups");
	command_add(c, "--inh-caps=-all");
	command_add(c, "--bounding-set=-all");
	command_add(c, "--no-new-privs");
	command_add(c, QEMU);
}

int command_make(struct command *c, struct object *o, const struct place *p, const struct expanded *x, const int *sockets, struct err *e)
{
	const struct storage_ops *ops;
	struct volume v;
	char machine[32];
	uint64_t memory;
	unsigned cpus;
	int r;

	r = command_memory(x, &memory, e);
	if (!r)
		r = command_cpus(x, &cpus, e);
	if (!r)
		r = find_machine(machine, sizeof(machine), e);
	if (!r)
		r = storage_volume(o, NULL, &ops, &v, e);
	if (!r && (!ops->disks || !v.base[0]))
		r = err_set(e, EINVAL, "%s has no disk; write an image of a virtual machine to its `source`", o->name);
	if (r < 0)
		return r;
	add_privileges(c, p);
	add_sockets(c, sockets);
	add_common(c, o);
	add_machine(c, machine, memory, cpus);
	r = add_disk(c, &v, e);
	if (!r)
		r = add_kernel(c, &v, e);
	return r < 0 || !c->code ? r : err_set(e, ENOMEM, "out of memory");
}
