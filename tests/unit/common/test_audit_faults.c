/* SPDX-License-Identifier: Apache-2.0 */
/* What the audit says of answers that are not what was meant: redirects, failed checks, kept
 * connections that broke, and what this machine refused. Each case begins with a run that is well.
 */
#include "common/result/audit.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/exit_codes.h"
#include "common/str.h"
#include "tests/support/suite.h"
#include "tests/unit/common/audit_run.h"

#define MS NSEC_PER_MSEC
#define N 10000
#define LONGER                                                                                     \
	"a longer keep-alive timeout of the server, or --set connections.max-age=TIME below it"

static struct audit_fault faults[FAULT_COUNT];

static struct audit_run well(void)
{
	memset(faults, 0, sizeof(faults));
	return (struct audit_run){
		.is_open = true,
		.outcome = AUDIT_COMPLETED,
		.ledger = {.planned = N, .sent = N, .classes = {[LEDGER_OK] = N}},
		.window_ns = 10 * NSEC_PER_SEC,
		.planned_per_s = 1000,
		.ok_per_s = 1000,
		.response_p50 = MS,
		.response_p99 = 3 * MS,
		.service_p50 = MS,
		.service_p99 = 3 * MS,
		.service_mean = MS,
		.our_delay_p99 = 1000,
		.connections_limit = 100,
		.connections_peak = 7,
		.workers = 1,
		.cpu_share = 0.1,
		.answers = N,
		.redirect_status = 301,
		.faults = faults,
	};
}

/* n requests end by that fault instead. */
static void spoil(struct audit_run *in, enum fault fault, uint64_t n, const char *example)
{
	enum ledger_class class = fault_table[fault].class;

	in->ledger.classes[LEDGER_OK] -= n;
	in->ledger.classes[class] += n;
	if (!ledger_class_is_sent(class))
		in->ledger.sent -= n;
	in->ok_per_s -= (double)n / 10;
	faults[fault].count = n;
	strcpy(faults[fault].example, example);
}

static struct audit judged(const struct audit_run *in)
{
	struct audit a;

	audit_run_judge(in, &a);
	return a;
}

static const struct audit_note *note_of(const struct audit *a, const char *code)
{
	for (size_t i = 0; i < a->n_notes; i++)
		if (strcmp(a->notes[i].code, code) == 0)
			return &a->notes[i];
	return NULL;
}

/* ---------------------------------------------------------------- what is no HTTP/1.1 */

static const struct {
	enum fault fault;
	uint64_t answers; /* that were HTTP */
	const char *try_text;
} foreign[] = {
	{FAULT_NOT_HTTP, 0,
		"the port at which this server speaks HTTP: neither http:// nor https:// "
		"fits this one"},
	{FAULT_NOT_HTTP, 1, "look at one answer: curl -i URL"},
	{FAULT_SPEAKS_TLS, 0, "https://"},
	{FAULT_SPEAKS_HTTP2, 0, "a port at which this server speaks HTTP/1.1"},
	{FAULT_NOT_TLS, 0, "http://, or the port at which this server speaks TLS"},
	{FAULT_TLS_CLOSED, 0,
		"http:// if this port speaks no TLS; where that is closed too, see "
		"the server's log"},
	{FAULT_TLS_TIMEOUT, 0, "see that the server speaks TLS at this port, or try http://"},
	{FAULT_BAD_RESPONSE, 0, "look at one answer: curl -i URL"},
};

/* All requests end so (0), or the run could not begin (1). */
START_TEST(test_foreign)
{
	struct audit_run in = well();
	struct audit a;

	spoil(&in, foreign[_i / 2].fault, N, "");
	in.answers = foreign[_i / 2].answers;
	if (_i % 2 == 1) {
		memset(faults, 0, sizeof(faults));
		in.ledger = (struct ledger){.planned = 0};
		in.outcome = AUDIT_FAILED;
		in.failed_by = foreign[_i / 2].fault;
	}
	a = judged(&in);
	ck_assert_int_eq(a.headline, AUDIT_HEADLINE_FAILED);
	ck_assert_str_eq(a.try_text, foreign[_i / 2].try_text);
}
END_TEST

/* As soon as one answer began with HTTP/, the port is not to blame. */
START_TEST(test_foreign_and_bad)
{
	struct audit_run in = well();

	spoil(&in, FAULT_NOT_HTTP, N - 1, "");
	spoil(&in, FAULT_BAD_RESPONSE, 1, "");
	in.answers = 0;
	ck_assert_str_eq(judged(&in).try_text, "look at one answer: curl -i URL");
}
END_TEST

START_TEST(test_surplus)
{
	struct audit_run in = well();
	struct audit a = judged(&in);
	const struct audit_note *note;

	ck_assert_ptr_null(note_of(&a, "surplus"));
	in.surplus = _i == 0 ? 1 : 5000;
	a = judged(&in);
	note = note_of(&a, "surplus");
	ck_assert_ptr_nonnull(note);
	ck_assert_str_eq(note->text,
		_i == 0 ? "1 answer was followed by bytes that belong to none: is Content-Length "
			  "too small?"
			: "5,000 answers were followed by bytes that belong to none: is "
			  "Content-Length too small?");
	ck_assert_uint_gt(strlen(note->try_text), 0);
	ck_assert_int_eq(a.headline, AUDIT_HEADLINE_OK);
}
END_TEST

/* ---------------------------------------------------------------- redirects */

START_TEST(test_mostly_redirects)
{
	struct audit_run in = well();
	struct audit a;

	in.redirects = 9800;
	in.location = "https://shop.test/";
	a = judged(&in);
	ck_assert_int_eq(a.headline, AUDIT_HEADLINE_OK);
	ck_assert_int_eq(a.exit_code, 0);
	ck_assert_str_eq(a.because, "9,800 of 10,000 answers were redirects (301 to "
				    "https://shop.test/), never followed");
	ck_assert_str_eq(a.try_text, "load the address they point to: https://shop.test/");
	ck_assert_ptr_null(note_of(&a, "redirects")); /* once is enough */
}
END_TEST

static const struct {
	uint64_t redirects;
	bool has_because, has_note;
} shares[] = {
	{0, false, false},
	{99, false, false},
	{100, false, true},
	{5000, false, true},
	{5001, true, false},
	{N, true, false},
};

START_TEST(test_share_of_redirects)
{
	struct audit_run in = well();
	struct audit a;

	in.redirects = shares[_i].redirects;
	a = judged(&in);
	ck_assert_int_eq(*a.because != '\0', shares[_i].has_because);
	ck_assert_int_eq(note_of(&a, "redirects") != NULL, shares[_i].has_note);
	ck_assert_int_eq(a.verdict, AUDIT_OK);
	/* Where they point to is not known. */
	if (shares[_i].has_because) {
		ck_assert_ptr_nonnull(strstr(a.because, "redirects (301), never"));
		ck_assert_str_eq(a.try_text, "load the address they point to");
	}
}
END_TEST

/* Whatever the header has, what is advised can be loaded. */
static const struct {
	const char *url, *location, *advised;
} locations[] = {
	{"http://h:8000/shop/cart?id=1", "/login", "http://h:8000/login"},
	{"http://h:8000/shop/cart?id=1", "login?next=1", "http://h:8000/shop/login?next=1"},
	{"http://h:8000/shop/cart", "../login", "http://h:8000/login"},
	{"http://h:8000/shop/cart?id=1", "?id=2", "http://h:8000/shop/cart?id=2"},
	{"https://h/", "//login.test/x", "https://login.test/x"},
	{"http://h/", "//login.test/x", "http://login.test/x"},
	{"http://h/", "https://login.test/a:b", "https://login.test/a:b"},
	{"http://h/", "/a:b", "http://h/a:b"},
	{"unix:/run/app.sock:/x", "/login", "unix:/run/app.sock:/login"},
	{"", "/login", "/login"},
};

START_TEST(test_location_is_absolute)
{
	struct audit_run in = well();
	struct audit a;
	char advice[160];

	in.redirects = N;
	in.url = locations[_i].url;
	in.is_tls = str_starts(in.url, "https");
	in.location = locations[_i].location;
	a = judged(&in);
	(void)snprintf(advice, sizeof(advice), "load the address they point to: %s",
		locations[_i].advised);
	ck_assert_str_eq(a.try_text, advice);
}
END_TEST

/* With expect-status = 200 they have failed: the same advice. */
START_TEST(test_redirects_that_failed)
{
	struct audit_run in = well();
	struct audit a;

	in.redirects = N;
	in.url = "http://h:8000/shop/";
	in.location = "/login";
	spoil(&in, FAULT_STATUS, N, "status 302");
	a = judged(&in);
	ck_assert_int_eq(a.exit_code, EXIT_RUN_FAILED);
	ck_assert_str_eq(a.try_text, "load the address they point to: http://h:8000/login");
	ck_assert_ptr_nonnull(note_of(&a, "redirects"));
	in = well();
	in.redirects = 6000;
	spoil(&in, FAULT_STATUS, 6000, "status 302");
	a = judged(&in);
	ck_assert_int_eq(a.headline, AUDIT_HEADLINE_OVERLOAD);
	ck_assert_str_eq(a.try_text, "load the address they point to");
}
END_TEST

START_TEST(test_location_is_harmless)
{
	struct audit_run in = well();
	char location[300];
	struct audit a;

	in.redirects = N;
	in.location = "https://\x1b[2J\xff\xc3\xa4 x/";
	a = judged(&in);
	ck_assert_ptr_nonnull(strstr(a.because, "(301 to https://?[2J????x/)"));
	memset(location, 'a', sizeof(location) - 1);
	location[sizeof(location) - 1] = '\0';
	in.location = location;
	a = judged(&in);
	ck_assert_ptr_nonnull(strstr(a.because, "aaa...), never followed"));
	ck_assert_uint_lt(strlen(a.because), 180);
}
END_TEST

/* ---------------------------------------------------------------- checks */

START_TEST(test_check_that_failed_most)
{
	struct audit_run in = well();
	struct audit a;

	spoil(&in, FAULT_CHECK_HEADER, 2000, "Content-Type is text/html, expected text/plain");
	spoil(&in, FAULT_CHECK_SIZE, 300, "body has 1 bytes, expected 2");
	a = judged(&in);
	ck_assert_int_eq(a.headline, AUDIT_HEADLINE_OVERLOAD);
	ck_assert_str_eq(a.because,
		"23.0 % of 10,000 requests failed: check failed 2,300: "
		"check-header (Content-Type is text/html, expected text/plain)");
	in = well();
	spoil(&in, FAULT_CHECK_HASH, N, "");
	a = judged(&in);
	ck_assert_int_eq(a.exit_code, EXIT_RUN_FAILED);
	ck_assert_str_eq(a.because, "not one of 10,000 requests was answered as the checks ask: "
				    "check failed 10,000: check-hash");
	/* not where something else failed more */
	in = well();
	spoil(&in, FAULT_CHECK_HEADER, 1000, "no header X");
	spoil(&in, FAULT_STATUS, 2000, "status 500");
	a = judged(&in);
	ck_assert_ptr_null(strstr(a.because, "no header"));
}
END_TEST

/* ---------------------------------------------------------------- ours */

static const struct {
	enum fault fault;
	const char *try_text;
} ours[] = {
	{FAULT_NO_DESCRIPTORS, "LimitNOFILE="},
	{FAULT_NO_PORTS, "ip_local_port_range"},
	{FAULT_NO_MEMORY, "tcp_mem"},
	{FAULT_FORBIDDEN, "[policy]"},
	{FAULT_EVENT_LOOP, "see the reason"},
};

START_TEST(test_fault_of_ours)
{
	struct audit_run in = well();
	const struct audit_note *note;
	struct audit a;

	spoil(&in, ours[_i].fault, 1000, "");
	a = judged(&in);
	ck_assert_int_eq(a.verdict, AUDIT_SATURATED);
	ck_assert_int_eq(a.limited_by, AUDIT_BY_GENERATOR);
	ck_assert_int_eq(a.exit_code, EXIT_UNDECIDED);
	ck_assert_ptr_nonnull(strstr(a.try_text, ours[_i].try_text));
	note = note_of(&a, fault_table[ours[_i].fault].name);
	ck_assert_ptr_nonnull(note);
	ck_assert_ptr_nonnull(strstr(note->text, "1,000 requests"));
	ck_assert_ptr_nonnull(strstr(note->text, fault_table[ours[_i].fault].help));
	ck_assert_ptr_nonnull(strstr(note->try_text, ours[_i].try_text));
	ck_assert_double_eq(note->value, 1000);
}
END_TEST

/* All generator's faults are here, and no other has a remedy of its own. */
START_TEST(test_every_fault_of_ours_has_a_remedy)
{
	for (unsigned f = FAULT_NONE + 1; f < FAULT_COUNT; f++) {
		struct audit_run in = well();
		struct audit a;

		spoil(&in, (enum fault)f, 5, "");
		a = judged(&in);
		ck_assert_int_eq(a.verdict == AUDIT_SATURATED,
			fault_table[f].phase == FAULT_PHASE_GENERATOR);
		if (a.verdict == AUDIT_SATURATED)
			ck_assert_uint_gt(strlen(note_of(&a, fault_table[f].name)->try_text), 0);
	}
}
END_TEST

START_TEST(test_failed_before_the_start)
{
	struct audit_run in = well();
	struct audit a;

	in.outcome = AUDIT_FAILED;
	in.ledger = (struct ledger){.planned = 0};
	in.failed_by = (enum fault)_i;
	a = judged(&in);
	ck_assert_int_eq(a.exit_code, EXIT_RUN_FAILED);
	ck_assert_int_eq(a.limited_by, fault_table[_i].phase == FAULT_PHASE_GENERATOR
					       ? AUDIT_BY_GENERATOR
					       : AUDIT_BY_UNKNOWN);
	ck_assert_ptr_nonnull(strstr(a.because, fault_table[_i].help));
	ck_assert_uint_gt(strlen(a.try_text), 0);
}
END_TEST

/* ---------------------------------------------------------------- kept connections */

START_TEST(test_retries_and_stale)
{
	struct audit_run in = well();
	struct audit a = judged(&in);

	ck_assert_ptr_null(note_of(&a, "retries"));
	ck_assert_ptr_null(note_of(&a, "stale"));
	in.retries = 12;
	a = judged(&in);
	ck_assert_int_eq(a.verdict, AUDIT_OK);
	ck_assert_str_eq(note_of(&a, "retries")->text,
		"12 requests sent again: the server had closed a kept connection");
	in.retries = 1;
	spoil(&in, FAULT_STALE, 3, "");
	a = judged(&in);
	ck_assert_int_eq(a.verdict, AUDIT_OK);
	ck_assert_str_eq(note_of(&a, "retries")->text,
		"1 request sent again: the server had closed a kept connection");
	ck_assert_ptr_nonnull(strstr(note_of(&a, "stale")->text, "3 requests"));
	ck_assert_ptr_nonnull(strstr(note_of(&a, "stale")->try_text, "keep-alive timeout"));
}
END_TEST

/* Green would say that the load was the one planned. */
START_TEST(test_many_sent_twice_are_in_the_headline)
{
	struct audit_run in = well();
	struct audit a;

	in.sent = 40000; /* with the warm-up */
	in.retries = 400;
	a = judged(&in);
	ck_assert_str_eq(a.because, "");
	in.retries = 2000;
	a = judged(&in);
	ck_assert_int_eq(a.headline, AUDIT_HEADLINE_OK);
	ck_assert_int_eq(a.exit_code, 0);
	ck_assert_str_eq(a.because, "5.00 % of 40,000 requests were sent twice: the server had "
				    "closed a kept connection");
	ck_assert_ptr_nonnull(strstr(a.try_text, "keep-alive timeout"));
	/* What failed weighs more. */
	in.ledger.classes[LEDGER_OK] -= 301;
	in.ledger.classes[LEDGER_CONNECTION_ERROR] = 301;
	a = judged(&in);
	ck_assert_ptr_null(strstr(a.because, "twice"));
	ck_assert_ptr_nonnull(note_of(&a, "retries"));
}
END_TEST

/* A server that closes connections after so many answers, or when they were idle for so long: only
 * the first makes equally many answers on each. */
static const struct {
	uint64_t opened, closed_by_peer, peak;
	const char *try_text;
} closers[] = {
	{500, 500, 7,
		"--set connections.requests-per-connection=20: the server closes a connection "
		"after so many answers; or Connection: close in its last one"},
	{503, 499, 7,
		"--set connections.requests-per-connection=20: the server closes a connection "
		"after so many answers; or Connection: close in its last one"},
	{N / 2, N / 2, 7,
		"--set connections.requests-per-connection=2: the server closes a "
		"connection after so many answers; or Connection: close in its last one"},
	{N, N, 7,
		"a longer keep-alive timeout of the server, or --no-keepalive: it closed each "
		"connection after one answer"},
	{490, 490, 7, LONGER}, {509, 509, 7, LONGER},
	{500, 200, 7, LONGER},	   /* others were closed by rpsd */
	{500, 400, 100, LONGER},   /* too many remain to tell */
	{4, 4, 1, LONGER},	   /* too few */
	{8000, 8000, 100, LONGER}, /* by the time between two requests */
};

START_TEST(test_what_closes_kept_connections)
{
	struct audit_run in = well();
	struct audit a;

	in.connections_opened = closers[_i].opened;
	in.closed_by_peer = closers[_i].closed_by_peer;
	in.connections_peak = closers[_i].peak;
	in.retries = 400;
	a = judged(&in);
	ck_assert_str_eq(a.try_text, closers[_i].try_text);
	/* Where they are not sent twice but fail. */
	in.retries = 0;
	in.sent = N + 300; /* as many answers as before */
	spoil(&in, FAULT_STALE, 300, "");
	a = judged(&in);
	ck_assert_str_eq(note_of(&a, "stale")->try_text, closers[_i].try_text);
	ck_assert_str_eq(a.try_text, closers[_i].try_text);
}
END_TEST

/* Users who do not think leave no connection idle: it was closed for its count. */
START_TEST(test_what_closes_busy_connections)
{
	struct audit_run in = audit_run_well_closed();
	struct audit a;

	in.ledger = (struct ledger){.planned = 1000, .sent = 1000, .classes = {[LEDGER_OK] = 1000}};
	in.connections_limit = in.connections_peak = 5;
	in.connections_opened = 103;
	in.closed_by_peer = 89;
	in.retries = 12;
	a = judged(&in);
	ck_assert_str_eq(a.try_text,
		"--set connections.requests-per-connection=10: the server closes a connection "
		"after so many answers; or Connection: close in its last one");
	/* Not equally many: at most so many on the mean. */
	in.connections_opened = 96;
	a = judged(&in);
	ck_assert_str_eq(a.try_text,
		"--set connections.requests-per-connection=N, below the answers after which the "
		"server closes a connection (11 on average)");
	/* Who thinks may leave it idle. */
	in.think = NSEC_PER_SEC;
	a = judged(&in);
	ck_assert_ptr_nonnull(strstr(a.try_text, "a longer keep-alive timeout"));
}
END_TEST

/* ---------------------------------------------------------------- what to try */

static const struct {
	enum fault fault;
	bool is_tls;
	const char *unix_path, *certificate_name;
	const char *has, *lacks;
} remedies[] = {
	{FAULT_TLS_WRONG_HOST, true, NULL, "shop.test", "--set tls.server-name=shop.test", "-k"},
	{FAULT_TLS_WRONG_HOST, true, NULL, NULL, "--set tls.server-name=NAME; -k", "https"},
	{FAULT_TLS_SELF_SIGNED, true, NULL, NULL, "--cacert FILE ([tls] ca-file)", "--cert "},
	{FAULT_TLS_UNTRUSTED, true, NULL, NULL, "--cacert FILE ([tls] ca-file)", "--cert "},
	{FAULT_TLS_EXPIRED, true, NULL, NULL, "-k ([tls] verify = no)", "--cacert"},
	{FAULT_TLS_ALERT, true, NULL, NULL, "--cert FILE", "--cacert"},
	{FAULT_TLS_PROTOCOL, true, NULL, NULL, "tls.min-version", "--cacert"},
	{FAULT_TLS_CLOSED, true, NULL, NULL, "http://", "--cacert"},
	{FAULT_TLS_TIMEOUT, true, NULL, NULL, "http://", "--cacert"},
	{FAULT_RESET, false, NULL, NULL, "https://", "is up"},
	{FAULT_CLOSED, false, NULL, NULL, "https://", "is up"},
	{FAULT_RESET, true, NULL, NULL, "server's log", "https://"},
	{FAULT_RESET, false, "/run/app.sock", NULL, "server's log", "https://"},
	{FAULT_CONNECT_REFUSED, false, NULL, NULL, "address and port", "socket"},
	{FAULT_CONNECT_REFUSED, false, "/run/app.sock", NULL, "on this socket", "port"},
	{FAULT_CONNECT_BACKLOG, false, "/run/app.sock", NULL, "net.core.somaxconn", "start"},
	{FAULT_CONNECT_TIMEOUT, false, NULL, NULL,
		"and port; a full listen backlog (the server's own, net.core.somaxconn)", "socket"},
	{FAULT_CONNECT_ERROR, false, "/run/app.sock", NULL, "path is right", "port"},
	{FAULT_FORBIDDEN, false, "/run/app.sock", NULL, "write permission", "packet filter"},
};

/* Not one request was answered. */
START_TEST(test_remedy)
{
	struct audit_run in = well();
	struct audit a;

	spoil(&in, remedies[_i].fault, N, "");
	in.answers = 0;
	in.is_tls = remedies[_i].is_tls;
	in.unix_path = remedies[_i].unix_path;
	in.certificate_name = remedies[_i].certificate_name;
	a = judged(&in);
	ck_assert_int_eq(a.headline, AUDIT_HEADLINE_FAILED);
	ck_assert_msg(strstr(a.try_text, remedies[_i].has) != NULL, "%s", a.try_text);
	ck_assert_msg(strstr(a.try_text, remedies[_i].lacks) == NULL, "%s", a.try_text);
}
END_TEST

/* A certificate that names no host fits no name that is asked for. The same where the run could not
 * begin (1). */
START_TEST(test_certificate_without_names)
{
	static const char why[] = "the server's certificate is not for a.test: it names no host in "
				  "a subjectAltName: CN = a.test";
	struct audit_run in = well();
	struct audit a;

	spoil(&in, FAULT_TLS_WRONG_HOST, N, why);
	in.answers = 0;
	in.is_tls = true;
	if (_i == 1) {
		memset(faults, 0, sizeof(faults));
		in.ledger = (struct ledger){.planned = 0};
		in.outcome = AUDIT_FAILED;
		in.failed_by = FAULT_TLS_WRONG_HOST;
		in.reason = why;
	}
	a = judged(&in);
	ck_assert_str_eq(a.try_text,
		"a new certificate with a subjectAltName (openssl req ... -addext "
		"subjectAltName=DNS:NAME); -k ([tls] verify = no) accepts any certificate");
}
END_TEST

/* ---------------------------------------------------------------- client certificates */

#define NO_CERTIFICATE                                                                             \
	"--cert FILE and --key FILE ([tls] certificate and key): the server asks for a client "    \
	"certificate"
#define OTHER_CERTIFICATE                                                                          \
	"another certificate for --cert and --key ([tls] certificate and key): the server "

static const struct {
	const char *alert;
	bool has_certificate;
	const char *try_text;
} alerts[] = {
	{"\"certificate required\" (116)", false, NO_CERTIFICATE},
	{"\"bad certificate\" (42)", false, NO_CERTIFICATE},
	{"\"unknown ca\" (48)", true, OTHER_CERTIFICATE "does not trust the issuer of this one"},
	{"\"bad certificate\" (42)", true, OTHER_CERTIFICATE "does not accept this one"},
	{"\"unsupported certificate\" (43)", true,
		OTHER_CERTIFICATE "does not accept this one's type"},
	{"\"certificate revoked\" (44)", true, OTHER_CERTIFICATE "says that this one is revoked"},
	{"\"certificate expired\" (45)", true, OTHER_CERTIFICATE "says that this one has expired"},
	{"\"certificate unknown\" (46)", true, OTHER_CERTIFICATE "does not accept this one"},
	{"\"access denied\" (49)", true, OTHER_CERTIFICATE "gives this one no access"},
	{"\"certificate required\" (116)", true,
		OTHER_CERTIFICATE "asks for one, and did not get this one"},
};

/* TLS 1.3 refuses a client after the handshake (0), 1.2 during it (1), which may be before the run
 * has begun (2). */
START_TEST(test_alert_about_the_client)
{
	struct audit_run in = well();
	enum fault fault = _i % 3 == 0 ? FAULT_RECEIVE : FAULT_TLS_ALERT;
	char why[128];

	snprintf(why, sizeof(why), "the server sent the TLS alert %s", alerts[_i / 3].alert);
	spoil(&in, fault, N, why);
	in.answers = 0;
	in.is_tls = true;
	in.has_client_certificate = alerts[_i / 3].has_certificate;
	if (_i % 3 == 2) {
		memset(faults, 0, sizeof(faults));
		in.ledger = (struct ledger){.planned = 0};
		in.outcome = AUDIT_FAILED;
		in.failed_by = fault;
		in.reason = why;
	}
	ck_assert_str_eq(judged(&in).try_text, alerts[_i / 3].try_text);
}
END_TEST

/* A server of many names that knows none as asked for. */
START_TEST(test_unrecognized_name)
{
	struct audit_run in = well();

	spoil(&in, FAULT_TLS_ALERT, N,
		"the server sent the TLS alert \"tlsv1 unrecognized name\" (112)");
	in.answers = 0;
	in.is_tls = true;
	ck_assert_str_eq(judged(&in).try_text,
		"a URL with a name that the server has, or --set tls.server-name=NAME");
}
END_TEST

/* That says little: a server of TLS 1.2 without a client's certificate sends it too. */
START_TEST(test_handshake_failure)
{
	struct audit_run in = well();

	spoil(&in, FAULT_TLS_ALERT, N, "the server sent the TLS alert \"handshake failure\" (40)");
	in.answers = 0;
	in.is_tls = true;
	in.has_client_certificate = _i == 1;
	ck_assert_str_eq(judged(&in).try_text,
		_i == 1 ? "see the server's log: does it accept the certificate of --cert ([tls] "
			  "certificate)?"
			: "see the server's log; if it asks for a client certificate: --cert FILE "
			  "and --key FILE ([tls] certificate and key)");
}
END_TEST

/* The first bytes tell that plain HTTP would not do either. */
START_TEST(test_neither_tls_nor_http)
{
	struct audit_run in = well();

	spoil(&in, FAULT_NOT_TLS, N,
		"the server speaks neither TLS nor HTTP at this port; it "
		"begins: 220 mail");
	in.answers = 0;
	in.is_tls = true;
	ck_assert_str_eq(judged(&in).try_text,
		"the port at which this server speaks TLS or HTTP: it is not this one");
}
END_TEST

/* A port of TLS closes, or is closed without a byte; one that began to answer speaks HTTP. */
START_TEST(test_closed)
{
	struct audit_run in = well();

	spoil(&in, _i % 2 ? FAULT_CLOSED : FAULT_RESET, N, "");
	in.answers = 0;
	ck_assert_str_eq(judged(&in).try_text,
		"https:// if this port speaks TLS; where that is closed too, see the server's log: "
		"why does it close the connection?");
	in.bytes_in = 12;
	ck_assert_str_eq(
		judged(&in).try_text, "see the server's log: why does it close the connection?");
}
END_TEST

/* Others worked, also where it is not counted how many were reset beside them. */
START_TEST(test_reset_while_others_work)
{
	struct audit_run in = well();

	spoil(&in, FAULT_RESET, N / 2, "Connection reset by peer");
	ck_assert_str_eq(judged(&in).try_text,
		"see the server's log: why does it reset the connection? Or fewer connections (-c)"
		", if it has a limit of them");
	in = well();
	spoil(&in, FAULT_CONNECT_ERROR, N / 2, "Connection reset by peer");
	ck_assert_str_eq(judged(&in).try_text,
		"see the server's log: why does it reset the connection? Or fewer connections (-c)"
		", if it has a limit of them");
	in = well();
	spoil(&in, FAULT_CONNECT_ERROR, N / 2, "No route to host");
	ck_assert_ptr_nonnull(strstr(judged(&in).try_text, "is up"));
	in = well();
	spoil(&in, FAULT_CLOSED, N / 2, "closed before any byte of the response");
	ck_assert_str_eq(
		judged(&in).try_text, "see the server's log: why does it close the connection?");
}
END_TEST

/* A server that has answered before does speak HTTP. */
START_TEST(test_reset_after_answers_is_no_matter_of_tls)
{
	struct audit_run in = well();

	spoil(&in, FAULT_RESET, N / 2, "");
	in.answers = N / 2;
	ck_assert_ptr_null(strstr(judged(&in).try_text, "https://"));
}
END_TEST

static TCase *cases(void)
{
	TCase *t = tcase_create("audit of faults");

	tcase_add_loop_test(t, test_foreign, 0, 2 * sizeof(foreign) / sizeof(foreign[0]));
	tcase_add_test(t, test_foreign_and_bad);
	tcase_add_loop_test(t, test_surplus, 0, 2);
	tcase_add_test(t, test_mostly_redirects);
	tcase_add_loop_test(t, test_share_of_redirects, 0, sizeof(shares) / sizeof(shares[0]));
	tcase_add_test(t, test_redirects_that_failed);
	tcase_add_loop_test(
		t, test_location_is_absolute, 0, sizeof(locations) / sizeof(*locations));
	tcase_add_test(t, test_location_is_harmless);
	tcase_add_test(t, test_check_that_failed_most);
	tcase_add_loop_test(t, test_fault_of_ours, 0, sizeof(ours) / sizeof(ours[0]));
	tcase_add_test(t, test_every_fault_of_ours_has_a_remedy);
	tcase_add_loop_test(t, test_failed_before_the_start, FAULT_NONE + 1, FAULT_COUNT);
	tcase_add_loop_test(t, test_remedy, 0, sizeof(remedies) / sizeof(remedies[0]));
	tcase_add_test(t, test_reset_after_answers_is_no_matter_of_tls);
	tcase_add_test(t, test_neither_tls_nor_http);
	tcase_add_loop_test(t, test_closed, 0, 2);
	tcase_add_test(t, test_reset_while_others_work);
	tcase_add_loop_test(t, test_certificate_without_names, 0, 2);
	tcase_add_loop_test(
		t, test_alert_about_the_client, 0, 3 * sizeof(alerts) / sizeof(alerts[0]));
	tcase_add_test(t, test_unrecognized_name);
	tcase_add_loop_test(t, test_handshake_failure, 0, 2);
	tcase_add_test(t, test_retries_and_stale);
	tcase_add_test(t, test_many_sent_twice_are_in_the_headline);
	tcase_add_loop_test(
		t, test_what_closes_kept_connections, 0, sizeof(closers) / sizeof(closers[0]));
	tcase_add_test(t, test_what_closes_busy_connections);
	return t;
}

int main(void)
{
	Suite *suite = suite_create("audit of faults");

	suite_add_tcase(suite, cases());
	return suite_main(suite);
}
