/* SPDX-License-Identifier: Apache-2.0 */
/* A plan: the validated content of a run file with its overlays and flags. Immutable once built;
 * workers share it by const pointer. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/digest.h"
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
	PLAN_CLOSE_RST, /* no TIME_WAIT is left behind; servers may log it as an error */
};

/* Which of the name's addresses are loaded. */
enum plan_addresses {
	PLAN_ADDRESSES_ALL,
	PLAN_ADDRESSES_FIRST,
	PLAN_ADDRESSES_V4,
	PLAN_ADDRESSES_V6,
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
	int64_t every_ns;    /* step */
	bool is_warmup;	     /* unmeasured; only before the measured stages */
};

/* How arrivals are spaced around the rate (measurement page A.3). */
enum plan_arrivals {
	PLAN_CONSTANT,
	PLAN_JITTER, /* each moved by up to plan.jitter / 2 of the gap, either way */
	PLAN_POISSON,
};

/* How the instant of an arrival is met (measurement page A.4). */
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

/* Who sends a request, as auth has it. */
struct plan_auth {
	enum plan_auth_scheme scheme;
	const char *user; /* PLAN_AUTH_BASIC: user_len bytes */
	size_t user_len;
	const char *secret; /* "@FILE" or "cred:NAME"; NULL: none */
};

#define PLAN_REQUESTS_MAX 64

/* One kind of request: [request NAME] over [defaults]. */
struct plan_request {
	char *name;	 /* of its section; "" where there is none */
	uint64_t weight; /* at least 1: how often it is chosen, against the others' */
	char *method;
	char *path;		     /* as written; NULL: the URL's own */
	char *target;		     /* sent after the method: path and query, begins with '/' */
	struct plan_header *headers; /* with Authorization, where auth was given */
	size_t n_headers;
	struct plan_auth _auth; /* while the plan is built; borrowed from the entries */
	char *body;		/* NULL: none */
	size_t body_len;
	uint64_t chunk_bytes; /* the body goes in chunks of so many bytes; 0: by Content-Length */

	/* What a good answer is. Any other status is an http_error, all else check_failed. */
	struct plan_statuses expect_statuses; /* 200..399 where nothing is said */
	struct plan_header *expect_headers;   /* value NULL: any value */
	size_t n_expect_headers;
	char *expect_body; /* somewhere in the body; NULL: not asked */
	size_t expect_body_len;
	bool has_expect_size;
	uint64_t expect_size_min, expect_size_max; /* bytes of content */
	bool has_expect_sha256;
	uint8_t expect_sha256[32]; /* of the content */
};

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
	/* Of text, the entries that override or fill it (but for labels, which load nothing), and
	 * the files that values refer to. */
	char sha256[DIGEST_SHA256_HEX_SIZE];

	/* [run] */
	struct plan_label *labels; /* no name twice */
	size_t n_labels;

	/* [target] */
	char *url_text;
	struct url url;
	char *connect_to;	  /* HOST:PORT or unix:/PATH instead of the URL's; NULL: none */
	struct url_place connect; /* the same in its parts; for plan_connections.h */
	unsigned addresses;	  /* enum plan_addresses */
	int64_t dns_ns;		  /* the name is looked up again so often; 0: once */

	/* [tls]; means nothing where the target is http */
	unsigned tls_verify;	/* 0: no, 1: yes */
	struct plan_pem tls_ca; /* not given: the system's */
	struct plan_pem tls_certificate;
	struct plan_pem tls_key;
	char *tls_server_name;	  /* the URL's host where nothing is said */
	unsigned tls_min_version; /* 0: auto, 1: 1.2, 2: 1.3 */
	unsigned tls_max_version; /* the same */
	char *tls_ciphers;	  /* of TLS 1.2, as `openssl ciphers` has them; NULL: OpenSSL's */
	char *tls_ciphersuites;	  /* of TLS 1.3; NULL: OpenSSL's */
	unsigned tls_resume;	  /* 0: no, 1: yes */

	/* [load] */
	unsigned model_choice;	   /* as written: 0 auto, else 1 + enum plan_model */
	enum plan_model model;	   /* rate = max or model = closed: closed */
	struct rate rate;	   /* open model: of the first stage; closed: 0/1 */
	bool rate_max;		   /* rate = max was written */
	char **stage_texts;	   /* one for each stage; "hold 100/s for 10s" where rate made it
				    * or scale has changed it */
	struct plan_stage *stages; /* open model: at least one; closed: none */
	size_t n_stages;
	struct rate scale; /* as written; the rates of the plan are multiplied already */
	unsigned arrivals; /* enum plan_arrivals */
	double jitter;	   /* 0..1; of the gap, PLAN_JITTER alone */
	uint64_t seed;
	int64_t warmup_ns; /* of the key: before the warm-up stages; plan_warmup_ns has both */
	int64_t cooldown_ns;
	/* Of the measured window; CLOCK_NEVER: until `requests` are sent (closed model). With a
	 * count in ramps to the ns or so: the schedule knows it. */
	int64_t duration_ns;
	uint64_t n_arrivals; /* exact count of measured arrivals, 0: by duration */
	uint64_t workers;    /* 0: auto */
	int64_t think_ns;    /* closed model */
	/* Of the schedule this run makes arrivals slice_index - 1, and every slice_of-th after it;
	 * 0: all of them. Neither these nor the instant count in sha256. */
	unsigned slice_index, slice_of;
	unsigned unsynchronised; /* 1: slices need no common start */
	int64_t at_unix_ns;	 /* the run's start, ns since 1970; 0: as soon as it can */

	/* [connections] */
	uint64_t connections;		  /* 0: auto */
	unsigned exhausted;		  /* enum plan_exhausted */
	uint64_t queue_max;		  /* arrivals waiting, over all workers */
	struct rate open_rate;		  /* connections opened per second, over all workers */
	unsigned reuse;			  /* enum plan_reuse */
	uint64_t requests_per_connection; /* then it is closed; 0: no limit */
	int64_t max_age_ns;		  /* of a connection, then it is closed; 0: no limit */
	unsigned close;			  /* enum plan_close */
	uint64_t pipeline;		  /* requests in flight on a connection at most, 1.. */
	struct plan_source *sources;	  /* used in turn; none: the kernel chooses */
	size_t n_sources;
	struct plan_sources *_sources_read; /* while the plan is built */

	/* [timeouts] */
	int64_t connect_timeout_ns;
	int64_t request_timeout_ns; /* counted from the planned instant */
	int64_t drain_ns;	    /* the request timeout where the file says nothing */
	unsigned timeout_soft;	    /* 1: what is late is counted, and waited for */

	/* [pacing] */
	unsigned pacing_mode;	/* enum plan_pacing */
	int64_t pacing_gap_ns;	/* between two wake-ups at least; -1: auto */
	int64_t pacing_spin_ns; /* hybrid */

	/* [statistics] */
	int64_t interval_ns;
	uint64_t confidence_percent; /* as written: 50..99 */
	double confidence;	     /* the same as a share: 0.95 */

	/* [defaults]: what each request begins with; complete only in requests */
	struct plan_request defaults;
	/* One for each [request NAME] in the order of the file, at most PLAN_REQUESTS_MAX, else a
	 * single one without a name. */
	struct plan_request *requests;
	size_t n_requests;
};

/* Builds and validates. doc: the run file, then overlays, then flags; filled (fill.h). Of two keys
 * that contradict each other the one from the later file wins, and flags count as one file after
 * all others; within one file they are a problem. name NULL: made from the URL's host. text: of the
 * run file, NULL where there is none. files: contents for values that end in @file or
 * cred:NAME, looked up by name (NULL, 0: such values are a problem). All problems are added;
 * *ret is set only when problems is empty, also of what was in it before. 0, -EINVAL (problems) or
 * -ENOMEM. */
struct plan_file {
	const char *name; /* as written after the @; "cred:NAME" of a credential */
	const char *data; /* NULL: not known here, counts as empty and is not judged */
	size_t len;
};
/* Bytes of all files that the values of a run in the service name, and of all its bodies. A private
 * run takes what memory holds. */
#define PLAN_SERVICE_BYTES_MAX ((size_t)10 << 20)
int plan_build(const char *name, const struct ini_doc *doc, const char *text,
	const struct plan_file *files, size_t n_files, struct plan **ret,
	struct problems *problems);
/* The same, where all bodies may have bodies_max bytes and not PLAN_SERVICE_BYTES_MAX. */
int plan_build_within(size_t bodies_max, const char *name, const struct ini_doc *doc,
	const char *text, const struct plan_file *files, size_t n_files, struct plan **ret,
	struct problems *problems);
struct plan *plan_free(struct plan *p);
/* Overwrites and frees what only the sending of requests needs: headers, bodies, what is expected
 * of answers, the text. */
void plan_forget_content(struct plan *p);

/* The name of a file that is standard input, which only rpsctl has. */
#define PLAN_STDIN "-"

/* The entry that says where a file is to be looked for: the last whose value ends in @name. NULL:
 * none. */
const struct ini_entry *plan_file_entry(const struct ini_doc *doc, const char *name);
/* Adds that this file, looked for at path, could not be read (error: -errno), where its entry
 * stands. path NULL: it is a credential, or PLAN_STDIN, and there is none here. */
void plan_file_unreadable(const struct ini_doc *doc, const char *name, const char *path, int error,
	struct problems *problems);

/* Names of files that values refer to ("cart.json" for body = @cart.json, "ca.pem" for ca-file =
 * ca.pem, "cred:token" for a credential), in order, without repeats: what rpsctl must read and
 * send. New array of n borrowed strings (from doc); NULL with n 0 when there are none. */
const char **plan_file_names(const struct ini_doc *doc, size_t *ret_n);
/* The one that this entry refers to, NULL: none. Also where a later entry overrides it. */
const char *plan_entry_file(const struct ini_entry *e);
/* A systemd credential, by its name among files: "token" of "cred:token", which is a file of that
 * name in $CREDENTIALS_DIRECTORY. NULL: it is a path. */
#define PLAN_CREDENTIAL "cred:"
const char *plan_credential(const char *name);
/* The entry in force, of those from number first on, whose file has the private key of [tls]; NULL:
 * none. What to say where it may not be sent. */
const struct ini_entry *plan_key_entry(const struct ini_doc *doc, size_t first);
extern const char plan_key_refused[];

/* The first header of that name, case ignored; NULL: none. */
const struct plan_header *plan_find_header(const struct plan_request *r, const char *name);
/* Does one of its headers say "Connection: close", alone or in a list? Nothing is sent after such a
 * request on its connection, which is closed after the answer (RFC 9112 section 9.6). */
bool plan_request_closes(const struct plan_request *r);

/* Requests that are accounted for by name: all of them, or 0 where there is only one without. */
static inline size_t plan_n_named(const struct plan *p)
{
	return p->n_requests > 0 && p->requests[0].name[0] != '\0' ? p->n_requests : 0;
}

/* Connections at most, over all workers. What `auto` means is said here. In the closed model each
 * has a user, with pipelining as many as it has requests in flight: plan_users. */
#define PLAN_AUTO_CONNECTIONS 1000
#define PLAN_AUTO_USERS 64 /* without pipelining */
uint64_t plan_connection_limit(const struct plan *p);
/* Are all of them opened before the start, where a connection has more than one request? */
bool plan_is_fixed_pool(const struct plan *p);

/* Arrivals per second at most, over all stages; 0/1 in the closed model. Of all slices, as all that
 * the plan says; plan_own_peak_per_s is this run's. */
struct rate plan_peak_rate(const struct plan *p);
double plan_own_peak_per_s(const struct plan *p);
/* How many slices the schedule has: 1, or more. */
static inline unsigned plan_n_slices(const struct plan *p)
{
	return p->slice_of > 0 ? p->slice_of : 1;
}

/* Arrivals of the measured window, exactly as the schedule makes them; 0: as many as are answered
 * (closed model without a count). */
uint64_t plan_count(const struct plan *p);
/* From the run's start to its measured window: the key and the stages marked so. */
int64_t plan_warmup_ns(const struct plan *p);

/* The plan as a person reads it: what is sent, how fast, how long, how many descriptors and bytes,
 * which percentile the sample is enough for. Plain text, several lines. 0 or -ENOMEM. */
int plan_describe(const struct plan *p, struct buf *ret);

/* The plan in one line, without its newline: "open 500/s for 5m, warm-up 10s". 0 or -ENOMEM. */
int plan_summary(const struct plan *p, struct buf *ret);
