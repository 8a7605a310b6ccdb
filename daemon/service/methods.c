/* SPDX-License-Identifier: Apache-2.0 */
/* The table of methods and the short ones among them; the others have their own files. */
#include "daemon/service/methods.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/control/varlink.h"
#include "common/file.h"
#include "common/stats/histogram.h"
#include "common/config/ini.h"
#include "common/json_text.h"
#include "common/plan/plan.h"
#include "common/stats/quantile.h"
#include "common/settings/settings.h"
#include "common/str.h"
#include "common/version.h"
#include "daemon/origin/origin.h"
#include "daemon/runs/registry.h"
#include "daemon/service/log.h"
#include "daemon/service/methods_call.h"
#include "daemon/service/methods_inputs.h"
#include "daemon/service/secrets.h"

#define METHODS_SERVICE "org.varlink.service"

static const char methods_service_text[] =
	"# What every Varlink service offers: who it is and what it can do.\n"
	"interface org.varlink.service\n"
	"\n"
	"method GetInfo() -> (\n"
	"  vendor: string,\n"
	"  product: string,\n"
	"  version: string,\n"
	"  url: string,\n"
	"  interfaces: []string\n"
	")\n"
	"\n"
	"method GetInterfaceDescription(interface: string) -> (description: string)\n"
	"\n"
	"error InterfaceNotFound (interface: string)\n"
	"error MethodNotFound (method: string)\n"
	"error MethodNotImplemented (method: string)\n"
	"error InvalidParameter (parameter: string)\n"
	"error PermissionDenied ()\n"
	"error ExpectedMore ()\n";

/* ---------------------------------------------------------------- org.varlink.service */

static void methods_get_info(struct control_connection *call, void *userdata)
{
	static const struct methods_field fields[] = {{0}};

	(void)userdata;
	if (methods_check(call, fields))
		control_reply(call, json_pack("{s:s, s:s, s:s, s:s, s:[s, s]}", "vendor", "rpsd",
					    "product", "rpsd", "version", RPSD_VERSION, "url", "",
					    "interfaces", METHODS_SERVICE, RPSD_INTERFACE));
}

static void methods_get_interface_description(struct control_connection *call, void *userdata)
{
	static const struct methods_field fields[] = {{"interface", METHODS_TEXT}, {0}};
	const char *interface = methods_text(call, "interface");
	const char *text;

	(void)userdata;
	if (!methods_check(call, fields))
		return;
	if (!interface) {
		control_error_parameter(call, "interface");
		return;
	}
	if (str_eq(interface, RPSD_INTERFACE)) {
		text = varlink_interface_text;
	} else if (str_eq(interface, METHODS_SERVICE)) {
		text = methods_service_text;
	} else {
		control_error(call, METHODS_SERVICE ".InterfaceNotFound",
			json_pack("{s:s}", "interface", interface));
		return;
	}
	control_reply(call, json_pack("{s:s}", "description", text));
}

/* ---------------------------------------------------------------- Status, Origins */

struct methods_runs {
	json_t *all;
	enum control_role role;
};

static void methods_append_run(struct run *run, void *arg)
{
	struct methods_runs *runs = arg;

	(void)json_array_append_new(runs->all, methods_json_run(run, runs->role));
}

static json_t *methods_json_daemon(const struct methods *m)
{
	const struct settings *s = m->config.settings;
	bool capped = !m->config.is_private;
	struct rlimit files = {0};
	json_t *allow = json_array();

	(void)getrlimit(RLIMIT_NOFILE, &files);
	for (size_t i = 0; i < s->n_allow; i++)
		(void)json_array_append_new(allow, json_text(s->allow[i]));
	return json_pack("{s:s, s:i, s:b, s:I, s:I, s:I, s:I, s:I, s:o}", "version", RPSD_VERSION,
		"pid", (int)getpid(), "private", m->config.is_private, "uptime_ns",
		(json_int_t)(clock_now_ns() - m->started_ns), "max_rate",
		capped ? (json_int_t)s->max_rate : 0, "max_connections",
		capped ? (json_int_t)s->max_connections : 0, "max_duration_ns",
		capped ? (json_int_t)s->max_duration_ns : 0, "descriptors",
		(json_int_t)files.rlim_cur, "allow", allow);
}

static void methods_status(struct control_connection *call, void *userdata)
{
	static const struct methods_field fields[] = {{"run", METHODS_TEXT}, {0}};
	const struct methods *m = userdata;
	const char *id = methods_text(call, "run");
	struct methods_runs runs = {.role = control_call_peer(call)->role};
	struct run *run = NULL;

	if (!methods_check(call, fields))
		return;
	if (id) {
		run = registry_find(m->config.registry, id);
		if (!run) {
			methods_no_such_run(call, id);
			return;
		}
	}
	runs.all = json_array();
	if (run)
		methods_append_run(run, &runs);
	else
		registry_each(m->config.registry, methods_append_run, &runs);
	control_reply(
		call, json_pack("{s:o, s:o}", "daemon", methods_json_daemon(m), "runs", runs.all));
}

static json_t *methods_quantile(const struct histogram *h, double q)
{
	int64_t ns = quantile_served(h, q);

	return ns == QUANTILE_NONE ? json_null() : json_integer(ns);
}

/* An object with statuses as names; those that never occurred are left out. */
static json_t *methods_json_statuses(const struct origin *o, const struct origin_counts *counts)
{
	const struct {
		unsigned status;
		uint64_t n;
	} rows[] = {{200, counts->ok}, {400, counts->refused},
		{origin_error_status(o), counts->errors}};
	json_t *statuses = json_object();

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char name[8];
		json_int_t n = (json_int_t)rows[i].n;

		(void)snprintf(name, sizeof(name), "%u", rows[i].status);
		n += json_integer_value(json_object_get(statuses, name)); /* errors may be 400 */
		if (n > 0)
			(void)json_object_set_new(statuses, name, json_integer(n));
	}
	return statuses;
}

static json_t *methods_json_origin(const struct origin *o)
{
	struct histogram times = {0};
	struct origin_counts counts;
	json_t *json;

	origin_read_counts(o, &counts);
	if (origin_read_times(o, &times) < 0)
		return NULL;
	json = json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:o, s:I, s:I, s:I}", "name",
		origin_name(o), "address", origin_address(o), "connections",
		(json_int_t)counts.connections, "accepted", (json_int_t)counts.accepted, "requests",
		(json_int_t)counts.requests, "errors", (json_int_t)counts.errors, "statuses",
		methods_json_statuses(o, &counts), "refused", (json_int_t)counts.refused, "hung",
		(json_int_t)counts.hung, "closed", (json_int_t)counts.closed);
	(void)json_object_set_new(json, "p50_ns", methods_quantile(&times, 0.5));
	(void)json_object_set_new(json, "p99_ns", methods_quantile(&times, 0.99));
	(void)json_object_set_new(json, "max_ns", methods_quantile(&times, 1));
	(void)json_object_set_new(json, "mean_ns",
		times.count ? json_integer((json_int_t)histogram_mean(&times)) : json_null());
	histogram_fini(&times);
	return json;
}

static void methods_origins(struct control_connection *call, void *userdata)
{
	static const struct methods_field fields[] = {{0}};
	const struct methods *m = userdata;
	json_t *origins;

	if (!methods_check(call, fields))
		return;
	origins = json_array();
	for (size_t i = 0; i < m->config.n_origins; i++)
		(void)json_array_append_new(origins, methods_json_origin(m->config.origins[i]));
	control_reply(call, json_pack("{s:o}", "origins", origins));
}

/* ---------------------------------------------------------------- Stop */

static void methods_append_active(struct run *run, void *arg)
{
	if (run_get_state(run) != RUN_FINISHED)
		(void)json_array_append_new(arg, json_string(run_id(run)));
}

static void methods_stop(struct control_connection *call, void *userdata)
{
	static const struct methods_field fields[] = {
		{"run", METHODS_TEXT}, {"all", METHODS_BOOL}, {"now", METHODS_BOOL}, {0}};
	const struct methods *m = userdata;
	const struct control_peer *peer = control_call_peer(call);
	const char *id = methods_text(call, "run");
	bool all = methods_flag(call, "all");
	bool now = methods_flag(call, "now");
	struct run *run = NULL;
	json_t *stopped;
	char reason[96];
	json_t *value;
	size_t i;

	if (!methods_check(call, fields))
		return;
	if (id && all) {
		control_error_parameter(call, "all");
		return;
	}
	if (!all)
		run = registry_find(m->config.registry, id);
	/* Without an id and without a run there is no run to stop, as when the newest has ended. */
	if (id && !run) {
		methods_no_such_run(call, id);
		return;
	}
	(void)snprintf(reason, sizeof(reason), "stopped by %s", control_call_user(call));
	stopped = json_array();
	if (run)
		methods_append_active(run, stopped);
	else
		registry_each(m->config.registry, methods_append_active, stopped);
	json_array_foreach(stopped, i, value)
	{
		const char *one = json_string_value(value);

		run = registry_find(m->config.registry, one);
		log_trail(peer->uid, peer->pid, one, "%s%s", reason, now ? ", now" : "");
		if (run)
			run_stop(run, now, reason);
	}
	control_reply(call, json_pack("{s:o}", "stopped", stopped));
}

/* ---------------------------------------------------------------- Show */

/* The configuration in force, entry by entry, each with the file and line it comes from. */
static int methods_put_doc(struct buf *out, const struct ini_doc *doc)
{
	const char *section = "";
	const char *arg = "";
	int r = 0;

	if (doc->n_entries == 0)
		return buf_puts(out, "# nothing is configured, defaults hold\n");
	for (size_t i = 0; i < doc->n_entries && r == 0; i++) {
		const struct ini_entry *e = &doc->entries[i];

		if (!str_eq(e->section, section) || !str_eq(e->arg, arg))
			r = buf_printf(out, "%s[%s%s%s]\n", i ? "\n" : "", e->section,
				*e->arg ? " " : "", e->arg);
		if (r == 0)
			r = buf_printf(
				out, "# %s:%u\n%s = %s\n", e->file, e->line, e->key, e->value);
		section = e->section;
		arg = e->arg;
	}
	return r;
}

static void methods_reply_text(struct control_connection *call, int r, const struct buf *text)
{
	json_t *value = r == 0 ? json_text(text->data ? text->data : "") : NULL;

	control_reply(call, value ? json_pack("{s:o}", "text", value) : NULL);
}

static void methods_refuse_file(
	struct control_connection *call, const struct methods *m, const char *name, int r)
{
	struct err why = {0};

	err_set(&why, "%s/%s.ini: " METHODS_UNREADABLE, m->config.runs_dir, name, file_error(r));
	methods_refuse(call, RPSD_INTERFACE ".Unavailable", "show a run file", why.text);
}

static void methods_show(struct control_connection *call, void *userdata)
{
	static const struct methods_field fields[] = {{"name", METHODS_TEXT}, {0}};
	const struct methods *m = userdata;
	const char *name = methods_text(call, "name");
	bool is_observer = control_call_peer(call)->role < CONTROL_OPERATE;
	struct buf out = {0};
	char *text;
	size_t len;
	int r;

	if (!methods_check(call, fields))
		return;
	if (!name) {
		r = methods_put_doc(&out, m->config.doc);
	} else if (!str_is_name(name)) {
		control_error_parameter(call, "name");
		return;
	} else {
		r = buf_printf(&out, "%s/%s.ini", m->config.runs_dir, name);
		if (r == 0)
			r = file_read(out.data, METHODS_RUN_FILE_MAX, &text, &len);
		buf_fini(&out);
		if (r == 0) {
			r = secrets_mask(text, len, is_observer, &out);
			free(text);
		}
	}
	if (r == 0 || r == -ENOMEM)
		methods_reply_text(call, r, &out);
	else if (r == -ENOENT)
		methods_no_such_run(call, name);
	else
		methods_refuse_file(call, m, name, r);
	buf_fini(&out);
}

/* ---------------------------------------------------------------- the table */

const struct control_method methods_table[] = {
	{METHODS_SERVICE ".GetInfo", CONTROL_OBSERVE, methods_get_info},
	{METHODS_SERVICE ".GetInterfaceDescription", CONTROL_OBSERVE,
		methods_get_interface_description},
	{RPSD_INTERFACE ".Start", CONTROL_OPERATE, methods_start},
	{RPSD_INTERFACE ".Stop", CONTROL_OPERATE, methods_stop},
	{RPSD_INTERFACE ".Set", CONTROL_OPERATE, methods_set},
	{RPSD_INTERFACE ".Pause", CONTROL_OPERATE, methods_pause},
	{RPSD_INTERFACE ".Resume", CONTROL_OPERATE, methods_resume},
	{RPSD_INTERFACE ".Next", CONTROL_OPERATE, methods_next},
	{RPSD_INTERFACE ".Status", CONTROL_OBSERVE, methods_status},
	{RPSD_INTERFACE ".Watch", CONTROL_OBSERVE, methods_watch},
	{RPSD_INTERFACE ".Report", CONTROL_OBSERVE, methods_report},
	{RPSD_INTERFACE ".List", CONTROL_OBSERVE, methods_list},
	{RPSD_INTERFACE ".Show", CONTROL_OBSERVE, methods_show},
	{RPSD_INTERFACE ".Origins", CONTROL_OBSERVE, methods_origins},
};
const size_t methods_n = sizeof(methods_table) / sizeof(methods_table[0]);

static int methods_map_content(struct methods *m)
{
	int fd = m->config.content_fd;
	struct stat st;
	void *map;

	if (fstat(fd, &st) == -1)
		return -errno;
	if (st.st_size > 0) {
		map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (map == MAP_FAILED)
			return -errno;
		m->content = map;
		m->content_len = (size_t)st.st_size;
	}
	(void)close(fd);
	return 0;
}

int methods_new(const struct methods_config *config, struct methods **ret)
{
	struct methods *m = calloc(1, sizeof(*m));
	int r;

	if (!m)
		return -ENOMEM;
	m->config = *config;
	m->started_ns = clock_now_ns();
	r = config->content_fd > 0 ? methods_map_content(m) : 0;
	if (r < 0) {
		free(m);
		return r;
	}
	*ret = m;
	return 0;
}

struct methods *methods_free(struct methods *m)
{
	if (m) {
		methods_list_cache_free(m->list_cache);
		methods_unmap_content(m);
	}
	free(m);
	return NULL;
}

void methods_stop_starting(struct methods *m)
{
	m->stopping = true;
}
