/* SPDX-License-Identifier: Apache-2.0 */
/* The server with a table of methods of its own, over socket pairs and a socket without a path. */
#include "tests/support/limit.h"
#include "tests/support/skip.h"
#include "tests/support/suite.h"
#include "tests/unit/service/control_fixture.h"

/* ---------------------------------------------------------------- calls */

START_TEST(calls_are_answered_in_order)
{
	struct client k = test_pair(NULL);
	static const char three[] = ECHO(1) "\0" ECHO(2) "\0" ECHO(3);

	test_write(&k, three, sizeof(three));
	test_expect(&k, ECHOED(1));
	test_expect(&k, ECHOED(2));
	test_expect(&k, ECHOED(3));
	test_expect_nothing(&k);
	test_close(&k);
}
END_TEST

START_TEST(a_call_may_come_in_pieces)
{
	static const char call[] = ECHO(7);
	struct client k = test_pair(NULL);
	size_t cut = (size_t)_i;

	test_write(&k, call, cut);
	test_expect_nothing(&k);
	test_write(&k, call + cut, sizeof(call) - cut);
	test_expect(&k, ECHOED(7));
	test_close(&k);
}
END_TEST

START_TEST(clients_do_not_disturb_each_other)
{
	struct client k[3];

	test_listen(CONTROL_OPERATE);
	for (int i = 0; i < 3; i++)
		k[i] = test_connect();
	test_send(&k[0], STREAM);
	test_write(&k[1], "{\"met", 5);
	test_send(&k[2], ECHO(2));
	test_expect(&k[2], ECHOED(2));
	test_expect_nothing(&k[0]);
	test_write(&k[2], "\0", 1);
	test_expect_closed(&k[2]);
	test_write(&k[1], "hod\":\"a.test.Echo\"}", 20);
	test_expect(&k[1], "{\"parameters\":{}}");
	ck_assert_uint_eq(control_n_connections(control), 2);
	for (int i = 0; i < 3; i++)
		test_close(&k[i]);
}
END_TEST

static const struct {
	const char *call;
	const char *reply;
} test_errors[] = {
	{"{\"method\":\"a.test.None\"}", "{\"error\":\"org.varlink.service.MethodNotFound\","
					 "\"parameters\":{\"method\":\"a.test.None\"}}"},
	{"{\"method\":\"a.tes.Echo\"}", "{\"error\":\"org.varlink.service.InterfaceNotFound\","
					"\"parameters\":{\"interface\":\"a.tes\"}}"},
	{"{\"method\":\"Echo\"}", "{\"error\":\"org.varlink.service.InterfaceNotFound\","
				  "\"parameters\":{\"interface\":\"Echo\"}}"},
	{"{\"method\":\"\"}", "{\"error\":\"org.varlink.service.InterfaceNotFound\","
			      "\"parameters\":{\"interface\":\"\"}}"},
	{"{\"method\":\"a.test.Echo\",\"upgrade\":true}",
		"{\"error\":\"org.varlink.service.MethodNotImplemented\","
		"\"parameters\":{\"method\":\"a.test.Echo\"}}"},
	{"{\"method\":\"a.test.Stream\"}", "{\"error\":\"org.varlink.service.InvalidParameter\","
					   "\"parameters\":{\"parameter\":\"more\"}}"},
	{"{\"method\":\"a.test.Fail\"}", "{\"error\":\"a.test.Failed\"}"},
};

START_TEST(errors_leave_the_connection)
{
	struct client k = test_pair(NULL);

	test_send(&k, test_errors[_i].call);
	test_expect(&k, test_errors[_i].reply);
	test_send(&k, ECHO(1));
	test_expect(&k, ECHOED(1));
	test_close(&k);
}
END_TEST

START_TEST(oneway_calls_get_no_reply)
{
	struct client k = test_pair(NULL);

	test_send(&k, "{\"method\":\"a.test.Fail\",\"oneway\":true}");
	test_send(&k, "{\"method\":\"no.such.Method\",\"oneway\":true}");
	test_send(&k, "{\"method\":\"a.test.Echo\",\"oneway\":true}");
	test_send(&k, ECHO(1));
	test_expect(&k, ECHOED(1));
	ck_assert_uint_eq(n_oneway, 1);
	ck_assert_uint_eq(n_echoes, 2);
	test_close(&k);
}
END_TEST

static const char *const test_violations[] = {
	"",
	"[]",
	"{}",
	"{\"method\":1}",
	"{\"method\":\"a.test.Echo\",\"parameters\":[]}",
	"{\"method\":\"a.test.Echo\",\"id\":1}",
	"{\"method\":\"a.test.Echo\",\"more\":true,\"oneway\":true}",
	"{\"method\":\"\xff\"}",
	"GET / HTTP/1.1\r\n\r\n",
};

START_TEST(violations_close_without_a_reply)
{
	struct client k = test_pair(NULL);

	test_send(&k, test_violations[_i]);
	test_expect_closed(&k);
	ck_assert_uint_eq(control_n_connections(control), 0);
	ck_assert_uint_eq(n_empty, 1);
	test_close(&k);
}
END_TEST

START_TEST(what_came_before_a_violation_is_answered)
{
	struct client k = test_pair(NULL);

	test_send(&k, ECHO(1));
	test_send(&k, "[]");
	test_send(&k, ECHO(2));
	test_expect(&k, ECHOED(1));
	test_expect_closed(&k);
	ck_assert_uint_eq(n_echoes, 1);
	test_close(&k);
}
END_TEST

/* ---------------------------------------------------------------- limits */

START_TEST(a_message_that_is_too_long_closes)
{
	struct client k;
	char *text = malloc(4096);

	limits.call_max = 1000;
	limits.admin_call_max = 2000;
	test_setup_again();
	memset(text, ' ', 4096);
	k = test_pair(NULL);
	test_write(&k, text, 2000);
	test_expect_nothing(&k);
	test_write(&k, text, 1);
	test_expect_closed(&k);
	test_close(&k);

	/* Whoever is no admin has less. */
	test_listen(CONTROL_OBSERVE);
	k = test_connect();
	test_write(&k, text, 1001);
	test_expect_closed(&k);
	test_close(&k);
	free(text);
}
END_TEST

START_TEST(a_large_message_passes)
{
	size_t len = 3u << 20;
	char *text = malloc(len + 1);
	struct client k = test_pair(NULL);

	memset(text, ' ', len);
	memcpy(text, ECHO(5), sizeof(ECHO(5)) - 1);
	text[len] = '\0';
	test_write(&k, text, len + 1);
	test_expect(&k, ECHOED(5));
	test_close(&k);
	free(text);
}
END_TEST

/* One message says why, and the connection ends. */
static void test_expect_refused(struct client *k, const char *reason)
{
	json_t *reply = test_next(k);
	json_t *parameters = json_object_get(reply, "parameters");

	ck_assert_ptr_nonnull(reply);
	ck_assert_str_eq(
		json_string_value(json_object_get(reply, "error")), RPSD_INTERFACE ".Refused");
	ck_assert_ptr_nonnull(
		strstr(json_string_value(json_object_get(parameters, "reason")), reason));
	json_decref(reply);
	test_expect_closed(k);
}

/* Also by SECURITY.md. */
START_TEST(the_limits_are_those_of_the_documents)
{
	const struct control_limits *l = &control_default_limits;

	ck_assert_uint_eq(l->n_connections, 256);
	ck_assert_uint_eq(l->n_reserved, 4);
	ck_assert_uint_eq(l->n_observers, 192);
	ck_assert_uint_eq(l->n_per_uid, 32);
	ck_assert_uint_eq(l->call_max, 64u << 10);
	ck_assert_uint_eq(l->admin_call_max, 16u << 20);
	ck_assert_uint_le(l->output_max, 4u << 20);
	ck_assert_int_eq(l->partial_ns, 10 * NSEC_PER_SEC);
	ck_assert_int_eq(l->stall_ns, 30 * NSEC_PER_SEC);
	ck_assert_uint_eq(VARLINK_DEPTH_MAX, 32);
	ck_assert_uint_eq(VARLINK_ELEMENTS_MAX, 4096);
}
END_TEST

START_TEST(a_call_of_too_many_elements_closes)
{
	struct client k = test_pair(NULL);
	struct buf call = {0};

	ck_assert_int_eq(buf_puts(&call, "{\"method\":\"a.test.Echo\",\"parameters\":{\"n\":["), 0);
	for (int i = 0; i < VARLINK_ELEMENTS_MAX; i++)
		ck_assert_int_eq(buf_puts(&call, i ? ",0" : "0"), 0);
	ck_assert_int_eq(buf_puts(&call, "]}}"), 0);
	test_send(&k, call.data);
	test_expect_closed(&k);
	ck_assert_uint_eq(n_echoes, 0);
	buf_fini(&call);
	test_close(&k);
}
END_TEST

START_TEST(one_user_has_so_many_connections)
{
	struct client k[33];

	test_listen(CONTROL_OPERATE);
	for (int i = 0; i < 33; i++)
		k[i] = test_connect();
	test_expect_refused(&k[32], " has 32 control connections, the most for one user");
	for (int i = 0; i < 32; i++) {
		test_send(&k[i], ECHO(1));
		test_expect(&k[i], ECHOED(1));
	}
	ck_assert_uint_eq(control_n_connections(control), 32);

	/* A place that becomes free can be taken. */
	test_close(&k[0]);
	test_close(&k[32]);
	while (control_n_connections(control) == 32)
		test_turn();
	k[0] = test_connect();
	test_send(&k[0], ECHO(2));
	test_expect(&k[0], ECHOED(2));
	for (int i = 0; i < 32; i++)
		test_close(&k[i]);
}
END_TEST

START_TEST(all_users_have_so_many_connections)
{
	struct client k[3];

	limits.n_connections = 2;
	test_setup_again();
	test_listen(CONTROL_OPERATE);
	for (int i = 0; i < 3; i++)
		k[i] = test_connect();
	test_expect_refused(&k[2], "the daemon has 2 control connections, the most it takes");
	ck_assert_uint_eq(control_n_connections(control), 2);
	for (int i = 0; i < 3; i++)
		test_close(&k[i]);
}
END_TEST

START_TEST(observers_leave_room_for_who_operates)
{
	struct client k[4];

	limits.n_connections = 3;
	limits.n_reserved = 0;
	limits.n_observers = 2;
	test_setup_again();
	test_listen(CONTROL_OBSERVE);
	for (int i = 0; i < 3; i++)
		k[i] = test_connect();
	test_expect_refused(&k[2], "the daemon has 2 observers, the most it takes");
	test_listen(CONTROL_OPERATE);
	k[3] = test_connect();
	test_send(&k[3], ECHO(1));
	test_expect(&k[3], ECHOED(1));
	ck_assert_uint_eq(control_n_connections(control), 3);
	for (int i = 0; i < 4; i++)
		test_close(&k[i]);
}
END_TEST

START_TEST(half_a_message_must_become_whole)
{
	struct client idle;
	struct client k;
	int64_t until_ns = limit_ns(2);

	limits.partial_ns = 30 * NSEC_PER_MSEC;
	test_setup_again();
	idle = test_pair(NULL);
	k = test_pair(NULL);
	test_send(&idle, ECHO(1));
	test_expect(&idle, ECHOED(1));
	/* More bytes do not prolong it. */
	while (control_n_connections(control) == 2) {
		ck_assert_int_lt(clock_now_ns(), until_ns);
		(void)send(k.fd, " ", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
		ck_assert_int_eq(loop_turn(loop, NSEC_PER_MSEC), 0);
	}
	test_expect_closed(&k);
	test_send(&idle, ECHO(2));
	test_expect(&idle, ECHOED(2));
	test_close(&k);
	test_close(&idle);
}
END_TEST

START_TEST(a_peer_that_does_not_read_is_stopped_and_then_closed)
{
	struct client k;

	limits.stall_ns = 40 * NSEC_PER_MSEC;
	limits.output_max = 100000;
	test_setup_again();
	test_listen(CONTROL_OPERATE);
	k = test_connect();
	for (int i = 0; i < 100; i++)
		test_send(&k, "{\"method\":\"a.test.Big\",\"parameters\":{\"n\":90000}}");
	do
		ck_assert_int_eq(loop_turn(loop, 100 * NSEC_PER_MSEC), 0);
	while (n_echoes == 0 || control_n_connections(control) > 0);
	/* What the socket takes, and two for the queue; more turns are no reason for more. */
	ck_assert_uint_gt(n_echoes, 1);
	ck_assert_uint_lt(n_echoes, 20);
	test_close(&k);
}
END_TEST

/* Its reader may have been suspended, and the closing would end a run. */
START_TEST(a_ready_made_connection_is_never_given_up)
{
	int64_t until_ns;
	struct client k;

	limits.stall_ns = NSEC_PER_MSEC;
	limits.output_max = 100000;
	test_setup_again();
	k = test_pair(NULL);
	for (int i = 0; i < 40; i++)
		test_send(&k, "{\"method\":\"a.test.Big\",\"parameters\":{\"n\":90000}}");
	until_ns = clock_now_ns() + 50 * NSEC_PER_MSEC;
	while (clock_now_ns() < until_ns)
		ck_assert_int_eq(loop_turn(loop, NSEC_PER_MSEC), 0);
	for (int i = 0; i < 40; i++) {
		json_t *message = test_next(&k);

		ck_assert_ptr_nonnull(message);
		json_decref(message);
	}
	test_close(&k);
}
END_TEST

START_TEST(a_peer_that_reads_late_gets_everything)
{
	struct client k;

	limits.output_max = 100000;
	test_setup_again();
	k = test_pair(NULL);
	for (int i = 0; i < 40; i++)
		test_send(&k, "{\"method\":\"a.test.Big\",\"parameters\":{\"n\":90000}}");
	test_send(&k, ECHO(9));
	for (int i = 0; i < 20; i++)
		test_turn();
	ck_assert_uint_lt(n_echoes, 20);
	for (int i = 0; i < 40; i++) {
		json_t *message = test_next(&k);

		ck_assert_ptr_nonnull(message);
		json_decref(message);
	}
	test_expect(&k, ECHOED(9));
	test_close(&k);
}
END_TEST

START_TEST(without_descriptors_somebody_is_turned_away)
{
	struct rlimit old;
	struct rlimit none;
	struct client k = {.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
	int64_t before_ns;
	int lowest;

	test_listen(CONTROL_OPERATE);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &old), 0);
	lowest = dup(k.fd);
	ck_assert_int_eq(close(lowest), 0);
	none = old;
	none.rlim_cur = (rlim_t)lowest;
	ck_assert_int_eq(connect(k.fd, (struct sockaddr *)&address, address_len), 0);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	test_expect_closed(&k);
	/* The loop sleeps: nobody waits in vain, nothing spins. */
	before_ns = clock_now_ns();
	ck_assert_int_eq(loop_turn(loop, 20 * NSEC_PER_MSEC), 0);
	ck_assert_int_ge(clock_now_ns() - before_ns, 15 * NSEC_PER_MSEC);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &old), 0);
	test_close(&k);
	k = test_connect();
	test_send(&k, ECHO(1));
	test_expect(&k, ECHOED(1));
	test_close(&k);
}
END_TEST

START_TEST(attached_descriptors_are_dropped)
{
	static char call[] = ECHO(1);
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control_data = {0};
	struct iovec iov = {.iov_base = call, .iov_len = sizeof(call)};
	struct msghdr message = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control_data,
		.msg_controllen = sizeof(control_data)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&message);
	struct client k = test_pair(NULL);
	int pipe_fds[2];
	char byte;

	ck_assert_int_eq(pipe2(pipe_fds, O_CLOEXEC | O_NONBLOCK), 0);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &pipe_fds[1], sizeof(int));
	ck_assert_int_eq(sendmsg(k.fd, &message, 0), sizeof(call));
	test_send(&k, ECHO(2));
	ck_assert_int_eq(close(pipe_fds[1]), 0);
	ck_assert_int_eq(read(pipe_fds[0], &byte, 1), -1); /* still on its way */
	test_expect(&k, ECHOED(1));
	test_expect(&k, ECHOED(2));
	ck_assert_int_eq(read(pipe_fds[0], &byte, 1), 0); /* nobody holds it */
	ck_assert_int_eq(close(pipe_fds[0]), 0);
	test_close(&k);
}
END_TEST

/* ---------------------------------------------------------------- roles */

static void test_expect_role(struct client *k, const char *want)
{
	json_t *reply;
	json_t *parameters;

	test_send(k, "{\"method\":\"a.test.Whoami\"}");
	reply = test_next(k);
	parameters = json_object_get(reply, "parameters");
	ck_assert_str_eq(json_string_value(json_object_get(parameters, "role")), want);
	ck_assert_int_eq(json_integer_value(json_object_get(parameters, "pid")), getpid());
	ck_assert_str_ne(json_string_value(json_object_get(parameters, "user")), "");
	json_decref(reply);
}

#define DENIED "{\"error\":\"org.varlink.service.PermissionDenied\",\"parameters\":{}}"

START_TEST(own_user_and_ready_made_peers_are_admin)
{
	struct client k = test_pair(NULL);

	test_expect_role(&k, "admin");
	test_send(&k, "{\"method\":\"a.test.Administer\"}");
	test_expect(&k, "{\"parameters\":{}}");
	test_close(&k);
	test_listen(CONTROL_OPERATE);
	k = test_connect();
	test_expect_role(&k, "admin");
	test_close(&k);
}
END_TEST

/* How many lines with that word the program has written to its log, which goes to fd. */
static unsigned test_count_lines(int fd, const char *word)
{
	char text[65536] = "";
	unsigned n = 0;

	ck_assert_int_ge(pread(fd, text, sizeof(text) - 1, 0), 0);
	for (const char *at = text; (at = strstr(at, word)); at++)
		n++;
	return n;
}

START_TEST(refused_calls_do_not_flood_the_log)
{
	int log = memfd_create("log", MFD_CLOEXEC);
	struct client k;

	ck_assert_int_eq(dup2(log, STDERR_FILENO), STDERR_FILENO);
	test_listen(CONTROL_OBSERVE);
	k = test_connect();
	for (int i = 0; i < 200; i++) {
		test_send(&k, "{\"method\":\"a.test.Administer\"}");
		test_expect(&k, DENIED);
	}
	/* Another one for each ten seconds of a slow machine. */
	ck_assert_uint_ge(test_count_lines(log, "refused a.test.Administer"), 1);
	ck_assert_uint_le(test_count_lines(log, "refused a.test.Administer"), 3);
	test_close(&k);
	(void)close(log);
}
END_TEST

START_TEST(a_socket_for_observers_is_for_observers)
{
	struct client k;

	test_listen(CONTROL_OBSERVE);
	k = test_connect();
	test_expect_role(&k, "observe");
	test_send(&k, "{\"method\":\"a.test.Operate\"}");
	test_expect(&k, DENIED);
	test_send(&k, "{\"method\":\"a.test.Administer\"}");
	test_expect(&k, DENIED);
	ck_assert_uint_eq(n_echoes, 0);
	test_close(&k);
}
END_TEST

/* Only root can become somebody else. */
START_TEST(others_may_operate_where_they_could_connect)
{
	struct client k;

	test_listen(CONTROL_OPERATE);
	ck_assert_int_eq(seteuid(65534), 0);
	k = test_connect();
	ck_assert_int_eq(seteuid(0), 0);
	test_expect_role(&k, "operate");
	test_send(&k, "{\"method\":\"a.test.Operate\"}");
	test_expect(&k, "{\"parameters\":{}}");
	test_send(&k, "{\"method\":\"a.test.Administer\"}");
	test_expect(&k, DENIED);
	test_close(&k);
}
END_TEST

/* The last places are root's. */
START_TEST(root_finds_a_place_where_others_find_none)
{
	struct client k[3];

	limits.n_connections = 2;
	limits.n_reserved = 1;
	test_setup_again();
	test_listen(CONTROL_OPERATE);
	ck_assert_int_eq(seteuid(65534), 0);
	k[0] = test_connect();
	k[1] = test_connect();
	ck_assert_int_eq(seteuid(0), 0);
	test_expect_refused(&k[1], "the daemon has 1 control connections, the most it takes");
	k[2] = test_connect();
	test_expect_role(&k[2], "admin");
	for (int i = 0; i < 3; i++)
		test_close(&k[i]);
}
END_TEST

/* ---------------------------------------------------------------- long calls and closing */

START_TEST(a_stream_keeps_the_order)
{
	struct client k = test_pair(NULL);

	test_send(&k, STREAM);
	test_send(&k, ECHO(2));
	test_expect_nothing(&k);
	ck_assert_ptr_nonnull(stream);
	ck_assert(control_call_is_clear(stream));
	control_reply_more(stream, json_pack("{s:i}", "part", 1));
	ck_assert(!control_call_is_clear(stream));
	test_expect(&k, "{\"continues\":true,\"parameters\":{\"part\":1}}");
	test_expect_nothing(&k);
	control_closer_cancel(&test_closer);
	control_reply(stream, json_pack("{s:i}", "part", 2));
	test_expect(&k, "{\"parameters\":{\"part\":2}}");
	test_expect(&k, ECHOED(2));
	test_close(&k);
	test_turn();
	ck_assert_uint_eq(n_closed, 0);
}
END_TEST

START_TEST(a_stream_is_told_when_its_reader_has_caught_up)
{
	struct client k = test_pair(NULL);
	char *text = malloc(1000001);
	json_t *message;
	unsigned n_before;

	memset(text, 'x', 1000000);
	text[1000000] = '\0';
	test_send(&k, STREAM);
	test_expect_nothing(&k);
	control_reply_more(stream, json_pack("{s:s}", "text", text));
	n_before = n_clear;
	for (int i = 0; i < 20; i++)
		test_turn();
	ck_assert_uint_eq(n_clear, n_before); /* it has not been read */
	ck_assert(!control_call_is_clear(stream));
	message = test_next(&k);
	ck_assert_ptr_nonnull(message);
	json_decref(message);
	test_turn();
	ck_assert_uint_gt(n_clear, n_before);
	ck_assert(control_call_is_clear(stream));
	test_close(&k);
	free(text);
}
END_TEST

START_TEST(a_stream_ends_with_its_reader)
{
	struct client k = test_pair(NULL);

	test_send(&k, STREAM);
	test_expect_nothing(&k);
	test_close(&k);
	test_turn(); /* it is heard of */
	test_turn(); /* it is served */
	ck_assert_uint_eq(n_closed, 1);
	ck_assert_uint_eq(n_empty, 1);
}
END_TEST

START_TEST(a_stream_outlives_half_a_close)
{
	struct client k = test_pair(NULL);

	test_send(&k, STREAM);
	ck_assert_int_eq(shutdown(k.fd, SHUT_WR), 0);
	test_expect_nothing(&k);
	control_closer_cancel(&test_closer);
	control_reply(stream, json_object());
	test_expect(&k, "{\"parameters\":{}}");
	test_expect_closed(&k);
	test_close(&k);
}
END_TEST

START_TEST(who_asks_and_closes_half_is_answered)
{
	struct client k = test_pair(NULL);

	test_send(&k, ECHO(1));
	test_send(&k, ECHO(2));
	test_write(&k, "{\"half", 6);
	ck_assert_int_eq(shutdown(k.fd, SHUT_WR), 0);
	test_expect(&k, ECHOED(1));
	test_expect(&k, ECHOED(2));
	test_expect_closed(&k);
	test_close(&k);
}
END_TEST

START_TEST(who_asks_and_leaves_is_obeyed)
{
	struct client k = test_pair(NULL);

	test_send(&k, ECHO(1));
	for (int i = 0; i < 40; i++)
		test_send(&k, "{\"method\":\"a.test.Fail\",\"oneway\":true}");
	test_close(&k);
	while (control_n_connections(control) > 0)
		test_turn();
	ck_assert_uint_eq(n_oneway, 40);
}
END_TEST

START_TEST(the_closer_of_a_ready_made_connection_is_told)
{
	struct client k;

	control_closer_init(&test_closer, test_on_closed);
	k = test_pair(&test_closer);
	test_send(&k, ECHO(1));
	test_expect(&k, ECHOED(1));
	ck_assert_uint_eq(n_closed, 0);
	test_close(&k);
	test_turn(); /* it is heard of */
	test_turn(); /* it is served */
	ck_assert_uint_eq(n_closed, 1);
}
END_TEST

START_TEST(the_end_of_the_server_tells_closers_and_clients)
{
	struct client k = test_pair(NULL);

	test_send(&k, STREAM);
	test_expect_nothing(&k);
	test_send(&k, ECHO(1));
	control = control_free(control);
	ck_assert_uint_eq(n_closed, 1);
	ck_assert_uint_eq(n_empty, 0);
	test_expect_closed(&k);
	test_close(&k);
}
END_TEST

START_TEST(after_listening_has_stopped_the_rest_stays)
{
	struct client k;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	test_listen(CONTROL_OPERATE);
	k = test_connect();
	test_send(&k, ECHO(1));
	test_expect(&k, ECHOED(1));
	control_stop_listening(control);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, address_len), -1);
	test_send(&k, ECHO(2));
	test_expect(&k, ECHOED(2));
	test_close(&k);
	ck_assert_int_eq(close(fd), 0);
}
END_TEST

START_TEST(what_is_no_socket_is_refused)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	ck_assert_int_eq(control_add_connection(control, fd, NULL), -ENOTSOCK);
	ck_assert_int_eq(fcntl(fd, F_GETFD), -1); /* taken over all the same */
	ck_assert_uint_eq(control_n_connections(control), 0);
}
END_TEST

#define N(array) ((int)(sizeof(array) / sizeof((array)[0])))

static TCase *test_case(Suite *s, const char *name)
{
	TCase *t = tcase_create(name);

	tcase_add_checked_fixture(t, test_setup, test_teardown);
	suite_add_tcase(s, t);
	return t;
}

int main(void)
{
	Suite *s = suite_create("control");
	TCase *t = test_case(s, "calls");

	tcase_add_test(t, calls_are_answered_in_order);
	tcase_add_loop_test(t, a_call_may_come_in_pieces, 1, (int)sizeof(ECHO(7)));
	tcase_add_test(t, clients_do_not_disturb_each_other);
	tcase_add_loop_test(t, errors_leave_the_connection, 0, N(test_errors));
	tcase_add_test(t, oneway_calls_get_no_reply);
	tcase_add_loop_test(t, violations_close_without_a_reply, 0, N(test_violations));
	tcase_add_test(t, what_came_before_a_violation_is_answered);

	t = test_case(s, "limits");
	tcase_add_test(t, a_message_that_is_too_long_closes);
	tcase_add_test(t, a_large_message_passes);
	tcase_add_test(t, the_limits_are_those_of_the_documents);
	tcase_add_test(t, a_call_of_too_many_elements_closes);
	tcase_add_test(t, one_user_has_so_many_connections);
	tcase_add_test(t, all_users_have_so_many_connections);
	tcase_add_test(t, observers_leave_room_for_who_operates);
	tcase_add_test(t, half_a_message_must_become_whole);
	tcase_add_test(t, a_peer_that_does_not_read_is_stopped_and_then_closed);
	tcase_add_test(t, a_ready_made_connection_is_never_given_up);
	tcase_add_test(t, a_peer_that_reads_late_gets_everything);
	tcase_add_test(t, without_descriptors_somebody_is_turned_away);
	tcase_add_test(t, attached_descriptors_are_dropped);

	t = test_case(s, "roles");
	tcase_add_test(t, own_user_and_ready_made_peers_are_admin);
	tcase_add_test(t, refused_calls_do_not_flood_the_log);
	tcase_add_test(t, a_socket_for_observers_is_for_observers);
	tcase_add_test_of_root(t, others_may_operate_where_they_could_connect);
	tcase_add_test_of_root(t, root_finds_a_place_where_others_find_none);

	t = test_case(s, "life");
	tcase_add_test(t, a_stream_keeps_the_order);
	tcase_add_test(t, a_stream_is_told_when_its_reader_has_caught_up);
	tcase_add_test(t, a_stream_ends_with_its_reader);
	tcase_add_test(t, a_stream_outlives_half_a_close);
	tcase_add_test(t, who_asks_and_closes_half_is_answered);
	tcase_add_test(t, who_asks_and_leaves_is_obeyed);
	tcase_add_test(t, the_closer_of_a_ready_made_connection_is_told);
	tcase_add_test(t, the_end_of_the_server_tells_closers_and_clients);
	tcase_add_test(t, after_listening_has_stopped_the_rest_stays);
	tcase_add_test(t, what_is_no_socket_is_refused);

	return suite_main(s);
}
