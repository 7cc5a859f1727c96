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

#include <archive.h>
#include <archive_entry.h>
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

#define BINARY_MAX (64u << 20)

static const struct tree_row {
	const char *path;
	mode_t mode;		/* with S_IFDIR, S_IFREG or S_IFLNK */
	const char *content;	/* or target of the link */
} rows[] = {
	{ "rootfs", S_IFDIR | 0755, NULL },
	{ "rootfs/bin", S_IFDIR | 0755, NULL },
	{ "rootfs/dev", S_IFDIR | 0755, NULL },
	{ "rootfs/etc", S_IFDIR | 0755, NULL },
	{ "rootfs/etc/group", S_IFREG | 0644, "root:x:0:\ntty:x:5:\nusers:x:100:\nnogroup:x:65534:\n" },
	{ "rootfs/etc/hostname", S_IFREG | 0644, "busybox\n" },
	{ "rootfs/etc/hosts", S_IFREG | 0644, "127.0.0.1 localhost\n::1 localhost\n" },
	{ "rootfs/etc/init.d", S_IFDIR | 0755, NULL },
	{ "rootfs/etc/init.d/rcK", S_IFREG | 0755, "#!/bin/sh\n# Runs before everything is stopped.\nsync\n" },
	{ "rootfs/etc/init.d/rcS", S_IFREG | 0755,
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
	{ "rootfs/etc/inittab", S_IFREG | 0644,
	  "::sysinit:/etc/init.d/rcS\n"
	  "console::respawn:-/bin/sh\n"
	  "::ctrlaltdel:/sbin/reboot\n"
	  "::shutdown:/etc/init.d/rcK\n"
	  "::restart:/sbin/init\n" },
	{ "rootfs/etc/passwd", S_IFREG | 0644, "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n" },
	{ "rootfs/etc/profile", S_IFREG | 0644, "export PATH=/sbin:/bin:/usr/sbin:/usr/bin\nPS1='\\h:\\w\\$ '\n" },
	{ "rootfs/etc/resolv.conf", S_IFREG | 0644, "" },
	{ "rootfs/etc/udhcpc", S_IFDIR | 0755, NULL },
	{ "rootfs/etc/udhcpc/default.script", S_IFREG | 0755,
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
	{ "rootfs/home", S_IFDIR | 0755, NULL },
	{ "rootfs/mnt", S_IFDIR | 0755, NULL },
	{ "rootfs/proc", S_IFDIR | 0555, NULL },
	{ "rootfs/root", S_IFDIR | 0700, NULL },
	{ "rootfs/run", S_IFDIR | 0755, NULL },
	{ "rootfs/sbin", S_IFDIR | 0755, NULL },
	{ "rootfs/sys", S_IFDIR | 0555, NULL },
	{ "rootfs/tmp", S_IFDIR | 01777, NULL },
	{ "rootfs/usr", S_IFDIR | 0755, NULL },
	{ "rootfs/usr/bin", S_IFDIR | 0755, NULL },
	{ "rootfs/usr/sbin", S_IFDIR | 0755, NULL },
	{ "rootfs/usr/share", S_IFDIR | 0755, NULL },
	{ "rootfs/var", S_IFDIR | 0755, NULL },
	{ "rootfs/var/log", S_IFDIR | 0755, NULL },
	{ "rootfs/var/run", S_IFLNK | 0777, "../run" },
	{ "rootfs/var/tmp", S_IFDIR | 01777, NULL },
};

/* Where a list of applets is known to be: these come first in every busybox that has a test command. */
static const char first_applets[] = "[\0[[";

/* Not links: the binary itself, and what would be found before the real one. */
static const char *const not_linked[] = { "busybox", "linuxrc", "init" };

/* Programs that are looked for in /sbin. */
static const char *const sbin[] = { "init", "halt", "poweroff", "reboot", "getty", "ifconfig", "ip", "route", "udhcpc", "syslogd", "klogd" };

struct image {
	struct archive *a;
	struct archive_entry *entry;
	int64_t time;
};

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

static int read_binary(const struct busybox_options *o, struct buf *b, const char **arch, struct err *e)
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

static int write_entry(struct image *im, const char *path, mode_t mode, const char *data, size_t len, struct err *e)
{
	struct archive_entry *en = archive_entry_clear(im->entry);

	archive_entry_set_pathname(en, path);
	archive_entry_set_mode(en, mode);
	archive_entry_set_uid(en, 0);
	archive_entry_set_gid(en, 0);
	archive_entry_set_mtime(en, im->time, 0);
	archive_entry_set_size(en, S_ISREG(mode) ? (int64_t)len : 0);
	if (S_ISLNK(mode))
		archive_entry_set_symlink(en, data);
	if (archive_write_header(im->a, en) != ARCHIVE_OK ||
	    (S_ISREG(mode) && archive_write_data(im->a, data, len) != (la_ssize_t)len))
		return err_set(e, archive_errno(im->a) > 0 ? archive_errno(im->a) : EIO, "cannot write \"%s\": %s", path,
			       archive_error_string(im->a));
	return 0;
}

static int write_metadata(struct image *im, const char *arch, struct err *e)
{
	struct metadata_property properties[] = {
		{ (char *)"architecture", (char *)arch }, { (char *)"description", (char *)"Busybox, a small system for tests" },
		{ (char *)"name", (char *)"busybox" }, { (char *)"os", (char *)"busybox" }, { (char *)"release", (char *)"1" },
	};
	struct metadata m = { .created = im->time, .properties = properties,
			      .n_properties = sizeof(properties) / sizeof(properties[0]) };
	_cleanup_buf_ struct buf text = BUF_INIT;

	snprintf(m.architecture, sizeof(m.architecture), "%s", arch);
	metadata_print_yaml(&m, &text);
	if (buf_error(&text))
		return err_set(e, ENOMEM, "not enough memory");
	return write_entry(im, "metadata.yaml", S_IFREG | 0644, text.data, text.len, e);
}

static int write_rows(struct image *im, struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) && !r; i++)
		r = write_entry(im, rows[i].path, rows[i].mode, rows[i].content, rows[i].content ? strlen(rows[i].content) : 0, e);
	return r;
}

static bool in_list(const char *s, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!strcmp(s, list[i]))
			return true;
	}
	return false;
}

static int write_applets(struct image *im, const struct buf *binary, struct err *e)
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
		snprintf(path, sizeof(path), "rootfs/bin/%s", p);
		r = write_entry(im, path, S_IFLNK | 0777, "busybox", 0, e);
	}
	for (size_t i = 0; i < sizeof(sbin) / sizeof(sbin[0]) && !r; i++) {
		snprintf(path, sizeof(path), "rootfs/sbin/%s", sbin[i]);
		r = write_entry(im, path, S_IFLNK | 0777, "../bin/busybox", 0, e);
	}
	return r;
}

static int write_all(struct image *im, const struct busybox_options *o, struct err *e)
{
	_cleanup_buf_ struct buf binary = BUF_INIT;
	const char *arch = NULL;
	int r = read_binary(o, &binary, &arch, e);

	if (!r)
		r = write_metadata(im, arch, e);
	if (!r)
		r = write_rows(im, e);
	if (!r)
		r = write_entry(im, "rootfs/bin/busybox", S_IFREG | 0755, binary.data, binary.len, e);
	if (!r)
		r = write_applets(im, &binary, e);
	return r;
}

/* ---- the file ---- */

static int add_filter(struct archive *a, const char *out, struct err *e)
{
	static const struct { const char *ending; int filter; } filters[] = {
		{ ".tar", ARCHIVE_FILTER_NONE }, { ".tar.gz", ARCHIVE_FILTER_GZIP }, { ".tgz", ARCHIVE_FILTER_GZIP },
		{ ".tar.bz2", ARCHIVE_FILTER_BZIP2 }, { ".tar.xz", ARCHIVE_FILTER_XZ }, { ".txz", ARCHIVE_FILTER_XZ },
		{ ".tar.lzma", ARCHIVE_FILTER_LZMA }, { ".tar.zst", ARCHIVE_FILTER_ZSTD }, { ".tar.lz4", ARCHIVE_FILTER_LZ4 },
	};
	size_t len = strlen(out);

	for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
		size_t n = strlen(filters[i].ending);

		if (len <= n || strcmp(out + len - n, filters[i].ending) != 0)
			continue;
		if (archive_write_add_filter(a, filters[i].filter) != ARCHIVE_OK)
			return err_set(e, EOPNOTSUPP, "%s: the archive library cannot compress like this", out);
		/* gzip would store the present time. */
		if (filters[i].filter == ARCHIVE_FILTER_GZIP)
			archive_write_set_filter_option(a, "gzip", "timestamp", NULL);
		return 0;
	}
	return err_set(e, EINVAL, "%s: the name must end in .tar, .tar.gz, .tar.bz2, .tar.xz, .tar.lzma, .tar.zst or .tar.lz4", out);
}

static int write_file(struct archive *a, int fd, const struct busybox_options *o, struct err *e)
{
	struct image im = { .a = a, .entry = archive_entry_new(), .time = o->time };
	int r;

	if (!im.entry)
		return err_set(e, ENOMEM, "not enough memory");
	archive_write_set_format_pax_restricted(a);
	r = add_filter(a, o->out, e);
	if (!r && archive_write_open_fd(a, fd) != ARCHIVE_OK)
		r = err_set(e, EIO, "cannot begin the archive: %s", archive_error_string(a));
	if (!r)
		r = write_all(&im, o, e);
	if (!r && archive_write_close(a) != ARCHIVE_OK)
		r = err_set(e, EIO, "cannot end the archive: %s", archive_error_string(a));
	archive_entry_free(im.entry);
	return r;
}

int busybox_build(const struct busybox_options *o, struct err *e)
{
	_cleanup_free_ char *tmp = NULL;
	struct archive *a;
	int fd, r;

	if (asprintf(&tmp, "%s.XXXXXX", o->out) < 0) {
		tmp = NULL;
		return err_set(e, ENOMEM, "not enough memory");
	}
	fd = mkostemp(tmp, O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, errno, "cannot make %s", tmp);
	a = archive_write_new();
	r = a ? write_file(a, fd, o, e) : err_set(e, ENOMEM, "not enough memory");
	archive_write_free(a);
	if (!r && (fchmod(fd, 0644) < 0 || fsync(fd) < 0 || rename(tmp, o->out) < 0))
		r = err_sys(e, errno, "cannot write %s", o->out);
	close(fd);
	if (r < 0)
		unlink(tmp);
	return r;
}
