/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon's settings: rpsd.conf with its drop-ins, validated. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/settings/settings_origin.h"

struct err;
struct ini_doc;
struct problems;

struct settings {
	/* [daemon] */
	uint64_t keep_runs; /* number of finished runs kept in memory */
	/* [control] */
	char *socket;  /* path, if systemd passes no socket */
	char *observe; /* likewise, for observers; "": none */
	/* [policy] */
	char **allow; /* CIDR[:PORT], host addresses, unix:/PATH, of all files; loopback is always
			 allowed */
	size_t n_allow;
	uint64_t max_rate;	  /* requests per second, per run */
	uint64_t max_connections; /* per run */
	int64_t max_duration_ns;
	uint64_t max_runs; /* active at the same time */
	/* [origin NAME] */
	struct settings_origin *origins;
	size_t n_origins;
};

/* 0, -EINVAL (problems), -ENOMEM. */
int settings_build(const struct ini_doc *doc, struct settings **ret, struct problems *problems);
struct settings *settings_free(struct settings *s);

/* Reports the keys that only a private daemon accepts: the unit of the service sets where it
 * writes. */
void settings_refuse_private(const struct ini_doc *doc, struct problems *problems);

/* For the key table. 0, -EINVAL with reterr, -ENOMEM. */
int settings_check_socket(const char *value, struct err *reterr);
int settings_check_observe(const char *value, struct err *reterr);
/* Parses into the field that is named here; NULL: only checks. */
int settings_parse_allow(const char *value, void *settings, struct err *reterr);
void settings_clear_allow(void *settings);
int settings_parse_max_rate(const char *value, void *uint64, struct err *reterr);
