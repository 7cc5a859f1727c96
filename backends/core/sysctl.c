// SPDX-License-Identifier: LGPL-2.1-or-later
/* Parameters of the kernel: see sysctl.h. Constant data only. */
#include "backends/core/sysctl.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* By namespace: net, ipc, user. A '*' at the end stands for at least one character. */
static const char *const own[] = {
	"net.ipv4.*", "net.ipv6.*", "net.netfilter.*", "net.unix.*", "net.mptcp.*", "net.sctp.*", "net.bridge.*",
	"net.core.somaxconn", "net.core.optmem_max", "net.core.txrehash", "net.core.xfrm_*", "net.core.rmem_default", "net.core.rmem_max",
	"net.core.wmem_default", "net.core.wmem_max",
	"kernel.shmall", "kernel.shmmax", "kernel.shmmni", "kernel.shm_rmid_forced", "kernel.shm_next_id",
	"kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.msg_next_id", "kernel.sem", "kernel.sem_next_id",
	"kernel.auto_msgmni", "kernel.domainname", "fs.mqueue.*", "user.max_*",
};

/* Below a namespace by name, and yet the host's. */
static const char *const shared[] = {
	"net.ipv4.tcp_mem", "net.ipv4.udp_mem", "net.ipv4.tcp_allowed_congestion_control", "net.ipv4.tcp_available_congestion_control",
	"net.ipv4.tcp_available_ulp", "net.ipv4.tcp_low_latency", "net.ipv4.tcp_max_orphans", "net.ipv4.inet_peer_*",
	"net.ipv4.cipso_*", "net.ipv6.calipso_*",
};

static bool is_in(const char *const *list, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(list[i]);

		if (list[i][len - 1] == '*' ? !strncmp(list[i], name, len - 1) && name[len - 1] : !strcmp(list[i], name))
			return true;
	}
	return false;
}

int sysctl_check_name(const char *name, struct err *e)
{
	if (strstr(name, "..") || *name == '.' || name[strlen(name) - 1] == '.')
		return err_set(e, EINVAL, "\"%.100s\" is not the name of a parameter of the kernel; right is net.ipv4.ip_forward", name);
	if (!strcmp(name, "kernel.hostname"))
		return err_set(e, EPERM, "the host name of an instance is its name");
	if (is_in(own, sizeof(own) / sizeof(*own), name) && !is_in(shared, sizeof(shared) / sizeof(*shared), name))
		return 0;
	return err_set(e, EPERM, "%.100s is one for the whole host, an instance cannot have its own; it can have net.*, kernel.shm*, "
		       "kernel.msg*, kernel.sem, fs.mqueue.*, user.max_*", name);
}
