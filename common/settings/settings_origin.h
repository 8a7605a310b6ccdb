/* SPDX-License-Identifier: Apache-2.0 */
/* One [origin NAME] of rpsd.conf: a built-in server to load, and how it misbehaves. Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct err;
struct ini_doc;
struct problems;

/* 5s | exp:5ms */
enum settings_delay_kind {
	SETTINGS_DELAY_FIXED,
	SETTINGS_DELAY_EXPONENTIAL,
};

struct settings_delay {
	enum settings_delay_kind kind;
	int64_t ns; /* fixed, or the mean; 0: none */
};

/* 50% 10ms, 50% 8s: a random number below upto (cumulative share) takes that part; none: no
 * delay. */
#define SETTINGS_DELAYS_MAX 16

struct settings_delays {
	struct settings_delay_part {
		double upto;
		struct settings_delay delay;
	} parts[SETTINGS_DELAYS_MAX];
	unsigned n;
};

/* 1s every 10s: the first second of every ten; every 0: once. length 0: never. */
struct settings_cycle {
	int64_t length_ns;
	int64_t every_ns;
};

/* All zero is a server that answers at once; but backlog needs a value. */
struct settings_origin {
	char *name;
	char *listen; /* ADDRESS:PORT; port 0 takes a free one */
	uint64_t backlog;
	uint64_t max_connections; /* 0: limited by the descriptors alone */
	uint64_t max_per_address; /* 0: max_connections */
	/* answers */
	struct settings_delays delay;
	uint64_t body_bytes;
	uint64_t drip_pieces; /* 0: whole */
	int64_t drip_ns;      /* between two pieces */
	double error_share;
	unsigned error_status;
	bool error_has_delay; /* errors have their own delay instead of `delay` */
	struct settings_delay error_delay;
	struct settings_delay service; /* service time of one server, one request after the other */
	unsigned burn;		       /* service uses CPU time */
	/* faults */
	double hang_share;
	uint64_t freeze;      /* number of connections */
	uint64_t close_after; /* number of answers; 0: never */
	bool close_is_said;   /* the last answer has Connection: close */
	int64_t idle_ns;      /* 0: no limit for idle connections */
	struct settings_cycle stall;
	struct settings_cycle accept_stall;
	uint64_t read_bytes; /* bytes of a request's body read in each read_ns; 0: as it arrives */
	int64_t read_ns;
	/* */
	char *gaps; /* a file; NULL: none */
	uint64_t seed;
};

/* Reports keys that contradict each other. */
void settings_origin_check(
	const struct settings_origin *o, const struct ini_doc *doc, struct problems *problems);
void settings_origin_fini(struct settings_origin *origin);

/* For the key table (keys.h). 0, or -EINVAL with reterr. */
int settings_check_listen(const char *value, struct err *reterr);
int settings_check_gaps(const char *value, struct err *reterr);
/* Parses into the field that is named here; NULL: only checks. */
int settings_parse_delay(const char *value, void *origin, struct err *reterr);
int settings_parse_drip(const char *value, void *origin, struct err *reterr);
int settings_parse_errors(const char *value, void *origin, struct err *reterr);
int settings_parse_service(const char *value, void *origin, struct err *reterr);
int settings_parse_hang(const char *value, void *origin, struct err *reterr);
int settings_parse_close_after(const char *value, void *origin, struct err *reterr);
int settings_parse_stall(const char *value, void *settings_cycle, struct err *reterr);
int settings_parse_read(const char *value, void *origin, struct err *reterr);
