/* SPDX-License-Identifier: Apache-2.0 */
/* A plan: the validated content of a run file with its overlays and flags. Immutable once built;
 * workers share it by const pointer. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/digest.h"
#include "common/rules/rule.h"
#include "common/units.h"
#include "common/url.h"

struct buf;
struct err;
struct ini_doc;
struct ini_entry;
struct problems;

enum plan_model {
	PLAN_OPEN,   /* arrivals follow the schedule, whatever the answers do */
	PLAN_CLOSED, /* N users, each waits for its answer */
};

enum plan_exhausted {
	PLAN_GROW, /* open another connection, up to the limit; then wait */
	PLAN_QUEUE,
	PLAN_DROP,
};

enum plan_reuse {
	PLAN_REUSE_LIFO,
	PLAN_REUSE_ROTATE,
	PLAN_REUSE_NO, /* a connection for each request */
};

enum plan_close {
	PLAN_CLOSE_FIN,
	PLAN_CLOSE_RST, /* leaves no TIME_WAIT; servers may log it as an error */
};

/* Which of the addresses of the target's name are loaded. */
enum plan_addresses {
	PLAN_ADDRESSES_ALL,
	PLAN_ADDRESSES_FIRST,
	PLAN_ADDRESSES_V4,
	PLAN_ADDRESSES_V6,
};

/* Which of several requests an arrival makes. */
enum plan_order {
	PLAN_RANDOM,   /* drawn by weight */
	PLAN_SEQUENCE, /* each in turn, as often in a row as its weight says */
};

enum plan_stage_kind {
	PLAN_HOLD,  /* rate for duration_ns */
	PLAN_RAMP,  /* linearly from rate to `to` over duration_ns */
	PLAN_STEP,  /* rate, then `by` more (or less) every every_ns; the last level is `to` */
	PLAN_PAUSE, /* nothing for duration_ns */
};

struct plan_stage {
	enum plan_stage_kind kind;
	struct rate rate;    /* at its start; pause: 0/1 */
	int64_t duration_ns; /* step: of all levels together */
	struct rate to;	     /* ramp, step */
	struct rate by;	     /* step: above 0, whichever way it goes */
	int64_t every_ns;    /* step: above 0, for rising and falling steps */
	bool is_warmup;	     /* unmeasured; only before the measured stages */
};

/* The spacing of arrivals around the rate (measurement page A.3). */
enum plan_arrivals {
	PLAN_CONSTANT,
	PLAN_JITTER, /* each moved by up to plan.jitter / 2 of the gap, either way */
	PLAN_POISSON,
};

/* How a worker waits for the instant of an arrival (measurement page A.4). */
enum plan_pacing {
	PLAN_PACING_TIMER,  /* a timer wakes the worker */
	PLAN_PACING_HYBRID, /* a timer wakes it pacing_spin_ns early, then it looks at the clock */
	PLAN_PACING_SPIN,   /* it never sleeps */
};

struct plan_header {
	char *name;
	char *value;
};

/* An address to connect from. */
struct plan_source {
	bool is_v6;
	uint8_t address[16]; /* the first 4 where it is IPv4; network order */
};

/* Statuses 100..599 as a set. */
struct plan_statuses {
	uint64_t bits[10];
	char text[28]; /* as written, or the beginning of it; "": 200-399 */
};
static inline bool plan_statuses_has(const struct plan_statuses *s, unsigned status)
{
	return status < 640 && (s->bits[status / 64] >> (status % 64) & 1);
}

enum plan_auth_scheme {
	PLAN_AUTH_NONE,
	PLAN_AUTH_BASIC,
	PLAN_AUTH_BEARER,
};

/* The credentials of a request, as given by auth. */
struct plan_auth {
	enum plan_auth_scheme scheme;
	const char *user; /* PLAN_AUTH_BASIC: user_len bytes */
	size_t user_len;
	const char *secret; /* "@FILE" or "cred:NAME"; NULL: none */
};

#define PLAN_REQUESTS_MAX 64
#define PLAN_STAGES_MAX 1000

/* One kind of request: [request NAME] over [defaults]. */
struct plan_request {
	char *name;	 /* the section is [request NAME]; "" without one */
	uint64_t weight; /* at least 1: how often it is chosen, relative to the others */
	char *method;
	char *path;		     /* as written; NULL: the URL's own */
	char *target;		     /* sent after the method: path and query, begins with '/' */
	struct plan_header *headers; /* includes Authorization if auth was given */
	size_t n_headers;
	struct plan_auth _auth; /* while the plan is built; borrowed from the entries */
	char *body;		/* NULL: none */
	size_t body_len;
	uint64_t chunk_bytes; /* the body is sent in chunks of this size; 0: with Content-Length */

	/* The properties of a good answer. Any other status is an http_error, any other mismatch
	 * check_failed. */
	struct plan_statuses expect_statuses; /* 200..399 by default */
	struct plan_header *expect_headers;   /* value NULL: any value */
	size_t n_expect_headers;
	char *expect_body; /* must occur in the body; NULL: not checked */
	size_t expect_body_len;
	bool has_expect_size;
	uint64_t expect_size_min, expect_size_max; /* bytes of content */
	bool has_expect_sha256;
	uint8_t expect_sha256[32]; /* of the content */
};

/* What a rule that cannot be decided does to the exit status. */
enum plan_undecided {
	PLAN_UNDECIDED,	     /* has one of its own */
	PLAN_UNDECIDED_FAIL, /* that of a broken rule */
	PLAN_UNDECIDED_PASS,
};

struct plan_threshold {
	bool is_abort; /* abort-if: it ends the run when it holds; else require */
	struct rule rule;
};
#define PLAN_THRESHOLDS_MAX 256

struct plan_label {
	char *name;
	char *text;
};

/* A file of [tls]: PEM. */
struct plan_pem {
	char *name; /* as written; NULL: not given */
	char *text; /* ends with a NUL after its len bytes */
	size_t len;
};

struct plan {
	char *name; /* the run file's name without .ini, or the URL's host */
	char *text; /* the run file as given; without one, the entries written as a run file */
	/* Of text, the entries that override or expand it (except labels and rules, which do not
	 * affect the load), and the files that values refer to. */
	char sha256[DIGEST_SHA256_HEX_SIZE];

	/* [run] */
	struct plan_label *labels; /* each name once */
	size_t n_labels;
	unsigned undecided; /* enum plan_undecided */

	/* [thresholds], and the rules of requests with their scope, in the order of the lines */
	struct plan_threshold *thresholds;
	size_t n_thresholds;

	/* [target] */
	char *url_text;
	struct url url;
	char *connect_to;	  /* HOST:PORT or unix:/PATH to use instead of the URL's; NULL:
				   * none */
	struct url_place connect; /* the same in its parts; for plan_connections.h */
	unsigned addresses;	  /* enum plan_addresses */
	int64_t dns_ns;		  /* interval between lookups of the name; 0: one lookup */

	/* [tls]; has no meaning for an http target */
	unsigned tls_verify;	/* 0: no, 1: yes */
	struct plan_pem tls_ca; /* not given: the system's */
	struct plan_pem tls_certificate;
	struct plan_pem tls_key;
	char *tls_server_name;	  /* the URL's host by default */
	unsigned tls_min_version; /* 0: auto, 1: 1.2, 2: 1.3 */
	unsigned tls_max_version; /* the same */
	char *tls_ciphers;	  /* of TLS 1.2, in the format of `openssl ciphers`; NULL: OpenSSL's
				   * default */
	char *tls_ciphersuites;	  /* of TLS 1.3; NULL: OpenSSL's default */
	unsigned tls_resume;	  /* 0: no, 1: yes */

	/* [load] */
	unsigned model_choice;	   /* as written: 0 auto, else 1 + enum plan_model */
	enum plan_model model;	   /* rate = max or model = closed: closed */
	struct rate rate;	   /* open model: of the first stage; closed: 0/1 */
	bool rate_max;		   /* rate = max was written */
	char **stage_texts;	   /* one for each stage; "hold 100/s for 10s" if it was made from
				    * rate or changed by scale */
	struct plan_stage *stages; /* open model: at least one; closed: none */
	size_t n_stages;
	struct rate scale; /* as written; the rates of the plan are already multiplied by it */
	unsigned arrivals; /* enum plan_arrivals */
	double jitter;	   /* 0..1, as a share of the gap; PLAN_JITTER alone */
	uint64_t seed;
	unsigned order;	   /* enum plan_order */
	int64_t warmup_ns; /* the key warmup: before the warm-up stages; plan_warmup_ns has
			    * both */
	int64_t cooldown_ns;
	/* Length of the measured window; CLOCK_NEVER: until `requests` are sent (closed model).
	 * With a count that ends in a ramp it is exact to about a ns: the schedule has the exact
	 * value. */
	int64_t duration_ns;
	uint64_t n_arrivals; /* exact count of measured arrivals, 0: by duration */
	uint64_t workers;    /* 0: auto */
	int64_t think_ns;    /* closed model */
	/* This run makes arrivals slice_index - 1, and every slice_of-th after it, of the schedule;
	 * 0: all of them. Neither these nor the instant are part of sha256. */
	unsigned slice_index, slice_of;
	unsigned unsynchronised; /* 1: slices need no common start */
	int64_t at_unix_ns;	 /* the run's start, ns since 1970; 0: as soon as possible */

	/* [connections] */
	uint64_t connections;		  /* 0: auto */
	unsigned exhausted;		  /* enum plan_exhausted */
	uint64_t queue_max;		  /* arrivals waiting, over all workers */
	struct rate open_rate;		  /* connections opened per second, over all workers */
	unsigned reuse;			  /* enum plan_reuse */
	uint64_t requests_per_connection; /* after this many the connection is closed; 0: no
					   * limit */
	int64_t max_age_ns;		  /* a connection of this age is closed; 0: no limit */
	unsigned close;			  /* enum plan_close */
	uint64_t pipeline;		  /* maximum number of requests in flight on a connection,
					   * 1.. */
	struct plan_source *sources;	  /* used in turn; none: the kernel chooses */
	size_t n_sources;
	struct plan_sources *_sources_read; /* while the plan is built */

	/* [timeouts] */
	int64_t connect_timeout_ns;
	int64_t request_timeout_ns; /* counted from the planned instant */
	int64_t drain_ns;	    /* the request timeout by default */
	unsigned timeout_soft;	    /* 1: a late answer is counted, and still waited for */

	/* [pacing] */
	unsigned pacing_mode;	/* enum plan_pacing */
	int64_t pacing_gap_ns;	/* minimum time between two wake-ups; -1: auto */
	int64_t pacing_spin_ns; /* hybrid */

	/* [statistics] */
	int64_t interval_ns;
	uint64_t confidence_percent; /* as written: 50..99 */
	double confidence;	     /* the same as a share: 0.95 */

	/* [defaults]: the initial values of each request; complete only in requests */
	struct plan_request defaults;
	/* One for each [request NAME] in the order of the file, at most PLAN_REQUESTS_MAX, else a
	 * single one without a name. */
	struct plan_request *requests;
	size_t n_requests;
};

/* Builds and validates a plan. doc: the run file, then overlays, then flags, with variables
 * expanded (variables.h). Of two keys that contradict each other the one from the later file wins,
 * and flags count as one file after all others; within one file they are a problem. name NULL: made
 * from the URL's host. text: that of the run file, NULL if there is none. files: contents for
 * values that end in @file or cred:NAME, looked up by name (NULL, 0: such values are a problem).
 * All problems are added; *ret is set only when problems is empty, including those that were in it
 * before. 0, -EINVAL (problems) or -ENOMEM. */
struct plan_file {
	const char *name; /* as written after the @; "cred:NAME" of a credential */
	const char *data; /* NULL: content unknown here; it counts as empty and is not checked */
	size_t len;
};
/* The maximum total size of all files that the values of a run in the service name, and of all its
 * bodies. A private run is limited by memory alone. */
#define PLAN_SERVICE_BYTES_MAX ((size_t)10 << 20)
int plan_build(const char *name, const struct ini_doc *doc, const char *text,
	const struct plan_file *files, size_t n_files, struct plan **ret,
	struct problems *problems);
/* The same with a limit of bodies_max bytes for all bodies instead of PLAN_SERVICE_BYTES_MAX. */
int plan_build_within(size_t bodies_max, const char *name, const struct ini_doc *doc,
	const char *text, const struct plan_file *files, size_t n_files, struct plan **ret,
	struct problems *problems);
struct plan *plan_free(struct plan *p);
/* Overwrites and frees everything that is needed only for sending requests: headers, bodies,
 * expected answers, the text. */
void plan_forget_content(struct plan *p);

/* The file name that means standard input, which only rpsctl has. */
#define PLAN_STDIN "-"

/* The entry that determines the directory in which a file is looked up: the last one whose value
 * ends in @name. NULL: none. */
const struct ini_entry *plan_file_entry(const struct ini_doc *doc, const char *name);
/* Reports, at its entry, that this file could not be read (error: -errno) from path. path NULL: it
 * is a credential, or PLAN_STDIN, and not available here. */
void plan_file_unreadable(const struct ini_doc *doc, const char *name, const char *path, int error,
	struct problems *problems);

/* Names of files that values refer to ("cart.json" for body = @cart.json, "ca.pem" for ca-file =
 * ca.pem, "cred:token" for a credential), in order, without repeats: what rpsctl must read and
 * send. New array of n borrowed strings (from doc); NULL with n 0 when there are none. */
const char **plan_file_names(const struct ini_doc *doc, size_t *ret_n);
/* The file that this entry refers to, even if a later entry overrides it; NULL: none. */
const char *plan_entry_file(const struct ini_entry *e);
/* The name of a systemd credential, from its name among files: "token" from "cred:token", which is
 * a file of that name in $CREDENTIALS_DIRECTORY. NULL: it is a path. */
#define PLAN_CREDENTIAL "cred:"
const char *plan_credential(const char *name);
/* The entry in force, among those from number first on, whose file has the private key of [tls];
 * NULL: none. It is named in the message if the key must not be sent. */
const struct ini_entry *plan_key_entry(const struct ini_doc *doc, size_t first);
extern const char plan_key_refused[];

/* The first header of that name, ignoring case; NULL: none. */
const struct plan_header *plan_find_header(const struct plan_request *r, const char *name);
/* Does one of the request's headers contain "Connection: close", alone or in a list? Nothing is
 * sent after such a request on its connection, which is closed after the answer (RFC 9112 section
 * 9.6). */
bool plan_request_closes(const struct plan_request *r);

/* The number of requests that are counted by name: all of them, or 0 if the only one has no
 * name. */
static inline size_t plan_n_named(const struct plan *p)
{
	return p->n_requests > 0 && p->requests[0].name[0] != '\0' ? p->n_requests : 0;
}

/* The maximum number of connections, over all workers. The meaning of `auto` is defined here. In
 * the closed model each connection has one user, with pipelining as many as it has requests in
 * flight: plan_users. */
#define PLAN_AUTO_CONNECTIONS 1000
#define PLAN_AUTO_USERS 64 /* without pipelining */
uint64_t plan_connection_limit(const struct plan *p);
/* epoll, eventfd, two timerfds and the socket of the kernel's stamps. */
#define PLAN_DESCRIPTORS_PER_WORKER 5
/* The descriptors that a run needs beside those that rpsd has open already; some are to spare. */
uint64_t plan_descriptors(const struct plan *p, uint64_t connections, uint64_t workers);
/* Are all connections opened before the start? It holds for connections that carry more than one
 * request. */
bool plan_is_fixed_pool(const struct plan *p);

/* The highest rate of arrivals per second, over all stages; 0/1 in the closed model. It covers all
 * slices, like all figures of the plan; plan_own_peak_per_s is that of this run. */
struct rate plan_peak_rate(const struct plan *p);
double plan_own_peak_per_s(const struct plan *p);
/* The number of slices of the schedule, at least 1. */
static inline unsigned plan_n_slices(const struct plan *p)
{
	return p->slice_of > 0 ? p->slice_of : 1;
}

/* The number of rows in the table of stages, which are counted one by one: a stage is one, and so
 * is each step of a step stage, unless the plan has more than PLAN_STEP_ROWS_MAX then. 0: the plan
 * has only one. */
#define PLAN_STEP_ROWS_MAX 200
size_t plan_n_rows(const struct plan *p);
/* How many of them are those of stage i. */
size_t plan_stage_rows(const struct plan *p, size_t i);

/* The number of arrivals in the measured window, exactly as in the schedule; 0: it depends on the
 * answers (closed model without a count). */
uint64_t plan_count(const struct plan *p);
/* The time from the run's start to its measured window: the key warmup and the warm-up stages. */
int64_t plan_warmup_ns(const struct plan *p);

/* The plan as text for people: requests, rate, duration, number of descriptors and bytes, and the
 * highest percentile for which the sample is large enough. Plain text, several lines. 0 or
 * -ENOMEM. */
int plan_describe(const struct plan *p, struct buf *ret);

/* The plan in one line, without its newline: "open 500/s for 5m, warm-up 10s". 0 or -ENOMEM. */
int plan_summary(const struct plan *p, struct buf *ret);
