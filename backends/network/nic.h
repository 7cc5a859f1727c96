/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Nics of instances on the host: interfaces, ports of bridges, rates, filters, routes. What is made is a pair: the host's end, with
 * everything that is enforced, and the end that the instance gets (`peer`), moved there by whoever starts it.
 *
 * Names are computed of the store, the instance and the device, so that what a killed daemon began can be found without a record.
 * Nothing is kept here; callers see to it that two of them do not work on one nic.
 */
#pragma once

#include "backends/core/value_net.h"

enum nic_kind { NIC_BRIDGED, NIC_MACVLAN, NIC_PHYSICAL, NIC_P2P, NIC_ROUTED };

struct nic {
	enum nic_kind kind;
	char parent[NET_NAME_MAX + 1];	/* bridge or interface of the host, "" when there is none */
	char host[NET_NAME_MAX + 1];	/* the host's end, "" for kinds that have none */
	char peer[NET_NAME_MAX + 1];	/* what the instance gets, by its name on the host; of NIC_PHYSICAL the parent */
	char ifb[NET_NAME_MAX + 1];	/* where what comes from the instance is shaped */
	char hwaddr[NET_MAC_SIZE];
	char mode[16];			/* of macvlan */
	unsigned mtu, txqueue;		/* 0: as it is */
	int vlan;			/* -1: none */
	uint64_t ingress, egress;	/* bits per second into and out of the instance, 0: no limit */
	bool has_priority;
	uint32_t priority;
	bool mac_filter, ip4_filter, ip6_filter, isolated, connected;
	char ip4[1024], ip6[1024];	/* static addresses, with commas between them */
	char routes4[1024], routes6[1024];
	bool gateway4, gateway6;	/* NIC_ROUTED: the instance's default route goes here */
	char host4[NET_ADDRESS_SIZE], host6[NET_ADDRESS_SIZE];	/* NIC_ROUTED: the host's addresses for it */
};

/* What the text of a device says; it was checked. hwaddr may be left empty by it. */
void nic_parse(uint32_t instance, const char *device, const char *text, size_t len, struct nic *ret);

/* What names on the host are made of: a number that only this device of this instance of this store has. */
uint32_t nic_number(uint32_t instance, const char *device);

/* Makes it, host's end up. What there is of its own names is replaced. On failure nothing is left. */
int nic_make(const struct nic *n, struct err *e);
/* NIC_PHYSICAL: the address and size that the interface has of its own, to be given back to it. Others: "" and 0. */
void nic_original(const struct nic *n, char hwaddr[NET_MAC_SIZE], unsigned *mtu);
int nic_restore(const struct nic *n, const char *hwaddr, unsigned mtu, struct err *e);
/* Rates, filters, routes and isolation as in n instead of those in before. On failure those in before are in force. */
int nic_change(const struct nic *n, const struct nic *before, struct err *e);
/* Takes it away, wherever it is. Not there: success. Of NIC_MACVLAN and NIC_PHYSICAL in an instance see nic_take_out(). */
int nic_remove(const struct nic *n, struct err *e);

/* Makes something else of the name n->peer where there is nothing: whoever moves it into an instance finds it. Of NIC_PHYSICAL that
 * is an interface of the host's, which is there. */
int nic_hold(const struct nic *n, struct err *e);

/* Gives it to the network namespace of a process, under that name, up, with its addresses when the kind has them. */
int nic_hand_over(const struct nic *n, pid_t init, const char *name, struct err *e);
/* Gives NIC_ROUTED in a running instance its addresses and routes. */
int nic_address_inside(const struct nic *n, pid_t init, const char *name, struct err *e);
/* The addresses inside of NIC_ROUTED as in n instead of those in before. */
int nic_change_inside(const struct nic *n, const struct nic *before, pid_t init, const char *name, struct err *e);
/* Takes what has no end on the host out of a running instance again. */
int nic_take_out(const struct nic *n, pid_t init, const char *name, struct err *e);

/* ---- texts, for the above and their tests ---- */
struct buf;

void nic_print_links(const struct nic *n, struct buf *ip);
void nic_print_port(const struct nic *n, struct buf *ip);		/* enslaved, isolated, up */
void nic_print_routes(const struct nic *n, const struct nic *before, struct buf *ip);
/* tc lines; before NULL: fresh interfaces. */
void nic_print_rates(const struct nic *n, const struct nic *before, struct buf *tc);
bool nic_has_filter(const struct nic *n);
/* The nft tables of the nic, replaced; only their removal when it has no filter. */
void nic_print_filter(const struct nic *n, struct buf *nft);
