/* SPDX-License-Identifier: Apache-2.0 */
/* The tables, from those of the smallest parts to that of the whole. The order of rows is that of
 * documents. Judgements (share of a CPU, steal, ...) add up as the worst of them: a sick host is
 * not diluted by healthy ones. */
#include "common/result/result_table.h"

#include "common/plan/plan.h"

/* ---------------------------------------------------------------- reasons that repeat */

#define NO_VALUE "there is no value"
#define UNSERVED "the rank falls on an arrival without a good answer"
#define NOT_BEGUN "the run did not begin"
#define OLDER "the result is of an older version"
#define CLOSED_MODEL "the model is closed"
#define OF_REQUEST "these are the rates of one request"
#define UNTOLD "the kernel does not tell, or the run did not begin"
#define SEVERAL "the runs of a sum have several"
#define NOT_KNOWN "it is not known"
#define IS_WORD "the rule is a word, as in unsteady"
#define NEVER_HELD "the rule is a word, or an abort-if that never held"

/* ---------------------------------------------------------------- the rows */

/* FIELD(member, type, unit, sum of parts, sum of repetitions, help, more...). S is the struct. */
#define FIELD(member, t, u, parts, repeats, text, ...)                                             \
	{                                                                                          \
		.name = #member, .type = RESULT_##t, .unit = RESULT_##u,                           \
		.offset = offsetof(S, member), .of_parts = RESULT_##parts,                         \
		.of_repeats = RESULT_##repeats, .help = text, __VA_ARGS__                          \
	}
#define TEXT(member, help, ...) FIELD(member, TEXT, NO_UNIT, APART, APART, help, __VA_ARGS__)
#define COUNT(member, help, ...) FIELD(member, COUNT, NO_UNIT, SUM, SUM, help, __VA_ARGS__)
#define NS(member, help, ...) FIELD(member, INT, NS, APART, APART, help, __VA_ARGS__)
/* What has a table adds up member by member and name by name, but where it is called APART. */
#define PART(member, its, help, ...)                                                               \
	FIELD(member, PART, NO_UNIT, SUM, SUM, help, .table = &(its), __VA_ARGS__)
#define PART_APART(member, its, help, ...)                                                         \
	FIELD(member, PART, NO_UNIT, APART, APART, help, .table = &(its), __VA_ARGS__)
#define NAMED(member, its, help, ...)                                                              \
	FIELD(member, NAMED, NO_UNIT, SUM, SUM, help, .table = &(its), __VA_ARGS__)
#define NAMED_APART(member, its, help, ...)                                                        \
	FIELD(member, NAMED, NO_UNIT, APART, APART, help, .table = &(its), __VA_ARGS__)
#define ROWS(member, its, help, ...)                                                               \
	FIELD(member, ROWS, NO_UNIT, APART, APART, help, .table = &(its), __VA_ARGS__)
/* The row of a list that is this value alone. */
#define VALUE(member, t, u, rule, ...)                                                             \
	{                                                                                          \
		.name = "", .type = RESULT_##t, .unit = RESULT_##u, .offset = offsetof(S, member), \
		.of_parts = RESULT_##rule, .of_repeats = RESULT_##rule,                            \
		.help = "the value itself", __VA_ARGS__                                            \
	}
#define TABLE(its, text)                                                                           \
	{                                                                                          \
		text, sizeof(S), its, sizeof(its) / sizeof(*(its))                                 \
	}
#define S struct result_number
static const struct result_field result_number_fields[] = {
	VALUE(n, COUNT, NO_UNIT, SUM),
};
const struct result_table result_number_table = TABLE(result_number_fields, "a number");
#undef S

#define S struct result_number
static const struct result_field result_bound_fields[] = {
	VALUE(n, INT, NS, APART, .null_when = "there is no upper limit"),
};
const struct result_table result_bound_table = TABLE(result_bound_fields, "an end of an interval");
#undef S

#define S struct result_string
static const struct result_field result_string_fields[] = {
	VALUE(text, TEXT, NO_UNIT, APART),
};
const struct result_table result_string_table = TABLE(result_string_fields, "a text");
#undef S

#define S struct result_run
static const struct result_field result_run_fields[] = {
	TEXT(id, "name and number of the run; of a sum those of its runs"),
	TEXT(uuid, "identity of the run, the same wherever the result is kept"),
	TEXT(name, "of the plan"),
	NAMED_APART(labels, result_string_table, "labels as text by name", .most = 256),
	TEXT(user, "who started it", .null_when = SEVERAL),
	TEXT(state, "finished"),
	TEXT(outcome, "completed, stopped, aborted, failed or interrupted"),
	TEXT(reason, "why it ended before its time", .null_when = "the runs of a sum tell none"),
	FIELD(exit_code, INT, NO_UNIT, APART, APART, "exit status of rpsctl"),
	TEXT(started, "instant in UTC", .null_when = NOT_BEGUN),
	NS(started_unix_ns, "the same, since 1970", .null_when = NOT_BEGUN),
	TEXT(ended, "instant in UTC", .null_when = NOT_BEGUN),
	TEXT(failed_by, "error that kept the run from beginning, one of those in rpsctl(1)",
		.absent_when = "it began"),
};
static const struct result_table result_run_table = TABLE(result_run_fields, "the run");
#undef S

#define S struct result_headline
static const struct result_field result_headline_fields[] = {
	TEXT(result, "ok, pass, fail, undecided, overload, errors, failed, stopped, interrupted or "
		     "void"),
	TEXT(limited_by,
		"what limited the rate: plan, server, users, connections, policy, generator or "
		"unknown"),
	TEXT(because, "the reason in words"),
	TEXT(try, "what to try"),
	FIELD(planned_per_s, REAL, PER_S, SUM, MEAN, "arrivals planned", .null_when = NOT_BEGUN),
	FIELD(ok_per_s, REAL, PER_S, SUM, MEAN, "good answers", .null_when = NOT_BEGUN),
	FIELD(failed_share, REAL, SHARE, APART, APART, "planned arrivals without a good answer"),
	FIELD(p50_ms, REAL, MS, APART, APART,
		"median over all planned arrivals; in the closed model of service times",
		.null_when = UNSERVED),
	FIELD(p99_ms, REAL, MS, APART, APART, "the same for 99 of 100", .null_when = UNSERVED),
	FIELD(our_delay_share_of_p99, REAL, SHARE, APART, APART,
		"part of the p99 that is our own delay", .null_when = "one of both is not known"),
	TEXT(missing, "slices of the plan that are not in the sum", .absent_when = "all are there"),
};
const struct result_table result_headline_table = TABLE(result_headline_fields, "the headline");
#undef S

#define S struct result_window
static const struct result_field result_window_fields[] = {
	NS(start_ns, "from the first planned instant"),
	NS(end_ns, "from the first planned instant"),
	NS(warmup_ns, "as planned"),
	NS(cooldown_ns, "as planned"),
	FIELD(drain_ns, INT, NS, MOST, MOST,
		"from the end of sending until the last arrival had ended"),
	FIELD(paused_ns, INT, NS, APART, SUM, "of the window", .absent_when = OLDER),
};
static const struct result_table result_window_table =
	TABLE(result_window_fields, "the measured window");
#undef S

#define S struct result_threshold
static const struct result_field result_threshold_fields[] = {
	TEXT(rule, "the rule as a whole, as it would be written"),
	TEXT(kind, "require or abort-if"),
	TEXT(request, "name of the request it is about", .null_when = "it is about all",
		.absent_when = "it is about all"),
	TEXT(metric, "what is compared: response p99, failed, rate, ..."),
	TEXT(op, "<, <=, > or >=", .absent_when = IS_WORD),
	FIELD(limit, REAL, NO_UNIT, APART, APART, "in the rule's unit", .absent_when = IS_WORD),
	TEXT(unit, "of limit, value, low and high: ns, share, count or /s", .absent_when = IS_WORD),
	TEXT(scope, "run, stage or request"),
	FIELD(stage, INT, NO_UNIT, APART, APART, "number of the stage",
		.null_when = "it is about the run", .absent_when = "it is about the run"),
	TEXT(of, "planned or ok: what the percentile ranks over",
		.null_when = "it is not a percentile", .absent_when = "it is not a percentile"),
	NS(over_ns, "length of the stretches that are looked at one by one",
		.null_when = "it is about the whole window",
		.absent_when = "it is about the whole window"),
	NS(after_ns, "how long the rule waits before it holds",
		.null_when = "it holds from the beginning",
		.absent_when = "it holds from the beginning"),
	FIELD(value, REAL, NO_UNIT, APART, APART, "as measured",
		.null_when = "it was not measured, or is of an arrival without a good answer",
		.absent_when = NEVER_HELD),
	FIELD(low, REAL, NO_UNIT, APART, APART, "lower end of its interval of confidence",
		.null_when = NOT_KNOWN, .absent_when = NOT_KNOWN),
	FIELD(high, REAL, NO_UNIT, APART, APART, "upper end", .null_when = NOT_KNOWN,
		.absent_when = NOT_KNOWN),
	TEXT(result, "pass, fail or undecided", .absent_when = "it is an abort-if"),
	TEXT(because, "why it is undecided", .null_when = "it is decided",
		.absent_when = "it is decided"),
	TEXT(try, "what helps to decide it", .null_when = "it is decided",
		.absent_when = "it is decided"),
	NS(first_broken_ns, "when an abort-if first held, from the start of the window",
		.null_when = "it never did", .absent_when = "it never did"),
};
const struct result_table result_threshold_table = TABLE(result_threshold_fields, "a rule");
#undef S

#define S struct result_ledger
static const struct result_field result_ledger_fields[] = {
	COUNT(planned, "arrivals that the plan called for"),
	COUNT(sent, "requests of which a byte was sent"),
	COUNT(dropped, "no free connection and no room to wait"),
	COUNT(expired, "timed out while waiting for a connection"),
	COUNT(not_connected, "the connection they waited for could not be opened"),
	COUNT(unsent, "still waiting when the run ended"),
	COUNT(lost, "the generator that held it is gone; 0 in a whole run", .absent_when = OLDER),
	COUNT(ok, "answered well"),
	COUNT(http_error, "answered with a status that is not expected"),
	COUNT(check_failed, "answered, but not as the checks ask"),
	COUNT(bad_response, "answered with what is no HTTP/1.1"),
	COUNT(timeout, "not answered in time"),
	COUNT(connection_error, "closed or reset before the answer was complete"),
	COUNT(unfinished, "not answered when the drain ended"),
	FIELD(balanced, FLAG, NO_UNIT, APART, APART,
		"both sums hold: each arrival is in one class"),
};
const struct result_table result_ledger_table = TABLE(result_ledger_fields, "a ledger");
#undef S

#define S struct result_outside
static const struct result_field result_outside_fields[] = {
	PART(warmup, result_ledger_table, "before it"),
	PART(cooldown, result_ledger_table, "after it"),
	COUNT(retries, "requests sent a second time, in and outside the window"),
	FIELD(repeated_share, REAL, SHARE, APART, APART, "retries for each request sent",
		.null_when = "nothing was sent"),
};
const struct result_table result_outside_table =
	TABLE(result_outside_fields, "what was outside the window");
#undef S

#define S struct result_rates
static const struct result_field result_rates_fields[] = {
	FIELD(planned_per_s, REAL, PER_S, SUM, MEAN, "arrivals planned"),
	FIELD(sent_per_s, REAL, PER_S, SUM, MEAN, "requests sent"),
	FIELD(completed_per_s, REAL, PER_S, SUM, MEAN, "answers complete, good or not",
		.absent_when = OF_REQUEST),
	FIELD(ok_per_s, REAL, PER_S, SUM, MEAN, "good answers"),
	FIELD(bytes_in_per_s, REAL, BYTES_PER_S, SUM, MEAN, "bytes of answers",
		.absent_when = OF_REQUEST),
	FIELD(bytes_out_per_s, REAL, BYTES_PER_S, SUM, MEAN, "bytes of requests",
		.absent_when = OF_REQUEST),
	FIELD(allowed_per_s, REAL, PER_S, SUM, MOST,
		"requests that [policy] max-rate of the service allows",
		.absent_when = "there is no such limit"),
};
const struct result_table result_rates_table = TABLE(result_rates_fields, "rates over the window");
#undef S

#define S struct result_bytes
static const struct result_field result_bytes_fields[] = {
	FIELD(in, COUNT, BYTES, SUM, SUM, "of answers; of TLS the bytes of its content"),
	FIELD(out, COUNT, BYTES, SUM, SUM, "of requests"),
};
static const struct result_table result_bytes_table =
	TABLE(result_bytes_fields, "bytes moved in the window");
#undef S

#define S struct result_ci95
static const struct result_field result_ci95_fields[] = {
	FIELD(level, REAL, SHARE, APART, APART, "how sure: 0.95 unless the plan says otherwise"),
	ROWS(p50_ns, result_bound_table, "both ends of the interval of p50, ns", .most = 2,
		.null_when = "there is not enough data"),
	ROWS(p90_ns, result_bound_table, "both ends of the interval of p90, ns", .most = 2,
		.null_when = "there is not enough data"),
	ROWS(p99_ns, result_bound_table, "both ends of the interval of p99, ns", .most = 2,
		.null_when = "there is not enough data"),
	ROWS(p99_9_ns, result_bound_table, "both ends of the interval of p99.9, ns", .most = 2,
		.null_when = "there is not enough data"),
};
const struct result_table result_ci95_table = TABLE(result_ci95_fields, "intervals of confidence");
#undef S

#define S struct result_effective
static const struct result_field result_effective_fields[] = {
	FIELD(p50, REAL, NO_UNIT, APART, APART, "for p50", .null_when = NOT_KNOWN),
	FIELD(p90, REAL, NO_UNIT, APART, APART, "for p90", .null_when = NOT_KNOWN),
	FIELD(p99, REAL, NO_UNIT, APART, APART, "for p99", .null_when = NOT_KNOWN),
	FIELD(p99_9, REAL, NO_UNIT, APART, APART, "for p99.9", .null_when = NOT_KNOWN),
};
const struct result_table result_effective_table =
	TABLE(result_effective_fields, "how many independent values there were");
#undef S

#define S struct result_latency
static const struct result_field result_latency_fields[] = {
	FIELD(count, COUNT, NO_UNIT, APART, APART, "values"),
	NS(min_ns, "least", .null_when = NO_VALUE),
	NS(max_ns, "largest, exactly", .null_when = NO_VALUE),
	NS(mean_ns, "mean", .null_when = NO_VALUE),
	NS(stddev_ns, "standard deviation", .null_when = NO_VALUE),
	NS(p50_ns, "half of the values are at most this", .null_when = NO_VALUE),
	NS(p75_ns, "75 of 100 the values are at most this", .null_when = NO_VALUE),
	NS(p90_ns, "90 of 100 the values are at most this", .null_when = NO_VALUE),
	NS(p95_ns, "95 of 100 the values are at most this", .null_when = NO_VALUE),
	NS(p99_ns, "99 of 100 the values are at most this", .null_when = NO_VALUE),
	NS(p99_9_ns, "999 of 1,000 the values are at most this", .null_when = NO_VALUE),
	NS(p99_99_ns, "9,999 of 10,000 the values are at most this", .null_when = NO_VALUE),
	TEXT(hdr, "the histogram: HdrHistogram V2, compressed, in base64", .null_when = NO_VALUE),
	PART_APART(ci95, result_ci95_table, "how far percentiles may be off",
		.absent_when = "it is not the latency that the headline is about"),
	PART_APART(n_effective, result_effective_table,
		"independent values that each percentile rests on",
		.absent_when = "it is not the latency that the headline is about"),
};
const struct result_table result_latency_table = TABLE(result_latency_fields, "a latency");
#undef S

#define S struct result_offered
static const struct result_field result_offered_fields[] = {
	NS(p50_ns, "half of the planned arrivals had a good answer in this time",
		.null_when = UNSERVED),
	NS(p75_ns, "75 of 100 the planned arrivals had a good answer in this time",
		.null_when = UNSERVED),
	NS(p90_ns, "90 of 100 the planned arrivals had a good answer in this time",
		.null_when = UNSERVED),
	NS(p95_ns, "95 of 100 the planned arrivals had a good answer in this time",
		.null_when = UNSERVED),
	NS(p99_ns, "99 of 100 the planned arrivals had a good answer in this time",
		.null_when = UNSERVED),
	NS(p99_9_ns, "999 of 1,000 the planned arrivals had a good answer in this time",
		.null_when = UNSERVED),
	NS(p99_99_ns, "9,999 of 10,000 the planned arrivals had a good answer in this time",
		.null_when = UNSERVED),
	FIELD(unserved_share, REAL, SHARE, APART, APART, "planned arrivals without a good answer",
		.null_when = "nothing was planned"),
};
const struct result_table result_offered_table =
	TABLE(result_offered_fields, "percentiles over all planned arrivals");
#undef S

#define S struct result_error
static const struct result_field result_error_fields[] = {
	TEXT(class, "its name, one of those in rpsctl(1)"),
	TEXT(phase, "where it happens"),
	FIELD(count, COUNT, NO_UNIT, APART, APART, "arrivals that ended so"),
	NS(first_ns, "first one, from the start of the window"),
	NS(last_ns, "last one"),
	TEXT(example, "of the first one"),
};
const struct result_table result_error_table = TABLE(result_error_fields, "an error");
#undef S

#define S struct result_redirects
static const struct result_field result_redirects_fields[] = {
	COUNT(count, "answers with such a status"),
	FIELD(share, REAL, SHARE, APART, APART, "of all answers", .null_when = "there were none"),
	TEXT(location, "where the first one points to",
		.null_when = "there was none, or it does not say"),
	FIELD(expected, FLAG, NO_UNIT, SOME, SOME,
		"the plan asks for such a status (expect-status)", .absent_when = OLDER),
};
const struct result_table result_redirects_table =
	TABLE(result_redirects_fields, "answers that point elsewhere");
#undef S

#define S struct result_request
static const struct result_field result_request_fields[] = {
	TEXT(method, "GET, POST, ..."),
	TEXT(target, "path and query"),
	FIELD(weight, COUNT, NO_UNIT, APART, APART, "as the plan has it"),
	FIELD(share, REAL, SHARE, APART, APART, "of all planned arrivals"),
	PART(ledger, result_ledger_table, "what became of them"),
	PART(rates, result_rates_table, "over the window"),
	NAMED(latency, result_latency_table, "response, service, first_byte and failed",
		.most = 64),
	PART_APART(offered, result_offered_table, "percentiles over all that were planned",
		.absent_when = CLOSED_MODEL),
};
const struct result_table result_request_table = TABLE(result_request_fields, "a named request");
#undef S

#define S struct result_stage
static const struct result_field result_stage_fields[] = {
	FIELD(kind, TEXT, NO_UNIT, SAME, SAME, "stage"),
	FIELD(number, COUNT, NO_UNIT, SAME, SAME, "in the plan, from 1, where each step counts"),
	FIELD(text, TEXT, NO_UNIT, SAME, SAME, "as the plan has it, or of a step"),
	FIELD(start_ns, INT, NS, LEAST, LEAST, "from the start of the window"),
	FIELD(end_ns, INT, NS, MOST, MOST, "from the start of the window"),
	PART(ledger, result_ledger_table, "what became of the arrivals planned in it"),
	PART(rates, result_rates_table, "over the stage, without pauses"),
	NAMED(latency, result_latency_table, "response and our_delay", .most = 64),
	PART_APART(offered, result_offered_table, "percentiles over all that were planned"),
};
const struct result_table result_stage_table = TABLE(result_stage_fields, "a stage");
#undef S

#define S struct result_connections
static const struct result_field result_connections_fields[] = {
	FIELD(limit, COUNT, NO_UNIT, SUM, MOST, "that there may be at a time"),
	FIELD(allowed, COUNT, NO_UNIT, SUM, LEAST, "that descriptors and ports allow at a time",
		.null_when = NOT_KNOWN, .absent_when = OLDER),
	FIELD(peak, COUNT, NO_UNIT, SUM, MOST, "that there were at a time"),
	COUNT(opened, "in all"),
	COUNT(closed_by_peer, "by the server"),
	COUNT(closed_by_us, "by rpsd"),
	COUNT(surplus, "with bytes after an answer that belong to none", .absent_when = OLDER),
	COUNT(stale, "that the server was closing when a request was to be sent",
		.absent_when = OLDER),
	COUNT(reset_beside, "that the server reset before an answer, while others were open",
		.absent_when = OLDER),
	FIELD(reused_share, REAL, SHARE, APART, APART,
		"requests on a connection that had carried one before",
		.null_when = "nothing was sent"),
	FIELD(queue_peak, COUNT, NO_UNIT, SUM, MOST, "arrivals that waited for one at a time"),
	COUNT(held_by_pace, "arrivals of the window that waited because open-rate was used up",
		.absent_when = OLDER),
	FIELD(open_rate_per_s, REAL, PER_S, SUM, MOST, "that may be opened",
		.null_when = "there is no limit", .absent_when = OLDER),
	FIELD(tls_resumed_share, REAL, SHARE, APART, APART,
		"handshakes that resumed an earlier session", .null_when = "there was no handshake",
		.absent_when = "the target is not https"),
};
const struct result_table result_connections_table =
	TABLE(result_connections_fields, "connections");
#undef S

#define S struct result_row
static const struct result_field result_row_fields[] = {
	NS(t_ns, "its start, from the start of the window", .csv = "t_s"),
	COUNT(planned, "arrivals planned in it", .csv = "planned"),
	COUNT(sent, "requests sent in it", .csv = "sent"),
	COUNT(completed, "answers complete in it, good or not", .csv = "completed"),
	COUNT(ok, "good answers in it", .csv = "ok"),
	COUNT(failed, "arrivals that failed in it", .csv = "failed"),
	COUNT(in_flight, "requests without an answer at its end", .csv = "in_flight"),
	COUNT(queue, "arrivals waiting for a connection at its end", .csv = "queue"),
	NS(p50_ns, "over the arrivals planned in it", .csv = "p50_ms", .null_when = UNSERVED),
	NS(p99_ns, "over the arrivals planned in it", .csv = "p99_ms", .null_when = UNSERVED),
	NS(max_ns, "over the arrivals planned in it", .csv = "max_ms", .null_when = UNSERVED),
	NS(our_delay_p99_ns, "of our own delay", .csv = "our_delay_p99_ms", .null_when = NO_VALUE),
	FIELD(open, FLAG, NO_UNIT, SOME, SOME, "some of its arrivals had not ended", .csv = "open"),
	NS(length_ns, "of a row that is shorter than the others", .absent_when = "it is not"),
};
const struct result_table result_row_table = TABLE(result_row_fields, "an interval");
#undef S

#define S struct result_intervals
static const struct result_field result_intervals_fields[] = {
	NS(width_ns, "the width of each row"),
	ROWS(rows, result_row_table, "one for each interval of the window"),
};
const struct result_table result_intervals_table =
	TABLE(result_intervals_fields, "the course of the run");
#undef S

#define S struct result_batch
static const struct result_field result_batch_fields[] = {
	NS(t_ns, "its start, from the start of the window"),
	COUNT(planned, "arrivals planned in it"),
	TEXT(hdr, "histogram of their good answers", .null_when = NO_VALUE),
	TEXT(our_delay_hdr, "histogram of our own delay", .null_when = NO_VALUE),
	NS(length_ns, "of a row that is shorter than the others", .absent_when = "it is not"),
};
const struct result_table result_batch_table = TABLE(result_batch_fields, "a batch");
#undef S

#define S struct result_batches
static const struct result_field result_batches_fields[] = {
	NS(width_ns, "the width of each row"),
	TEXT(of, "response or service"),
	ROWS(rows, result_batch_table, "one for each stretch of the window"),
};
const struct result_table result_batches_table =
	TABLE(result_batches_fields, "stretches that intervals of confidence are made of");
#undef S

#define S struct result_note
static const struct result_field result_note_fields[] = {
	TEXT(code, "its name"),
	FIELD(value, REAL, NO_UNIT, APART, APART, "the figure that it is about, in its unit"),
	FIELD(limit, REAL, NO_UNIT, APART, APART, "what it should not exceed"),
	TEXT(unit, "ns, share or count", .absent_when = "the note has no figure"),
	TEXT(text, "for people"),
	TEXT(try, "a remedy"),
};
const struct result_table result_note_table = TABLE(result_note_fields, "a note");
#undef S

#define S struct result_host
static const struct result_field result_host_fields[] = {
	TEXT(name, "of the host"),
	TEXT(kernel, "its version"),
	FIELD(cpus, COUNT, NO_UNIT, APART, APART, "that rpsd may use"),
	TEXT(cpu_model, "as the kernel names it"),
};
const struct result_table result_host_table =
	TABLE(result_host_fields, "the machine of the generator");
#undef S

#define S struct result_descriptors
static const struct result_field result_descriptors_fields[] = {
	FIELD(limit, COUNT, NO_UNIT, LEAST, LEAST, "that it may have"),
	FIELD(used_at_most, COUNT, NO_UNIT, MOST, MOST, "that it had"),
};
const struct result_table result_descriptors_table =
	TABLE(result_descriptors_fields, "descriptors of the process");
#undef S

#define S struct result_ports
static const struct result_field result_ports_fields[] = {
	FIELD(range, COUNT, NO_UNIT, LEAST, LEAST, "that connections can come from"),
	FIELD(time_wait, COUNT, NO_UNIT, MOST, MOST, "that wait to be used again at the end",
		.null_when = "the kernel does not tell"),
	FIELD(reused, FLAG, NO_UNIT, SOME, SOME, "one that waits can be used again at once",
		.absent_when = OLDER),
};
const struct result_table result_ports_table = TABLE(result_ports_fields, "local ports");
#undef S

#define S struct result_generator
static const struct result_field result_generator_fields[] = {
	TEXT(verdict, "ok, suspect or saturated"),
	ROWS(notes, result_note_table, "what there is to say"),
	FIELD(version, TEXT, NO_UNIT, SAME, SAME, "of rpsd", .null_when = SEVERAL),
	FIELD(host, PART, NO_UNIT, SAME, SAME, "the machine", .table = &result_host_table,
		.null_when = SEVERAL),
	FIELD(workers, COUNT, NO_UNIT, SUM, MOST, "threads"),
	FIELD(cpu_share, REAL, SHARE, MOST, MOST, "CPU time of the busiest worker"),
	FIELD(cpu_ns_per_request, REAL, NS, MEAN_SENT, MEAN_SENT,
		"CPU time of all workers for each request"),
	FIELD(little_residual, REAL, SHARE, MOST, MOST,
		"by how much requests in flight differ from rate x service time",
		.null_when = "nothing was in flight"),
	FIELD(stalled_share, REAL, SHARE, MOST, MOST, "of the run in which a worker did not run"),
	FIELD(colocated, FLAG, NO_UNIT, SOME, SOME, "the server is on the same machine"),
	COUNT(merged_intervals, "that were joined because buffers were few"),
	FIELD(steal_share, REAL, SHARE, MOST, MOST,
		"CPU time of the machine that the hypervisor took", .null_when = UNTOLD),
	FIELD(softirq_share, REAL, SHARE, MOST, MOST,
		"CPU time of the machine for packets and timers", .null_when = UNTOLD,
		.absent_when = OLDER),
	FIELD(throttled_share, REAL, SHARE, MOST, MOST, "periods in which the CPU quota ran out",
		.null_when = UNTOLD, .absent_when = OLDER),
	FIELD(throttled_ns, INT, NS, SUM, SUM, "total time for which the CPU quota had run out",
		.null_when = UNTOLD, .absent_when = OLDER),
	FIELD(run_queue_share, REAL, SHARE, MOST, MOST,
		"of the run in which a worker waited for a CPU", .null_when = UNTOLD,
		.absent_when = OLDER),
	COUNT(involuntary_switches, "times that a worker lost its CPU", .null_when = UNTOLD,
		.absent_when = OLDER),
	FIELD(loop_p99_ns, INT, NS, MOST, MOST, "a turn of a worker's loop, p99",
		.null_when = NOT_BEGUN, .absent_when = OLDER),
	FIELD(loop_max_ns, INT, NS, MOST, MOST, "the longest turn", .null_when = NOT_BEGUN,
		.absent_when = OLDER),
	FIELD(rx_slack_p99_ns, INT, NS, MOST, MOST,
		"by how much stamps of completion are late, p99", .null_when = NO_VALUE,
		.absent_when = OLDER),
	FIELD(rx_unstamped_share, REAL, SHARE, MOST, MOST,
		"of good answers, where the kernel does not tell when it received them, so that "
		"they may be later than rx_slack says",
		.null_when = NO_VALUE, .absent_when = OLDER),
	COUNT(tcp_segments, "that the connections of the run sent", .null_when = UNTOLD,
		.absent_when = OLDER),
	COUNT(retransmits, "of these, sent again", .null_when = UNTOLD, .absent_when = OLDER),
	COUNT(tcp_timeouts, "of TCP in the network of the machine", .null_when = UNTOLD,
		.absent_when = "nothing writes it any more"),
	FIELD(clocksource, TEXT, NO_UNIT, SAME, SAME, "of the kernel", .null_when = UNTOLD,
		.absent_when = OLDER),
	FIELD(clock_ns, INT, NS, MOST, MOST, "what reading the clock takes", .null_when = NOT_BEGUN,
		.absent_when = OLDER),
	COUNT(unbalanced_intervals, "in which a worker's ledger did not balance",
		.absent_when = OLDER),
	PART(descriptors, result_descriptors_table, "of the process", .absent_when = OLDER),
	PART(ports, result_ports_table, "of the machine", .absent_when = OLDER),
};
const struct result_table result_generator_table =
	TABLE(result_generator_fields, "the check of the generator itself");
#undef S

#define S struct result_event
static const struct result_field result_event_fields[] = {
	NS(at_ns, "from the first planned instant"),
	TEXT(kind, "its name"),
	TEXT(text, "for people"),
	TEXT(user, "the user who made the change", .absent_when = "no user made it"),
	TEXT(from, "the value before", .absent_when = "there is none"),
	TEXT(to, "the value after", .absent_when = "there is none"),
};
const struct result_table result_event_table = TABLE(result_event_fields, "an event");
#undef S

#define S struct result_steadiness
static const struct result_field result_steadiness_fields[] = {
	TEXT(word, "steady, unsteady, warm-up too short, staged or unknown"),
	TEXT(because, "why"),
	NS(warmup_advice_ns, "a warm-up that would have been long enough",
		.null_when = "it was long enough, or it is not known"),
};
const struct result_table result_steadiness_table =
	TABLE(result_steadiness_fields, "whether the run was in one state");
#undef S

#define S struct result_slow
static const struct result_field result_slow_fields[] = {
	NS(at_ns, "planned, from the start of the window"),
	NS(response_ns, "its response time, or until it was given up", .absent_when = CLOSED_MODEL),
	NS(service_ns, "its service time, or until it was given up",
		.absent_when = "the model is open"),
	TEXT(request, "its name", .null_when = "requests have no names"),
	FIELD(status, COUNT, NO_UNIT, APART, APART, "of the answer", .null_when = "there was none"),
	TEXT(class, "of the ledger"),
	FIELD(connection, COUNT, NO_UNIT, APART, APART, "number of the connection in its worker",
		.null_when = "the request had no connection", .absent_when = OLDER),
	FIELD(worker, COUNT, NO_UNIT, APART, APART, "its number", .absent_when = OLDER),
	TEXT(part, "run of a sum that it was in", .absent_when = "the result is of one run"),
};
const struct result_table result_slow_table = TABLE(result_slow_fields, "one of the slowest");
#undef S

#define S struct result_slice
static const struct result_field result_slice_fields[] = {
	FIELD(index, COUNT, NO_UNIT, APART, APART, "its number, from 1"),
	FIELD(of, COUNT, NO_UNIT, APART, APART, "how many there are"),
};
static const struct result_table result_slice_table =
	TABLE(result_slice_fields, "a slice of the plan");
#undef S

#define S struct result_part
static const struct result_field result_part_fields[] = {
	TEXT(id, "of the run"),
	TEXT(uuid, "of the run"),
	TEXT(host, "of its generator", .null_when = NOT_KNOWN),
	FIELD(seed, ANY_INT, NO_UNIT, APART, APART, "of its schedule", .null_when = NOT_KNOWN),
	NS(started_unix_ns, "since 1970", .null_when = NOT_BEGUN),
	NS(duration_ns, "end of its window, from its first planned instant",
		.null_when = NOT_BEGUN),
	FIELD(planned, COUNT, NO_UNIT, APART, APART, "arrivals", .null_when = NOT_BEGUN),
	FIELD(ok, COUNT, NO_UNIT, APART, APART, "good answers", .null_when = NOT_BEGUN),
	FIELD(p50_ms, REAL, MS, APART, APART, "as in its headline", .null_when = UNSERVED),
	FIELD(p99_ms, REAL, MS, APART, APART, "as in its headline", .null_when = UNSERVED),
	FIELD(our_delay_p99_ms, REAL, MS, APART, APART, "its generator's delay",
		.null_when = CLOSED_MODEL),
	FIELD(connection_wait_p99_ms, REAL, MS, APART, APART, "wait for a connection",
		.null_when = CLOSED_MODEL),
	TEXT(verdict, "of its generator", .null_when = NOT_KNOWN),
	TEXT(result, "of its headline", .null_when = NOT_KNOWN),
	FIELD(exit_code, INT, NO_UNIT, APART, APART, "of the run", .null_when = NOT_KNOWN),
	PART_APART(slice, result_slice_table, "which part of the plan it sent",
		.absent_when = "it sent the whole plan"),
	FIELD(repeat, COUNT, NO_UNIT, APART, APART, "number of its repetition, from 1",
		.absent_when = "the runs are no repetitions"),
};
const struct result_table result_part_table = TABLE(result_part_fields, "a run of a sum");
#undef S

#define S struct result_repeat
static const struct result_field result_repeat_fields[] = {
	TEXT(id, "of its run"),
	TEXT(uuid, "of its run"),
	NS(p50_ns, "over all planned arrivals; in the closed model of service times",
		.null_when = UNSERVED),
	NS(p90_ns, "over all planned arrivals; in the closed model of service times",
		.null_when = UNSERVED),
	NS(p99_ns, "over all planned arrivals; in the closed model of service times",
		.null_when = UNSERVED),
	NS(p99_9_ns, "over all planned arrivals; in the closed model of service times",
		.null_when = UNSERVED),
};
static const struct result_table result_repeat_table = TABLE(result_repeat_fields, "a repetition");
#undef S

#define S struct result
static const struct result_field result_fields[] = {
	TEXT(schema, "rpsd.result/1"),
	PART_APART(run, result_run_table, "which run it was and how it ended"),
	PART(headline, result_headline_table, "what came of it"),
	FIELD(plan, JSON, NO_UNIT, APART, APART, "what was planned"),
	PART(window, result_window_table, "the part of the run that is measured",
		.null_when = NOT_BEGUN),
	ROWS(thresholds, result_threshold_table, "rules of the plan and what came of each"),
	PART(ledger, result_ledger_table, "each arrival planned in the window, in one class"),
	PART(outside, result_outside_table, "what was planned around the window"),
	PART(rates, result_rates_table, "over the window, without pauses"),
	PART(bytes, result_bytes_table, "moved in the window", .absent_when = OLDER),
	NAMED(latency, result_latency_table, "times by name", .most = 64),
	ROWS(errors, result_error_table, "what went wrong in the window", .most = 256),
	NAMED(statuses, result_number_table, "answers in the window by status, three digits each",
		.most = 1000),
	PART(connections, result_connections_table, "in and around the window"),
	PART_APART(intervals, result_intervals_table, "the course of the window"),
	PART(generator, result_generator_table, "what rpsd says of itself and its machine"),
	ROWS(events, result_event_table, "what happened to the run"),
	PART(redirects, result_redirects_table, "answers in the window that point elsewhere",
		.absent_when = OLDER),
	PART_APART(offered, result_offered_table,
		"percentiles of response time over all planned arrivals",
		.absent_when = CLOSED_MODEL),
	NAMED(requests, result_request_table, "the requests of the plan by name",
		.most = PLAN_REQUESTS_MAX, .absent_when = "the plan names none"),
	FIELD(stages, ROWS, NO_UNIT, SUM, SUM,
		"the stages of the plan, and their steps, that had begun",
		.table = &result_stage_table, .most = PLAN_STAGES_MAX,
		.absent_when = "the model is closed, or the plan has one stage without steps"),
	PART_APART(batches, result_batches_table, "what intervals of confidence are found in",
		.absent_when = OLDER),
	PART_APART(steadiness, result_steadiness_table, "whether it was one state",
		.absent_when = OLDER),
	ROWS(slowest, result_slow_table, "the slowest good answers and failures",
		.absent_when = OLDER),
	ROWS(parts, result_part_table, "the runs of a sum", .most = 1024,
		.absent_when = "the result is of one run"),
	ROWS(repeats, result_repeat_table, "the repetitions of a sum", .most = 1024,
		.absent_when = "it is not a sum of repetitions"),
	FIELD(flows, JSON, NO_UNIT, APART, APART, "kept for a later version",
		.absent_when = "nothing writes it yet"),
	FIELD(lists, JSON, NO_UNIT, APART, APART, "kept for a later version",
		.absent_when = "nothing writes it yet"),
	FIELD(search, JSON, NO_UNIT, APART, APART, "kept for a later version",
		.absent_when = "nothing writes it yet"),
	FIELD(hosts, JSON, NO_UNIT, APART, APART, "kept for a later version",
		.absent_when = "nothing writes it yet"),
	FIELD(compare, JSON, NO_UNIT, APART, APART, "kept for a later version",
		.absent_when = "nothing writes it yet"),
};
const struct result_table result_table = TABLE(result_fields, "the result");
#undef S
