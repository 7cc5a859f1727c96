// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What liblxc cannot do for us. A filter over system calls of other architectures (security.syscalls.deny_compat): liblxc 5 adds
 * rules of a section for one architecture to all of them, so that it is installed here, before liblxc starts or attaches anything,
 * and inherited. And limits of commands: liblxc would give those of the start, while init may have been given others since.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <lxc/lxccontainer.h>

#include "backends/core/rlimit.h"
#include "backends/lxc/helper.h"

#ifdef __x86_64__
#define X32_BIT 0x40000000u

static int filter(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 0, 2),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = sizeof(code) / sizeof(*code), .filter = code };

	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0);
}
#else
static int filter(void)
{
	return 0;
}
#endif

int helper_deny_compat(const struct helper *h)
{
	char path[600];

	snprintf(path, sizeof(path), "%s/%s/deny-compat", h->dir, h->name);
	return access(path, F_OK) < 0 ? 0 : filter();
}

static bool text_of(rlim_t v, char *buf, size_t size)
{
	int n = v == RLIM_INFINITY ? snprintf(buf, size, "unlimited") : snprintf(buf, size, "%llu", (unsigned long long)v);

	return n > 0 && (size_t)n < size;
}

/* Of init, where they are not this process's own: setting what is there already could need a privilege for nothing. */
void helper_limits_of_init(struct lxc_container *c)
{
	pid_t init = c->init_pid(c);
	const struct rlimit_name *n;

	c->clear_config_item(c, "lxc.prlimit");
	for (int i = 0; (n = rlimit_by_index(i)); i++) {
		struct rlimit own, of_init;
		char key[64], value[64], hard[24];

		if (prlimit(init, (enum __rlimit_resource)n->resource, NULL, &of_init) < 0 ||
		    prlimit(0, (enum __rlimit_resource)n->resource, NULL, &own) < 0 ||
		    (own.rlim_cur == of_init.rlim_cur && own.rlim_max == of_init.rlim_max))
			continue;
		snprintf(key, sizeof(key), "lxc.prlimit.%s", n->name);
		if (text_of(of_init.rlim_cur, value, 24) && text_of(of_init.rlim_max, hard, sizeof(hard))) {
			snprintf(value + strlen(value), sizeof(value) - strlen(value), ":%s", hard);
			c->set_config_item(c, key, value);
		}
	}
}
