/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Managed networks: objects of networks/ whose name is that of a bridge on the host, and the driver that makes the host agree
 * with them. A change is checked, applied by the driver, then saved; when one fails everything is as before.
 *
 * Locks: changes come in through config.c, which holds its lock against every other change of configuration, then o->change.
 */
#pragma once

#include "backends/core/config.h"
#include "backends/core/value_net.h"

enum network_dns { NETWORK_DNS_MANAGED, NETWORK_DNS_DYNAMIC, NETWORK_DNS_NONE };

/* One family of addresses of a network. */
struct network_family {
	struct net_address address;	/* family 0: none */
	bool dhcp, nat, firewall, stateful;
	uint64_t expiry;		/* of leases, seconds */
};

/* What a network is to be, from its keys. */
struct network_config {
	char name[NET_NAME_MAX + 1];
	uint32_t id;			/* of the object */
	struct network_family ip4, ip6;
	char ranges[4097];		/* ipv4.dhcp.ranges or "" */
	char hwaddr[NET_MAC_SIZE];
	unsigned mtu;
	char domain[256];
	enum network_dns dns;
	char external[4097];		/* bridge.external_interfaces or "" */
	char *raw;			/* raw.dnsmasq or NULL */
};

void network_config_free(struct network_config *c);
#define _cleanup_network_config_ __attribute__((cleanup(network_config_free)))

/* From the object's entries, as they would be after the changes (n may be 0). The caller holds no lock of the object. */
int network_config_load(struct object *o, const struct entry_change *changes, size_t n, struct network_config *ret, struct err *e);
/* What must fit together: ranges in the subnet, prefixes, nothing of another network. */
int network_config_check(const struct network_config *c, struct err *e);

/* A nic that is, or would be, on a network: from the text of a device. */
struct network_nic {
	char network[NET_NAME_MAX + 1];	/* the managed network, "" when it is on none */
	char hwaddr[NET_MAC_SIZE];	/* "" when none is set */
	struct net_address ip4, ip6;	/* static ones; family 0: none */
	bool filter4, filter6;		/* addresses are enforced: no DHCP is needed to make them known */
};

#define NETWORK_NICS_MAX 64		/* of one instance on one network */

/* False: the device is no nic. */
bool network_nic_parse(const char *text, size_t len, struct network_nic *ret);
/* The address of a nic that sets none: kept in volatile/DEVICE.hwaddr, made when there is none yet. */
int network_nic_hwaddr(struct object *inst, const char *device, char buf[NET_MAC_SIZE], struct err *e);

/* ---- the driver ---- */
struct network_ops {
	const char *name;
	/* Adds lines to the file `version`, of the programs that it found. */
	int (*probe)(struct buf *version, struct err *e);
	/* Whether the host has an interface of that name. */
	bool (*exists)(const char *name);
	/*
	 * Makes the host agree with c, whatever it finds there; before is what was applied last (NULL: nothing). On failure the
	 * caller applies before again, or removes.
	 */
	int (*apply)(const struct network_config *c, const struct network_config *before, struct err *e);
	/* At start of a server: cheap when everything stands as an earlier server left it (0), else as apply; then 1 is returned,
	 * and no hosts are known. */
	int (*adopt)(const struct network_config *c, struct err *e);
	int (*remove)(const struct network_config *c, struct err *e);
	/* A subnet of that family that nothing on the host uses. */
	int (*pick)(int family, struct net_address *ret, struct err *e);
	/* EEXIST when an interface other than that bridge, or a route, has the subnet already. */
	int (*conflict)(const struct network_config *c, const struct net_address *a, struct err *e);
	/* Names and static addresses: the nics with known hwaddr that the instance has on it. None: it is forgotten. */
	int (*hosts)(const struct network_config *c, uint32_t instance, const char *hostname, const struct network_nic *nics, size_t n,
		     struct err *e);
	int (*leases)(const struct network_config *c, struct buf *out, struct err *e);
	int (*state)(const struct network_config *c, struct buf *out, struct err *e);
};

/* list ends with NULL; the one of that name is used, or the first. After model_open(). */
int network_init(const struct network_ops *const *list, const char *name, struct buf *version, struct err *e);
const struct network_ops *network_driver(void);

/* At start of a server, before instances are adopted: brings up what is missing. A failure is told in the network's `error`. */
void network_adopt_all(void);

/* ---- objects ---- */
int network_create(const char *name, const struct meta *m, struct object **ret, struct err *e);
/* EBUSY while an instance or profile uses it. */
int network_remove(struct object *o, struct err *e);
int network_rename(struct object *o, const char *new_name, struct err *e);
/* Checked entries of a network, for config.c: applied and saved together, or nothing. what: CHANGED_*; dry: check only. */
int network_change(struct object *o, const struct entry_change *c, size_t n, unsigned what, bool dry, struct err *e);

/* Instances with a device on it: f(id, name), as object_each(). */
int network_each_user(struct object *network, int (*f)(uint32_t id, const char *name, void *arg), void *arg);

/* Whether the nics of an instance, as expanded, can be: networks exist, static addresses fit and are nobody else's. */
int network_check_instance(struct object *inst, const struct expanded *x, struct err *e);
/* Whether the nics of all users fit to the network as it is to become. */
int network_check_users(struct object *network, const struct network_config *c, struct err *e);
/* The nics or the name of an instance changed, or it is gone: tells the DHCP and DNS of all networks. Costs nothing without any. */
void network_note_instance(struct object *inst);

int network_print_leases(struct object *o, struct buf *out, struct err *e);
int network_print_state(struct object *o, struct buf *out, struct err *e);
