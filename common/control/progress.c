/* SPDX-License-Identifier: Apache-2.0 */
/* A row for each field, in the order of the message, for the codec of results. */
#include "common/control/progress.h"

#include <errno.h>
#include <stddef.h>

#include "common/result/result_json.h"
#include "common/result/result_table.h"

#define FIELD(member, t, ...)                                                                      \
	{                                                                                          \
		.name = #member, .type = RESULT_##t, .offset = offsetof(S, member), __VA_ARGS__    \
	}
#define TABLE(rows, text)                                                                          \
	{                                                                                          \
		text, sizeof(S), rows, sizeof(rows) / sizeof(*(rows))                              \
	}

#define S struct progress_run
static const struct result_field progress_run_fields[] = {
	FIELD(id, TEXT),
	FIELD(name, TEXT),
	FIELD(state, TEXT),
	FIELD(outcome, TEXT),
	FIELD(reason, TEXT),
	FIELD(user, TEXT),
	FIELD(target, TEXT),
	FIELD(exit_code, INT),
	FIELD(ahead, ROWS, .table = &result_event_table),
};
const struct result_table progress_run_table = TABLE(progress_run_fields, "a run");
#undef S

#define S struct progress_stage
static const struct result_field progress_stage_fields[] = {
	FIELD(number, INT),
	FIELD(of, INT),
	FIELD(text, TEXT),
};
static const struct result_table progress_stage_table = TABLE(progress_stage_fields, "a stage");
#undef S

#define S struct progress_last
static const struct result_field progress_last_fields[] = {
	FIELD(width_ns, INT),
	FIELD(planned, INT),
	FIELD(sent, INT),
	FIELD(ok, INT),
	FIELD(failed, INT),
	FIELD(p50_ns, INT),
	FIELD(p99_ns, INT),
	FIELD(max_ns, INT),
	FIELD(our_delay_p99_ns, INT),
};
static const struct result_table progress_last_table =
	TABLE(progress_last_fields, "the newest interval");
#undef S

#define S struct progress_rule
static const struct result_field progress_rule_fields[] = {
	FIELD(rule, TEXT),
	FIELD(result, TEXT),
	FIELD(value, REAL),
};
const struct result_table progress_rule_table = TABLE(progress_rule_fields, "a rule");
#undef S

#define S struct progress
static const struct result_field progress_fields[] = {
	FIELD(run, PART, .table = &progress_run_table),
	FIELD(elapsed_ns, INT),
	FIELD(total_ns, INT),
	FIELD(requests, INT),
	FIELD(asked_per_s, REAL),
	FIELD(planned, INT),
	FIELD(sent, INT),
	FIELD(ok, INT),
	FIELD(failed, INT),
	FIELD(in_flight, INT),
	FIELD(queue, INT),
	FIELD(connections, INT),
	FIELD(connections_limit, INT),
	FIELD(oldest_ns, INT),
	FIELD(silent_ns, INT),
	FIELD(cpu_share, REAL),
	FIELD(stage, PART, .table = &progress_stage_table),
	FIELD(last, PART, .table = &progress_last_table),
	FIELD(p50_ns, INT),
	FIELD(p99_ns, INT),
	FIELD(our_delay_p99_ns, INT),
	FIELD(rules, ROWS, .table = &progress_rule_table),
	FIELD(events, ROWS, .table = &result_event_table),
};
const struct result_table progress_table = TABLE(progress_fields, "the progress of a run");
#undef S

void progress_init(struct progress *p)
{
	result_table_init(&progress_table, p);
}

void progress_fini(struct progress *p)
{
	result_table_fini(&progress_table, p);
}

json_t *progress_write(const struct progress *p, uint64_t skipped)
{
	return json_pack("{s:o, s:I}", "progress", result_table_write(&progress_table, p),
		"skipped", (json_int_t)skipped);
}

int progress_read(const json_t *answer, struct progress *ret, uint64_t *ret_skipped)
{
	const json_t *progress = json_object_get(answer, "progress");
	json_int_t skipped = json_integer_value(json_object_get(answer, "skipped"));

	progress_init(ret);
	*ret_skipped = skipped > 0 ? (uint64_t)skipped : 0;
	return json_is_object(progress) ? result_table_read(&progress_table, progress, ret, NULL)
					: -EINVAL;
}
