/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * DHCP and DNS of a network: one dnsmasq per network, that runs as a user without rights, survives the daemon, is found again by pid
 * and start time, and is started anew when it dies.
 *
 * Files: RUNDIR/networks/NAME/ has dnsmasq.conf, dnsmasq.log, dnsmasq.pid and hosts/ID per instance; the leases are with the
 * network's object in the store. One lock per network, a leaf but for what the model takes when a failure is told.
 */
#pragma once

#include "backends/core/network.h"

/* Directory of the network's files on tmpfs. */
void dnsmasq_dir(const char *network, char *buf, size_t size);
/* Whether there is anything for it to do. */
bool dnsmasq_wanted(const struct network_config *c);
/* Its configuration file. user: whom it becomes. */
void dnsmasq_print(const struct network_config *c, const char *user, struct buf *out);

/* Runs with that configuration, restarted when it was another one, ended when nothing is wanted. */
int dnsmasq_apply(const struct network_config *c, struct err *e);
/* After a restart of the daemon: watched again, started when it is not there. */
int dnsmasq_adopt(const struct network_config *c, struct err *e);
void dnsmasq_end(const struct network_config *c);
/* 0: it does not run. */
pid_t dnsmasq_pid(const struct network_config *c);

int dnsmasq_hosts(const struct network_config *c, uint32_t instance, const char *hostname, const struct network_nic *nics, size_t n,
		  struct err *e);
int dnsmasq_leases(const struct network_config *c, struct buf *out, struct err *e);
