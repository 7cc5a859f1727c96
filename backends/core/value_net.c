// SPDX-License-Identifier: LGPL-2.1-or-later
/* Parsers and printers of addresses and names of networks. No state. */
#include "backends/core/value_net.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#define WORD_MAX 128
#define RATE_MIN 8000u		/* bits per second; less is no network */

static unsigned bits(int family)
{
	return family == AF_INET6 ? 128 : 32;
}

static const char *kind(int family)
{
	return family == AF_INET6 ? "an IPv6 address like fd42:1:2:3::1" : "an IPv4 address like 10.0.0.1";
}

static const char *subnet_kind(int family)
{
	return family == AF_INET6 ? "fd42:1:2:3::1/64" : "10.0.0.1/24";
}

/* ---- addresses ---- */

int net_parse_host(const char *s, int family, struct net_address *ret, struct err *e)
{
	struct net_address a = { .family = family, .prefix = bits(family) };

	if (inet_pton(family, s, a.bytes) != 1)
		return err_set(e, EINVAL, "\"%.64s\" is not %s", s, kind(family));
	*ret = a;
	return 0;
}

static int parse_prefixed(const char *s, int family, struct net_address *ret, struct err *e)
{
	const char *slash = strchr(s, '/');
	char text[WORD_MAX];
	unsigned long prefix = 0;
	struct net_address a;
	int r;

	if (!slash || (size_t)(slash - s) >= sizeof(text))
		return err_set(e, EINVAL, "\"%.64s\" is not an address with a prefix, like %s", s, subnet_kind(family));
	snprintf(text, sizeof(text), "%.*s", (int)(slash - s), s);
	r = net_parse_host(text, family, &a, e);
	if (r < 0)
		return r;
	for (const char *p = slash + 1; *p; p++) {
		if (!isdigit((unsigned char)*p) || p > slash + 3)
			return err_set(e, EINVAL, "\"%.64s\": the prefix is not a number of bits", s);
		prefix = prefix * 10 + (unsigned long)(*p - '0');
	}
	if (!slash[1] || prefix > bits(family))
		return err_set(e, EINVAL, "\"%.64s\": a prefix is 0 to %u bits long", s, bits(family));
	a.prefix = (unsigned)prefix;
	*ret = a;
	return 0;
}

/* Sets or clears all bits behind the prefix. */
static struct net_address fill(const struct net_address *a, bool ones)
{
	struct net_address r = *a;

	for (unsigned i = a->prefix; i < bits(a->family); i++) {
		uint8_t bit = (uint8_t)(0x80u >> i % 8);

		r.bytes[i / 8] = (uint8_t)(ones ? r.bytes[i / 8] | bit : r.bytes[i / 8] & ~bit);
	}
	return r;
}

struct net_address net_base(const struct net_address *a)
{
	return fill(a, false);
}

bool net_same(const struct net_address *a, const struct net_address *b)
{
	return a->family == b->family && !memcmp(a->bytes, b->bytes, bits(a->family) / 8);
}

bool net_contains(const struct net_address *subnet, const struct net_address *a)
{
	struct net_address x = *a, base = net_base(subnet);

	if (!subnet->family || subnet->family != a->family || a->prefix < subnet->prefix)
		return false;
	x.prefix = subnet->prefix;
	x = net_base(&x);
	return net_same(&x, &base);
}

bool net_overlaps(const struct net_address *a, const struct net_address *b)
{
	return a->prefix <= b->prefix ? net_contains(a, b) : net_contains(b, a);
}

int net_parse_subnet(const char *s, int family, struct net_address *ret, struct err *e)
{
	struct net_address a, edge;
	int r = parse_prefixed(s, family, &a, e);

	if (r < 0)
		return r;
	if (a.prefix < 8 || a.prefix > bits(family) - 2)
		return err_set(e, EINVAL, "\"%.64s\": a network's prefix is 8 to %u bits long", s, bits(family) - 2);
	edge = net_base(&a);
	if (net_same(&a, &edge))
		return err_set(e, EINVAL, "\"%.64s\" is the network itself; an address in it for the host is wanted, like %s", s,
			       subnet_kind(family));
	edge = fill(&a, true);
	if (family == AF_INET && net_same(&a, &edge))
		return err_set(e, EINVAL, "\"%.64s\" is the broadcast address of its network", s);
	if ((family == AF_INET && (a.bytes[0] >= 224 || a.bytes[0] == 127 || !a.bytes[0])) || (family == AF_INET6 && a.bytes[0] == 0xff))
		return err_set(e, EINVAL, "\"%.64s\" is no address that a network can have", s);
	*ret = a;
	return 0;
}

int net_parse_route(const char *s, int family, struct net_address *ret, struct err *e)
{
	struct net_address a, base;
	int r = strchr(s, '/') ? parse_prefixed(s, family, &a, e) : net_parse_host(s, family, &a, e);

	if (r < 0)
		return r;
	base = net_base(&a);
	if (!net_same(&a, &base))
		return err_set(e, EINVAL, "\"%.64s\": bits behind the prefix are set", s);
	*ret = a;
	return 0;
}

const char *net_print(const struct net_address *a, bool prefix, char buf[NET_ADDRESS_SIZE])
{
	buf[0] = '\0';
	if (a->family && inet_ntop(a->family, a->bytes, buf, NET_ADDRESS_SIZE) && prefix) {
		size_t n = strlen(buf);

		snprintf(buf + n, NET_ADDRESS_SIZE - n, "/%u", a->prefix);
	}
	return buf;
}

/* ---- lists ---- */

int net_each_word(const char *s, int (*f)(const char *word, void *arg), void *arg, struct err *e)
{
	char word[WORD_MAX];
	int r = 0;

	for (const char *end; !r; s = end + 1) {
		size_t n;

		s += strspn(s, " \t");
		end = s + strcspn(s, ",");
		n = (size_t)(end - s);
		while (n && (s[n - 1] == ' ' || s[n - 1] == '\t'))
			n--;
		if (!n || n >= sizeof(word))
			return err_set(e, EINVAL, n ? "\"%.64s\" is too long" : "an empty part in a list with commas", s);
		memcpy(word, s, n);
		word[n] = '\0';
		r = f(word, arg);
		if (!*end)
			break;
	}
	return r;
}

struct ranges {
	int family;
	int (*f)(const struct net_address *first, const struct net_address *last, void *arg);
	void *arg;
	struct err *e;
};

static int one_range(const char *word, void *arg)
{
	const struct ranges *x = arg;
	const char *dash = strchr(word, '-');
	struct net_address first, last;
	char text[WORD_MAX];
	int r;

	if (!dash)
		return err_set(x->e, EINVAL, "\"%.64s\" is not a range FIRST-LAST", word);
	snprintf(text, sizeof(text), "%.*s", (int)(dash - word), word);
	r = net_parse_host(text, x->family, &first, x->e);
	if (!r)
		r = net_parse_host(dash + 1, x->family, &last, x->e);
	if (!r && memcmp(first.bytes, last.bytes, sizeof(first.bytes)) > 0)
		r = err_set(x->e, EINVAL, "\"%.64s\": the range ends before it begins", word);
	return r ? r : x->f(&first, &last, x->arg);
}

int net_each_range(const char *s, int family, int (*f)(const struct net_address *first, const struct net_address *last, void *arg),
		   void *arg, struct err *e)
{
	struct ranges x = { family, f, arg, e };

	return net_each_word(s, one_range, &x, e);
}

/* ---- interfaces ---- */

int net_check_interface(const char *s, struct err *e)
{
	size_t n = strlen(s);

	/* /proc/sys/net/ipv4/conf has directories of these names that are no interfaces */
	if (!strcmp(s, "all") || !strcmp(s, "default"))
		return err_set(e, EINVAL, "\"%s\" cannot be the name of a network interface: the kernel uses it for all of them", s);
	if (n >= 2 && n <= NET_NAME_MAX && strcmp(s, "..") != 0 &&
	    !s[strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")])
		return 0;
	return err_set(e, EINVAL, "\"%.32s\" is not a name for a network interface: 2 to 15 letters, digits and - _ .", s);
}

int net_check_mac(const char *s, struct err *e)
{
	static const char hex[] = "0123456789abcdefABCDEF";

	for (int i = 0; i < 17; i++) {
		if (i % 3 == 2 ? s[i] != ':' : !s[i] || !strchr(hex, s[i]))
			return err_set(e, EINVAL, "\"%.32s\" is not a MAC address like 00:16:3e:12:34:56", s);
	}
	if (s[17])
		return err_set(e, EINVAL, "\"%.32s\" is not a MAC address like 00:16:3e:12:34:56", s);
	if (strchr("13579bdfBDF", s[1]))
		return err_set(e, EINVAL, "%s is a multicast address, which no interface can have", s);
	if (!strcmp(s, "00:00:00:00:00:00"))
		return err_set(e, EINVAL, "%s is no address that an interface can have", s);
	return 0;
}

int net_random_mac(char buf[NET_MAC_SIZE], struct err *e)
{
	unsigned char r[3];

	if (getrandom(r, sizeof(r), 0) != sizeof(r))
		return err_sys(e, errno, "no random address");
	snprintf(buf, NET_MAC_SIZE, "00:16:3e:%02x:%02x:%02x", r[0], r[1], r[2]);
	return 0;
}

/* ---- rates ---- */

int net_parse_rate(const char *s, uint64_t *ret, struct err *e)
{
	static const char letters[] = "kMGTPE";
	uint64_t v = 0, base = 1000, scale = 1;
	const char *p = s, *letter;

	for (; isdigit((unsigned char)*p); p++)
		if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, (uint64_t)(*p - '0'), &v))
			return err_set(e, ERANGE, "\"%.64s\" is too much", s);
	if (p == s)
		return err_set(e, EINVAL, "\"%.64s\" is not a rate like 10Mbit", s);
	letter = *p ? strchr(letters, *p == 'K' ? 'k' : *p) : NULL;
	if (letter) {
		p++;
		if (*p == 'i') {
			base = 1024;
			p++;
		}
		for (long i = letter - letters; i >= 0; i--)
			scale *= base;
	}
	if (*p && strcasecmp(p, "bit") != 0)
		return err_set(e, EINVAL, "\"%.64s\" is not a rate: a number and one of bit, kbit, Mbit, Gbit, Tbit, Kibit, Mibit, Gibit, ...", s);
	if (letter && !*p)
		return err_set(e, EINVAL, "\"%.64s\" has a letter but no unit; %sbit is meant?", s, s);
	if (__builtin_mul_overflow(v, scale, &v))
		return err_set(e, ERANGE, "\"%.64s\" is too much", s);
	if (v < RATE_MIN)
		return err_set(e, ERANGE, "\"%.64s\" is less than 8kbit, with which nothing would get through", s);
	*ret = v;
	return 0;
}
