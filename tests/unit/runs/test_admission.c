/* SPDX-License-Identifier: Apache-2.0 */
/* Admission: how many workers, whether it fits, what the caps say. */
#include "daemon/runs/admission.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/plan/plan.h"
#include "common/settings/settings.h"
#include "daemon/runs/registry.h"
#include "tests/support/suite.h"

static struct plan_stage stage;
static struct plan plan;
static struct settings settings;
static struct admission_room room;
static struct admission_target target;
static struct admission got;
static struct err err;

static void setup(void)
{
	stage = (struct plan_stage){
		.kind = PLAN_HOLD, .rate = {1000, 1}, .duration_ns = 10 * NSEC_PER_SEC};
	plan = (struct plan){.model = PLAN_OPEN,
		.stages = &stage,
		.n_stages = 1,
		.duration_ns = 10 * NSEC_PER_SEC,
		.interval_ns = NSEC_PER_SEC};
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
	ck_assert_ptr_nonnull(strstr(err.text, "LimitNOFILE= "));
	room.is_private = true; /* no unit has a say in it */
	ck_assert_int_eq(
		admission_check(&plan, &room, &target, &got, &err), REGISTRY_E_UNAVAILABLE);
	ck_assert_ptr_nonnull(strstr(err.text, " (ulimit -n)"));
	ck_assert_ptr_null(strstr(err.text, "LimitNOFILE"));
	plan.connections = 100; /* how far -c could go is known */
	ck_assert_uint_eq(workers(false), 1);
	ck_assert_uint_eq(got.connections_most, 256 - room.descriptors_used - 16 - 5);
	plan.connections = 0; /* auto takes what there is */
	ck_assert_uint_eq(workers(false), 1);
	ck_assert_uint_gt(got.connections, 100);
	ck_assert_uint_lt(got.connections, 256);
	room.descriptors_used =
		256 - 16 - 5 * 3 - 2; /* room for two, and three workers asked for */
	plan.workers = 3;
	ck_assert_uint_eq(workers(false), 2);
	ck_assert_uint_eq(got.connections, 2);
	plan.workers = 0;
	room.descriptors_used = 256;
	ck_assert_int_eq(
		admission_check(&plan, &room, &target, &got, &err), REGISTRY_E_UNAVAILABLE);
}
END_TEST

START_TEST(a_lookup_needs_descriptors_too)
{
	ck_assert_uint_eq(workers(false), 1);
	room.descriptor_limit = 100;
	ck_assert_uint_eq(workers(false), 1);
	ck_assert_uint_eq(got.connections, 100 - 20 - 16 - 5);
	plan.dns_ns = NSEC_PER_SEC;
	ck_assert_uint_eq(workers(false), 1);
	ck_assert_uint_eq(got.connections, 100 - 20 - 16 - 5 - 4);
}
END_TEST

/* ---------------------------------------------------------------- ports */

static struct plan_source sources[] = {{.is_v6 = false}, {.is_v6 = true}, {.is_v6 = true}};

static int check_ports(size_t n_v4, size_t n_v6)
{
	target.n_v4 = n_v4;
	target.n_v6 = n_v6;
	err = (struct err){0};
	return admission_check(&plan, &room, &target, &got, &err);
}

START_TEST(ports_of_open_connections)
{
	room.ports = (struct host_ports){40000, 40499, 500, 0};
	plan.connections = 500;
	ck_assert_int_eq(check_ports(0, 0), 0); /* a Unix socket, or nobody knows yet */
	ck_assert_int_eq(check_ports(1, 0), REGISTRY_E_UNAVAILABLE);
	ck_assert_str_eq(err.text,
		"500 connections need 500 ports towards each of 1 address and there are 499 "
		"(net.ipv4.ip_local_port_range = 40000 40499, less one for the first attempt): "
		"more "
		"source addresses ([connections] source), fewer connections or a wider range");
	ck_assert_int_eq(check_ports(2, 0), 0);
	ck_assert_int_eq(check_ports(1, 1), 0);
	plan.connections = 499;
	ck_assert_int_eq(check_ports(1, 0), 0);
	ck_assert_uint_eq(got.connections_most, 499);
	plan.connections = 0; /* auto takes what there is */
	ck_assert_int_eq(check_ports(1, 0), 0);
	ck_assert_uint_eq(got.connections, 499);
	plan.model = PLAN_CLOSED;
	plan.connections = 500;
	ck_assert_int_eq(check_ports(0, 1), REGISTRY_E_UNAVAILABLE);
	room.ports.n = 0; /* not known */
	ck_assert_int_eq(check_ports(0, 1), 0);
}
END_TEST

START_TEST(ports_of_each_source)
{
	room.ports = (struct host_ports){40000, 40499, 500, 0};
	plan.sources = sources;
	plan.n_sources = 3; /* one of IPv4, two of IPv6 */
	plan.connections = 999;
	ck_assert_int_eq(check_ports(0, 1), 0);
	ck_assert_int_eq(check_ports(1, 0), REGISTRY_E_UNAVAILABLE);
	ck_assert_ptr_nonnull(strstr(err.text, "there are 499 (net.ipv4.ip_local_port_range = "
					       "40000 40499 for each of 3 source addresses, "));
	plan.connections = 1000;
	ck_assert_int_eq(check_ports(0, 1), REGISTRY_E_UNAVAILABLE);
	/* In turn, so the address with fewer sources is full first. */
	ck_assert_int_eq(check_ports(1, 1), REGISTRY_E_UNAVAILABLE);
	ck_assert_ptr_nonnull(strstr(err.text, "need 500 ports towards each of 2 addresses"));
	plan.connections = 998;
	ck_assert_int_eq(check_ports(1, 1), 0);
}
END_TEST

/* 2,000 connections a second from 28,232 ports, and what makes that bearable. */
static void set_up_churn(void)
{
	room.ports = (struct host_ports){32768, 60999, 28232, 0};
	stage.rate.num = 2000;
	plan.duration_ns = stage.duration_ns = 60 * NSEC_PER_SEC;
	plan.reuse = PLAN_REUSE_NO;
}

START_TEST(ports_of_connections_used_once)
{
	set_up_churn();
	ck_assert_int_eq(check_ports(1, 0), 0);
	ck_assert_str_eq(got.note,
		"2,000 new connections/s use up 28,232 ports in 14.1 s unless the server closes "
		"first: try keep-alive, source addresses, a wider "
		"net.ipv4.ip_local_port_range");
	plan.reuse = PLAN_REUSE_LIFO;
	ck_assert_int_eq(check_ports(1, 0), 0);
	ck_assert_str_eq(got.note, "");
	plan.requests_per_connection = 4; /* 500 a second */
	ck_assert_int_eq(check_ports(1, 0), 0);
	ck_assert_ptr_nonnull(strstr(got.note, "500 new connections/s use up 28,232 ports in 56"));
	plan.requests_per_connection = 5; /* 24,000 in a minute */
	ck_assert_int_eq(check_ports(1, 0), 0);
	ck_assert_str_eq(got.note, "");
	plan.max_age_ns = 100 * NSEC_PER_MSEC; /* and 1,000 of 100 that are kept */
	plan.connections = 100;
	ck_assert_int_eq(check_ports(1, 0), 0);
	ck_assert_ptr_nonnull(strstr(got.note, "1,400 new connections/s"));
}
END_TEST

/* 0: none of them. */
static void change_nothing(void)
{
}

static void change_close(void)
{
	plan.close = PLAN_CLOSE_RST;
}

static void change_reuse(void)
{
	room.ports.tw_reuse = 1;
}

static void change_reuse_on_loopback(void)
{
	room.ports.tw_reuse = 2;
	target.is_loopback = true;
}

static void change_duration(void)
{
	plan.duration_ns = 14 * NSEC_PER_SEC;
}

static void change_count(void)
{
	plan.duration_ns = CLOCK_NEVER;
	plan.n_arrivals = 28000;
}

static void change_sources(void)
{
	sources[1].is_v6 = sources[2].is_v6 = false;
	sources[0].is_v6 = false;
	plan.sources = sources;
	plan.n_sources = 3;
	stage.rate.num = 1400; /* 84,000 of 84,696 */
}

static void change_reuse_elsewhere(void)
{
	room.ports.tw_reuse = 2;
}

static void change_reuse_too_fast(void)
{
	room.ports.tw_reuse = 1;
	stage.rate.num = 30000;
}

static const struct {
	void (*change)(void);
	bool is_noted;
} churns[] = {
	{change_nothing, true},
	{change_close, false},
	{change_reuse, false},
	{change_reuse_on_loopback, false},
	{change_duration, false},
	{change_count, false},
	{change_sources, false},
	{change_reuse_elsewhere, true},
	{change_reuse_too_fast, true},
};

START_TEST(ports_that_come_back_in_time)
{
	set_up_churn();
	churns[_i].change();
	ck_assert_int_eq(check_ports(1, 0), 0);
	ck_assert_int_eq(got.note[0] != '\0', churns[_i].is_noted);
}
END_TEST

/* All that may wait is counted before the start. */
START_TEST(memory_is_for_what_may_wait)
{
	room.memory = 64 << 20;
	plan.connections = 100;
	ck_assert_int_eq(admission_check(&plan, &room, &target, &got, &err), 0);
	ck_assert_uint_ge(got.bytes, 100 * 1024);
	ck_assert_uint_lt(got.bytes, 32 << 20);
	plan.pipeline = 1024; /* 100 x 1,023 exchanges of 56 bytes and more */
	ck_assert_int_eq(admission_check(&plan, &room, &target, &got, &err), 0);
	plan.connections = 1000;
	ck_assert_int_eq(
		admission_check(&plan, &room, &target, &got, &err), REGISTRY_E_UNAVAILABLE);
	ck_assert_ptr_nonnull(strstr(err.text, "1000 connections, 1024 requests in flight"));
	ck_assert_ptr_nonnull(strstr(err.text, "64 MiB"));
	plan.pipeline = 1;
	plan.url.tls = true;
	ck_assert_int_eq(
		admission_check(&plan, &room, &target, &got, &err), REGISTRY_E_UNAVAILABLE);
	plan.url.tls = false;
	ck_assert_int_eq(admission_check(&plan, &room, &target, &got, &err), 0);
	room.memory = 0; /* not known */
	plan.pipeline = 1024;
	ck_assert_int_eq(admission_check(&plan, &room, &target, &got, &err), 0);
}
END_TEST

/* Each worker counts for each stage, in two histograms of 30 KiB: 60 MiB for 1,000 stages, and once
 * more for the sum. */
START_TEST(memory_is_for_stages_too)
{
	struct plan_stage stages[1000];

	for (size_t i = 0; i < 1000; i++)
		stages[i] = stage;
	plan.stages = stages;
	plan.n_stages = 1000;
	plan.connections = 64;
	plan.workers = 4;
	room.memory = 1024 << 20;
	ck_assert_int_eq(admission_check(&plan, &room, &target, &got, &err), 0);
	ck_assert_uint_ge(got.bytes, 5 * 58 << 20);
	plan.workers = 64;
	ck_assert_int_eq(
		admission_check(&plan, &room, &target, &got, &err), REGISTRY_E_UNAVAILABLE);
	ck_assert_ptr_nonnull(
		strstr(err.text, "1000 stages and 20 intervals in each of 64 workers"));
	plan.n_stages = 1; /* not counted one by one */
	ck_assert_int_eq(admission_check(&plan, &room, &target, &got, &err), 0);
	ck_assert_uint_lt(got.bytes, 128 << 20);
}
END_TEST

/* And for each named request, in four histograms of 264 KiB. */
START_TEST(memory_is_for_named_requests_too)
{
	struct plan_request requests[64];

	for (size_t i = 0; i < 64; i++)
		requests[i] = (struct plan_request){.name = (char *)"a"};
	plan.requests = requests;
	plan.n_requests = 64;
	plan.connections = 64;
	plan.workers = 2;
	room.memory = 1024 << 20;
	ck_assert_int_eq(admission_check(&plan, &room, &target, &got, &err), 0);
	ck_assert_uint_ge(got.bytes, UINT64_C(3) * 64 * 4 * 264 << 10);
	plan.workers = 64;
	ck_assert_int_eq(
		admission_check(&plan, &room, &target, &got, &err), REGISTRY_E_UNAVAILABLE);
	ck_assert_ptr_nonnull(strstr(err.text, "64 named requests"));
	requests[0].name = (char *)""; /* one without a name is counted with all */
	plan.n_requests = 1;
	ck_assert_int_eq(admission_check(&plan, &room, &target, &got, &err), 0);
}
END_TEST

/* So it does for each interval that an answer may still come for: two histograms of 30 KiB, too. */
START_TEST(memory_is_for_open_intervals)
{
	plan.connections = 64;
	plan.workers = 64;
	plan.request_timeout_ns = 30 * NSEC_PER_SEC;
	room.memory = 1024 << 20;
	ck_assert_int_eq(admission_check(&plan, &room, &target, &got, &err), 0);
	ck_assert_uint_ge(got.bytes, 64 * 50 * 60 << 10);
	plan.request_timeout_ns = 3600 * NSEC_PER_SEC;
	plan.interval_ns = NSEC_PER_SEC / 10;
	ck_assert_int_eq(
		admission_check(&plan, &room, &target, &got, &err), REGISTRY_E_UNAVAILABLE);
	ck_assert_ptr_nonnull(strstr(err.text, " and 512 intervals in each of 64 workers"));
	plan.workers = 1;
	ck_assert_int_eq(admission_check(&plan, &room, &target, &got, &err), 0);
}
END_TEST

/* No more can wait than is planned until the timeout. */
START_TEST(the_queue_is_what_can_wait)
{
	plan.queue_max = 100000000;
	plan.request_timeout_ns = 2 * NSEC_PER_SEC;
	stage.rate.num = 5000;
	ck_assert_int_eq(admission_check(&plan, &room, &target, &got, &err), 0);
	ck_assert_uint_ge(got.queue, 10000);
	ck_assert_uint_le(got.queue, 10000 + 1024 * got.n_workers);
	plan.queue_max = 50;
	ck_assert_int_eq(admission_check(&plan, &room, &target, &got, &err), 0);
	ck_assert_uint_eq(got.queue, 50);
}
END_TEST

static int check_caps(void)
{
	struct caps caps = caps_of_settings(&settings);

	return caps_check_plan(&caps, &plan, &err);
}

START_TEST(caps_name_their_key)
{
	ck_assert_int_eq(check_caps(), 0);
	stage.rate.num = 5001;
	ck_assert_int_eq(check_caps(), REGISTRY_E_REFUSED);
	ck_assert_ptr_nonnull(strstr(err.text, "max-rate = 5000"));
	stage.rate.num = 5000;
	plan.connections = 101;
	ck_assert_int_eq(check_caps(), REGISTRY_E_REFUSED);
	ck_assert_ptr_nonnull(strstr(err.text, "max-connections"));
	plan.connections = 100;
	plan.warmup_ns = 50 * NSEC_PER_SEC; /* 50 + 10: just fits */
	ck_assert_int_eq(check_caps(), 0);
	plan.cooldown_ns = 1;
	ck_assert_int_eq(check_caps(), REGISTRY_E_REFUSED);
	ck_assert_ptr_nonnull(strstr(err.text, "max-duration = 1m"));
}
END_TEST

START_TEST(caps_are_of_the_warm_up_too)
{
	struct plan_stage stages[] = {
		{.kind = PLAN_RAMP,
			.rate = {0, 1},
			.to = {5001, 1},
			.duration_ns = 50 * NSEC_PER_SEC,
			.is_warmup = true},
		stage,
	};

	plan.stages = stages;
	plan.n_stages = 2;
	ck_assert_int_eq(check_caps(), REGISTRY_E_REFUSED);
	ck_assert_ptr_nonnull(strstr(
		err.text, "rate 5001/s is above [policy] max-rate = 5000: take a lower one"));
	stages[0].to.num = 1000000;
	ck_assert_int_eq(check_caps(), REGISTRY_E_REFUSED);
	ck_assert_ptr_nonnull(strstr(err.text, "rate 1000000/s is above [policy] max-rate"));
	stages[0].to.num = 5000;
	ck_assert_int_eq(check_caps(), 0);
	stages[0].duration_ns++;
	ck_assert_int_eq(check_caps(), REGISTRY_E_REFUSED);
	ck_assert_ptr_nonnull(strstr(err.text, "max-duration = 1m"));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("admission");
	TCase *t = tcase_create("admission");

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, workers_by_need_and_cpus);
	tcase_add_test(t, workers_of_closed_users);
	tcase_add_test(t, descriptors);
	tcase_add_test(t, a_lookup_needs_descriptors_too);
	tcase_add_test(t, ports_of_open_connections);
	tcase_add_test(t, ports_of_each_source);
	tcase_add_test(t, ports_of_connections_used_once);
	tcase_add_loop_test(t, ports_that_come_back_in_time, 0, sizeof(churns) / sizeof(churns[0]));
	tcase_add_test(t, memory_is_for_what_may_wait);
	tcase_add_test(t, memory_is_for_stages_too);
	tcase_add_test(t, memory_is_for_named_requests_too);
	tcase_add_test(t, memory_is_for_open_intervals);
	tcase_add_test(t, the_queue_is_what_can_wait);
	tcase_add_test(t, caps_name_their_key);
	tcase_add_test(t, caps_are_of_the_warm_up_too);
	suite_add_tcase(s, t);
	return suite_main(s);
}
