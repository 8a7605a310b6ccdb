/* SPDX-License-Identifier: Apache-2.0 */
/* A control connection whose writes fail is closed: the peer reads the end instead of waiting for
 * an answer that cannot come. Without memory there is no answer that lacks something. The failing
 * send is that of this file. */
#include <pwd.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "common/memory.h"
#include "tests/support/fail_here.h"
#include "tests/support/suite.h"
#include "tests/unit/service/control_fixture.h"

static int send_error; /* of the server's next send; 0: it works */

ssize_t send(int fd, const void *data, size_t len, int flags)
{
	if (send_error) {
		errno = send_error;
		send_error = 0;
		return -1;
	}
	return syscall(SYS_sendto, fd, data, len, flags, NULL, 0);
}

static const int errors[] = {EIO, ENOMEM, EPIPE, ENOBUFS, ECONNRESET};
#define N_ERRORS (int)(sizeof(errors) / sizeof(errors[0]))

START_TEST(final_reply)
{
	struct client k = test_pair(NULL);

	test_send(&k, ECHO(1));
	send_error = errors[_i];
	test_expect_closed(&k);
	ck_assert_uint_eq(n_echoes, 1);
	ck_assert_uint_eq(control_n_connections(control), 0);
	ck_assert_uint_eq(n_empty, 1);
	test_close(&k);
}
END_TEST

/* What came before the failure has its effect, what was not read yet too. */
START_TEST(pipelined_calls)
{
	struct client k = test_pair(NULL);

	test_send(&k, ECHO(1));
	test_send(&k, ECHO(2));
	send_error = errors[_i];
	test_expect_closed(&k);
	ck_assert_uint_ge(n_echoes, 1);
	ck_assert_uint_eq(control_n_connections(control), 0);
	test_close(&k);
}
END_TEST

START_TEST(reply_of_a_stream)
{
	struct client k = test_pair(NULL);

	test_send(&k, STREAM);
	test_turn();
	test_turn();
	ck_assert_ptr_nonnull(stream);
	send_error = errors[_i];
	control_reply_more(stream, json_object());
	test_expect_closed(&k);
	ck_assert_uint_eq(n_closed, 1);
	ck_assert_uint_eq(control_n_connections(control), 0);
	test_close(&k);
}
END_TEST

/* Each allocation of an answer fails once: the answer is whole, an error, or the end. */
START_TEST(answer_without_memory)
{
	unsigned n_errors = 0;
	bool has_failed = true;

	memory_watch(free);
	(void)getpwuid(0); /* glibc's first use of the name service crashes without memory */
	for (long n = 0; has_failed; n++) {
		struct client k = test_pair(NULL);
		json_t *reply, *parameters;

		test_send(&k, "{\"method\":\"a.test.Whoami\"}");
		fail_left = n;
		for (int i = 0; i < 3; i++)
			(void)loop_turn(loop, 0); /* check's assertions allocate too */
		has_failed = fail_left < 0;
		fail_left = -1;
		if (has_failed) {
			reply = test_next(&k);
			parameters = json_object_get(reply, "parameters");
			if (reply && !json_object_get(reply, "error"))
				ck_assert_uint_eq(json_object_size(parameters), 4);
			else
				n_errors++;
			json_decref(reply);
		}
		test_close(&k);
		while (control_n_connections(control) > 0)
			test_turn();
	}
	ck_assert_uint_gt(n_errors, 5);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("control_faults");
	TCase *t = tcase_create("control_faults");

	tcase_add_checked_fixture(t, test_setup, test_teardown);
	tcase_add_loop_test(t, final_reply, 0, N_ERRORS);
	tcase_add_loop_test(t, pipelined_calls, 0, N_ERRORS);
	tcase_add_loop_test(t, reply_of_a_stream, 0, N_ERRORS);
	tcase_add_test_of_failures(t, answer_without_memory);
	suite_add_tcase(s, t);
	return suite_main(s);
}
