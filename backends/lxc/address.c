// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Addresses of a container, asked of the kernel by netlink. A socket belongs to the network namespace of the thread that makes
 * it, so this thread is in the container's for the length of one socket(); nothing else is ever done there.
 */
#include "backends/lxc/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "backends/core/cleanup.h"

#define IFINDEX_MAX 256
#define NAME_SIZE 16

struct names {
	struct { int index; char name[NAME_SIZE]; } list[IFINDEX_MAX];
	size_t n;
};

static int socket_in(int pidfd, struct err *e)
{
	_cleanup_close_ int own = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	int fd, r;

	if (own < 0)
		return err_sys(e, errno, "/proc/thread-self/ns/net");
	if (setns(pidfd, CLONE_NEWNET) < 0)
		return err_sys(e, errno, "the network of the instance");
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	r = errno;
	/* cannot fail: the namespace exists and we came from it */
	while (setns(own, CLONE_NEWNET) < 0)
		usleep(1000);
	return fd < 0 ? err_sys(e, r, "the network of the instance") : fd;
}

/* Asks for all of a kind and calls f for each message. */
static int dump(int fd, int type, void (*f)(const struct nlmsghdr *h, void *arg), void *arg)
{
	struct { struct nlmsghdr h; struct rtgenmsg g; } ask = { .h = { .nlmsg_len = sizeof(ask), .nlmsg_type = (uint16_t)type,
									.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP } };
	_Alignas(struct nlmsghdr) char answer[32768];

	if (send(fd, &ask, sizeof(ask), 0) < 0)
		return -errno;
	for (;;) {
		ssize_t n = recv(fd, answer, sizeof(answer), 0);
		const struct nlmsghdr *h = (const struct nlmsghdr *)answer;
		size_t left = n > 0 ? (size_t)n : 0;

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		for (; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left)) {
			if (h->nlmsg_type == NLMSG_DONE)
				return 0;
			if (h->nlmsg_type == NLMSG_ERROR)
				return ((const struct nlmsgerr *)NLMSG_DATA(h))->error;
			f(h, arg);
		}
	}
}

static void take_link(const struct nlmsghdr *h, void *arg)
{
	struct names *names = arg;
	const struct ifinfomsg *m = NLMSG_DATA(h);
	const struct rtattr *a = IFLA_RTA(m);
	size_t left = IFLA_PAYLOAD(h);

	for (; RTA_OK(a, left) && names->n < IFINDEX_MAX; a = RTA_NEXT(a, left)) {
		if (a->rta_type != IFLA_IFNAME)
			continue;
		names->list[names->n].index = m->ifi_index;
		snprintf(names->list[names->n++].name, NAME_SIZE, "%s", (const char *)RTA_DATA(a));
	}
}

struct printer {
	const struct names *names;
	struct buf *out;
};

static void take_address(const struct nlmsghdr *h, void *arg)
{
	struct printer *p = arg;
	const struct ifaddrmsg *m = NLMSG_DATA(h);
	const struct rtattr *a = IFA_RTA(m);
	size_t left = IFA_PAYLOAD(h);
	const void *address = NULL;
	char text[INET6_ADDRSTRLEN];

	if (m->ifa_family != AF_INET && m->ifa_family != AF_INET6)
		return;
	/* on point-to-point links IFA_ADDRESS is the other side's */
	for (; RTA_OK(a, left); a = RTA_NEXT(a, left))
		if (a->rta_type == IFA_LOCAL || (a->rta_type == IFA_ADDRESS && !address))
			address = RTA_DATA(a);
	if (!address || !inet_ntop(m->ifa_family, address, text, sizeof(text)))
		return;
	for (size_t i = 0; i < p->names->n; i++)
		if (p->names->list[i].index == (int)m->ifa_index)
			buf_addf(p->out, "%s %s %s/%d\n", p->names->list[i].name, m->ifa_family == AF_INET ? "inet" : "inet6", text,
				 m->ifa_prefixlen);
}

int address_list(int pidfd, struct buf *out, struct err *e)
{
	_cleanup_close_ int fd = socket_in(pidfd, e);
	struct names names = { .n = 0 };
	struct printer p = { .names = &names, .out = out };
	int r;

	if (fd < 0)
		return fd;
	r = dump(fd, RTM_GETLINK, take_link, &names);
	if (r == 0)
		r = dump(fd, RTM_GETADDR, take_address, &p);
	return r < 0 ? err_sys(e, -r, "the addresses of the instance") : 0;
}
