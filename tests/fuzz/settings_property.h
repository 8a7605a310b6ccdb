/* SPDX-License-Identifier: Apache-2.0 */
/* What must be true of rpsd.conf and its allow-list, whatever they say: settings are made, or there
 * is a problem in words; the guard takes every list that the settings took; loopback is allowed, an
 * IPv4 address in IPv6 is judged as itself, and without a list nothing else is allowed.
 *
 * An input is eight bytes, which are an address and a port to ask for, and then rpsd.conf; after a
 * form feed comes a drop-in. */
#pragma once

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "common/err.h"
#include "common/guard.h"
#include "common/config/ini.h"
#include "common/settings/settings.h"
#include "tests/fuzz/property.h"

#define SETTINGS_PROPERTY_MAX 65536u
#define SETTINGS_PROPERTY_HEAD 8u

/* One line each, without control characters. */
static inline void settings_property_problems(const struct problems *problems)
{
	for (size_t i = 0; i < problems->n; i++) {
		PROPERTY(problems->texts[i][0] != '\0');
		for (const unsigned char *c = (const unsigned char *)problems->texts[i]; *c; c++)
			PROPERTY(*c >= ' ' && *c != 0x7f && (*c != 0xc2 || c[1] >= 0xa0));
	}
}

static inline bool settings_property_allows(
	const struct guard *g, const uint8_t address[static 4], uint16_t port, bool is_mapped)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	const char *why = NULL;
	bool is_allowed;

	memcpy(&v4.sin_addr, address, 4);
	v6.sin6_addr.s6_addr[10] = v6.sin6_addr.s6_addr[11] = 0xff;
	memcpy(v6.sin6_addr.s6_addr + 12, address, 4);
	is_allowed =
		guard_allows(g, is_mapped ? (struct sockaddr *)&v6 : (struct sockaddr *)&v4, &why);
	PROPERTY(is_allowed || (why && *why));
	return is_allowed;
}

static inline void settings_property_guard(const struct settings *s, const uint8_t *asked)
{
	static const uint8_t loopback[] = {127, 0, 0, 1};
	struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	struct sockaddr_un path = {.sun_family = AF_UNIX, .sun_path = "/run/app.sock"};
	uint16_t port = (uint16_t)(asked[4] << 8 | asked[5]);
	struct err err = {0};
	const char *why;
	struct guard g;
	bool is_allowed;

	PROPERTY(guard_init_service(&g, (const char *const *)s->allow, s->n_allow, &err) == 0);
	PROPERTY(settings_property_allows(&g, loopback, port, false));
	PROPERTY(guard_allows(&g, (struct sockaddr *)&six, &why));
	is_allowed = settings_property_allows(&g, asked, port, false);
	PROPERTY(settings_property_allows(&g, asked, port, true) == is_allowed);
	if (s->n_allow == 0) {
		PROPERTY(is_allowed == (asked[0] == 127));
		PROPERTY(!guard_allows(&g, (struct sockaddr *)&path, &why));
	}
	guard_fini(&g);
}

static inline void settings_property_holds(const uint8_t *input, size_t size)
{
	struct problems problems = {0};
	struct ini_doc doc = {0};
	struct settings *s = NULL;
	const uint8_t *text = input + SETTINGS_PROPERTY_HEAD, *cut;
	size_t len = size - SETTINGS_PROPERTY_HEAD, first;
	int r;

	if (size < SETTINGS_PROPERTY_HEAD || size > SETTINGS_PROPERTY_MAX)
		return;
	cut = memchr(text, '\f', len);
	first = cut ? (size_t)(cut - text) : len;
	PROPERTY(ini_read(&doc, "rpsd.conf", (const char *)text, first, &problems) == 0);
	if (cut)
		PROPERTY(ini_read(&doc, "rpsd.conf.d/a.conf", (const char *)cut + 1,
				 len - first - 1, &problems) == 0);
	r = settings_build(&doc, &s, &problems);
	PROPERTY(r == 0 || r == -EINVAL);
	PROPERTY((r == 0) == (problems.n == 0) && (r == 0) == (s != NULL));
	if (s)
		settings_property_guard(s, input);
	settings_refuse_private(&doc, &problems);
	settings_property_problems(&problems);
	settings_free(s);
	problems_fini(&problems);
	ini_fini(&doc);
}
