/* SPDX-License-Identifier: Apache-2.0 */
/* Steering, as commands and as keys. The daemon decides whether an act is possible: the view may be
 * a second old. */
#include "ctl/live/steer.h"

#include <stdio.h>

#include "common/buf.h"
#include "common/control/progress.h"
#include "common/exit_codes.h"
#include "common/figure.h"
#include "common/json_path.h"
#include "common/result/result_json.h"
#include "common/result/result_table.h"
#include "common/str.h"
#include "ctl/client.h"
#include "ctl/command.h"
#include "ctl/options.h"
#include "ctl/live/view_read.h"

static json_t *steer_scale(const char *run, const char *scale)
{
	return json_pack(
		"{s:s, s:[{s:s, s:s}]}", "run", run, "settings", "key", "rate", "value", scale);
}

const char *steer_by_key(enum display_key key, const char *run, const struct progress *progress,
	int64_t *asked_ns, json_t **ret)
{
	int64_t elapsed_ns = view_int(progress->elapsed_ns);

	switch (key) {
	case DISPLAY_FASTER:
		*ret = steer_scale(run, "x1.1");
		return "Set";
	case DISPLAY_SLOWER:
		*ret = steer_scale(run, "x0.9");
		return "Set";
	case DISPLAY_PAUSE:
		if (*asked_ns > 0 && *asked_ns == elapsed_ns)
			return NULL;
		*asked_ns = elapsed_ns;
		*ret = json_pack("{s:s}", "run", run);
		return str_eq(result_words(progress->run.state), "paused") ? "Resume" : "Pause";
	case DISPLAY_NEXT:
		/* In a run with one stage this is its end, for which there is the key s. */
		if (view_int(progress->stage.of) <= 1)
			return NULL;
		*ret = json_pack("{s:s}", "run", run);
		return "Next";
	case DISPLAY_NOTHING:
	case DISPLAY_STOP:
	case DISPLAY_LEAVE:
		break;
	}
	return NULL;
}

const char *steer_why_not(enum display_key key, const struct progress *progress)
{
	return key == DISPLAY_NEXT && view_int(progress->stage.of) <= 1
		       ? "n: there is no next stage; s stops the run"
		       : NULL;
}

/* Describes the requested act as one in progress until it has taken effect. */
static int steer_describe_act(const struct result_event *event, struct buf *ret)
{
	const char *kind = result_words(event->kind);
	const char *from = result_words(event->from);
	const char *to = result_words(event->to);

	if (str_eq(kind, "pause"))
		return buf_puts(ret, "pausing");
	if (str_eq(kind, "resume"))
		return buf_puts(ret, "resuming");
	if (str_eq(kind, "next"))
		return buf_printf(ret, "next stage, %s -> %s", from, to);
	if (str_eq(kind, "rate"))
		return buf_printf(ret, "rate %s -> %s", from, to);
	return buf_puts(ret, result_words(event->text));
}

int steer_describe_event(const struct result_event *event, struct buf *ret)
{
	int r;

	/* It waits for the end of the pause, whose instant is not known. */
	if (str_eq(result_words(event->kind), "rate") &&
		str_eq(result_words(event->from), "paused"))
		return buf_printf(ret, "rate %s, when resumed", result_words(event->to));
	r = steer_describe_act(event, ret);
	return r ? r
		 : buf_printf(
			   ret, ", takes effect at %s", figure_clock(view_int(event->at_ns)).text);
}

int steer_describe(const struct client_answer *a, struct buf *ret)
{
	const json_t *value = json_object_get(a->parameters, "event");
	struct result_event event;
	int r;

	result_table_init(&result_event_table, &event);
	r = result_table_read(&result_event_table, value, &event, NULL);
	if (r == 0 && *result_words(event.text)) {
		r = buf_printf(ret, "%s: ", json_path_text(a->parameters, "run"));
		if (r == 0)
			r = steer_describe_event(&event, ret);
		if (r == 0)
			r = buf_puts(ret, "\n");
	}
	result_table_fini(&result_event_table, &event);
	return r;
}

int steer_command(const struct options *o, const char *method, const char *run, json_t *parameters)
{
	struct client_answer answer;
	struct buf text = {0};
	int r = run ? command_put_run(o, parameters, "run", run) : 0;

	if (r)
		return r;
	r = command_ask(o, false, method, parameters, &answer);
	if (r)
		return r;
	if (steer_describe(&answer, &text) == 0 && text.data)
		command_print(text.data);
	buf_fini(&text);
	client_answer_fini(&answer);
	return 0;
}
