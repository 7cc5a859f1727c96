// SPDX-License-Identifier: LGPL-2.1-or-later
/* instfs-lxc: see helper.h. Here: the choice of the task, and what several tasks need. */
#include "backends/lxc/helper.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include <lxc/lxccontainer.h>

static char *title;		/* where the kernel reads the command line from */
static size_t title_size;

void helper_title(const char *fmt, const char *name)
{
	char text[256];

	snprintf(text, sizeof(text), fmt, name);
	if (strlen(text) >= title_size)
		text[title_size - 1] = '\0';
	memset(title, 0, title_size);
	strcpy(title, text);
	prctl(PR_SET_NAME, "instfs-lxc", 0, 0, 0);
}

static int usage(void)
{
	fputs("usage: instfs-lxc start DIR NAME\n       instfs-lxc exec DIR NAME EXECDIR\n", stderr);
	return 2;
}

/* Tasks that end at once. */
static const struct {
	const char *name;
	int n_args;
	int (*run)(char *const *args);
} tasks[] = {
	{ "device", 4, helper_device },
	{ "mount", 6, helper_mount },
	{ "unmount", 4, helper_unmount },
};

int main(int argc, char **argv)
{
	char *args[5] = { NULL };
	struct helper h;

	if (argc == 2 && !strcmp(argv[1], "version"))
		return puts(lxc_get_version()) < 0;
	if (argc >= 4 && argc % 2 == 0 && !strcmp(argv[1], "mounts"))
		return helper_mounts(argc - 2, argv + 2);
	for (size_t i = 0; i < sizeof(tasks) / sizeof(*tasks); i++)
		if (argc > 1 && !strcmp(argv[1], tasks[i].name))
			return argc == 2 + tasks[i].n_args ? tasks[i].run(argv + 2) : usage();
	if (argc < 4 || argc > 5)
		return usage();
	for (int i = 0; i < argc; i++) {
		args[i] = strdup(argv[i]);
		if (!args[i])
			return 1;
	}
	title = argv[0];
	title_size = argv[argc - 1] + strlen(argv[argc - 1]) - argv[0];
	umask(0022);
	h = (struct helper) { .dir = args[2], .name = args[3] };
	if (!strcmp(args[1], "start") && argc == 4)
		return helper_start(&h);
	if (!strcmp(args[1], "exec") && argc == 5)
		return helper_exec(&h, args[4]);
	return usage();
}
