// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The busybox image.
 *
 * How it stops (measured with busybox 1.35 as process 1 of a pid namespace): its init takes SIGPWR and SIGUSR1 for halt,
 * SIGUSR2 for poweroff, SIGTERM for reboot, and runs the inittab's `shutdown` lines, then SIGTERM and SIGKILL to everybody,
 * about two seconds in all. SIGINT runs `ctrlaltdel`, here a reboot; SIGQUIT execs `restart`. So the signals that LXC and LXD
 * send to /sbin/init (SIGPWR to halt, SIGINT to reboot) work as they are, and no translating wrapper is needed.
 *
 * The applets' names are read from the binary, where they are one list of strings, so that an image can be made of a busybox of
 * another architecture as well.
 */
#include "mkimage/busybox.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/core/buf.h"
#include "backends/core/cleanup.h"
#include "mkimage/metadata.h"
#include "mkimage/writer.h"

#define BINARY_MAX (64u << 20)

static const struct writer_row rows[] = {
	{ "", S_IFDIR | 0755, NULL },
	{ "bin", S_IFDIR | 0755, NULL },
	{ "dev", S_IFDIR | 0755, NULL },
	{ "etc", S_IFDIR | 0755, NULL },
	{ "etc/group", S_IFREG | 0644, "root:x:0:\ntty:x:5:\nusers:x:100:\nnogroup:x:65534:\n" },
	{ "etc/hostname", S_IFREG | 0644, "busybox\n" },
	{ "etc/hosts", S_IFREG | 0644, "127.0.0.1 localhost\n::1 localhost\n" },
	{ "etc/init.d", S_IFDIR | 0755, NULL },
	{ "etc/init.d/rcK", S_IFREG | 0755, "#!/bin/sh\n# Runs before everything is stopped.\nsync\n" },
	{ "etc/init.d/rcS", S_IFREG | 0755,
	  "#!/bin/sh\n"
	  "# Runs once at boot. A container finds most of this done by its manager.\n"
	  "[ -e /proc/self ] || mount -t proc proc /proc\n"
	  "[ -d /sys/class ] || mount -t sysfs sysfs /sys\n"
	  "mount -t tmpfs -o nosuid,nodev,mode=755 run /run 2>/dev/null\n"
	  "ifconfig lo 127.0.0.1 up 2>/dev/null\n"
	  "for dev in /sys/class/net/*; do\n"
	  "\tdev=${dev##*/}\n"
	  "\tcase $dev in\n"
	  "\tlo|'*'|bonding_masters) continue ;;\n"
	  "\tesac\n"
	  "\tip link set \"$dev\" up 2>/dev/null\n"
	  "\tudhcpc -b -i \"$dev\" -x \"hostname:$(hostname)\" -p \"/run/udhcpc.$dev.pid\" >/dev/null 2>&1 &\n"
	  "done\n"
	  "exit 0\n" },
	{ "etc/inittab", S_IFREG | 0644,
	  "::sysinit:/etc/init.d/rcS\n"
	  "console::respawn:-/bin/sh\n"
	  "::ctrlaltdel:/sbin/reboot\n"
	  "::shutdown:/etc/init.d/rcK\n"
	  "::restart:/sbin/init\n" },
	{ "etc/passwd", S_IFREG | 0644, "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n" },
	{ "etc/profile", S_IFREG | 0644, "export PATH=/sbin:/bin:/usr/sbin:/usr/bin\nPS1='\\h:\\w\\$ '\n" },
	{ "etc/resolv.conf", S_IFREG | 0644, "" },
	{ "etc/udhcpc", S_IFDIR | 0755, NULL },
	{ "etc/udhcpc/default.script", S_IFREG | 0755,
	  "#!/bin/sh\n"
	  "# Called by udhcpc: deconfig, bound, renew, nak, leasefail.\n"
	  "case $1 in\n"
	  "deconfig)\n"
	  "\tip -4 addr flush dev \"$interface\"\n"
	  "\tip link set \"$interface\" up\n"
	  "\t;;\n"
	  "bound|renew)\n"
	  "\tip -4 addr flush dev \"$interface\"\n"
	  "\tip addr add \"$ip/${mask:-24}\" dev \"$interface\"\n"
	  "\tfor gateway in $router; do\n"
	  "\t\tip route add default via \"$gateway\" dev \"$interface\" && break\n"
	  "\tdone\n"
	  "\t{\n"
	  "\t\t[ -z \"$domain\" ] || echo \"search $domain\"\n"
	  "\t\tfor server in $dns; do echo \"nameserver $server\"; done\n"
	  "\t} >/etc/resolv.conf\n"
	  "\t;;\n"
	  "esac\n" },
	{ "home", S_IFDIR | 0755, NULL },
	{ "mnt", S_IFDIR | 0755, NULL },
	{ "proc", S_IFDIR | 0555, NULL },
	{ "root", S_IFDIR | 0700, NULL },
	{ "run", S_IFDIR | 0755, NULL },
	{ "sbin", S_IFDIR | 0755, NULL },
	{ "sys", S_IFDIR | 0555, NULL },
	{ "tmp", S_IFDIR | 01777, NULL },
	{ "usr", S_IFDIR | 0755, NULL },
	{ "usr/bin", S_IFDIR | 0755, NULL },
	{ "usr/sbin", S_IFDIR | 0755, NULL },
	{ "usr/share", S_IFDIR | 0755, NULL },
	{ "var", S_IFDIR | 0755, NULL },
	{ "var/log", S_IFDIR | 0755, NULL },
	{ "var/run", S_IFLNK | 0777, "../run" },
	{ "var/tmp", S_IFDIR | 01777, NULL },
};

/* Where a list of applets is known to be: these come first in every busybox that has a test command. */
static const char first_applets[] = "[\0[[";

/* Not links: the binary itself, and what would be found before the real one. */
static const char *const not_linked[] = { "busybox", "linuxrc", "init" };

/* Programs that are looked for in /sbin. */
static const char *const sbin[] = { "init", "halt", "poweroff", "reboot", "getty", "ifconfig", "ip", "route", "udhcpc", "syslogd", "klogd" };

/* ---- the binary ---- */

static const struct { uint16_t machine; unsigned char class, data; const char *arch; } machines[] = {
	{ EM_X86_64, ELFCLASS64, ELFDATA2LSB, "x86_64" }, { EM_386, ELFCLASS32, ELFDATA2LSB, "i686" },
	{ EM_AARCH64, ELFCLASS64, ELFDATA2LSB, "aarch64" }, { EM_ARM, ELFCLASS32, ELFDATA2LSB, "armv7l" },
	{ EM_PPC64, ELFCLASS64, ELFDATA2LSB, "ppc64le" }, { EM_S390, ELFCLASS64, ELFDATA2MSB, "s390x" },
	{ EM_RISCV, ELFCLASS64, ELFDATA2LSB, "riscv64" }, { 258, ELFCLASS64, ELFDATA2LSB, "loongarch64" },
};

static uint64_t number(const unsigned char *p, size_t n, bool big)
{
	uint64_t r = 0;

	for (size_t i = 0; i < n; i++)
		r = r << 8 | p[big ? i : n - 1 - i];
	return r;
}

/* A program that asks for an interpreter (PT_INTERP) needs libraries, which the image does not have. */
static bool is_static(const unsigned char *elf, size_t len)
{
	bool wide = elf[EI_CLASS] == ELFCLASS64, big = elf[EI_DATA] == ELFDATA2MSB;
	uint64_t at = number(elf + (wide ? 32 : 28), wide ? 8 : 4, big);
	uint64_t size = number(elf + (wide ? 54 : 42), 2, big), n = number(elf + (wide ? 56 : 44), 2, big);

	for (uint64_t i = 0; i < n; i++) {
		uint64_t header = at + i * size;

		if (at > len || header + 4 > len)
			return false;
		if (number(elf + header, 4, big) == PT_INTERP)
			return false;
	}
	return true;
}

static const char *binary_arch(const struct buf *b)
{
	const unsigned char *elf = (const unsigned char *)b->data;

	if (b->len < sizeof(Elf64_Ehdr) || memcmp(elf, ELFMAG, SELFMAG) != 0)
		return NULL;
	for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++) {
		if (elf[EI_CLASS] == machines[i].class && elf[EI_DATA] == machines[i].data &&
		    number(elf + 18, 2, elf[EI_DATA] == ELFDATA2MSB) == machines[i].machine)
			return machines[i].arch;
	}
	return NULL;
}

int busybox_read(const struct busybox_options *o, struct buf *b, const char **arch, struct err *e)
{
	const char *path = o->binary ? o->binary : "/bin/busybox";
	const char *wanted = o->arch ? metadata_architecture(o->arch) : NULL;
	int r = buf_read_file(b, AT_FDCWD, path, BINARY_MAX);

	if (o->arch && !wanted)
		return err_set(e, EINVAL, "unknown architecture \"%s\"", o->arch);
	if (r == -ENOENT && !o->binary)
		return err_set(e, ENOENT, "there is no %s: install the package busybox-static, or give --busybox=FILE", path);
	if (r < 0)
		return err_sys(e, -r, "cannot read %s", path);
	*arch = binary_arch(b);
	if (!*arch)
		return err_set(e, EINVAL, "%s is not a program for a processor that containers can run on", path);
	if (!is_static((const unsigned char *)b->data, b->len))
		return err_set(e, EINVAL, "%s needs shared libraries: install the package busybox-static", path);
	if (wanted && strcmp(wanted, *arch))
		return err_set(e, EINVAL, "%s is for %s, not for %s; give --busybox=FILE", path, *arch, wanted);
	return 0;
}

/* ---- writing ---- */


static bool in_list(const char *s, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!strcmp(s, list[i]))
			return true;
	}
	return false;
}

static int write_applets(struct writer *w, const struct buf *binary, struct err *e)
{
	const char *end = binary->data + binary->len;
	const char *p = memmem(binary->data, binary->len, first_applets, sizeof(first_applets));
	char path[160];
	int r = 0;

	if (!p)
		return err_set(e, EINVAL, "the program is no busybox, or one without a list of its applets");
	for (; p < end && *p && !r; p += strlen(p) + 1) {
		/* The list is followed by a NUL of its own; anything that is no name ends it as well. */
		if (strspn(p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-[") != strlen(p) || strlen(p) > 64)
			break;
		if (in_list(p, not_linked, sizeof(not_linked) / sizeof(not_linked[0])))
			continue;
		snprintf(path, sizeof(path), "bin/%s", p);
		r = writer_add(w, path, S_IFLNK | 0777, "busybox", 0, e);
	}
	for (size_t i = 0; i < sizeof(sbin) / sizeof(sbin[0]) && !r; i++) {
		snprintf(path, sizeof(path), "sbin/%s", sbin[i]);
		r = writer_add(w, path, S_IFLNK | 0777, "../bin/busybox", 0, e);
	}
	return r;
}

int busybox_write(struct writer *w, const struct buf *binary, struct err *e)
{
	int r = writer_add_rows(w, rows, sizeof(rows) / sizeof(rows[0]), e);

	if (!r)
		r = writer_add(w, "bin/busybox", S_IFREG | 0755, binary->data, binary->len, e);
	return r < 0 ? r : write_applets(w, binary, e);
}

static int fill(struct writer *w, const void *arg, struct err *e)
{
	static const struct writer_facts facts = { "busybox", "Busybox, a small system for tests" };
	const struct busybox_options *o = arg;
	_cleanup_buf_ struct buf binary = BUF_INIT;
	const char *arch = NULL;
	int r = busybox_read(o, &binary, &arch, e);

	if (!r)
		r = writer_add_metadata(w, &facts, arch, e);
	w->prefix = "rootfs/";
	return r < 0 ? r : busybox_write(w, &binary, e);
}

int busybox_build(const struct busybox_options *o, struct err *e)
{
	return writer_image(o->out, o->time, fill, o, e);
}
