/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon's settings: rpsd.conf with its drop-ins, validated. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct ini_doc;
struct problems;

/* delay = 5s | exp:5ms */
enum settings_delay_kind {
	SETTINGS_DELAY_FIXED,
	SETTINGS_DELAY_EXPONENTIAL,
};

/* One [origin NAME]: a built-in server to load. */
struct settings_origin {
	char *name;
	char *listen; /* ADDRESS:PORT; port 0 takes a free one */
	enum settings_delay_kind delay_kind;
	int64_t delay_ns; /* fixed delay, or the mean */
	uint64_t body_bytes;
	double error_share; /* errors = 20% 503 */
	unsigned error_status;
	uint64_t seed;
};

struct settings {
	/* [daemon] */
	uint64_t keep_runs; /* finished runs held in memory */
	/* [control] */
	char *socket;  /* path, where no socket is handed over by systemd */
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

/* Reads [origin] keys given as flags too ("--delay 5s" is delay = 5s): TIME or exp:TIME, and
 * SHARE STATUS. 0 or -EINVAL, with the outputs untouched. */
int settings_parse_delay(const char *text, enum settings_delay_kind *ret_kind, int64_t *ret_ns);
int settings_parse_errors(const char *text, double *ret_share, unsigned *ret_status);

/* rpsd.conf, then every *.conf of its directory rpsd.conf.d in the order of file names. A missing
 * path that was not asked for by name is fine. 0, -errno with a problem added. */
int settings_read_files(
	const char *path, bool must_exist, struct ini_doc *doc, struct problems *problems);

/* For the key table. 0, -EINVAL with reterr, -ENOMEM. */
int settings_check_socket(const char *value, struct err *reterr);
int settings_check_observe(const char *value, struct err *reterr);
int settings_check_allow(const char *value, struct err *reterr);
int settings_check_max_rate(const char *value, struct err *reterr);
int settings_check_listen(const char *value, struct err *reterr);
int settings_check_delay(const char *value, struct err *reterr);
int settings_check_errors(const char *value, struct err *reterr);
