// SPDX-License-Identifier: LGPL-2.1-or-later
/* instfs-mkimage: makes and examines images. */
#include <errno.h>
#include <getopt.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "backends/core/buf.h"
#include "backends/core/cleanup.h"
#include "backends/core/value.h"
#include "mkimage/busybox.h"
#include "mkimage/check.h"
#include "mkimage/machine.h"

static const char usage[] =
	"usage: instfs-mkimage busybox [--arch=ARCH] [--busybox=FILE] OUT\n"
	"       instfs-mkimage vm [--kernel=FILE] [--modules=DIRECTORY] [--busybox=FILE] OUT\n"
	"       instfs-mkimage check FILE\n"
	"\n"
	"busybox  writes a small bootable image of a container, made of a static busybox (the\n"
	"         host's /bin/busybox unless --busybox names one). Its compression follows the\n"
	"         name OUT: .tar, .tar.gz, .tar.bz2, .tar.xz, .tar.lzma, .tar.zst or .tar.lz4.\n"
	"         Neither root nor network are needed. With SOURCE_DATE_EPOCH in the environment\n"
	"         the same busybox gives the same bytes.\n"
	"vm       the same as a virtual machine: the kernel that runs here (/boot/vmlinuz-RELEASE,\n"
	"         /lib/modules/RELEASE) unless others are named, and a disk on which it counts\n"
	"         its boots.\n"
	"check    reads an image, says what is in it, and whether it could be used.\n"
	"\n"
	"To use an image: mkdir images/NAME, then cp FILE images/NAME/image.\n";

static int build_time(int64_t *ret, struct err *e)
{
	const char *epoch = getenv("SOURCE_DATE_EPOCH");

	*ret = (int64_t)time(NULL);
	if (!epoch)
		return 0;
	if (value_int(epoch, 1, INT64_C(1) << 33, ret, NULL) < 0)
		return err_set(e, EINVAL, "SOURCE_DATE_EPOCH is \"%s\", not a number of seconds since 1970", epoch);
	return 0;
}

/* The same options for both kinds; those of the other kind are not known. */
static int run_make(int argc, char **argv, bool vm, struct err *e)
{
	static const struct option options[] = {
		{ "arch", required_argument, NULL, 'a' }, { "busybox", required_argument, NULL, 'b' },
		{ "kernel", required_argument, NULL, 'k' }, { "modules", required_argument, NULL, 'm' }, { NULL, 0, NULL, 0 },
	};
	struct machine_options o = { .kernel = NULL };
	int c, r;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'a' && !vm)
			o.busybox.arch = optarg;
		else if (c == 'b')
			o.busybox.binary = optarg;
		else if (c == 'k' && vm)
			o.kernel = optarg;
		else if (c == 'm' && vm)
			o.modules = optarg;
		else
			return 2;
	}
	if (optind + 1 != argc)
		return 2;
	o.busybox.out = argv[optind];
	r = build_time(&o.busybox.time, e);
	if (r < 0)
		return r;
	return vm ? machine_build(&o, e) : busybox_build(&o.busybox, e);
}

static int run_check(int argc, char **argv, struct err *e)
{
	_cleanup_buf_ struct buf out = BUF_INIT;
	int r;

	if (argc != 2 || argv[1][0] == '-')
		return 2;
	r = check_image(argv[1], &out, e);
	fputs(buf_str(&out), stdout);
	return r < 0 ? r : fflush(stdout) ? err_sys(e, errno, "cannot write the result") : 0;
}

int main(int argc, char **argv)
{
	struct err e = ERR_INIT;
	int r = 2;

	setlocale(LC_CTYPE, "C.UTF-8");
	if (argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
		fputs(usage, stdout);
		return 0;
	}
	if (argc > 1 && !strcmp(argv[1], "--version")) {
		puts("instfs-mkimage " INSTFS_VERSION);
		return 0;
	}
	if (argc > 1 && (!strcmp(argv[1], "busybox") || !strcmp(argv[1], "vm")))
		r = run_make(argc - 1, argv + 1, !strcmp(argv[1], "vm"), &e);
	else if (argc > 1 && !strcmp(argv[1], "check"))
		r = run_check(argc - 1, argv + 1, &e);
	else if (argc > 1)
		fprintf(stderr, "instfs-mkimage: there is no command \"%s\"\n", argv[1]);
	if (r == 2)
		fputs(usage, stderr);
	if (r < 0)
		fprintf(stderr, "instfs-mkimage: %s\n", e.text);
	return r < 0 ? 1 : r;
}
