/* SPDX-License-Identifier: Apache-2.0 */
/* Start: from parameters to a plan to a run.
 *
 * A named run is a file of runs.d, written by the administrator: every operator may start it and
 * override its keys, except [target] and [tls]: it may contain credentials, which must not be sent
 * elsewhere. The daemon opens it and the files that it names. An ad-hoc run (a text, or settings
 * alone) chooses its own target and needs the role admin.
 *
 * Every started run has a job, which ends with it: it logs how the run ended and stops it when the
 * connection that holds it closes. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/control/varlink.h"
#include "common/err.h"
#include "common/file.h"
#include "common/config/keys.h"
#include "common/plan/plan_keys.h"
#include "common/plan/plan.h"
#include "daemon/runs/registry.h"
#include "daemon/service/log.h"
#include "daemon/service/methods_call.h"
#include "daemon/service/methods_inputs.h"
#include "daemon/service/secrets.h"
#include "daemon/service/systemd.h"

struct methods_job {
	struct run_observer observer;
	struct control_closer closer; /* waits only for a run that is held */
	struct methods *methods;
	struct run *run; /* once it has been started */
};

/* ---------------------------------------------------------------- the job of a run */

static void methods_tell_status(const struct methods *m)
{
	unsigned n = registry_n_active(m->config.registry);

	if (!m->config.is_private && !m->stopping)
		systemd_notify("STATUS=%u active run%s", n, n == 1 ? "" : "s");
}

static void methods_job_on_finished(struct run_observer *o, struct run *run)
{
	struct methods_job *job = container_of(o, struct methods_job, observer);
	const char *reason = run_reason(run);
	struct buf masked = {0};

	if (secrets_mask_urls(reason, true, &masked) == 0)
		log_info("run %s of %s: %s%s%s", run_id(run), run_user(run), run_outcome(run),
			*reason ? ": " : "", masked.data ? masked.data : "");
	buf_fini(&masked);
	methods_tell_status(job->methods);
	run_unobserve(&job->observer);
	control_closer_cancel(&job->closer);
	free(job);
}

static void methods_job_on_closed(struct control_closer *closer)
{
	struct methods_job *job = container_of(closer, struct methods_job, closer);

	/* This may end the job. */
	run_stop(job->run, job->methods->config.is_private, "the client that held it disconnected");
}

static struct methods_job *methods_job_new(struct methods *m)
{
	struct methods_job *job = calloc(1, sizeof(*job));

	if (!job)
		return NULL;
	job->methods = m;
	run_observer_init(&job->observer);
	job->observer.on_finished = methods_job_on_finished;
	control_closer_init(&job->closer, methods_job_on_closed);
	return job;
}

/* ---------------------------------------------------------------- answering */

static void methods_plan_invalid(struct control_connection *call, struct methods_inputs *m)
{
	enum control_role role = control_call_peer(call)->role;
	json_t *texts = json_array();

	problems_finish(&m->problems);
	for (size_t i = 0; i < m->problems.n; i++)
		(void)json_array_append_new(texts, methods_json_problem(m, i, role));
	control_error(call, RPSD_INTERFACE ".PlanInvalid", json_pack("{s:o}", "problems", texts));
}

/* Logs the start. The log may be read by users who may not read the run's file. */
static void methods_log_started(struct control_connection *call, const struct run *run)
{
	const struct control_peer *peer = control_call_peer(call);
	struct buf url = {0};

	if (secrets_mask_urls(run_plan(run)->url.text, true, &url) == 0)
		log_trail(peer->uid, peer->pid, run_id(run), "started by %s: %s",
			control_call_user(call), url.data ? url.data : "");
	buf_fini(&url);
}

/* Takes over plan; answers the call. */
static void methods_start_plan(
	struct control_connection *call, struct methods *m, struct plan *plan, bool is_held)
{
	const struct control_peer *peer = control_call_peer(call);
	struct methods_job *job = methods_job_new(m);
	struct err err = {0};
	struct run *run;
	char what[128];
	int r;

	if (!job) {
		plan_free(plan);
		control_reply(call, NULL);
		return;
	}
	(void)snprintf(what, sizeof(what), "start %s", plan->name);
	r = registry_start(m->config.registry, plan, peer->uid, control_call_user(call),
		&job->observer, &run, &err);
	if (r != 0) {
		free(job);
		if (!err.text[0])
			err_set(&err, "%s", r < 0 ? strerror(-r) : "refused");
		methods_refuse(call,
			r == REGISTRY_E_REFUSED ? RPSD_INTERFACE ".Refused"
						: RPSD_INTERFACE ".Unavailable",
			what, err.text);
		return;
	}
	methods_log_started(call, run);
	/* A run that has failed at once has ended its job. */
	if (run_get_state(run) != RUN_FINISHED) {
		job->run = run;
		if (is_held)
			control_on_close(call, &job->closer);
	}
	/* A private daemon has one run, so this is reported once. */
	if (m->config.is_private && !registry_keeps_number(m->config.registry))
		log_warning("this run's number is not kept: no state directory can be written "
			    "(XDG_STATE_HOME, HOME)");
	methods_tell_status(m);
	control_reply(call, json_pack("{s:s}", "id", run_id(run)));
}

/* Examines the entries from number first on, which came with the call. */
static void methods_refuse_key(struct methods_inputs *m, size_t first)
{
	const struct ini_entry *e = plan_key_entry(&m->doc, first);

	if (e)
		problems_add(&m->problems, e->file, e->line, "%s: %s", e->key, plan_key_refused);
}

/* The plan's inputs: the run file that is named, and what came with the call. 0 or -errno. */
static int methods_gather(const struct methods *m, struct methods_inputs *inputs)
{
	const struct start *s = &inputs->start;
	int r = 0;

	if (!s->text && s->name)
		r = methods_read_named(inputs, m->config.runs_dir, s->name, METHODS_READ);
	if (r == 0)
		r = methods_read_call(inputs);
	if (r == 0 && !m->config.is_private)
		methods_refuse_key(inputs, inputs->n_named);
	return r;
}

/* Finds an entry that came with the call for a named run and is no figure of its load: it would
 * change the target, the trusted certificates, the content of requests, or which requests there
 * are. An empty [request NAME] is a request too. False: there is none. */
static bool methods_find_override(const struct methods_inputs *m, char *ret_what, size_t size)
{
	for (size_t i = m->n_named; i < m->doc.n_entries; i++) {
		const struct ini_entry *e = &m->doc.entries[i];
		const struct key *key = keys_find(&plan_keys, e->section, e->key);

		if (key && key->is_figure)
			continue;
		(void)snprintf(ret_what, size, "[%s%s%s] %.48s", e->section, *e->arg ? " " : "",
			e->arg, e->key);
		return true;
	}
	for (size_t i = m->n_named_sections; i < m->doc.n_sections; i++) {
		const struct ini_section *s = &m->doc.sections[i];

		if (!*s->arg && keys_section_has_figures(&plan_keys, s->name))
			continue;
		(void)snprintf(ret_what, size, "[%s%s%s]", s->name, *s->arg ? " " : "", s->arg);
		return true;
	}
	return false;
}

/* If the file has secrets that a member of the group is not shown, only the file may determine
 * where they are sent, and with what. True: the call has been answered. */
static bool methods_refuse_override(struct control_connection *call, const struct methods_inputs *m)
{
	char what[128];
	char reason[256];

	if (!m->path || control_call_peer(call)->role >= CONTROL_ADMIN ||
		!methods_find_override(m, what, sizeof(what)))
		return false;
	(void)snprintf(reason, sizeof(reason),
		"%s of a named run is set by its file; only an administrator may change it", what);
	methods_refuse(call, RPSD_INTERFACE ".Refused", "override a named run", reason);
	return true;
}

static void methods_start_gathered(
	struct control_connection *call, struct methods *m, struct methods_inputs *inputs)
{
	const struct start *s = &inputs->start;
	struct plan *plan = NULL;
	int r = methods_gather(m, inputs);

	if (r == -ENOENT) {
		methods_no_such_run(call, s->name);
		return;
	}
	if (r == 0 && methods_refuse_override(call, inputs))
		return;
	if (r < 0 && r != -ENOMEM)
		problems_add(&inputs->problems, inputs->path, 0, METHODS_UNREADABLE, file_error(r));
	else if (r == 0)
		r = plan_build_within(m->config.is_private ? SIZE_MAX : PLAN_SERVICE_BYTES_MAX,
			s->name, &inputs->doc, inputs->text ? inputs->text : s->text, inputs->files,
			inputs->n_files, &plan, &inputs->problems);
	if (r == -ENOMEM)
		control_reply(call, NULL);
	else if (r != 0 || inputs->problems.n > 0)
		methods_plan_invalid(call, inputs);
	else
		methods_start_plan(call, m, plan, s->hold);
	/* A private daemon has one run, whose plan has its own copies. */
	if (plan)
		methods_unmap_content(m);
}

/* True: the call has been answered. */
static bool methods_refuse_start(
	struct control_connection *call, const struct methods *m, const struct start *s)
{
	bool is_named = s->name && !s->text;

	if (!is_named && control_call_peer(call)->role < CONTROL_ADMIN)
		methods_refuse(call, RPSD_INTERFACE ".Refused", "start an ad-hoc run",
			"the service starts only its named runs for you; only an administrator may "
			"send it another");
	else if (m->stopping)
		methods_refuse(call, RPSD_INTERFACE ".Unavailable", "start a run",
			"rpsd is stopping: try again when it has started anew");
	else
		return false;
	return true;
}

void methods_start(struct control_connection *call, void *userdata)
{
	struct methods *m = userdata;
	struct methods_inputs *inputs = calloc(1, sizeof(*inputs));
	const char *bad;
	int r = -ENOMEM;

	if (inputs) {
		inputs->start.content = m->content;
		inputs->start.content_len = m->content_len;
		r = start_read(&inputs->start, control_call_parameters(call), &bad);
	}
	if (r == -EINVAL)
		control_error_parameter(call, bad);
	else if (r)
		control_reply(call, NULL);
	else if (!methods_refuse_start(call, m, &inputs->start))
		methods_start_gathered(call, m, inputs);
	if (inputs)
		methods_inputs_fini(inputs);
}
