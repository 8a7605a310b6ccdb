/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the tests of whole runs: a loop, a registry with a state directory of its own that may
 * load any address, and runs from "section key value" to their document. The servers are the test
 * program's. */
#pragma once

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/config/ini.h"
#include "common/err.h"
#include "common/guard.h"
#include "common/json_path.h"
#include "common/plan/plan.h"
#include "common/settings/settings.h"
#include "daemon/loop/loop.h"
#include "daemon/runs/registry.h"
#include "tests/support/mini_server.h"

static struct {
	struct loop *loop;
	struct guard guard;
	struct settings settings;
	struct registry_config config;
	struct registry *registry;
	struct run_observer observer; /* of what fixture_start starts */
	char state_dir[64];
	/* set by a test program for all its plans */
	const char *ca_pem;	   /* of the servers' authority; NULL: they speak plain HTTP */
	const char *const *common; /* section, key, value by threes; keys of a plan come later */
} fixture;

/* ---------------------------------------------------------------- setup and teardown */

static inline void fixture_on_finished(struct run_observer *o, struct run *run)
{
	(void)run;
	run_unobserve(o);
}

static inline void fixture_on_idle(void *arg)
{
	(void)arg;
	loop_stop(fixture.loop);
}

/* A registry after that of before, with fixture.config and fixture.settings as they are by now. */
static inline void fixture_reopen(bool is_private)
{
	struct err err = {0};

	registry_free(fixture.registry);
	fixture.config.is_private = is_private;
	ck_assert_msg(registry_new(&fixture.config, &fixture.registry, &err) == 0, "%s", err.text);
	registry_on_finished(fixture.registry, fixture_on_idle, NULL);
}

/* A test program may replace the observer's functions afterwards. */
static inline void fixture_open(void)
{
	memset(&fixture, 0, sizeof(fixture));
	fixture.settings.keep_runs = 2;
	guard_init_private(&fixture.guard);
	ck_assert_int_eq(loop_new(&fixture.loop), 0);
	strcpy(fixture.state_dir, "/tmp/test_runs.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(fixture.state_dir));
	fixture.config = (struct registry_config){.loop = fixture.loop,
		.settings = &fixture.settings,
		.guard = &fixture.guard,
		.state_dir = fixture.state_dir};
	fixture_reopen(true);
	fixture.observer.on_finished = fixture_on_finished;
	run_observer_init(&fixture.observer);
}

static inline void fixture_close(void)
{
	char path[128];

	run_unobserve(&fixture.observer);
	registry_free(fixture.registry);
	loop_free(fixture.loop);
	guard_fini(&fixture.guard);
	(void)snprintf(path, sizeof(path), "%s/run-number", fixture.state_dir);
	(void)unlink(path);
	(void)rmdir(fixture.state_dir);
}

/* ---------------------------------------------------------------- plans and runs */

static inline void fixture_set(struct ini_doc *doc, const char *const *keys)
{
	for (; keys && *keys; keys += 3)
		ck_assert_int_eq(ini_set(doc, "flag", keys[0], "", keys[1], keys[2]), 0);
}

/* keys: section, key, value by threes, up to NULL; flags over the URL. */
static inline struct plan *fixture_plan(const char *url, const char *const *keys)
{
	const char *ca = fixture.ca_pem;
	struct plan_file file = {"ca.pem", ca, ca ? strlen(ca) : 0};
	struct problems problems = {0};
	struct ini_doc doc = {0};
	struct plan *plan = NULL;

	ck_assert_int_eq(ini_set(&doc, "url", "target", "", "url", url), 0);
	if (ca)
		ck_assert_int_eq(ini_set(&doc, "url", "tls", "", "ca-file", file.name), 0);
	fixture_set(&doc, fixture.common);
	fixture_set(&doc, keys);
	ck_assert_msg(plan_build("test", &doc, NULL, ca ? &file : NULL, ca ? 1 : 0, &plan,
			      &problems) == 0,
		"%s", problems.n ? problems.texts[0] : "");
	problems_fini(&problems);
	ini_fini(&doc);
	return plan;
}

static inline uint16_t fixture_port(const struct mini_server *s)
{
	return ntohs(s->address.sin_port);
}

static inline struct plan *fixture_plan_to(uint16_t port, const char *const *keys)
{
	char url[64];

	(void)snprintf(
		url, sizeof(url), "%s://127.0.0.1:%u/", fixture.ca_pem ? "https" : "http", port);
	return fixture_plan(url, keys);
}

/* Not observed; what registry_start returns. */
static inline int fixture_try(struct plan *plan, struct run **ret, struct err *reterr)
{
	return registry_start(fixture.registry, plan, 1000, "alice", NULL, ret, reterr);
}

static inline struct run *fixture_start(struct plan *plan)
{
	struct err err = {0};
	struct run *run;
	int r;

	r = registry_start(fixture.registry, plan, 1000, "alice", &fixture.observer, &run, &err);
	ck_assert_msg(r == 0, "%s", err.text);
	return run;
}

/* Until no run is left. */
static inline void fixture_finish(void)
{
	ck_assert_int_eq(loop_run(fixture.loop), 0);
}

/* From its start to its end. */
static inline struct run *fixture_run(struct plan *plan)
{
	struct run *run = fixture_start(plan);

	fixture_finish();
	return run;
}

/* ---------------------------------------------------------------- the document of a run */

static inline int64_t fixture_int(const struct run *run, const char *path)
{
	int64_t v = -1;

	ck_assert_msg(json_path_int(run_result(run), path, &v), "no %s", path);
	return v;
}

static inline double fixture_real(const struct run *run, const char *path)
{
	double v = -1;

	ck_assert_msg(json_path_real(run_result(run), path, &v), "no %s", path);
	return v;
}
