// SPDX-License-Identifier: LGPL-2.1-or-later
/* The leases of a network: what dnsmasq gave, and what is set for nics. Both are read each time. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "backends/core/cleanup.h"
#include "backends/core/object.h"
#include "backends/core/value.h"
#include "backends/network/dnsmasq.h"

#define FILE_MAX (4u << 20)

struct lease {
	char address[NET_ADDRESS_SIZE], mac[64], name[128];
	long long expires;	/* 0: never */
	bool is_static;
};

struct leases {
	struct lease *v;
	size_t n, cap;
};

static struct lease *add(struct leases *l)
{
	if (l->n == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 32;
		struct lease *more = reallocarray(l->v, cap, sizeof(*more));

		if (!more)
			return NULL;
		l->v = more;
		l->cap = cap;
	}
	memset(&l->v[l->n], 0, sizeof(l->v[0]));
	return &l->v[l->n++];
}

/* "1700000000 00:16:3e:01:02:03 10.0.0.5 name client-id"; IPv6 has the association's number instead of the MAC address. */
static void read_lease(struct leases *l, const char *line)
{
	struct lease x = { .is_static = false }, *new;
	struct net_address a;

	if (sscanf(line, "%lld %63s %63s %127s", &x.expires, x.mac, x.address, x.name) != 4)
		return;
	if (net_parse_host(x.address, AF_INET, &a, NULL) < 0 && net_parse_host(x.address, AF_INET6, &a, NULL) < 0)
		return;
	if (!strchr(x.mac, ':'))
		strcpy(x.mac, "-");
	if (!strcmp(x.name, "*"))
		strcpy(x.name, "-");
	new = add(l);
	if (new)
		*new = x;
}

/* "MAC,10.0.0.5,[fd42::5],name" */
static void read_host(struct leases *l, const char *line)
{
	char copy[256], *save = NULL, *mac, *word, *name = NULL;
	size_t first = l->n;

	snprintf(copy, sizeof(copy), "%s", line);
	mac = strtok_r(copy, ",", &save);
	while (mac && (word = strtok_r(NULL, ",", &save))) {
		struct net_address a;
		struct lease *x;

		if (*word == '[')
			word[strlen(word) - 1] = '\0', word++;
		if (net_parse_host(word, AF_INET, &a, NULL) < 0 && net_parse_host(word, AF_INET6, &a, NULL) < 0) {
			name = word;
			continue;
		}
		x = add(l);
		if (!x)
			return;
		x->is_static = true;
		snprintf(x->mac, sizeof(x->mac), "%s", mac);
		snprintf(x->address, sizeof(x->address), "%s", word);
	}
	for (; first < l->n; first++)
		snprintf(l->v[first].name, sizeof(l->v[first].name), "%s", name ? name : "-");
}

static void each_line(struct leases *l, int dirfd, const char *path, void (*f)(struct leases *l, const char *line))
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	if (buf_read_file(&b, dirfd, path, FILE_MAX) < 0)
		return;
	for (char *line = b.data, *next; line && *line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		f(l, line);
	}
}

static void read_hosts(struct leases *l, const struct network_config *c)
{
	char path[256];
	_cleanup_dir_ DIR *d = NULL;
	const struct dirent *ent;

	dnsmasq_dir(c->name, path, sizeof(path));
	strcat(path, "/hosts");
	d = opendir(path);
	while (d && (ent = readdir(d)))
		if (ent->d_name[0] != '.')
			each_line(l, dirfd(d), ent->d_name, read_host);
}

/* A static one is in dnsmasq's file too once it was asked for: it is one lease, of both. */
static void merge(struct leases *l)
{
	for (size_t i = 0; i < l->n; i++)
		for (size_t j = i + 1; l->v[i].is_static && j < l->n;) {
			if (l->v[j].is_static || strcmp(l->v[i].address, l->v[j].address) != 0) {
				j++;
				continue;
			}
			l->v[i].expires = l->v[j].expires;
			l->v[j] = l->v[--l->n];
		}
}

static int by_address(const void *a, const void *b)
{
	const struct lease *x = a, *y = b;
	struct net_address p, q;
	bool x4 = net_parse_host(x->address, AF_INET, &p, NULL) == 0, y4 = net_parse_host(y->address, AF_INET, &q, NULL) == 0;

	if (x4 != y4)
		return x4 ? -1 : 1;
	return x4 ? memcmp(p.bytes, q.bytes, 4) : strcmp(x->address, y->address);
}

int dnsmasq_leases(const struct network_config *c, struct buf *out, struct err *e)
{
	struct leases l = { .n = 0 };
	char path[512];

	read_hosts(&l, c);
	snprintf(path, sizeof(path), "networks/%s/dnsmasq.leases", c->name);
	each_line(&l, model_dirfd(), path, read_lease);
	merge(&l);
	if (l.n)
		qsort(l.v, l.n, sizeof(*l.v), by_address);
	for (size_t i = 0; i < l.n; i++) {
		const struct lease *x = &l.v[i];

		buf_addf(out, "%s %s %s %s ", x->address, x->mac, x->name, x->is_static ? "static" : "dynamic");
		if (x->expires)
			value_print_time(out, (time_t)x->expires);
		else
			buf_addch(out, '-');
		buf_addch(out, '\n');
	}
	free(l.v);
	return 0;
}
