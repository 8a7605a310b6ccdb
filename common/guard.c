/* SPDX-License-Identifier: Apache-2.0 */
/* Which addresses a run may load. An address is first converted to one form (family and bytes; an
 * IPv4-mapped IPv6 address becomes its IPv4 address, since the kernel connects to that), and is
 * then compared with a list of rules: address, prefix length, port.
 *
 * Private mode allows everything but the table of metadata services, which give a machine's
 * credentials to every client on that machine. Service mode allows the table of loopback, then the
 * administrator's list, whose ranges do not include metadata services.
 *
 * Unix sockets have paths instead, and the daemon's permissions on them are not those of the client
 * that starts the run: the service connects to none that is not listed. A path is compared as text,
 * so an ambiguous one (with "..") matches nothing. Symbolic links are not followed: a link below a
 * listed directory could lead to any socket. Immutable after init; any thread. */
#include "common/guard.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/err.h"
#include "common/str.h"
#include "common/unix_path.h"

#define GUARD_TEXT_MAX 80 /* the longest rule: mapped IPv6, brackets, prefix, port */

#define GUARD_PATH_MAX (sizeof(((struct sockaddr_un *)0)->sun_path) - 1)
#define GUARD_UNIX "unix:"

#define GUARD_V6(a, b, c, d, ...)                                                                  \
	{                                                                                          \
		AF_INET6, {a, b, c, d, __VA_ARGS__}, 128, 0, NULL                                  \
	}

static const struct guard_rule guard_loopback[] = {
	{AF_INET, {127}, 8, 0, NULL},
	{AF_INET6, {[15] = 1}, 128, 0, NULL},
};

/* The metadata addresses of all clouds that document one. */
static const struct guard_rule guard_metadata[] = {
	{AF_INET, {169, 254, 169, 254}, 32, 0, NULL}, /* most of them */
	{AF_INET, {169, 254, 170, 2}, 32, 0, NULL},   /* Amazon ECS */
	{AF_INET, {169, 254, 170, 23}, 32, 0, NULL},  /* Amazon EKS */
	{AF_INET, {169, 254, 42, 42}, 32, 0, NULL},   /* Scaleway */
	{AF_INET, {169, 254, 0, 23}, 32, 0, NULL},    /* Tencent */
	{AF_INET, {169, 254, 10, 10}, 32, 0, NULL},   /* Tencent */
	{AF_INET, {100, 100, 100, 200}, 32, 0, NULL}, /* Alibaba */
	{AF_INET, {168, 63, 129, 16}, 32, 0, NULL},   /* Azure's WireServer */
	{AF_INET, {192, 0, 0, 192}, 32, 0, NULL},     /* Oracle, in the past */
	/* fd00:ec2::254 and fd00:ec2::23, Amazon */
	GUARD_V6(0xfd, 0x00, 0x0e, 0xc2, [14] = 0x02, [15] = 0x54),
	GUARD_V6(0xfd, 0x00, 0x0e, 0xc2, [15] = 0x23),
	/* fd20:ce::254, Google */
	GUARD_V6(0xfd, 0x20, 0x00, 0xce, [14] = 0x02, [15] = 0x54),
	/* fd00:42::42, Scaleway */
	GUARD_V6(0xfd, 0x00, 0x00, 0x42, [15] = 0x42),
	/* fd00:a9fe:a9fe::1, Akamai */
	GUARD_V6(0xfd, 0x00, 0xa9, 0xfe, 0xa9, 0xfe, [15] = 0x01),
	/* fd00:c1::a9fe:a9fe, Oracle */
	GUARD_V6(0xfd, 0x00, 0x00, 0xc1, [12] = 0xa9, 0xfe, 0xa9, 0xfe),
	/* fe80::a9fe:a9fe, OpenStack */
	GUARD_V6(0xfe, 0x80, 0, 0, [12] = 0xa9, 0xfe, 0xa9, 0xfe),
};

/* Prefixes of IPv6, and the offset of the IPv4 address in them: translators and tunnels forward to
 * that address. */
static const struct {
	struct guard_rule rule;
	unsigned at;
} guard_embedding[] = {
	{{AF_INET6, {0x00, 0x64, 0xff, 0x9b}, 96, 0, NULL}, 12}, /* NAT64, RFC 6052 */
	{{AF_INET6, {0x20, 0x02}, 16, 0, NULL}, 2},		 /* 6to4, RFC 3056 */
	{{AF_INET6, {0}, 96, 0, NULL}, 12},			 /* compatible, RFC 4291 */
};

static unsigned guard_bits(int family)
{
	return family == AF_INET ? 32 : 128;
}

/* The bits of address after the prefix are all 0. */
static bool guard_is_network(const uint8_t *address, unsigned bits, unsigned prefix_len)
{
	for (unsigned i = prefix_len; i < bits; i++) {
		if (address[i / 8] & (0x80 >> (i % 8)))
			return false;
	}
	return true;
}

/* An absolute path with neither empty parts nor "." and "..": it has one meaning only. */
static bool guard_is_plain_path(const char *path)
{
	if (*path != '/')
		return false;
	while (*path == '/') {
		size_t len = strcspn(++path, "/");

		if ((len == 0 && *path == '/') || (len == 1 && path[0] == '.') ||
			(len == 2 && path[0] == '.' && path[1] == '.'))
			return false;
		path += len;
	}
	return true;
}

/* path is that of a socket, and has one meaning only. */
static bool guard_path_covers(const char *rule, const char *path)
{
	size_t len = strlen(rule);

	if (rule[len - 1] == '/')
		return strncmp(rule, path, len) == 0;
	return strcmp(rule, path) == 0;
}

static bool guard_rule_covers(const struct guard_rule *rule, const struct guard_rule *target)
{
	unsigned whole = rule->prefix_len / 8, rest = rule->prefix_len % 8;
	uint8_t differing;

	if (rule->family != target->family || (rule->port != 0 && rule->port != target->port))
		return false;
	if (rule->family == AF_UNIX)
		return guard_path_covers(rule->path, target->path);
	if (memcmp(rule->address, target->address, whole) != 0)
		return false;
	if (rest == 0)
		return true;
	differing = rule->address[whole] ^ target->address[whole];
	return differing >> (8 - rest) == 0;
}

static bool guard_any_covers(
	const struct guard_rule *rules, size_t n_rules, const struct guard_rule *target)
{
	for (size_t i = 0; i < n_rules; i++) {
		if (guard_rule_covers(&rules[i], target))
			return true;
	}
	return false;
}

/* Makes an IPv4-mapped address IPv4, when the prefix leaves no doubt that it is one. */
static void guard_unmap(struct guard_rule *r)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	if (r->family != AF_INET6 || r->prefix_len < 96 || memcmp(r->address, mapped, 12) != 0)
		return;
	r->family = AF_INET;
	r->prefix_len -= 96;
	memmove(r->address, r->address + 12, 4);
	memset(r->address + 4, 0, 12);
}

static bool guard_is_metadata(const struct guard_rule *target)
{
	static const size_t n = sizeof(guard_metadata) / sizeof(guard_metadata[0]);
	struct guard_rule inner = {.family = AF_INET, .prefix_len = 32, .port = target->port};

	if (guard_any_covers(guard_metadata, n, target))
		return true;
	for (size_t i = 0; i < sizeof(guard_embedding) / sizeof(guard_embedding[0]); i++) {
		if (!guard_rule_covers(&guard_embedding[i].rule, target))
			continue;
		memcpy(inner.address, target->address + guard_embedding[i].at, 4);
		if (guard_any_covers(guard_metadata, n, &inner))
			return true;
	}
	return false;
}

/* A rule is for this very address. */
static bool guard_names(const struct guard *g, const struct guard_rule *target)
{
	for (size_t i = 0; i < g->n_rules; i++) {
		if (g->rules[i].prefix_len == target->prefix_len &&
			guard_rule_covers(&g->rules[i], target))
			return true;
	}
	return false;
}

/* Digits only, at most max. */
static bool guard_parse_number(const char *text, unsigned max, unsigned *ret)
{
	unsigned n = 0;

	if (*text == '\0')
		return false;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9')
			return false;
		n = n * 10 + (unsigned)(*text - '0');
		if (n > max)
			return false;
	}
	*ret = n;
	return true;
}

/* Cuts s, which is text of a rule, into its parts: "[address]" or "address", then "/prefix", then
 * ":port". A bare IPv6 address has colons of its own, so its port needs the brackets. Absent parts
 * become NULL. */
static bool guard_split(char *s, char **ret_address, char **ret_prefix, char **ret_port)
{
	char *rest, *colon;

	*ret_prefix = *ret_port = NULL;
	*ret_address = s;
	if (*s == '[') {
		*ret_address = s + 1;
		rest = strchr(s, ']');
		if (rest == NULL)
			return false;
		*rest++ = '\0';
		if (*rest != '\0' && *rest != '/' && *rest != ':')
			return false;
		if (strchr(*ret_address, ':') == NULL)
			return false;
		colon = strchr(rest, ':');
	} else {
		rest = s;
		colon = strchr(s, ':');
		if (colon != NULL && strchr(colon + 1, ':') != NULL)
			colon = NULL;
	}
	if (colon != NULL) {
		*colon = '\0';
		*ret_port = colon + 1;
	}
	rest = strchr(rest, '/');
	if (rest != NULL) {
		*rest = '\0';
		*ret_prefix = rest + 1;
	}
	return true;
}

/* text: the part after "unix:". 0, -EINVAL or -ENOMEM. */
static int guard_parse_path(const char *text, struct guard_rule *ret, struct err *reterr)
{
	if (strlen(text) > GUARD_PATH_MAX || !guard_is_plain_path(text)) {
		err_set(reterr,
			"\"" GUARD_UNIX
			"%.120s\": a socket's path begins with '/', has no empty parts, "
			"no . and no .., and %zu bytes at most; a folder's ends with '/'",
			text, GUARD_PATH_MAX);
		return -EINVAL;
	}
	*ret = (struct guard_rule){.family = AF_UNIX, .path = strdup(text)};
	return ret->path ? 0 : -ENOMEM;
}

/* 0, -EINVAL with reterr or -ENOMEM. */
static int guard_parse_rule(const char *text, struct guard_rule *ret, struct err *reterr)
{
	char copy[GUARD_TEXT_MAX], *address, *prefix, *port_text;
	struct guard_rule r = {.family = AF_INET};
	unsigned bits, port = 0;

	if (str_starts(text, GUARD_UNIX))
		return guard_parse_path(text + strlen(GUARD_UNIX), ret, reterr);
	if (strlen(text) >= sizeof(copy))
		goto malformed;
	strcpy(copy, text);
	if (!guard_split(copy, &address, &prefix, &port_text))
		goto malformed;
	if (inet_pton(AF_INET, address, r.address) != 1) {
		r.family = AF_INET6;
		if (inet_pton(AF_INET6, address, r.address) != 1)
			goto malformed;
	}
	bits = r.prefix_len = guard_bits(r.family);
	if (prefix != NULL && !guard_parse_number(prefix, bits, &r.prefix_len)) {
		err_set(reterr, "\"%s\": the prefix length is not a number from 0 to %u", text,
			bits);
		return -EINVAL;
	}
	if (port_text != NULL && (!guard_parse_number(port_text, UINT16_MAX, &port) || port == 0)) {
		err_set(reterr, "\"%s\": the port is not a number from 1 to 65535", text);
		return -EINVAL;
	}
	/* A mistake here would allow more than was meant, so the address is not silently rounded
	 * down. */
	if (!guard_is_network(r.address, bits, r.prefix_len)) {
		err_set(reterr, "\"%s\": the address has host bits set in a /%u network", text,
			r.prefix_len);
		return -EINVAL;
	}
	r.port = (uint16_t)port;
	guard_unmap(&r);
	*ret = r;
	return 0;

malformed:
	err_set(reterr,
		"\"%s\" is not an address like 10.0.0.0/8, 192.0.2.7:8080, [2001:db8::]/32:443 "
		"or unix:/run/app.sock",
		text);
	return -EINVAL;
}

void guard_init_private(struct guard *g)
{
	*g = (struct guard){.is_private = true};
}

static void guard_free_rules(struct guard_rule *rules, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(rules[i].path);
	free(rules);
}

int guard_init_service(
	struct guard *g, const char *const *allow, size_t n_allow, struct err *reterr)
{
	struct guard_rule *rules = NULL;
	int r;

	if (n_allow > 0) {
		rules = calloc(n_allow, sizeof(*rules));
		if (rules == NULL)
			return -ENOMEM;
	}
	for (size_t i = 0; i < n_allow; i++) {
		r = guard_parse_rule(allow[i], &rules[i], reterr);
		if (r < 0) {
			guard_free_rules(rules, i);
			return r;
		}
	}
	*g = (struct guard){.rules = rules, .n_rules = n_allow};
	return 0;
}

void guard_fini(struct guard *g)
{
	guard_free_rules(g->rules, g->n_rules);
	*g = (struct guard){0};
}

static bool guard_allows_path(
	const struct guard *g, const struct sockaddr_un *un, const char **ret_why)
{
	char path[sizeof(un->sun_path) + 1] = "";
	struct guard_rule target = {.family = AF_UNIX, .path = path};
	int fd;

	if (g->is_private)
		return true;
	/* The kernel accepts a path that fills the array and has no NUL. */
	memcpy(path, un->sun_path, sizeof(un->sun_path));
	if (!guard_is_plain_path(path) || !guard_any_covers(g->rules, g->n_rules, &target)) {
		*ret_why = "[policy] allow does not list this socket";
		return false;
	}
	/* Any other error of the path is reported by connect(). */
	fd = unix_path_open(path);
	if (fd == -ELOOP) {
		*ret_why = "a symbolic link is part of this path: name, and list in [policy] "
			   "allow, the path that it leads to";
		return false;
	}
	if (fd >= 0)
		(void)close(fd);
	return true;
}

bool guard_allows(const struct guard *g, const struct sockaddr *sa, const char **ret_why)
{
	struct guard_rule target = {.family = sa->sa_family};
	const struct sockaddr_in6 *in6;
	const struct sockaddr_in *in;

	if (sa->sa_family == AF_INET) {
		in = (const struct sockaddr_in *)(const void *)sa;
		memcpy(target.address, &in->sin_addr, 4);
		target.port = ntohs(in->sin_port);
	} else if (sa->sa_family == AF_INET6) {
		in6 = (const struct sockaddr_in6 *)(const void *)sa;
		memcpy(target.address, &in6->sin6_addr, 16);
		target.port = ntohs(in6->sin6_port);
	} else if (sa->sa_family == AF_UNIX) {
		return guard_allows_path(g, (const struct sockaddr_un *)(const void *)sa, ret_why);
	} else {
		*ret_why = "it is neither an IP address nor a socket's path";
		return false;
	}
	target.prefix_len = guard_bits(target.family);
	guard_unmap(&target);

	if (g->is_private) {
		if (!guard_is_metadata(&target))
			return true;
		*ret_why = "it is the metadata service of a cloud";
		return false;
	}
	if (guard_is_metadata(&target) && !guard_names(g, &target)) {
		*ret_why = "it is the metadata service of a cloud, which no range in [policy] "
			   "allow covers";
		return false;
	}
	if (guard_any_covers(
		    guard_loopback, sizeof(guard_loopback) / sizeof(guard_loopback[0]), &target) ||
		guard_any_covers(g->rules, g->n_rules, &target))
		return true;
	*ret_why = "only loopback is allowed; [policy] allow lists more";
	return false;
}
