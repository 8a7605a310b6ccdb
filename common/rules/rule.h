/* SPDX-License-Identifier: Apache-2.0 */
/* A rule: one sentence about a result, as in "p99 < 50ms" or "request buy: errors < 0.1%". The
 * grammar is the same wherever rules are written:
 *
 *   [SCOPE: ] METRIC OP LIMIT [over TIME] [after TIME]
 *
 * Which metrics there are, what their limits are, and where in a result their figures stand is one
 * table. What a result says to a rule is judged in common/result/result_rules.h. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/figure.h"
#include "common/stats/judgement.h"
#include "common/units.h"

struct err;

enum rule_scope {
	RULE_OF_RUN,
	RULE_OF_STAGE,
	RULE_OF_REQUEST,
	RULE_SCOPES,
};
extern const char *const rule_scope_names[RULE_SCOPES]; /* "run", "stage", "request" */

/* What a metric is, and so what its limit is. */
enum rule_form {
	RULE_TIME,  /* a percentile, mean, min or max of times; the limit is a time */
	RULE_SHARE, /* of the planned requests: a share, or a count */
	RULE_RATE,
	RULE_WORD, /* broken where it is true; has no limit */
};

enum rule_metric {
	RULE_MAIN, /* no word: response time; in the closed model service time */
	RULE_RESPONSE,
	RULE_SERVICE,
	RULE_FIRST_BYTE,
	RULE_CONNECT,
	RULE_TLS,
	RULE_GENERATOR_DELAY,
	RULE_ERRORS,
	RULE_FAILED, /* the same */
	RULE_TIMEOUTS,
	RULE_DROPPED,
	RULE_CHECKS,
	RULE_STATUS,
	RULE_OK_RATE,
	RULE_COMPLETED,
	RULE_SENT,
	RULE_GENERATOR_LIMITED,
	RULE_CONNECTION_LIMITED,
	RULE_UNSTEADY,
	RULE_METRICS,
};

struct rule_metric_info {
	const char *name; /* as written; "" for RULE_MAIN */
	enum rule_form form;
	/* Its field: of a time the name of its latency, of a share that of the ledger, of a rate
	 * that of the rates. NULL: it has none of its own. */
	const char *field;
	bool in_stages, in_requests; /* results have it of each */
	bool is_of_planned;	     /* a time: ranks run over all planned requests */
	bool in_intervals;	     /* runs have it of each interval while they go on */
	const char *help;	     /* a line, without a full stop */
};
extern const struct rule_metric_info rule_metrics[RULE_METRICS];

enum rule_stat {
	RULE_QUANTILE,
	RULE_MEAN,
	RULE_MIN,
	RULE_MAX,
};

#define RULE_NAME_MAX 64

struct rule {
	enum rule_scope scope;
	unsigned stage;			 /* RULE_OF_STAGE: from 1 */
	char request[RULE_NAME_MAX + 1]; /* RULE_OF_REQUEST */
	enum rule_metric metric;
	enum rule_stat stat; /* RULE_TIME */
	double percent;	     /* RULE_QUANTILE: 1 to 99.999 */
	bool is_of_ok;	     /* RULE_TIME: ranks run over good answers only */
	unsigned status;     /* RULE_STATUS: a status, or 1 to 9 for all of 100 to 999 */
	enum judgement_op op;
	double limit;	  /* ns, a share of 0 to 1 or a count, or per second */
	struct rate rate; /* RULE_RATE: the limit, exactly */
	bool is_count;	  /* RULE_SHARE */
	int64_t over_ns;  /* 0: the whole window */
	int64_t after_ns; /* 0: from its start */
};

extern const char *const rule_ops[]; /* by enum judgement_op: "<", … */

/* "abort if p99 > 2s" is "p99 <= 2s" that is broken. */
enum judgement_op rule_inverse(enum judgement_op op);

/* 0, or -EINVAL: reterr names the column, from 1, what is wrong there, and what to write. */
int rule_parse(const char *text, struct rule *ret, struct err *reterr);

/* As it would be written: read back it is the same rule. Always terminated. */
#define RULE_TEXT_MAX 256
void rule_format(const struct rule *rule, char *text, size_t size);
/* Its metric alone: "response p99 of ok", "status 5xx". */
void rule_format_metric(const struct rule *rule, char *text, size_t size);
/* A value of its metric, in the unit of its limit; not finite: "without an answer". */
struct figure rule_value(const struct rule *rule, double value);
