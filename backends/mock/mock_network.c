// SPDX-License-Identifier: LGPL-2.1-or-later
/* Networks that nothing is done for: the tree can be tested without touching the host's. No state. */
#include "backends/mock/mock.h"

#include <arpa/inet.h>
#include <string.h>

static int probe(struct buf *version, struct err *e)
{
	return 0;
}

static bool exists(const char *name)
{
	return false;
}

static int apply(const struct network_config *c, const struct network_config *before, struct err *e)
{
	return 0;
}

static int adopt(const struct network_config *c, struct err *e)
{
	return 0;
}

static int drop(const struct network_config *c, struct err *e)
{
	return 0;
}

static int pick(int family, struct net_address *ret, struct err *e)
{
	return net_parse_subnet(family == AF_INET ? "10.99.0.1/24" : "fd42:99::1/64", family, ret, e);
}

static int conflict(const struct network_config *c, const struct net_address *a, struct err *e)
{
	return 0;
}

static int hosts(const struct network_config *c, uint32_t instance, const char *hostname, const struct network_nic *nics, size_t n,
		 struct err *e)
{
	return 0;
}

static int leases(const struct network_config *c, struct buf *out, struct err *e)
{
	return 0;
}

static int state(const struct network_config *c, struct buf *out, struct err *e)
{
	buf_addf(out, "status up\nhwaddr %s\nmtu %u\nports\n", c->hwaddr, c->mtu);
	return 0;
}

const struct network_ops mock_network = {
	.name = "mock", .probe = probe, .exists = exists, .apply = apply, .adopt = adopt, .remove = drop, .pick = pick,
	.conflict = conflict, .hosts = hosts, .leases = leases, .state = state,
};
