/* SPDX-License-Identifier: Apache-2.0 */
/* The table of the fields of a result: one row for each, in the order of the document. From it come
 * the writing and the reading of documents (result_json.h), how figures add up (result_add.h), the
 * columns of CSV, and the manual rpsd-result(5). Pure. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/result/result.h"

/* What the field is in the struct, and in the document. */
enum result_type {
	RESULT_INT,	/* int64_t: an integer, within JSON_PATH_INT_MAX on both sides of zero */
	RESULT_COUNT,	/* int64_t: the same, not below zero */
	RESULT_ANY_INT, /* int64_t: whatever fits 64 bits, but RESULT_NULL and RESULT_ABSENT */
	RESULT_REAL,	/* double: a number, within JSON_PATH_INT_MAX on both sides of zero */
	RESULT_FLAG,	/* enum result_flag */
	RESULT_TEXT,	/* char *, owned */
	RESULT_JSON,	/* json_t *, owned: not looked into */
	RESULT_PART,	/* a struct: an object */
	RESULT_ROWS,	/* struct result_list: an array */
	RESULT_NAMED,	/* struct result_list: an object whose members have names of their own */
};

enum result_unit {
	RESULT_NO_UNIT,
	RESULT_NS,
	RESULT_MS,
	RESULT_SHARE, /* 0 to 1 */
	RESULT_PER_S,
	RESULT_BYTES,
	RESULT_BYTES_PER_S,
	RESULT_UNITS,
};
/* "ns", "ms", "share", "/s", "B", "B/s"; "" for none. */
extern const char *const result_unit_names[RESULT_UNITS];

/* How the field of several results is made of theirs. Unknown ones are left out; where none is
 * known, the sum is null. */
enum result_sum {
	RESULT_APART, /* it is not: found anew, or by rules of its own */
	RESULT_SUM,
	RESULT_MOST,
	RESULT_LEAST,
	RESULT_MEAN,	  /* each repetition counts alike */
	RESULT_MEAN_SENT, /* each request sent counts alike */
	RESULT_SAME,	  /* what all say, else null */
	RESULT_SOME,	  /* true where one says so */
};

struct result_table;

struct result_field {
	const char *name; /* "": the row of a list is this value itself */
	enum result_type type;
	enum result_unit unit;
	size_t offset;
	const struct result_table *table; /* of parts and of rows */
	size_t most; /* members that a list of a foreign file may have; 0: any */
	enum result_sum of_parts;
	enum result_sum of_repeats;
	const char *csv; /* column: "t_s", "p50_ms": in the unit that the name ends in; or NULL */
	const char *null_when;	 /* NULL: never */
	const char *absent_when; /* NULL: never */
	const char *help;	 /* a line, without a full stop */
};

struct result_table {
	const char *what; /* "a latency", for the manual */
	size_t size;	  /* of the struct */
	const struct result_field *fields;
	size_t n;
};

/* struct result. */
extern const struct result_table result_table;
/* Parts of it that are used by themselves. */
extern const struct result_table result_connections_table;
extern const struct result_table result_descriptors_table;
extern const struct result_table result_error_table;
extern const struct result_table result_event_table;
extern const struct result_table result_generator_table;
extern const struct result_table result_headline_table;
extern const struct result_table result_latency_table;
extern const struct result_table result_ledger_table;
extern const struct result_table result_note_table;
extern const struct result_table result_number_table;
extern const struct result_table result_bound_table;
extern const struct result_table result_string_table;
extern const struct result_table result_host_table;
extern const struct result_table result_batch_table;
extern const struct result_table result_batches_table;
extern const struct result_table result_intervals_table;
extern const struct result_table result_steadiness_table;
extern const struct result_table result_ci95_table;
extern const struct result_table result_effective_table;
extern const struct result_table result_offered_table;
extern const struct result_table result_outside_table;
extern const struct result_table result_part_table;
extern const struct result_table result_ports_table;
extern const struct result_table result_rates_table;
extern const struct result_table result_redirects_table;
extern const struct result_table result_request_table;
extern const struct result_table result_row_table;
extern const struct result_table result_slow_table;
extern const struct result_table result_stage_table;
extern const struct result_table result_threshold_table;

/* NULL: the table has no such field. */
const struct result_field *result_table_find(const struct result_table *t, const char *name);
/* The same for a path from that struct ("latency.response.p99_ns": the rows of a named list are
 * reached by any name). */
const struct result_field *result_table_at(const struct result_table *t, const char *path);

/* Sets all fields of a struct to absent; frees what they own. Both leave a struct that is absent.
 */
void result_table_init(const struct result_table *t, void *at);
void result_table_fini(const struct result_table *t, void *at);

/* A copy of a struct, into one that is absent. 0 or -ENOMEM; ret is to be ended either way. */
int result_table_copy(const struct result_table *t, const void *from, void *ret);

/* One more row, all of it absent but its state; NULL: no memory. Named rows get a copy of name. */
void *result_list_add(const struct result_table *t, struct result_list *list, const char *name);
/* That row of named ones; NULL: there is none. */
void *result_list_find(
	const struct result_table *t, const struct result_list *list, const char *name);
void result_list_fini(const struct result_table *t, bool is_named, struct result_list *list);
