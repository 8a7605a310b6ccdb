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

enum plan_stage_kind {
	PLAN_HOLD, /* rate for duration_ns */
};

struct plan_stage {
	enum plan_stage_kind kind;
	struct rate rate;
	int64_t duration_ns;
};

struct plan_header {
	char *name;
	char *value;
};

struct plan_label {
	char *name;
	char *text;
};

/* A file of [tls]: PEM. */
struct plan_pem {
	char *name; /* as written; NULL: not given */
	char *text; /* ends with a NUL behind its len bytes */
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

	/* [tls]; means nothing where the target is http */
	unsigned tls_verify;	/* 0: no, 1: yes */
	struct plan_pem tls_ca; /* not given: the system's */
	struct plan_pem tls_certificate;
	struct plan_pem tls_key;
	char *tls_server_name;	  /* the URL's host where nothing is said */
	unsigned tls_min_version; /* 0: auto, 1: 1.2, 2: 1.3 */
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
	unsigned arrivals; /* 0: constant */
	uint64_t seed;
	int64_t warmup_ns;
	int64_t cooldown_ns;
	int64_t duration_ns; /* of the measured window; CLOCK_NEVER: until `requests` are sent */
	uint64_t requests;   /* exact count of measured arrivals, 0: by duration */
	uint64_t workers;    /* 0: auto */
	int64_t think_ns;    /* closed model */

	/* [connections] */
	uint64_t connections;  /* 0: auto */
	unsigned exhausted;    /* enum plan_exhausted */
	uint64_t queue_max;    /* arrivals waiting, over all workers */
	struct rate open_rate; /* connections opened per second, over all workers */
	unsigned reuse;	       /* enum plan_reuse */

	/* [timeouts] */
	int64_t connect_timeout_ns;
	int64_t request_timeout_ns; /* counted from the planned instant */
	int64_t drain_ns;	    /* the request timeout where the file says nothing */

	/* [statistics] */
	int64_t interval_ns;

	/* [defaults]: one request for now */
	char *method;
	struct plan_header *headers;
	size_t n_headers;
	char *body;
	size_t body_len;
	char *user_agent; /* NULL: rpsd/VERSION run=ID; a User-Agent header stands in headers */
};

/* Builds and validates. doc: the run file, then overlays, then flags; filled (fill.h). Of two keys
 * that contradict each other the one from the later file wins, and flags count as one file after
 * all others; within one file they are a problem. name NULL: made from the URL's host. text: of the
 * run file, NULL where there is none. files: contents for values that end in @file, looked up by
 * the name as written behind the @ (NULL, 0: such values are a problem). All problems are added;
 * *ret is set only when problems is empty, also of what was in it before. 0, -EINVAL (problems) or
 * -ENOMEM. */
struct plan_file {
	const char *name;
	const char *data;
	size_t len;
};
int plan_build(const char *name, const struct ini_doc *doc, const char *text,
	const struct plan_file *files, size_t n_files, struct plan **ret,
	struct problems *problems);
struct plan *plan_free(struct plan *p);

/* The entry that says where a file is to be looked for: the last whose value ends in @name. NULL:
 * none. */
const struct ini_entry *plan_file_entry(const struct ini_doc *doc, const char *name);
/* Adds that this file, looked for at path, could not be read (error: -errno), where its entry
 * stands. */
void plan_file_unreadable(const struct ini_doc *doc, const char *name, const char *path, int error,
	struct problems *problems);

/* Names of files that values refer to ("cart.json" for body = @cart.json, "ca.pem" for ca-file =
 * ca.pem), in order, without repeats: what rpsctl must read and send. New array of n borrowed
 * strings (from doc); NULL with n 0 when there are none. */
const char **plan_file_names(const struct ini_doc *doc, size_t *ret_n);
/* The one that this entry refers to, NULL: none. Also where a later entry overrides it. */
const char *plan_entry_file(const struct ini_entry *e);
/* The entry in force, of those from number first on, whose file has the private key of [tls]; NULL:
 * none. What to say where it may not be sent. */
const struct ini_entry *plan_key_entry(const struct ini_doc *doc, size_t first);
extern const char plan_key_refused[];

/* The first header of that name, case ignored; NULL: none. */
const struct plan_header *plan_find_header(const struct plan *p, const char *name);

/* Connections at most, over all workers; closed model: the users. What `auto` means is said here.
 */
#define PLAN_AUTO_CONNECTIONS 1000
#define PLAN_AUTO_USERS 64
uint64_t plan_connection_limit(const struct plan *p);

/* Arrivals per second at most, over all stages; 0/1 in the closed model. */
struct rate plan_peak_rate(const struct plan *p);

/* The plan as a person reads it: what is sent, how fast, how long, how many descriptors and bytes,
 * which percentile the sample is enough for. Plain text, several lines. 0 or -ENOMEM. */
int plan_describe(const struct plan *p, struct buf *ret);

/* The plan in one line, without its newline: "open 500/s for 5m, warm-up 10s". 0 or -ENOMEM. */
int plan_summary(const struct plan *p, struct buf *ret);
