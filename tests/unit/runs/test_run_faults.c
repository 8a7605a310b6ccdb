/* SPDX-License-Identifier: Apache-2.0 */
/* A worker that cannot set a timer ends its run, as the generator's failure and with a reason; the
 * others are ended with it, and the next run works. The failing call is that of this file. */
#include <check.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "common/err.h"
#include "common/exit_codes.h"
#include "common/guard.h"
#include "common/config/ini.h"
#include "common/plan/plan.h"
#include "common/json_path.h"
#include "common/settings/settings.h"
#include "daemon/loop/loop.h"
#include "daemon/runs/registry.h"
#include "tests/support/mini_server.h"
#include "tests/support/suite.h"

#define TIMEOUT_S 40 /* only a broken test waits that long */

static struct loop *loop;
static struct registry *registry;
static struct settings settings = {.keep_runs = 2};
static struct guard guard;
static struct mini_server server;
static char dir[64];

/* The n-th call of a worker's thread fails; 0: none. */
static atomic_int fails_at;
static atomic_int n_calls;

int timerfd_settime(
	int fd, int flags, const struct itimerspec *value, struct itimerspec *ret_before)
{
	bool is_worker = gettid() != getpid();

	if (is_worker && atomic_load(&fails_at) > 0 &&
		atomic_fetch_add(&n_calls, 1) + 1 == atomic_load(&fails_at)) {
		errno = ENOMEM;
		return -1;
	}
	return (int)syscall(SYS_timerfd_settime, fd, flags, value, ret_before);
}

static void on_finished(struct run_observer *o, struct run *run)
{
	(void)run;
	run_unobserve(o);
}

static struct run_observer observer = {.on_finished = on_finished};

static void on_idle(void *arg)
{
	loop_stop(arg);
}

static void setup(void)
{
	struct registry_config config = {
		.settings = &settings, .guard = &guard, .is_private = true, .state_dir = dir};
	struct err err = {0};

	guard_init_private(&guard);
	ck_assert_int_eq(loop_new(&loop), 0);
	strcpy(dir, "/tmp/test_run_faults.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	config.loop = loop;
	ck_assert_msg(registry_new(&config, &registry, &err) == 0, "%s", err.text);
	registry_on_finished(registry, on_idle, loop);
	run_observer_init(&observer);
	ck_assert_int_eq(mini_server_open(&server, 128, mini_answer, NULL), 0);
}

static void teardown(void)
{
	char path[128];

	mini_server_close(&server);
	registry_free(registry);
	loop_free(loop);
	guard_fini(&guard);
	(void)snprintf(path, sizeof(path), "%s/run-number", dir);
	(void)unlink(path);
	(void)rmdir(dir);
}

/* Two workers, to their end. */
static struct run *run_whole(bool is_open)
{
	struct problems problems = {0};
	struct ini_doc doc = {0};
	struct err err = {0};
	struct plan *plan = NULL;
	char url[64];
	struct run *run;

	(void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/", ntohs(server.address.sin_port));
	ck_assert_int_eq(ini_set(&doc, "url", "target", "", "url", url), 0);
	ck_assert_int_eq(ini_set(&doc, "flag", "load", "", "workers", "2"), 0);
	ck_assert_int_eq(ini_set(&doc, "flag", "load", "", "requests", "100"), 0);
	ck_assert_int_eq(ini_set(&doc, "flag", "connections", "", "count", "4"), 0);
	if (is_open)
		ck_assert_int_eq(ini_set(&doc, "flag", "load", "", "rate", "500"), 0);
	else
		ck_assert_int_eq(ini_set(&doc, "flag", "load", "", "model", "closed"), 0);
	ck_assert_msg(plan_build("test", &doc, NULL, NULL, 0, &plan, &problems) == 0, "%s",
		problems.n ? problems.texts[0] : "");
	problems_fini(&problems);
	ini_fini(&doc);
	ck_assert_msg(registry_start(registry, plan, 1000, "alice", &observer, &run, &err) == 0,
		"%s", err.text);
	ck_assert_int_eq(loop_run(loop), 0);
	return run;
}

static void expect_failed(const json_t *doc)
{
	bool is_balanced = false;

	ck_assert_str_eq(json_path_text(doc, "run.outcome"), "failed");
	ck_assert_str_eq(json_path_text(doc, "run.failed_by"), "event-loop");
	ck_assert_ptr_nonnull(strstr(json_path_text(doc, "run.reason"), strerror(ENOMEM)));
	ck_assert_str_eq(json_path_text(doc, "headline.limited_by"), "generator");
	ck_assert(json_path_bool(doc, "ledger.balanced", &is_balanced) && is_balanced);
}

START_TEST(timer_cannot_be_set)
{
	bool is_open = _i & 1;
	struct run *run;

	atomic_store(&fails_at, _i / 2 + 1);
	run = run_whole(is_open);
	/* A run may end before it has set so many. */
	if (atomic_load(&n_calls) >= _i / 2 + 1) {
		expect_failed(run_result(run));
		ck_assert_int_eq(run_exit_code(run), EXIT_RUN_FAILED);
	}
	atomic_store(&fails_at, 0);
	run = run_whole(is_open);
	ck_assert_int_eq(run_exit_code(run), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("run_faults");
	TCase *t = tcase_create("run_faults");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, TIMEOUT_S);
	tcase_add_loop_test(t, timer_cannot_be_set, 0, 10);
	suite_add_tcase(s, t);
	return suite_main(s);
}
