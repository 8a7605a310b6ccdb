/* SPDX-License-Identifier: Apache-2.0 */
/* The document is read into the struct, judged there by the code that judges runs and sums, and
 * only what that changes is put back, so that members of a later version stay as they are. */
#include "ctl/report/rules.h"

#include <stdbool.h>

#include "common/config/keys.h"
#include "common/err.h"
#include "common/exit_codes.h"
#include "common/plan/plan_keys.h"
#include "common/result/result.h"
#include "common/result/result_json.h"
#include "common/result/result_rules.h"
#include "common/result/result_table.h"
#include "common/rules/rule.h"
#include "ctl/command.h"
#include "ctl/options.h"

static int rules_read(const char *text, struct rule *ret)
{
	struct err err = {0};

	if (rule_parse(text, ret, &err) == 0)
		return 0;
	command_complain("--require %s", err.text);
	return EXIT_USAGE;
}

int rules_check(const struct options *o)
{
	struct err err = {0};
	struct rule rule;
	int r = 0;

	for (size_t i = 0; i < o->n_requires && r == 0; i++)
		r = rules_read(o->requires[i], &rule);
	/* As the key of a run file: what it may be and what is said of others. */
	if (r == 0 && o->undecided &&
		keys_parse(keys_find(&plan_keys, "run", "undecided"), o->undecided, NULL, &err) !=
			0) {
		command_complain("--undecided: %s", err.text);
		r = EXIT_USAGE;
	}
	return r;
}

static int rules_add(const struct options *o, struct result *result)
{
	int r = 0;

	for (size_t i = 0; i < o->n_requires && r == 0; i++) {
		struct err err = {0};
		struct rule rule;

		r = rules_read(o->requires[i], &rule);
		if (r == 0 && result_rules_check(result, &rule, &err) < 0) {
			command_complain("--require %s", err.text);
			r = EXIT_USAGE;
		} else if (r == 0 && result_rules_add(result, &rule, RESULT_RULE_REQUIRE) < 0) {
			r = command_out_of_memory("the rules");
		}
	}
	return r;
}

static bool rules_set(json_t *doc, const char *part, const char *name, json_t *value)
{
	json_t *at = json_object_get(doc, part);

	if (json_is_object(at))
		return json_object_set_new(at, name, value) == 0;
	json_decref(value);
	return true;
}

/* The rules as the document has them. */
static json_t *rules_write(const struct result *result)
{
	const struct result_threshold *rows = result->thresholds.rows;
	json_t *all = json_array();

	for (size_t i = 0; i < result->thresholds.n; i++)
		if (json_array_append_new(
			    all, result_table_write(&result_threshold_table, &rows[i])) < 0) {
			json_decref(all);
			return NULL;
		}
	return all;
}

static int rules_put(const struct result *result, json_t *doc)
{
	bool is_done = json_object_set_new(doc, "thresholds", rules_write(result)) == 0 &&
		       rules_set(doc, "headline", "result",
			       json_string(result_words(result->headline.result))) &&
		       rules_set(doc, "run", "exit_code", json_integer(result->run.exit_code));

	return is_done ? 0 : command_out_of_memory("the rules");
}

int rules_apply(const struct options *o, json_t *doc)
{
	struct result result;
	struct err err = {0};
	int r;

	if (o->n_requires == 0 && !o->undecided)
		return 0;
	r = result_read(doc, &result, &err);
	if (r > 0) {
		command_complain("%s", err.text);
		r = EXIT_CONFIG;
	} else if (r < 0) {
		r = command_out_of_memory("the result");
	}
	if (r == 0)
		r = rules_add(o, &result);
	if (r == 0 && result_rules_judge(&result, o->undecided) < 0)
		r = command_out_of_memory("the rules");
	if (r == 0)
		r = rules_put(&result, doc);
	result_fini(&result);
	return r;
}
