// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mkimage/machine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "backends/core/cleanup.h"
#include "mkimage/writer.h"

#define KERNEL_MAX (128u << 20)
#define MODULE_MAX (64u << 20)
#define DISK_SIZE (8u << 20)

/* What a guest needs of its kernel; those that are built in are in no list of modules. */
static const char *const wanted[] = { "virtio_pci", "virtio_blk", "virtio_balloon", "button", "evdev" };

/* Besides, and instead, of what a container has. */
static const struct writer_row rows[] = {
	{ "init", S_IFLNK | 0777, "bin/busybox" },
	{ "etc/acpi", S_IFDIR | 0755, NULL },
	{ "etc/acpi/PWRF", S_IFDIR | 0755, NULL },
	{ "etc/acpi/PWRF/00000080", S_IFREG | 0755, "#!/bin/sh\n# The power button.\npoweroff\n" },
	{ "etc/init.d/machine", S_IFREG | 0755,
	  "#!/bin/sh\n"
	  "# Runs before everything else: what a container finds done. The first block of the disk holds the number of boots.\n"
	  "mount -t devtmpfs dev /dev\n"
	  "mount -t proc proc /proc\n"
	  "mount -t sysfs sysfs /sys\n"
	  "while read -r module; do insmod \"/lib/modules/$module\"; done </lib/modules/order\n"
	  "boots=$(($(dd if=/dev/vda bs=512 count=1 2>/dev/null | tr -cd 0-9) + 1))\n"
	  "echo $boots | dd of=/dev/vda bs=512 conv=sync 2>/dev/null\n"
	  "sync\n"
	  "echo \"boot number $boots\"\n" },
	{ "etc/inittab", S_IFREG | 0644,
	  "::sysinit:/etc/init.d/machine\n"
	  "::sysinit:/etc/init.d/rcS\n"
	  "::respawn:/bin/acpid -f -l /dev/null\n"
	  "ttyS0::respawn:-/bin/sh\n"
	  "::ctrlaltdel:/sbin/reboot\n"
	  "::shutdown:/etc/init.d/rcK\n" },
	{ "lib", S_IFDIR | 0755, NULL },
	{ "lib/modules", S_IFDIR | 0755, NULL },
};

struct parts {
	const struct machine_options *o;
	struct buf binary, deps;
	char modules[512];
};

/* ---- modules ---- */

/* "kernel/drivers/block/virtio_blk.ko.xz" is virtio_blk; its file may be written with '-'. */
static bool is_module(const char *path, size_t len, const char *name)
{
	const char *base = path;
	size_t n = strlen(name);

	for (size_t i = 0; i < len; i++)
		if (path[i] == '/')
			base = path + i + 1;
	len -= (size_t)(base - path);
	if (len < n + 3 || strncmp(base + n, ".ko", 3) != 0)
		return false;
	for (size_t i = 0; i < n; i++)
		if (base[i] != name[i] && !(base[i] == '-' && name[i] == '_'))
			return false;
	return true;
}

static int add_module(struct writer *w, const struct parts *p, const char *path, size_t len, struct buf *order, struct err *e)
{
	_cleanup_buf_ struct buf data = BUF_INIT;
	char file[1024], name[256];
	const char *base;
	int r;

	snprintf(file, sizeof(file), "%s/%.*s", p->modules, (int)len, path);
	base = strrchr(file, '/') + 1;
	snprintf(name, sizeof(name), "%.200s\n", base);
	if (strstr(buf_str(order), name))
		return 0;
	r = buf_read_file(&data, AT_FDCWD, file, MODULE_MAX);
	if (r < 0)
		return err_sys(e, -r, "cannot read %s", file);
	buf_addstr(order, name);
	snprintf(name, sizeof(name), "lib/modules/%.200s", base);
	return writer_add(w, name, S_IFREG | 0644, data.data, data.len, e);
}

/* A line of modules.dep: the module, a colon, what it needs; what is needed first stands last. */
static int add_line(struct writer *w, const struct parts *p, const char *line, size_t len, struct buf *order, struct err *e)
{
	const char *colon = memchr(line, ':', len), *end = line + len;
	int r = 0;

	while (!r && end > colon + 1) {
		const char *start = end;

		while (start > colon + 1 && start[-1] != ' ')
			start--;
		if (end > start)
			r = add_module(w, p, start, (size_t)(end - start), order, e);
		end = start - 1;
	}
	return r < 0 ? r : add_module(w, p, line, (size_t)(colon - line), order, e);
}

static int add_modules(struct writer *w, const struct parts *p, struct err *e)
{
	_cleanup_buf_ struct buf order = BUF_INIT;
	int r = 0;

	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		for (const char *l = buf_str(&p->deps); *l && !r; l += strcspn(l, "\n"), l += *l == '\n') {
			size_t len = strcspn(l, "\n"), path = strcspn(l, ":\n");

			if (l[path] == ':' && is_module(l, path, wanted[i]))
				r = add_line(w, p, l, len, &order, e);
		}
	}
	return r < 0 ? r : writer_add(w, "lib/modules/order", S_IFREG | 0644, buf_str(&order), order.len, e);
}

static int fill_initramfs(struct writer *w, const void *arg, struct err *e)
{
	const struct parts *p = arg;
	int r = busybox_write(w, &p->binary, e);

	if (!r)
		r = writer_add_rows(w, rows, sizeof(rows) / sizeof(rows[0]), e);
	return r < 0 ? r : add_modules(w, p, e);
}

/* ---- the image ---- */

static int read_parts(struct parts *p, struct buf *kernel, const char **arch, struct err *e)
{
	char file[600];
	struct utsname u;
	int r;

	uname(&u);
	snprintf(p->modules, sizeof(p->modules), "%s%s", p->o->modules ? p->o->modules : "/lib/modules/", p->o->modules ? "" : u.release);
	snprintf(file, sizeof(file), "/boot/vmlinuz-%s", u.release);
	r = buf_read_file(kernel, AT_FDCWD, p->o->kernel ? p->o->kernel : file, KERNEL_MAX);
	if (r < 0)
		return err_sys(e, -r, "cannot read the kernel %s (--kernel names another)", p->o->kernel ? p->o->kernel : file);
	snprintf(file, sizeof(file), "%s/modules.dep", p->modules);
	r = buf_read_file(&p->deps, AT_FDCWD, file, MODULE_MAX);
	if (r < 0)
		return err_sys(e, -r, "cannot read %s (--modules names another directory)", file);
	return busybox_read(&p->o->busybox, &p->binary, arch, e);
}

static int write_members(struct writer *w, const struct parts *p, const struct buf *kernel, const char *arch, struct err *e)
{
	static const struct writer_facts facts = { "busybox", "Busybox in a virtual machine, a small system for tests" };
	static const char cmdline[] = "console=ttyS0 quiet panic=-1 mitigations=off nokaslr\n";
	_cleanup_buf_ struct buf initrd = BUF_INIT, disk = BUF_INIT;
	int r = writer_initramfs(&initrd, w->time, fill_initramfs, p, e);

	buf_resize(&disk, DISK_SIZE);
	if (!r && buf_error(&disk) < 0)
		r = err_set(e, ENOMEM, "not enough memory");
	if (!r)
		r = writer_add_metadata(w, &facts, arch, e);
	if (!r)
		r = writer_add(w, "kernel", S_IFREG | 0644, kernel->data, kernel->len, e);
	if (!r)
		r = writer_add(w, "initrd", S_IFREG | 0644, initrd.data, initrd.len, e);
	if (!r)
		r = writer_add(w, "cmdline", S_IFREG | 0644, cmdline, sizeof(cmdline) - 1, e);
	return r < 0 ? r : writer_add(w, "rootfs.img", S_IFREG | 0644, disk.data, disk.len, e);
}

static int fill(struct writer *w, const void *arg, struct err *e)
{
	struct parts p = { .o = arg, .binary = BUF_INIT, .deps = BUF_INIT };
	_cleanup_buf_ struct buf kernel = BUF_INIT;
	const char *arch = NULL;
	int r = read_parts(&p, &kernel, &arch, e);

	if (!r)
		r = write_members(w, &p, &kernel, arch, e);
	buf_free(&p.binary);
	buf_free(&p.deps);
	return r;
}

int machine_build(const struct machine_options *o, struct err *e)
{
	return writer_image(o->busybox.out, o->busybox.time, fill, o, e);
}
