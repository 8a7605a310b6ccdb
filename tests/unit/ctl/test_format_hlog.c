/* SPDX-License-Identifier: Apache-2.0 */
/* The log of histograms, to the byte: header, a line for each stretch, tags that appear either in
 * stretches or once; and no line that a strict reader would stumble over, whatever a document says.
 * That other people's readers agree is `make check-interop`. */
#include "common/stats/hdr_codec.h"
#include "common/stats/histogram.h"
#include "tests/support/suite.h"
#include "tests/unit/ctl/report_fixture.h"

/* The vector of test_hdr_codec: what Java writes for 14 values, the largest 1,000,000,000. */
#define VECTOR "HISTFAAAADN42pNpmSzMwMAAwiDADKUZgUw3gx0LGOw/QEWYTvOzrBZgYtrfx8jVaMk0N40NANBfCRo="
#define EMPTY "HISTFAAAACF42pNpmSzMwMDAyAABzFAayGd2M9ixgMH+A1QEAFKmBEw="

/* 2026-11-20T10:00:00.050Z */
#define RUN                                                                                        \
	"\"run\":{\"id\":\"shop-7\",\"started_unix_ns\":1795168800050000000},"                     \
	"\"generator\":{\"version\":\"0.1.0\"},"
#define HEAD                                                                                       \
	"#[Run shop-7 by rpsd 0.1.0, values in ns]\n"                                              \
	"#[Histogram log format version 1.3]\n"                                                    \
	"#[StartTime: 1795168800.050 (seconds since epoch), Fri Nov 20 10:00:00 UTC 2026]\n"       \
	"#[BaseTime: 1795168800.050 (seconds since epoch)]\n"                                      \
	"\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\","                                 \
	"\"Interval_Compressed_Histogram\"\n"

static char *render(const char *document)
{
	json_t *doc = json_loads(document, 0, NULL);
	char *text;

	ck_assert_ptr_nonnull(doc);
	text = fixture_render(&format_hlog, doc, (struct style){.width = 80});
	json_decref(doc);
	return text;
}

static void check(const char *document, const char *want)
{
	char *got = render(document);

	ck_assert_str_eq(got, want);
	free(got);
}

/* The vector is what our encoder writes, and the column of maxima what it holds. */
START_TEST(test_vector)
{
	struct histogram h;
	char *text;

	ck_assert_int_eq(hdr_decode(VECTOR, &h), 0);
	ck_assert_uint_eq(h.count, 14);
	ck_assert_int_eq(h.max, 1000341503);
	text = hdr_encode(&h);
	ck_assert_str_eq(text, VECTOR);
	free(text);
	histogram_fini(&h);
}
END_TEST

/* A document without stretches: each tag once, over the whole window, after the warm-up. */
START_TEST(test_whole)
{
	check("{" RUN "\"window\":{\"start_ns\":2000000000,\"end_ns\":12500000000},"
	      "\"latency\":{\"response\":{\"hdr\":\"" VECTOR "\"},\"service\":{\"hdr\":\"" VECTOR
	      "\"},\"our_delay\":{\"hdr\":\"" VECTOR "\"},\"connect\":{\"hdr\":\"" VECTOR "\"}}}",
		HEAD "Tag=response,2.000,10.500,1000.342," VECTOR "\n"
		     "Tag=service,2.000,10.500,1000.342," VECTOR "\n"
		     "Tag=our_delay,2.000,10.500,1000.342," VECTOR "\n");
}
END_TEST

/* With stretches, the last of them shorter, one without answers: the whole histogram of their tag
 * is not there a second time. */
START_TEST(test_stretches)
{
	check("{" RUN "\"window\":{\"start_ns\":2000000000,\"end_ns\":12500000000},"
	      "\"latency\":{\"response\":{\"hdr\":\"" VECTOR "\"},\"service\":{\"hdr\":\"" VECTOR
	      "\"},\"our_delay\":{\"hdr\":\"" VECTOR "\"}},"
	      "\"batches\":{\"width_ns\":4000000000,\"of\":\"response\",\"rows\":["
	      "{\"t_ns\":0,\"planned\":14,\"hdr\":\"" VECTOR "\",\"our_delay_hdr\":\"" VECTOR "\"},"
	      "{\"t_ns\":4000000000,\"planned\":3,\"hdr\":null,\"our_delay_hdr\":null},"
	      "{\"t_ns\":8000000000,\"planned\":14,\"hdr\":\"" VECTOR
	      "\",\"our_delay_hdr\":null}]}}",
		HEAD "Tag=response,2.000,4.000,1000.342," VECTOR "\n"
		     "Tag=response,10.000,2.500,1000.342," VECTOR "\n"
		     "Tag=service,2.000,10.500,1000.342," VECTOR "\n"
		     "Tag=our_delay,2.000,4.000,1000.342," VECTOR "\n");
}
END_TEST

/* The closed model has service times only, and they are what its stretches hold. */
START_TEST(test_closed)
{
	check("{" RUN "\"window\":{\"start_ns\":0,\"end_ns\":2000000000},"
	      "\"latency\":{\"service\":{\"hdr\":\"" VECTOR "\"}},"
	      "\"batches\":{\"width_ns\":1000000000,\"of\":\"service\",\"rows\":["
	      "{\"t_ns\":0,\"planned\":14,\"hdr\":\"" VECTOR "\",\"our_delay_hdr\":null},"
	      "{\"t_ns\":1000000000,\"planned\":14,\"hdr\":\"" VECTOR
	      "\",\"our_delay_hdr\":null}]}}",
		HEAD "Tag=service,0.000,1.000,1000.342," VECTOR "\n"
		     "Tag=service,1.000,1.000,1000.342," VECTOR "\n");
}
END_TEST

/* Nothing was answered: a log without lines is a log. */
START_TEST(test_empty)
{
	check("{" RUN "\"window\":null,\"latency\":{\"response\":{\"count\":0,\"hdr\":null},"
	      "\"service\":{\"count\":0,\"hdr\":\"" EMPTY "\"}},"
	      "\"batches\":{\"width_ns\":1000000000,\"of\":\"response\",\"rows\":[]}}",
		HEAD);
}
END_TEST

/* The head of a document that says nothing: still the four lines, with numbers. */
START_TEST(test_nothing_known)
{
	check("{}", "#[Run  by rpsd , values in ns]\n"
		    "#[Histogram log format version 1.3]\n"
		    "#[StartTime: 0.000 (seconds since epoch), Thu Jan 01 00:00:00 UTC 1970]\n"
		    "#[BaseTime: 0.000 (seconds since epoch)]\n"
		    "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\","
		    "\"Interval_Compressed_Histogram\"\n");
}
END_TEST

/* Instants and lengths beyond any run do not wrap. */
START_TEST(test_large_instants)
{
	check("{\"window\":{\"start_ns\":9223372036854775807,\"end_ns\":-9223372036854775808},"
	      "\"batches\":{\"of\":\"response\",\"width_ns\":9223372036854775807,"
	      "\"rows\":[{\"t_ns\":9223372036854775807,\"hdr\":\"" VECTOR "\"},"
	      "{\"t_ns\":-9223372036854775808,\"hdr\":\"" VECTOR "\"}]}}",
		"#[Run  by rpsd , values in ns]\n"
		"#[Histogram log format version 1.3]\n"
		"#[StartTime: 0.000 (seconds since epoch), Thu Jan 01 00:00:00 UTC 1970]\n"
		"#[BaseTime: 0.000 (seconds since epoch)]\n"
		"\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\","
		"\"Interval_Compressed_Histogram\"\n"
		"Tag=response,4611686018.427,0.000,1000.342," VECTOR "\n"
		"Tag=response,2305843009.214,0.000,1000.342," VECTOR "\n");
}
END_TEST

static const char *const hostile[] = {
	/* a line end in a name, a name without end, one that is not ASCII */
	"{\"run\":{\"id\":\"a\\n#b\\r1\\u0007\"}}",
	"{\"run\":{\"id\":"
	"\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"},"
	"\"generator\":{\"version\":\"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\"}"
	"}",
	"{\"run\":{\"id\":\"\u00e9\u00e9\u00e9\",\"started_unix_ns\":9223372036854775807}}",
	/* instants before the start and stretches of no length or less */
	"{\"run\":{\"started_unix_ns\":-5},\"window\":{\"start_ns\":-9000000000,\"end_ns\":1},"
	"\"latency\":{\"response\":{\"hdr\":\"" VECTOR "\"}},"
	"\"batches\":{\"of\":\"service\",\"width_ns\":-1,\"rows\":[{\"t_ns\":-9,\"hdr\":\"" VECTOR
	"\"},{\"t_ns\":99,\"hdr\":\"" VECTOR "\"}]}}",
	/* what is no histogram */
	"{\"latency\":{\"response\":{\"hdr\":\"HISTFAAA\"},\"service\":{\"hdr\":5},"
	"\"our_delay\":{\"hdr\":\"" VECTOR "\\n\"}}}",
	"{\"batches\":{\"of\":\"response\",\"rows\":[5,[],{\"hdr\":{}},null]}}",
	"[]",
};

/* Each line is a short header or one interval with plain numbers, and the last one ends. */
START_TEST(test_hostile)
{
	char *text = render(hostile[_i]);
	size_t n_heads = 0, n_intervals = 0;

	ck_assert_int_eq(text[strlen(text) - 1], '\n');
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		if (*line == '#' || *line == '"') {
			ck_assert_uint_eq(n_intervals, 0);
			ck_assert_uint_le(strlen(line) + 1, 127);
			n_heads++;
		} else {
			double start, length, max;
			char tag[16], hdr[128], again[256];

			ck_assert_int_eq(sscanf(line, "Tag=%15[a-z_],%lf,%lf,%lf,%127[^,]", tag,
						 &start, &length, &max, hdr),
				5);
			(void)snprintf(again, sizeof(again), "Tag=%s,%.3f,%.3f,%.3f,%s", tag, start,
				length, max, VECTOR);
			ck_assert_str_eq(line, again);
			ck_assert(start >= 0 && length >= 0);
			n_intervals++;
		}
		for (const char *c = line; *c; c++)
			ck_assert(*c >= ' ' && *c <= '~');
	}
	ck_assert_uint_eq(n_heads, 5);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("hlog");
	Suite *suite = suite_create("format_hlog");

	tcase_add_test(tcase, test_vector);
	tcase_add_test(tcase, test_whole);
	tcase_add_test(tcase, test_stretches);
	tcase_add_test(tcase, test_closed);
	tcase_add_test(tcase, test_empty);
	tcase_add_test(tcase, test_nothing_known);
	tcase_add_test(tcase, test_large_instants);
	tcase_add_loop_test(tcase, test_hostile, 0, (int)(sizeof(hostile) / sizeof(*hostile)));
	suite_add_tcase(suite, tcase);
	return suite_main(suite);
}
