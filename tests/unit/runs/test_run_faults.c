/* SPDX-License-Identifier: Apache-2.0 */
/* A worker that cannot set a timer ends its run, as the generator's failure and with a reason; the
 * others are ended with it, and the next run works. The failing call is that of this file. */
#include <errno.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>

#include "common/exit_codes.h"
#include "tests/support/suite.h"
#include "tests/unit/runs/run_fixture.h"

#define TIMEOUT_S 40 /* only a broken test waits that long */

static struct mini_server server;

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

/* Two workers. */
static const char *const common[] = {
	"load", "workers", "2", "load", "requests", "100", "connections", "count", "4", NULL};

static void setup(void)
{
	fixture_open();
	fixture.common = common;
	ck_assert_int_eq(mini_server_open(&server, 128, mini_answer, NULL), 0);
}

static void teardown(void)
{
	mini_server_close(&server);
	fixture_close();
}

static struct run *run_whole(bool is_open)
{
	const char *keys[] = {"load", is_open ? "rate" : "model", is_open ? "500" : "closed", NULL};

	return fixture_run(fixture_plan_to(fixture_port(&server), keys));
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
