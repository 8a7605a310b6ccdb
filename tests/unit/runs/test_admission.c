/* SPDX-License-Identifier: Apache-2.0 */
/* Admission: how many workers, whether it fits, what the caps say. */
#include "daemon/runs/admission.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/plan.h"
#include "common/settings.h"
#include "daemon/runs/registry.h"

static struct plan_stage stage;
static struct plan plan;
static struct settings settings;
static struct admission_room room;
static struct admission_target target;
static struct admission got;
static struct err err;

static void setup(void)
{
	stage = (struct plan_stage){PLAN_HOLD, {1000, 1}, 10 * NSEC_PER_SEC};
	plan = (struct plan){.model = PLAN_OPEN,
		.stages = &stage,
		.n_stages = 1,
		.duration_ns = 10 * NSEC_PER_SEC};
	settings = (struct settings){
		.max_rate = 5000, .max_connections = 100, .max_duration_ns = 60 * NSEC_PER_SEC};
	room = (struct admission_room){
		.cpus = 8, .descriptor_limit = 20000, .descriptors_used = 20};
	target = (struct admission_target){0};
	err = (struct err){0};
}

static unsigned workers(bool is_colocated)
{
	target.is_colocated = is_colocated;
	ck_assert_msg(admission_check(&plan, &room, &target, &got, &err) == 0, "%s", err.text);
	return got.n_workers;
}

START_TEST(workers_by_need_and_cpus)
{
	ck_assert_uint_eq(workers(true), 1);
	stage.rate.num = 70000; /* 20,000/s each */
	ck_assert_uint_eq(workers(true), 4);
	stage.rate.num = 1000000;
	ck_assert_uint_eq(workers(false), 8);
	ck_assert_uint_eq(workers(true), 4); /* the server needs the other half */
	room.cpus = 1;
	ck_assert_uint_eq(workers(true), 1);
	plan.workers = 3; /* a person's word */
	ck_assert_uint_eq(workers(true), 3);
	plan.connections = 2; /* a worker without a connection has nothing to do */
	ck_assert_uint_eq(workers(true), 2);
}
END_TEST

START_TEST(workers_of_closed_users)
{
	plan.model = PLAN_CLOSED;
	plan.connections = 1;
	ck_assert_uint_eq(workers(false), 1);
	plan.connections = 8000;
	ck_assert_uint_eq(workers(false), 8);
	ck_assert(got.is_fixed_pool);
	ck_assert_uint_eq(got.connections, 8000);
}
END_TEST

START_TEST(descriptors)
{
	room.descriptor_limit = 256;
	plan.connections = 1000;
	ck_assert_int_eq(
		admission_check(&plan, &room, &target, &got, &err), REGISTRY_E_UNAVAILABLE);
	ck_assert_ptr_nonnull(strstr(err.text, "1000 connections"));
	ck_assert_ptr_nonnull(strstr(err.text, "256"));
	plan.connections = 100; /* how far -c could go is known */
	ck_assert_uint_eq(workers(false), 1);
	ck_assert_uint_eq(got.connections_most, 256 - room.descriptors_used - 16 - 4);
	plan.connections = 0; /* auto takes what there is */
	ck_assert_uint_eq(workers(false), 1);
	ck_assert_uint_gt(got.connections, 100);
	ck_assert_uint_lt(got.connections, 256);
	room.descriptors_used =
		256 - 16 - 4 * 3 - 2; /* room for two, and three workers asked for */
	plan.workers = 3;
	ck_assert_uint_eq(workers(false), 2);
	ck_assert_uint_eq(got.connections, 2);
	plan.workers = 0;
	room.descriptors_used = 256;
	ck_assert_int_eq(
		admission_check(&plan, &room, &target, &got, &err), REGISTRY_E_UNAVAILABLE);
}
END_TEST

START_TEST(caps_name_their_key)
{
	ck_assert_int_eq(admission_check_caps(&plan, &settings, &err), 0);
	stage.rate.num = 5001;
	ck_assert_int_eq(admission_check_caps(&plan, &settings, &err), REGISTRY_E_REFUSED);
	ck_assert_ptr_nonnull(strstr(err.text, "max-rate = 5000"));
	stage.rate.num = 5000;
	plan.connections = 101;
	ck_assert_int_eq(admission_check_caps(&plan, &settings, &err), REGISTRY_E_REFUSED);
	ck_assert_ptr_nonnull(strstr(err.text, "max-connections"));
	plan.connections = 100;
	plan.warmup_ns = 50 * NSEC_PER_SEC; /* 50 + 10: just fits */
	ck_assert_int_eq(admission_check_caps(&plan, &settings, &err), 0);
	plan.cooldown_ns = 1;
	ck_assert_int_eq(admission_check_caps(&plan, &settings, &err), REGISTRY_E_REFUSED);
	ck_assert_ptr_nonnull(strstr(err.text, "max-duration = 1m"));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("admission");
	TCase *t = tcase_create("admission");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, workers_by_need_and_cpus);
	tcase_add_test(t, workers_of_closed_users);
	tcase_add_test(t, descriptors);
	tcase_add_test(t, caps_name_their_key);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
