/* SPDX-License-Identifier: Apache-2.0 */
/* The building blocks of reports: words and figures of a result document, and lines of at most 80
 * columns, fewer if the terminal is narrower. Pure. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/figure.h"

#define REPORT_WIDTH 80u
/* Below that, lines break: figures are not left out without end. */
#define REPORT_WIDTH_MIN 60u
/* A blank at which report_wrapped does not break. */
#define REPORT_GLUE "\x1f"
/* "  note    " */
#define REPORT_LABEL 10u

struct result_table;

struct report {
	const json_t *doc;
	const struct result_table *table; /* of the document's fields */
	unsigned width;			  /* columns of a line */
	bool closed;			  /* closed model: service time only */
	bool is_full;			  /* -v: nothing is left out */
	const char *unit;		  /* of latencies: "ms" or "us" */
	double unit_ns;
	int64_t timeout_ns; /* of a request; 0: unknown */
	struct buf text;    /* UTF-8 with the marks of style.h */
	int r;		    /* the first failure, -ENOMEM */
};

void report_init(struct report *r, const json_t *doc);

/* One line; what does not fit is cut with an ellipsis. */
void report_line(struct report *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
void report_gap(struct report *r);
/* Text that breaks at blanks into as many lines as it needs, after a label in the first one. */
void report_wrapped(struct report *r, const char *label, unsigned indent, const char *text);

/* A figure by its path, written as its unit in the table has it; that of 0 where there is none. */
struct figure report_figure(const struct report *r, const char *path);
/* Figures by path; 0 where there is none. */
int64_t report_int(const struct report *r, const char *path);
double report_real(const struct report *r, const char *path);
/* How fast "planned", "sent" or "ok" of the ledger went: "2,000/s". Of few requests in a short
 * window, and where all answers came after the window, that would say nothing or 0: then it is how
 * long it took, "in 421 ms", up to the last answer ("planned": the window; "sent": ""). */
struct figure report_rate(const struct report *r, const char *name);
/* "200: 216 · 503: 79"; empty where nothing was answered. */
void report_statuses(const struct report *r, struct buf *ret);
/* "316 KiB in, 27.5 KiB out", of the window: that is said where it lacks answers that the counts
 * have. Empty in an older result, which has no bytes. */
void report_bytes(const struct report *r, char *ret, size_t size);
/* "(2 more: -v)" of a list that is cut; with -v the whole of it is further down: "(2 more below)".
 */
struct figure report_more(const struct report *r, size_t n);
/* A duration in the report's unit; where it is null or absent, missing. The path is base.name. */
struct figure report_duration(
	const struct report *r, const char *base, const char *name, const char *missing);
/* The text if a rank falls on an arrival without a good answer: "unserved", or ">=2s" if each of
 * these waited its whole timeout. part: the document, or a request's part of it. */
struct figure report_unserved(const struct report *r, const json_t *part);
/* The confidence interval of a percentile ("p99_ns") of the headline's latency: both ends, and the
 * larger of the two distances. False: it is unknown, and all are "-". */
struct report_interval {
	struct figure low, high, half;
};
bool report_quantile_interval(
	const struct report *r, const char *field, struct report_interval *ret);
bool report_has_intervals(const struct report *r);
double report_level(const struct report *r); /* 0.95 */
/* "9,800", for the percentile "p99"; "-": unknown. */
struct figure report_effective(const struct report *r, const char *key);
/* A sentence for percentiles that have no interval or only its low end; "": they have both, or it
 * is not for lack of data. */
#define REPORT_NOT_ENOUGH 256
void report_not_enough(const struct report *r, char *ret, size_t size);
/* "unsteady", "warming up"; "": nothing is known against it. */
const char *report_unsteady(const struct report *r);
/* The percentiles as a table: the first row has the unit and the titles of the columns. Below a row
 * its intervals or a part of it may follow, whose name begins with blanks. */
#define REPORT_CELLS 8u
#define REPORT_ROWS 12u
struct report_quantiles {
	struct report_cells {
		char name[32];
		struct figure cells[REPORT_CELLS];
		char remark[96];
	} rows[REPORT_ROWS];
	size_t n; /* 0: there are none */
};
void report_quantiles(const struct report *r, struct report_quantiles *ret);
/* The same on the one screen, and a gap. */
void report_quantile_table(struct report *r);
double report_window_ns(const struct report *r);
/* "not_connected" as people read it; and what it means. */
struct figure report_class(const char *name);
const char *report_class_meaning(const char *name);
/* It was stopped without a drain, so what it has not answered had no time to be. */
bool report_is_cut_short(const struct report *r);

/* An error of the result by its name, with its phase where the name does not say it: "stale" of
 * phase receive is "receive: stale". */
struct figure report_error_name(const json_t *error);

/* Requests that the plan names; 0: it has one without a name. */
size_t report_n_requests(const struct report *r);
/* Iterates in the order of the plan: the one after at, the first with NULL; NULL after the last. An
 * iterator of jansson (json_object_iter_key). */
void *report_next_request(const struct report *r, void *at);
/* The plan's sha256, or that it is not shown to this user. */
const char *report_plan_digest(const struct report *r);
/* "GET", or "2 requests to". */
void report_method(const struct report *r, char *method, size_t size);
/* One row of their table; p50 and p99 over all planned arrivals, or of service times. */
struct report_request {
	struct figure share, ok, p50, p99, failed;
};
struct report_request report_request(const struct report *r, const char *name);
/* The table, if there are any, and a gap. */
void report_request_table(struct report *r);

/* Measured stages; 0: the plan has one, or the model is closed. */
size_t report_n_stages(const struct report *r);
/* One row of their table, and the titles of its columns: rate, planned, ok, failed, p50, p95, p99
 * over all planned arrivals, p99 of our own delay. */
#define REPORT_STAGE_CELLS 8u
struct report_stage {
	char name[96]; /* "2 500 for 5m" */
	struct figure cells[REPORT_STAGE_CELLS];
};
extern const char *const report_stage_titles[REPORT_STAGE_CELLS];
struct report_stage report_stage(const struct report *r, size_t i);
/* The table, if there are any, and a gap. */
void report_stage_table(struct report *r);

/* The runs that a merged result is the sum of; 0: it is of one run. */
size_t report_n_parts(const struct report *r);
/* As many are shown at most. */
#define REPORT_PARTS_MAX 20u
struct report_part {
	char name[140]; /* "host/id", or "id" */
	struct figure planned, ok, p50, p99, ours;
	char verdict[10]; /* of its generator */
};
struct report_part report_part(const struct report *r, size_t i);
/* For a merged result: a line for each run in it, and a gap. */
void report_parts_table(struct report *r);

/* The rules that were judged, as they are listed: broken, undecided, kept. */
struct report_rule {
	const char *word, *colour;
	char text[256];
	struct figure value; /* "" of a word */
	char interval[128];  /* "": not known */
	const char *because; /* why it is undecided; "" */
	const char *remedy;
};
size_t report_n_rules(const struct report *r);
/* How many have come to that result: "fail". */
size_t report_count_rules(const struct report *r, const char *result);
/* False: there are no more. */
bool report_rule(const struct report *r, size_t i, struct report_rule *ret);
/* A line for each, and a gap; nothing without rules. */
void report_rule_lines(struct report *r);

/* The run in words. Texts may hold marks. */
struct report_verdict {
	const char *word; /* with its colour */
	const char *remedy;
	int exit_code;	  /* 0: nothing to say of it */
	char reason[320]; /* "": the facts say it */
	char facts[380];  /* "": nothing was planned */
	/* "": all slices of the plan are in the result. It comes before the reason. */
	const char *missing;
};
void report_judge(const struct report *r, struct report_verdict *ret);
/* "open model, even spacing" */
void report_model(const struct report *r, char *model, size_t size);

/* What was done to the run while it went on: "2 times: rate 200/s -> 400/s at 0:02, pause at 0:05";
 * "": nothing. */
void report_steered(const struct report *r, char *ret, size_t size);

/* One of `slowest` in words: "5,000 ms  buy  timeout  connection 31  at 1:48". */
void report_slow(const struct report *r, const json_t *slow, char *ret, size_t size);

/* The verbose blocks after the one screen. */
void format_full_append(struct report *r);
