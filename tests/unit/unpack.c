// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Archives, good and hostile. They are made by python3's tarfile, which writes any nonsense that it is told to. First through the
 * library, in a directory of our own, then through instfs-unpack (root only), where the prison is looked at as well.
 */
#include <archive.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <locale.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "backends/core/buf.h"
#include "backends/core/cleanup.h"
#include "mkimage/unpack.h"
#include "tests/unit/unit.h"

static const char maker[] =
	"import tarfile, io, os, struct, lzma, gzip\n"
	"META = b'architecture: x86_64\\ncreation_date: 1700000000\\nproperties: {os: test}\\n'\n"
	"class T:\n"
	"  def __init__(s, name, meta=META, mode='w', fmt=tarfile.PAX_FORMAT):\n"
	"    s.t = tarfile.open(name, mode, format=fmt, errors='surrogateescape')\n"
	"    if meta is not None: s.f('metadata.yaml', meta)\n"
	"  def e(s, name, type, data=None, **k):\n"
	"    i = tarfile.TarInfo(name); i.type = type; i.mode = 0o755; i.mtime = 1600000000\n"
	"    for a, b in k.items(): setattr(i, a, b)\n"
	"    if data is not None: i.size = len(data)\n"
	"    s.t.addfile(i, None if data is None else io.BytesIO(data)); return s\n"
	"  def f(s, name, data=b'x', **k): return s.e(name, tarfile.REGTYPE, data, **k)\n"
	"  def d(s, name, **k): return s.e(name, tarfile.DIRTYPE, **k)\n"
	"  def l(s, name, to, **k): return s.e(name, tarfile.SYMTYPE, linkname=to, **k)\n"
	"  def h(s, name, to, **k): return s.e(name, tarfile.LNKTYPE, linkname=to, **k)\n"
	"  def c(s): s.t.close()\n"
	"cap = struct.pack('<IIIII', 0x02000001, 1 << 13, 0, 0, 0).decode('latin1')\n"
	"T('good.tar').d('rootfs', mode=0o711).d('rootfs/etc', mtime=1500000000).f('rootfs/etc/passwd', b'root', uid=1, gid=2, mode=0o4755)\\\n"
	" .h('rootfs/etc/hard', 'rootfs/etc/passwd').l('rootfs/etc/abs', '/etc/shadow').l('rootfs/etc/up', '../../../x')\\\n"
	" .e('rootfs/etc/fifo', tarfile.FIFOTYPE, mode=0o622).e('rootfs/null', tarfile.CHRTYPE, devmajor=1, devminor=3)\\\n"
	" .f('rootfs/no/parents/file', b'abc').f('rootfs/na\\udcffme', b'bytes').f('rootfs/\\u00fcml', b'utf8')\\\n"
	" .f('rootfs/ping', b'p', pax_headers={'SCHILY.xattr.security.capability': cap, 'SCHILY.xattr.user.a': 'b',\\\n"
	"    'SCHILY.xattr.trusted.overlay.opaque': 'y', 'SCHILY.xattr.security.evil': 'z'})\\\n"
	" .f('rootfs/acl', b'a', mode=0o640, pax_headers={'SCHILY.acl.access': 'user::rw-,user:7:rw-:7,group::r--,mask::rw-,other::---'})\\\n"
	" .d('rootfs/dacl', pax_headers={'SCHILY.acl.default': 'user::rwx,group::r-x,group:9:rwx:9,mask::rwx,other::r-x'})\\\n"
	" .f('rootfs/dacl/plain', b'a').f('rootfs/twice', b'first').f('rootfs/twice', b'second').f('rootfs/long/' + 'n' * 250, b'l')\\\n"
	" .f('templates/host.tpl', b'{{ name }}').f('ignored/file').c()\n"
	"T('dot.tar', None).d('.').f('./metadata.yaml', META).d('./rootfs').f('./rootfs/./a//b', b'1').h('./rootfs/c', './rootfs/a/b').c()\n"
	"T('gnu.tar', fmt=tarfile.GNU_FORMAT).f('rootfs/' + 'd' * 200 + '/' + 'x' * 200, b'1').c()\n"
	"T('dotdot.tar').d('rootfs').f('rootfs/../../evil').c()\n"
	"T('dotdot2.tar').f('../evil').c()\n"
	"T('absolute.tar').f('/evil').c()\n"
	"T('absolute2.tar').f('/rootfs/evil').c()\n"
	"T('link.tar').d('rootfs').l('rootfs/out', '/tmp').f('rootfs/out/evil').c()\n"
	"T('link2.tar').d('rootfs').l('rootfs/out', '..').f('rootfs/out/evil').c()\n"
	"T('link3.tar').l('rootfs', '/tmp').f('rootfs/evil').c()\n"
	"T('link4.tar').d('rootfs').d('rootfs/a').l('rootfs/a', '/tmp').f('rootfs/a/evil').c()\n"
	"T('link5.tar').d('rootfs').l('rootfs/a', '/tmp').d('rootfs/a').f('rootfs/a/evil').c()\n"
	"T('link6.tar').d('rootfs').l('rootfs/a', 'target').f('rootfs/a', b'new').c()\n"
	"T('link7.tar').d('rootfs').l('templates', '/tmp').f('templates/evil').c()\n"
	"T('link8.tar', None).l('metadata.yaml', '/etc/passwd').d('rootfs').c()\n"
	"T('hard.tar').d('rootfs').h('rootfs/evil', '/etc/passwd').c()\n"
	"T('hard2.tar').d('rootfs').h('rootfs/evil', 'rootfs/../../../etc/passwd').c()\n"
	"T('hard3.tar').d('rootfs').l('rootfs/e', '/etc').h('rootfs/evil', 'rootfs/e/passwd').c()\n"
	"T('hard4.tar').d('rootfs').h('rootfs/evil', 'metadata.yaml').c()\n"
	"T('hard5.tar').d('rootfs').h('rootfs/evil', 'rootfs/later').f('rootfs/later').c()\n"
	"T('hard6.tar').d('rootfs').f('rootfs/self', b'kept').h('rootfs/self', 'rootfs/self').c()\n"
	"T('hard7.tar').d('rootfs').d('rootfs/dir').h('rootfs/evil', 'rootfs/dir').c()\n"
	"T('through.tar').d('rootfs').f('rootfs/file').f('rootfs/file/evil').c()\n"
	"T('rootfile.tar').f('rootfs', b'x').c()\n"
	"T('roothard.tar').h('rootfs', 'metadata.yaml').c()\n"
	"T('dirover.tar').d('rootfs').d('rootfs/a').f('rootfs/a').c()\n"
	"T('uid.tar').d('rootfs').f('rootfs/a', uid=70000).c()\n"
	"T('uid2.tar').d('rootfs').f('rootfs/a', gid=4294967295).c()\n"
	"T('deep.tar').d('rootfs').f('rootfs/' + '/'.join(['d' * 200] * 25) + '/f').c()\n"
	"T('component.tar').d('rootfs').f('rootfs/' + 'c' * 256).c()\n"
	"T('nometa.tar', None).d('rootfs').f('rootfs/a').c()\n"
	"T('noroot.tar').f('other').c()\n"
	"def q(version=3, backing=0, bits=16, size=1 << 20, crypt=0, features=0):\n"
	"  return (struct.pack('>4sIQIIQI', b'QFI\\xfb', version, backing, 9, bits, size, crypt) + b'\\0' * 36 + struct.pack('>Q', features)).ljust(512, b'\\0')\n"
	"T('vm.tar').f('rootfs.img', q()).f('kernel', b'k').c()\n"
	"T('vmraw.tar').f('rootfs.img', b'\\xfaQF').c()\n"
	"T('vmboth.tar').f('rootfs.img', q()).d('rootfs').c()\n"
	"T('vmboot.tar').f('kernel', b'k').c()\n"
	"T('vmlink.tar').l('rootfs.img', '/etc/passwd').c()\n"
	"T('vmempty.tar').f('rootfs.img', b'').c()\n"
	"T('vmlayer.tar').f('rootfs.img', q(backing=200)).c()\n"
	"T('vmlayer2.tar').f('rootfs.img', q(2, backing=200)).c()\n"
	"T('vmdata.tar').f('rootfs.img', q(features=4)).c()\n"
	"T('vmcrypt.tar').f('rootfs.img', q(crypt=2)).c()\n"
	"T('vmbits.tar').f('rootfs.img', q(bits=60)).c()\n"
	"T('vmfuture.tar').f('rootfs.img', q(features=1 << 40)).c()\n"
	"T('badmeta.tar', b'architecture: vax\\ncreation_date: 1\\n').d('rootfs').c()\n"
	"T('bigmeta.tar', META + b'#' * (1 << 20)).d('rootfs').c()\n"
	"T('metadir.tar', None).d('metadata.yaml').d('rootfs').c()\n"
	"T('tmpl.tar').d('rootfs').d('templates').f('templates/sub/evil').c()\n"
	"T('tmplbig.tar').d('rootfs').f('templates/big', b'x' * ((1 << 20) + 1)).c()\n"
	"T('emptyname.tar').d('rootfs').f('', b'x').c()\n"
	"T('emptylink.tar').d('rootfs').l('rootfs/a', '').c()\n"
	"T('trusted.tar').d('rootfs', pax_headers={'SCHILY.xattr.trusted.overlay.redirect': '/'}).c()\n"
	"t = T('many.tar').d('rootfs')\n"
	"for i in range(300): t.f('rootfs/f%d' % i, b'')\n"
	"t.c()\n"
	"t = T('bytes.tar').d('rootfs').f('rootfs/a', b'a' * 3000000); t.c()\n"
	"open('empty.tar', 'wb').close()\n"
	"tarfile.open('zero.tar', 'w').close()\n"
	"open('text.tar', 'w').write('this is no archive\\n' * 100)\n"
	"open('zip.tar', 'wb').write(b'PK\\3\\4' + b'\\0' * 2000)\n"
	"open('gz.tar', 'wb').write(b'\\x1f\\x8b' + b'\\xff' * 2000)\n"
	"g = open('good.tar', 'rb').read()\n"
	"open('cut.tar', 'wb').write(g[:4000])\n"
	"x = lzma.compress(g); open('good.tar.xz', 'wb').write(x); open('cut.tar.xz', 'wb').write(x[:len(x) // 2])\n"
	"open('flip.tar.xz', 'wb').write(x[:300] + bytes([x[300] ^ 0xff]) + x[301:])\n"
	"open('trailing.tar.xz', 'wb').write(x + b'\\0' * 100)\n"
	"open('lzma.tar', 'wb').write(lzma.compress(g, format=lzma.FORMAT_ALONE))\n"
	"z = gzip.compress(g); open('good.tar.gz', 'wb').write(z); open('cut.tar.gz', 'wb').write(z[:-20])\n"
	"class Z:\n"
	"  def __init__(s, n): s.n = n\n"
	"  def read(s, k): k = min(k, s.n); s.n -= k; return b'\\0' * k\n"
	"i = tarfile.TarInfo('rootfs/zeros'); i.size = 1300 << 20\n"
	"t = T('bomb.tar.gz', mode='w:gz').d('rootfs'); t.t.addfile(i, Z(i.size)); t.c()\n"
	"t = T('huge.tar').d('rootfs'); i = tarfile.TarInfo('rootfs/huge'); i.size = 1 << 50; t.t.fileobj.write(i.tobuf(tarfile.GNU_FORMAT)); t.t.fileobj.write(b'q' * 2048); t.t.fileobj.close()\n";

struct row {
	const char *file;
	int code;
	const char *words;
};

static const struct row hostile[] = {
	{ "dotdot.tar", EINVAL, "\"..\"" },
	{ "dotdot2.tar", EINVAL, "\"..\"" },
	{ "absolute.tar", EINVAL, "\"/evil\": absolute" },
	{ "absolute2.tar", EINVAL, "absolute" },
	{ "link.tar", EINVAL, "\"out/evil\" goes through a symbolic link" },
	{ "link2.tar", EINVAL, "symbolic link" },
	{ "link3.tar", EINVAL, "rootfs in the archive is not a directory" },
	{ "link4.tar", EINVAL, "as a directory and as something else" },
	{ "link5.tar", EINVAL, "as a directory and as something else" },
	{ "link7.tar", EINVAL, "templates in the archive is not a directory" },
	{ "link8.tar", EINVAL, "\"metadata.yaml\" is not a regular file" },
	{ "hard.tar", EINVAL, "absolute" },
	{ "hard2.tar", EINVAL, "\"..\"" },
	{ "hard3.tar", EINVAL, "not in the archive before it" },
	{ "hard4.tar", EINVAL, "not in rootfs/" },
	{ "hard5.tar", EINVAL, "not in the archive before it" },
	{ "hard7.tar", EPERM, "cannot link" },
	{ "through.tar", EINVAL, "goes through something that is no directory" },
	{ "rootfile.tar", EINVAL, "rootfs in the archive is not a directory" },
	{ "roothard.tar", EINVAL, "hard link" },
	{ "dirover.tar", EINVAL, "as a directory and as something else" },
	{ "uid.tar", EINVAL, "belongs to user 70000" },
	{ "uid2.tar", EINVAL, "group 4294967295" },
	{ "deep.tar", ENAMETOOLONG, "too long" },
	{ "component.tar", ENAMETOOLONG, "too long" },
	{ "nometa.tar", EINVAL, "no metadata.yaml" },
	{ "noroot.tar", EINVAL, "neither rootfs/" },
	{ "vmboth.tar", EINVAL, "both a rootfs/ and a rootfs.img" },
	{ "vmboot.tar", EINVAL, "neither rootfs/ nor rootfs.img" },
	{ "vmlink.tar", EINVAL, "\"rootfs.img\" is not a regular file" },
	{ "vmempty.tar", EINVAL, "is empty" },
	{ "vmlayer.tar", EPERM, "a layer over another file" },
	{ "vmlayer2.tar", EPERM, "a layer over another file" },
	{ "vmdata.tar", EPERM, "its data in another file" },
	{ "vmcrypt.tar", EOPNOTSUPP, "encrypted" },
	{ "vmbits.tar", EINVAL, "damaged" },
	{ "vmfuture.tar", EOPNOTSUPP, "features" },
	{ "badmeta.tar", EINVAL, "unknown architecture \"vax\"" },
	{ "bigmeta.tar", EINVAL, "larger than 1048576" },
	{ "metadir.tar", EINVAL, "not a regular file" },
	{ "tmpl.tar", EINVAL, "no directories" },
	{ "tmplbig.tar", EINVAL, "larger than" },
	{ "emptyname.tar", EINVAL, "no name" },
	{ "emptylink.tar", EINVAL, "without a target" },
	{ "many.tar", EFBIG, "more than 100 files" },
	{ "bytes.tar", ENOSPC, "unpacks to more than the 2 MiB" },
	{ "empty.tar", EINVAL, "no tar archive" },
	{ "zero.tar", EINVAL, "empty" },
	{ "text.tar", EINVAL, "no tar archive" },
	{ "zip.tar", EINVAL, "no tar archive" },
	{ "gz.tar", EINVAL, "no tar archive" },
	{ "cut.tar", EINVAL, "damaged" },
	{ "cut.tar.xz", EINVAL, "" },
	{ "cut.tar.gz", EINVAL, "damaged" },
	{ "flip.tar.xz", EINVAL, "" },
	{ "huge.tar", EINVAL, "damaged" },
	{ NULL, 0, NULL },
};

static char dir[] = "/tmp/instfs-unpack-XXXXXX";

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *f)
{
	return remove(path);
}

static void clear(const char *path)
{
	nftw(path, remove_one, 20, FTW_DEPTH | FTW_PHYS);
}

static int unpack(const char *file, struct unpacked *u, struct err *e)
{
	static const struct unpack_limits limits = { .bytes = 2 << 20, .entries = 100, .ratio = 500, .ids = 65536 };
	_cleanup_close_ int fd = open(file, O_RDONLY | O_CLOEXEC), target = -1;
	struct archive *a;
	int r;

	clear("out");
	mkdir("out", 0700);
	target = open("out", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	a = unpack_open(fd, e);
	if (!a)
		return -e->code;
	r = unpack_archive(a, target, &limits, u, e);
	archive_read_free(a);
	return r;
}

static bool exists(const char *path)
{
	struct stat st;

	return !lstat(path, &st);
}

static void test_hostile(void)
{
	for (const struct row *row = hostile; row->file; row++) {
		struct unpacked u;
		struct err e = ERR_INIT;
		int r = unpack(row->file, &u, &e);

		if (r != -row->code || e.code != row->code || !strstr(e.text, row->words))
			fprintf(stderr, "%s: %d \"%s\", not %d \"%s\"\n", row->file, r, e.text, -row->code, row->words);
		CHECK(r == -row->code && e.code == row->code);
		CHECK(strstr(e.text, row->words));
	}
	CHECK(!exists("evil") && !exists("../evil") && !exists("/evil") && !exists("/tmp/evil") && !exists("out/evil"));
	CHECK(!exists("out/rootfs/evil"));
}

static void check_file(const char *path, const char *content)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	CHECK(buf_read_file(&b, AT_FDCWD, path, 4096) == 0);
	CHECK_STR(buf_str(&b), content);
}

static void check_owner(const char *path, mode_t mode, uid_t uid, gid_t gid)
{
	struct stat st;

	CHECK(!lstat(path, &st));
	if (st.st_mode != mode || st.st_uid != uid || st.st_gid != gid)
		fprintf(stderr, "%s: mode %o owner %u:%u\n", path, st.st_mode, st.st_uid, st.st_gid);
	CHECK(st.st_mode == mode && st.st_uid == uid && st.st_gid == gid);
}

static void test_disks(void)
{
	struct unpacked u;
	struct err e = ERR_INIT;
	struct stat st;

	CHECK(unpack("vm.tar", &u, &e) == 0 && u.has_disk && !u.has_rootfs);
	CHECK_STR(unpacked_type(&u), "virtual-machine");
	metadata_free(&u.metadata);
	CHECK(!stat("out/rootfs.img", &st) && st.st_size == 512);
	check_file("out/kernel", "k");
	/* not the magic number: raw */
	CHECK(unpack("vmraw.tar", &u, &e) == 0 && u.has_disk);
	metadata_free(&u.metadata);
}

/* Everything of good.tar, wherever it was unpacked. */
static void check_good(void)
{
	struct stat st, other;
	char target[64] = "", value[64];

	check_owner("out/rootfs", S_IFDIR | 0711, 0, 0);
	check_owner("out/rootfs/etc/passwd", S_IFREG | 04755, 1, 2);
	check_owner("out/rootfs/etc/fifo", S_IFIFO | 0622, 0, 0);
	CHECK(!stat("out/rootfs/etc", &st) && st.st_mtime == 1500000000);
	CHECK(!stat("out/rootfs/etc/passwd", &st) && st.st_mtime == 1600000000 && st.st_nlink == 2);
	CHECK(!stat("out/rootfs/etc/hard", &other) && other.st_ino == st.st_ino);
	CHECK(readlink("out/rootfs/etc/abs", target, sizeof(target) - 1) == 11);
	CHECK_STR(target, "/etc/shadow");
	CHECK(!exists("out/rootfs/null") && !exists("out/ignored"));
	check_file("out/rootfs/no/parents/file", "abc");
	check_file("out/rootfs/na\xffme", "bytes");
	check_file("out/rootfs/\xc3\xbcml", "utf8");
	check_file("out/rootfs/twice", "second");
	check_file("out/templates/host.tpl", "{{ name }}");
	CHECK(getxattr("out/rootfs/ping", "security.capability", value, sizeof(value)) == 20);
	CHECK(getxattr("out/rootfs/ping", "user.a", value, sizeof(value)) == 1);
	CHECK(getxattr("out/rootfs/ping", "trusted.overlay.opaque", value, sizeof(value)) < 0);
	CHECK(getxattr("out/rootfs/ping", "security.evil", value, sizeof(value)) < 0);
	CHECK(getxattr("out/rootfs/acl", "system.posix_acl_access", value, sizeof(value)) == 4 + 5 * 8);
	CHECK(value[12] == 0x02 && value[16] == 7);
	CHECK(getxattr("out/rootfs/dacl", "system.posix_acl_default", value, sizeof(value)) == 4 + 5 * 8);
	CHECK(getxattr("out/rootfs/dacl/plain", "system.posix_acl_access", value, sizeof(value)) < 0);
}

static void test_good(void)
{
	static const char *const files[] = { "good.tar", "good.tar.xz", "good.tar.gz", "trailing.tar.xz", "lzma.tar" };

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		struct unpacked u;
		struct err e = ERR_INIT;

		CHECK(unpack(files[i], &u, &e) == 0);
		CHECK_STR(e.text, "");
		CHECK(u.devices == 1 && u.has_metadata && u.has_rootfs);
		CHECK_STR(u.metadata.architecture, "x86_64");
		metadata_free(&u.metadata);
		check_good();
	}
}

static void unpacks(const char *file)
{
	struct unpacked u;
	struct err e = ERR_INIT;

	CHECK(unpack(file, &u, &e) == 0);
	CHECK_STR(e.text, "");
	metadata_free(&u.metadata);
}

static void test_shapes(void)
{
	char value[16];
	struct stat st;

	unpacks("dot.tar");
	check_file("out/rootfs/a/b", "1");
	check_file("out/rootfs/c", "1");
	unpacks("gnu.tar");
	unpacks("hard6.tar");
	check_file("out/rootfs/self", "kept");
	unpacks("link6.tar");
	CHECK(!lstat("out/rootfs/a", &st) && S_ISREG(st.st_mode));
	unpacks("trusted.tar");
	CHECK(getxattr("out/rootfs", "trusted.overlay.redirect", value, sizeof(value)) < 0);
}

static void test_bomb(void)
{
	const struct unpack_limits limits = { .ratio = 500, .ids = 65536 };
	_cleanup_close_ int fd = open("bomb.tar.gz", O_RDONLY | O_CLOEXEC);
	struct archive *a = unpack_open(fd, NULL);
	struct unpacked u;
	struct err e = ERR_INIT;

	CHECK(a && unpack_archive(a, -1, &limits, &u, &e) == -EFBIG);
	CHECK(strstr(e.text, "500 times its size"));
	archive_read_free(a);
}

/* ---- the program ---- */

static char program[600];

static int run_program(const char *options, const char *file, struct buf *out)
{
	_cleanup_free_ char *command = NULL;
	FILE *f;
	int r;

	clear("out");
	mkdir("out", 0700);
	if (asprintf(&command, "%s %s out <%s", program, options, file) < 0)
		return -1;
	f = popen(command, "r");
	if (!f)
		return -1;
	r = buf_read_fd(out, fileno(f), 1 << 20);
	return r < 0 ? r : pclose(f);
}

static void test_program(void)
{
	_cleanup_buf_ struct buf out = BUF_INIT;

	CHECK(run_program("", "good.tar.xz", &out) == 0);
	CHECK(strstr(buf_str(&out), "\nfingerprint ") || !strncmp(buf_str(&out), "fingerprint ", 12));
	CHECK(strstr(buf_str(&out), "\"architecture\":\"x86_64\"") && strstr(buf_str(&out), "\"devices\":1"));
	check_good();
}

static void test_program_hostile(void)
{
	for (const struct row *row = hostile; row->file; row++) {
		_cleanup_buf_ struct buf out = BUF_INIT;
		char code[32];

		CHECK(WEXITSTATUS(run_program("--max-bytes=2097152 --max-entries=100", row->file, &out)) == 1);
		snprintf(code, sizeof(code), "{\"errno\":%d,", row->code);
		if (!strstr(buf_str(&out), code))
			fprintf(stderr, "%s: %s", row->file, buf_str(&out));
		CHECK(strstr(buf_str(&out), code));
		CHECK(!strstr(buf_str(&out), "fingerprint "));
	}
	CHECK(!exists("evil") && !exists("/evil") && !exists("/tmp/evil"));
}

/* The fingerprint is of all bytes, those behind the end of the archive included. */
static void test_program_fingerprint(void)
{
	static const char *const files[] = { "good.tar", "good.tar.gz", "trailing.tar.xz" };

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		_cleanup_buf_ struct buf out = BUF_INIT, sum = BUF_INIT;
		char command[100];
		FILE *f;

		CHECK(run_program("", files[i], &out) == 0);
		snprintf(command, sizeof(command), "sha256sum <%s", files[i]);
		f = popen(command, "r");
		CHECK(f && buf_read_fd(&sum, fileno(f), 1000) == 0);
		pclose(f);
		buf_resize(&sum, 64);
		CHECK(strstr(buf_str(&out), buf_str(&sum)));
	}
}

static bool find_program(void)
{
	ssize_t n = readlink("/proc/self/exe", program, sizeof(program) - 20);

	if (n < 0)
		return false;
	program[n] = '\0';
	strcpy(strrchr(program, '/') + 1, "instfs-unpack");
	return !access(program, X_OK);
}

static bool make_archives(void)
{
	FILE *f = fopen("make.py", "w");

	if (!f)
		return false;
	fputs(maker, f);
	fclose(f);
	return system("PYTHONUTF8=1 python3 make.py") == 0;
}

int main(void)
{
	if (geteuid()) {
		printf("root is needed to give files to others\n");
		return 77;
	}
	umask(022);
	setlocale(LC_CTYPE, "C.UTF-8");
	if (!find_program())
		program[0] = '\0';
	if (!mkdtemp(dir) || chdir(dir) < 0 || !make_archives())
		return 77;
	test_hostile();
	test_disks();
	test_good();
	test_shapes();
	test_bomb();
	if (program[0]) {
		test_program();
		test_program_hostile();
		test_program_fingerprint();
	}
	if (chdir("/") == 0)
		clear(dir);
	return UNIT_END();
}
