/* SPDX-License-Identifier: Apache-2.0 */
/* Which addresses a run may load. The service allows loopback and what [policy] allow lists; a
 * private daemon acts for its own user and refuses only the metadata services of clouds. A private
 * daemon may use every Unix socket that its user may use; the service needs them listed. The guard
 * is asked for every resolved address and once more with the very sockaddr before connect.
 * Immutable; paths of sockets are looked up in the file system. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct sockaddr;

struct guard_rule {
	int family; /* AF_INET, AF_INET6 or AF_UNIX */
	uint8_t address[16];
	unsigned prefix_len;
	uint16_t port; /* 0: any */
	char *path;    /* AF_UNIX: a socket, or a directory (ends with '/') and all below it */
};

struct guard {
	bool is_private;
	struct guard_rule *rules;
	size_t n_rules;
};

void guard_init_private(struct guard *g);
/* allow: "10.0.0.0/8", "192.0.2.7:8080", "[2001:db8::]/32:443", "2001:db8::1",
 * "unix:/run/app.sock", "unix:/run/app/". 0, -EINVAL with reterr naming the text, -ENOMEM. */
int guard_init_service(
	struct guard *g, const char *const *allow, size_t n_allow, struct err *reterr);
void guard_fini(struct guard *g);

/* IPv4-mapped IPv6 addresses are checked as the IPv4 address; paths byte by byte, and no component
 * of one may be a symbolic link. False: *ret_why is the reason ("only loopback is allowed; [policy]
 * allow lists more"), a constant. */
bool guard_allows(const struct guard *g, const struct sockaddr *sa, const char **ret_why);
