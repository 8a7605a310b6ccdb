/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/control/varlink.h"
#include "tests/support/put_reply.h"
#include "tests/support/suite.h"

static struct buf in;
static size_t searched;

static void test_feed(const char *text, size_t len)
{
	ck_assert_int_eq(buf_append(&in, text, len), 0);
}

static void test_reset(void)
{
	buf_fini(&in);
	searched = 0;
}

static json_t *test_take_one(const char *text)
{
	json_t *message;

	test_feed(text, strlen(text) + 1);
	ck_assert_int_eq(varlink_take(&in, VARLINK_CALL_MAX, &searched, &message), 0);
	ck_assert_ptr_nonnull(message);
	return message;
}

static int test_refusal(const char *text, size_t len)
{
	json_t *message;
	int r;

	test_feed(text, len);
	test_feed("", 1);
	r = varlink_take(&in, VARLINK_CALL_MAX, &searched, &message);
	ck_assert_ptr_null(message);
	test_reset();
	return r;
}

/* ---------------------------------------------------------------- framing */

static const char test_two[] = "{\"method\":\"a.b.C\",\"parameters\":{\"s\":\"\\u00e9[{\"}}\0"
			       "{\"method\":\"a.b.D\"}";

/* Wherever the stream is cut, the same two messages come out. */
START_TEST(every_split_gives_the_same_messages)
{
	size_t cut = (size_t)_i;
	size_t at[] = {cut, sizeof(test_two) - cut};
	const char *from = test_two;
	const char *want[] = {"a.b.C", "a.b.D"};
	unsigned n = 0;
	json_t *message;

	for (int part = 0; part < 2; part++) {
		test_feed(from, at[part]);
		from += at[part];
		for (;;) {
			ck_assert_int_eq(
				varlink_take(&in, VARLINK_CALL_MAX, &searched, &message), 0);
			if (!message)
				break;
			ck_assert_uint_lt(n, 2);
			ck_assert_str_eq(
				json_string_value(json_object_get(message, "method")), want[n++]);
			json_decref(message);
		}
	}
	ck_assert_uint_eq(n, 2);
	ck_assert_uint_eq(in.len, 0);
	test_reset();
}
END_TEST

/* 131,072 pieces: a search from the start for each would take minutes, check ends it after 4 s. */
START_TEST(a_large_message_in_pieces_is_linear)
{
	size_t len = 8u << 20;
	char *text = malloc(len);
	json_t *message = NULL;
	size_t i;

	memset(text, ' ', len);
	text[0] = '{';
	text[len - 2] = '}';
	text[len - 1] = '\0';
	/* No assertion in here, for each of them writes to check's file. */
	for (i = 0; i < len && !message; i += 64)
		if (buf_append(&in, text + i, 64) != 0 ||
			varlink_take(&in, VARLINK_START_MAX, &searched, &message) != 0)
			break;
	ck_assert_uint_eq(i, len);
	ck_assert_ptr_nonnull(message);
	json_decref(message);
	free(text);
	test_reset();
}
END_TEST

START_TEST(the_limit_holds_with_and_without_an_end)
{
	json_t *message;

	test_feed("{         ", 10);
	ck_assert_int_eq(varlink_take(&in, 10, &searched, &message), 0);
	ck_assert_ptr_null(message);
	test_feed(" ", 1);
	ck_assert_int_eq(varlink_take(&in, 10, &searched, &message), VARLINK_E_TOO_LONG);
	test_reset();
	test_feed("{         }", 12);
	ck_assert_int_eq(varlink_take(&in, 10, &searched, &message), VARLINK_E_TOO_LONG);
	test_reset();
	test_feed("{         }", 12);
	ck_assert_int_eq(varlink_take(&in, 11, &searched, &message), 0);
	ck_assert_ptr_nonnull(message);
	json_decref(message);
	test_reset();
}
END_TEST

START_TEST(nothing_is_no_message)
{
	json_t *message;

	ck_assert_int_eq(varlink_take(&in, 10, &searched, &message), 0);
	ck_assert_ptr_null(message);
	ck_assert_int_eq(test_refusal("", 0), VARLINK_E_PROTOCOL);
}
END_TEST

static const char *const test_malformed[] = {
	"{",
	"}",
	"[]",
	"null",
	"1",
	"\"text\"",
	"{\"method\":\"a.b.C\"",
	"{\"method\":\"a.b.C\"} {}",
	"{\"method\":\"a.b.C\",}",
	"{'method':'a.b.C'}",
	"{\"a\":1,\"a\":2}",
	"{\"a\":\"\\u0000\"}",
	"{\"a\":\"\xff\"}",
	"{\"a\":\"\xc3\x28\"}",
	"{\"a\":\"\xed\xa0\x80\"}",
	"{\"a\":9223372036854775808}",
	"{\"a\":1e999}",
	"{\"a\":\"\\",
};

START_TEST(malformed_text_is_a_violation)
{
	const char *text = test_malformed[_i];

	ck_assert_int_eq(test_refusal(text, strlen(text)), VARLINK_E_PROTOCOL);
}
END_TEST

static char *test_nested(unsigned depth)
{
	struct buf b = {0};

	ck_assert_int_eq(buf_puts(&b, "{\"a\":"), 0);
	for (unsigned i = 1; i < depth; i++)
		ck_assert_int_eq(buf_puts(&b, "["), 0);
	for (unsigned i = 1; i < depth; i++)
		ck_assert_int_eq(buf_puts(&b, "]"), 0);
	ck_assert_int_eq(buf_puts(&b, "}"), 0);
	return b.data;
}

START_TEST(depth_is_limited)
{
	char *fits = test_nested(VARLINK_DEPTH_MAX);
	char *too_deep = test_nested(VARLINK_DEPTH_MAX + 1);
	json_t *message;

	ck_assert_int_eq(test_refusal(too_deep, strlen(too_deep)), VARLINK_E_PROTOCOL);
	message = test_take_one(fits);
	json_decref(message);
	/* Brackets in strings do not count, nor do those side by side. */
	message = test_take_one("{\"a\":\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[[\"}");
	json_decref(message);
	message = test_take_one("{\"a\":[[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],"
				"[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[]]}");
	json_decref(message);
	free(fits);
	free(too_deep);
	test_reset();
}
END_TEST

/* n elements of three sorts: an array, an object, strings that look like more. */
static void test_put_elements(struct buf *text, int sort, int n)
{
	static const char *const opening[] = {"{\"k\":[", "{\"k\":{", "{\"k\":["};

	ck_assert_int_eq(buf_puts(text, opening[sort]), 0);
	n -= 2; /* the first key and its value */
	for (int i = 0; i < n; i += sort == 1 ? 2 : 1) {
		if (i > 0)
			ck_assert_int_eq(buf_puts(text, ","), 0);
		if (sort == 1)
			ck_assert_int_eq(buf_printf(text, "\"k%d\":0", i), 0);
		else
			ck_assert_int_eq(buf_puts(text, sort ? "\"[,:{\"" : "0"), 0);
	}
	ck_assert_int_eq(buf_puts(text, sort == 1 ? "}}" : "]}"), 0);
	ck_assert_int_eq(buf_append(text, "", 1), 0);
}

START_TEST(elements_of_a_call_are_limited)
{
	struct buf text = {0};
	json_t *message;

	test_put_elements(&text, _i, VARLINK_ELEMENTS_MAX);
	test_feed(text.data, text.len);
	ck_assert_int_eq(varlink_take_call(&in, VARLINK_CALL_MAX, &searched, &message), 0);
	ck_assert_ptr_nonnull(message);
	json_decref(message);
	buf_fini(&text);

	test_put_elements(&text, _i, VARLINK_ELEMENTS_MAX + 2);
	test_feed(text.data, text.len);
	ck_assert_int_eq(
		varlink_take_call(&in, VARLINK_CALL_MAX, &searched, &message), VARLINK_E_PROTOCOL);
	ck_assert_ptr_null(message);
	/* A reply may have them. */
	test_feed(text.data, text.len);
	ck_assert_int_eq(varlink_take(&in, VARLINK_CALL_MAX, &searched, &message), 0);
	ck_assert_ptr_nonnull(message);
	json_decref(message);
	buf_fini(&text);
	test_reset();
}
END_TEST

START_TEST(integers_survive)
{
	json_t *message = test_take_one("{\"a\":9007199254740993,\"b\":-9223372036854775808}");

	ck_assert_int_eq(json_integer_value(json_object_get(message, "a")), 9007199254740993);
	ck_assert_int_eq(json_integer_value(json_object_get(message, "b")), INT64_MIN);
	json_decref(message);
	test_reset();
}
END_TEST

/* ---------------------------------------------------------------- envelopes */

static int test_parse_call(const char *text, struct varlink_call *ret, json_t **ret_message)
{
	*ret_message = test_take_one(text);
	return varlink_parse_call(*ret_message, ret);
}

START_TEST(a_call_in_full)
{
	struct varlink_call call;
	json_t *message;

	ck_assert_int_eq(test_parse_call("{\"method\":\"io.rpsd.Control.Watch\",\"parameters\":"
					 "{\"run\":\"a-1\"},\"more\":true,\"oneway\":false,"
					 "\"upgrade\":false,\"com.example.trace\":[1]}",
				 &call, &message),
		0);
	ck_assert_str_eq(call.method, "io.rpsd.Control.Watch");
	ck_assert_str_eq(json_string_value(json_object_get(call.parameters, "run")), "a-1");
	ck_assert(call.more && !call.oneway && !call.upgrade);
	json_decref(message);
	test_reset();
}
END_TEST

START_TEST(no_parameters_in_three_spellings)
{
	static const char *const texts[] = {
		"{\"method\":\"a.b.C\"}",
		"{\"method\":\"a.b.C\",\"parameters\":null}",
		"{\"method\":\"a.b.C\",\"parameters\":{}}",
	};
	struct varlink_call call;
	json_t *message;

	ck_assert_int_eq(test_parse_call(texts[_i], &call, &message), 0);
	ck_assert_uint_eq(json_object_size(call.parameters), 0);
	ck_assert(!call.more && !call.oneway && !call.upgrade);
	json_decref(message);
	test_reset();
}
END_TEST

static const char *const test_bad_calls[] = {
	"{}",
	"{\"method\":null}",
	"{\"method\":1}",
	"{\"method\":\"a.b.C\",\"parameters\":[]}",
	"{\"method\":\"a.b.C\",\"parameters\":\"x\"}",
	"{\"method\":\"a.b.C\",\"more\":1}",
	"{\"method\":\"a.b.C\",\"more\":null}",
	"{\"method\":\"a.b.C\",\"oneway\":\"yes\"}",
	"{\"method\":\"a.b.C\",\"upgrade\":{}}",
	"{\"method\":\"a.b.C\",\"more\":true,\"oneway\":true}",
	"{\"method\":\"a.b.C\",\"id\":1}",
	"{\"method\":\"a.b.C\",\"error\":\"x.y.Z\"}",
};

START_TEST(a_bad_call_envelope_is_a_violation)
{
	struct varlink_call call = {.method = "untouched"};
	json_t *message;

	ck_assert_int_eq(test_parse_call(test_bad_calls[_i], &call, &message), VARLINK_E_PROTOCOL);
	ck_assert_str_eq(call.method, "untouched");
	json_decref(message);
	test_reset();
}
END_TEST

static const char *const test_bad_replies[] = {
	"{\"parameters\":1}",
	"{\"error\":null}",
	"{\"error\":1}",
	"{\"continues\":\"true\"}",
	"{\"error\":\"x.y.Z\",\"continues\":true}",
	"{\"method\":\"a.b.C\"}",
};

START_TEST(a_bad_reply_envelope_is_a_violation)
{
	json_t *message = test_take_one(test_bad_replies[_i]);
	struct varlink_reply reply;

	ck_assert_int_eq(varlink_parse_reply(message, &reply), VARLINK_E_PROTOCOL);
	json_decref(message);
	test_reset();
}
END_TEST

START_TEST(a_reply_may_say_false_and_carry_vendor_keys)
{
	json_t *message = test_take_one("{\"continues\":false,\"error\":\"x.y.Z\",\"x.y\":null}");
	struct varlink_reply reply;

	ck_assert_int_eq(varlink_parse_reply(message, &reply), 0);
	ck_assert_str_eq(reply.error, "x.y.Z");
	ck_assert_ptr_null(reply.parameters);
	ck_assert(!reply.continues);
	json_decref(message);
	test_reset();
}
END_TEST

/* ---------------------------------------------------------------- writing */

START_TEST(what_is_put_is_what_is_read)
{
	struct varlink_call call;
	struct varlink_reply reply;
	json_t *m;

	ck_assert_int_eq(varlink_put_call(&in, "a.b.C", json_pack("{s:i}", "x", 7), true), 0);
	ck_assert_int_eq(put_reply(&in, NULL, true), 0);
	ck_assert_int_eq(varlink_put_error(&in, "a.b.E", json_pack("{s:s}", "why", "\"")), 0);

	ck_assert_int_eq(varlink_take(&in, VARLINK_REPLY_MAX, &searched, &m), 0);
	ck_assert_int_eq(varlink_parse_call(m, &call), 0);
	ck_assert_str_eq(call.method, "a.b.C");
	ck_assert_int_eq(json_integer_value(json_object_get(call.parameters, "x")), 7);
	ck_assert(call.more);
	json_decref(m);
	ck_assert_int_eq(varlink_take(&in, VARLINK_REPLY_MAX, &searched, &m), 0);
	ck_assert_int_eq(varlink_parse_reply(m, &reply), 0);
	ck_assert_uint_eq(json_object_size(reply.parameters), 0);
	ck_assert(reply.continues && !reply.error);
	json_decref(m);
	ck_assert_int_eq(varlink_take(&in, VARLINK_REPLY_MAX, &searched, &m), 0);
	ck_assert_int_eq(varlink_parse_reply(m, &reply), 0);
	ck_assert_str_eq(reply.error, "a.b.E");
	ck_assert_str_eq(json_string_value(json_object_get(reply.parameters, "why")), "\"");
	ck_assert(!reply.continues);
	json_decref(m);
	ck_assert_uint_eq(in.len, 0);
	test_reset();
}
END_TEST

/* varlinkctl and its like refuse keys that are not needed. */
START_TEST(nothing_superfluous_is_put)
{
	ck_assert_int_eq(varlink_put_call(&in, "a.b.C", NULL, false), 0);
	ck_assert_str_eq(in.data, "{\"method\":\"a.b.C\"}");
	buf_fini(&in);
	ck_assert_int_eq(put_reply(&in, NULL, false), 0);
	ck_assert_str_eq(in.data, "{\"parameters\":{}}");
	buf_fini(&in);
	ck_assert_int_eq(varlink_put_error(&in, "a.b.E", NULL), 0);
	ck_assert_str_eq(in.data, "{\"error\":\"a.b.E\"}");
	test_reset();
}
END_TEST

START_TEST(what_cannot_be_put_leaves_the_buffer)
{
	ck_assert_int_eq(buf_puts(&in, "before"), 0);
	ck_assert_int_eq(varlink_put_error(&in, "a.b.\xff", json_object()), -ENOMEM);
	ck_assert_str_eq(in.data, "before");
	ck_assert_uint_eq(in.len, 6);
	test_reset();
}
END_TEST

/* ---------------------------------------------------------------- the interface */

START_TEST(the_interface_text_is_compiled_in)
{
	ck_assert_ptr_nonnull(strstr(varlink_interface_text, "\ninterface " RPSD_INTERFACE "\n"));
	ck_assert_ptr_nonnull(strstr(varlink_interface_text, "\nmethod Start(\n"));
	ck_assert_ptr_null(strchr(varlink_interface_text, '\t'));
}
END_TEST

#define N(array) ((int)(sizeof(array) / sizeof((array)[0])))

int main(void)
{
	Suite *s = suite_create("varlink");
	TCase *framing = tcase_create("framing");
	TCase *envelopes = tcase_create("envelopes");
	TCase *writing = tcase_create("writing");

	tcase_add_loop_test(
		framing, every_split_gives_the_same_messages, 0, (int)sizeof(test_two) + 1);
	tcase_add_test(framing, a_large_message_in_pieces_is_linear);
	tcase_add_test(framing, the_limit_holds_with_and_without_an_end);
	tcase_add_test(framing, nothing_is_no_message);
	tcase_add_loop_test(framing, malformed_text_is_a_violation, 0, N(test_malformed));
	tcase_add_test(framing, depth_is_limited);
	tcase_add_loop_test(framing, elements_of_a_call_are_limited, 0, 3);
	tcase_add_test(framing, integers_survive);
	suite_add_tcase(s, framing);

	tcase_add_test(envelopes, a_call_in_full);
	tcase_add_loop_test(envelopes, no_parameters_in_three_spellings, 0, 3);
	tcase_add_loop_test(envelopes, a_bad_call_envelope_is_a_violation, 0, N(test_bad_calls));
	tcase_add_loop_test(envelopes, a_bad_reply_envelope_is_a_violation, 0, N(test_bad_replies));
	tcase_add_test(envelopes, a_reply_may_say_false_and_carry_vendor_keys);
	suite_add_tcase(s, envelopes);

	tcase_add_test(writing, what_is_put_is_what_is_read);
	tcase_add_test(writing, nothing_superfluous_is_put);
	tcase_add_test(writing, what_cannot_be_put_leaves_the_buffer);
	tcase_add_test(writing, the_interface_text_is_compiled_in);
	suite_add_tcase(s, writing);

	return suite_main(s);
}
