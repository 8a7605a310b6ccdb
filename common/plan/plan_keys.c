/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of run files, and nothing else: this is the only list of them. A key is added here and
 * gets its parser, its default, its place in `check` and in rpsd-run(5), and a row in the tests.
 * Keys of one section are adjacent, in the order in which the manual shows them. */
#include "common/plan/plan_keys.h"

#include "common/plan/plan.h"
#include "common/plan/plan_connections.h"
#include "common/plan/plan_request_values.h"
#include "common/plan/plan_slice.h"
#include "common/plan/plan_sources.h"
#include "common/plan/plan_stages.h"
#include "common/plan/plan_thresholds.h"
#include "common/plan/plan_tls.h"
#include "common/plan/plan_values.h"

/* The index of a word is the value of its enum (plan.h). */
static const char *const plan_keys_models[] = {
	"auto", [1 + PLAN_OPEN] = "open", [1 + PLAN_CLOSED] = "closed", NULL};
static const char *const plan_keys_no_yes[] = {"no", "yes", NULL};
static const char *const plan_keys_tls_versions[] = {"auto", "1.2", "1.3", NULL};
static const char *const plan_keys_hard_soft[] = {"hard", "soft", NULL};
static const char *const plan_keys_pacing[] = {[PLAN_PACING_TIMER] = "timer",
	[PLAN_PACING_HYBRID] = "hybrid",
	[PLAN_PACING_SPIN] = "spin",
	NULL};
static const char *const plan_keys_exhausted[] = {
	[PLAN_GROW] = "grow", [PLAN_QUEUE] = "queue", [PLAN_DROP] = "drop", NULL};
static const char *const plan_keys_reuse[] = {
	[PLAN_REUSE_LIFO] = "lifo", [PLAN_REUSE_ROTATE] = "rotate", [PLAN_REUSE_NO] = "no", NULL};
static const char *const plan_keys_close[] = {
	[PLAN_CLOSE_FIN] = "fin", [PLAN_CLOSE_RST] = "rst", NULL};
static const char *const plan_keys_addresses[] = {[PLAN_ADDRESSES_ALL] = "all",
	[PLAN_ADDRESSES_FIRST] = "first",
	[PLAN_ADDRESSES_V4] = "v4",
	[PLAN_ADDRESSES_V6] = "v6",
	NULL};

static const char *const plan_keys_orders[] = {
	[PLAN_RANDOM] = "random", [PLAN_SEQUENCE] = "sequence", NULL};

static const char *const plan_keys_undecided[] = {[PLAN_UNDECIDED] = "undecided",
	[PLAN_UNDECIDED_FAIL] = "fail",
	[PLAN_UNDECIDED_PASS] = "pass",
	NULL};

#define FIGURE .is_figure = true
#define FIELD(field) .offset = offsetof(struct plan, field)
#define REQUEST_FIELD(field) .named = true, .offset = offsetof(struct plan_request, field)
/* The key's function fills several fields. */
#define WHOLE .offset = 0
#define REQUEST_WHOLE .named = true, .offset = 0

/* clang-format off */
static const struct key plan_keys_rows[] = {
	{"target", "url", KEY_CUSTOM, .parse = plan_parse_url, .clear = plan_clear_url, WHOLE,
		.also = "path", .help = "what to load, as in http://127.0.0.1:8000/, https://shop.test/ or "
			"unix:/run/app.sock:/path; required"},
	{"target", "connect-to", KEY_CUSTOM, .parse = plan_parse_connect_to,
		.clear = plan_clear_connect_to, WHOLE, .help = "HOST:PORT, HOST or "
			"unix:/PATH: connect there instead of to the URL's host; the request "
			"stays the same"},
	{"target", "addresses", KEY_CHOICE, "all", .choices = plan_keys_addresses,
		FIELD(addresses), .document = "addresses", .help = "which of the host's addresses that answer are "
			"used: all in turn, the first, or all of one family"},
	{"target", "dns", KEY_CUSTOM, "once", .parse = plan_parse_dns,
		FIELD(dns_ns), .help = "once, or every TIME: the host is looked up again, and new connections go "
			"to what was found"},

	{"tls", "verify", KEY_CHOICE, "yes", .choices = plan_keys_no_yes,
		FIELD(tls_verify), .also = "insecure", .help = "no: accept any certificate; every report says so"},
	{"tls", "ca-file", KEY_TEXT, .check = plan_check_path, FIELD(tls_ca.name),
		.also = "cacert|ca", .help = "a file of certificates (PEM) to trust instead of the system's"},
	{"tls", "certificate", KEY_TEXT, .check = plan_check_path,
		FIELD(tls_certificate.name),
		.also = "cert", .help = "a file with the client certificate (PEM) and its chain, for a server "
			"that asks for one"},
	{"tls", "key", KEY_TEXT, .check = plan_check_path, FIELD(tls_key.name),
		.help = "the file with its private key (PEM, without a passphrase), where it is not "
			"in the certificate's; never sent to the service"},
	{"tls", "server-name", KEY_TEXT, .check = plan_check_server_name,
		FIELD(tls_server_name),
		.help = "the name that the server is asked for (SNI) and that its certificate "
			"must have; default: the URL's host"},
	{"tls", "min-version", KEY_CHOICE, "auto", .choices = plan_keys_tls_versions,
		FIELD(tls_min_version), .help = "the lowest version of TLS; auto: 1.2, or what "
			"the system's OpenSSL is told"},
	{"tls", "max-version", KEY_CHOICE, "auto", .choices = plan_keys_tls_versions,
		FIELD(tls_max_version), .help = "the highest version of TLS; auto: 1.3"},
	{"tls", "ciphers", KEY_TEXT, .check = plan_check_ciphers,
		FIELD(tls_ciphers), .help = "of TLS 1.2, a list as `openssl ciphers` has it; "
			"OpenSSL's own where not given"},
	{"tls", "ciphersuites", KEY_TEXT, .check = plan_check_ciphersuites,
		FIELD(tls_ciphersuites), .help = "of TLS 1.3, names separated by colons; "
			"OpenSSL's own where not given"},
	{"tls", "resume", KEY_CHOICE, "yes", .choices = plan_keys_no_yes,
		FIELD(tls_resume), .help = "new connections resume an earlier session, as "
			"browsers do; no: each has a full handshake"},

	{"load", "model", KEY_CHOICE, "auto", .choices = plan_keys_models,
		FIELD(model_choice),
		FIGURE, .help = "open: arrivals keep to the plan; closed: each user waits for the answer; "
			"auto: closed with rate = max, else open"},
	{"load", "rate", KEY_RATE, "100/s", "1/h..10M/s", .word = "max",
		FIELD(rate), FIGURE, .also = "rps|qps", .help = "requests per second; max: as fast as the answers allow"},
	{"load", "stage", KEY_CUSTOM, .parse = plan_read_stage, .clear = plan_clear_stages,
		.repeated = true, .by_file = true, WHOLE, FIGURE, .help = "hold RATE for TIME, ramp [from RATE] to RATE over TIME, step from RATE to "
			"RATE by RATE every TIME, or pause TIME; with warmup before it not "
			"measured; one follows the other, instead of rate"},
	{"load", "scale", KEY_CUSTOM, "x1", .parse = plan_parse_scale,
		FIELD(scale), FIGURE, .help = "multiplies every rate, those of stages too: x0.1"},
	{"load", "arrivals", KEY_CUSTOM, "constant", .parse = plan_parse_arrivals,
		WHOLE, FIGURE, .help = "how they are spaced: constant, evenly; poisson, as independent users do; "
			"jitter:SHARE, each anywhere within so much of the gap: jitter:0.3"},
	{"load", "seed", KEY_UINT, "42", FIELD(seed),
		FIGURE, .help = "of all random choices, so that they repeat"},
	{"load", "order", KEY_CHOICE, "random", .choices = plan_keys_orders, FIELD(order), FIGURE,
		.document = "order", .help = "which of several requests is next: random, drawn by "
			"weight; sequence, each in turn, as often in a row as its weight"},
	{"load", "warmup", KEY_TIME, "0", "0..24h", FIELD(warmup_ns),
		FIGURE, .help = "load before the measured window, counted apart"},
	{"load", "cooldown", KEY_TIME, "0", "0..24h", FIELD(cooldown_ns),
		FIGURE, .help = "load after the measured window, counted apart"},
	{"load", "duration", KEY_TIME, NULL, "1ms..8760h", FIELD(duration_ns),
		FIGURE, .help = "of the measured window; 10s where neither requests nor stages say more"},
	{"load", "requests", KEY_UINT, NULL, "1..1000000000000", FIELD(n_arrivals),
		FIGURE, .help = "send exactly so many, instead of a duration"},
	{"load", "workers", KEY_UINT, "auto", "1..1024", .word = "auto",
		FIELD(workers), FIGURE, .also = "threads", .help = "threads that generate load"},
	{"load", "think", KEY_TIME, "0", "0..24h", FIELD(think_ns),
		FIGURE, .document = "think_ns", .help = "closed model: pause of a user between an answer and the next request"},
	{"load", "slice", KEY_CUSTOM, .parse = plan_parse_slice, WHOLE,
		FIGURE, .help = "2/5: one of five equal parts of one schedule, for five hosts: "
			"every fifth arrival from the second on; all begin at one instant"},
	{"load", "at", KEY_CUSTOM, .parse = plan_parse_instant,
		FIELD(at_unix_ns), FIGURE, .help = "when the run starts, 1 s to 24 h from now: 2026-11-22T17:00:00Z, or seconds "
			"since 1970; as soon as it can where not given"},
	{"load", "unsynchronised", KEY_CHOICE, "no", .choices = plan_keys_no_yes,
		FIELD(unsynchronised), FIGURE, .help = "yes: a slice may do without at; it starts as "
			"soon as it can, and the slices are not one schedule"},

	{"connections", "count", KEY_UINT, "auto", "1..1000000", .word = "auto",
		FIELD(connections), FIGURE, .also = "connections|users|concurrency", .help = "connections at most; closed model: each has a "
			"user, or pipeline of them; auto: as many as are needed, up to 1000; "
			"closed: 64"},
	{"connections", "exhausted", KEY_CHOICE, "grow", .choices = plan_keys_exhausted,
		FIELD(exhausted), FIGURE, .document = "exhausted", .help = "no connection is free: open one more up to count, "
			"wait for one of those opened at the start, or drop the arrival"},
	{"connections", "queue-max", KEY_UINT, "100000", "1..100000000",
		FIELD(queue_max), FIGURE, .document = "queue_max", .help = "arrivals that may wait for a connection"},
	{"connections", "open-rate", KEY_RATE, "1000/s", "1/h..1M/s",
		FIELD(open_rate), FIGURE, .help = "connections opened per second at most"},
	{"connections", "reuse", KEY_CHOICE, "lifo", .choices = plan_keys_reuse,
		FIELD(reuse), FIGURE, .document = "reuse", .help = "which free connection is next: the last one used, each "
			"in turn; no: a connection for each request"},
	{"connections", "requests-per-connection", KEY_UINT, "0", "0..1000000000",
		FIELD(requests_per_connection),
		FIGURE, .document = "requests_per_connection", .help = "then it is closed and another one opened; 0: no limit"},
	{"connections", "max-age", KEY_TIME, "0", "0..8760h", FIELD(max_age_ns),
		FIGURE, .document = "max_age_ns", .help = "a connection that is older is closed when it is free; 0: no limit"},
	{"connections", "close", KEY_CHOICE, "fin", .choices = plan_keys_close,
		FIELD(close), FIGURE, .document = "close", .help = "how connections are closed: fin, as usual; "
			"rst: at once, so that no port has to wait, but servers may log an error"},
	{"connections", "pipeline", KEY_UINT, "1", "1..1024", FIELD(pipeline),
		FIGURE, .document = "pipeline", .help = "requests in flight on a connection at most; closed model: users = count "
			"x pipeline"},
	{"connections", "source", KEY_CUSTOM, .parse = plan_parse_sources,
		.clear = plan_clear_sources, .repeated = true, .by_file = true, WHOLE, .help = "addresses to connect from in turn: 10.0.0.1, "
			"10.0.0.5-10.0.0.9, 10.1.0.0/28, ::1"},

	{"timeouts", "connect", KEY_TIME, "5s", "1ms..1h",
		FIELD(connect_timeout_ns), FIGURE, .document = "connect_timeout_ns", .help = "to open a connection"},
	{"timeouts", "request", KEY_TIME, "30s", "1ms..1h",
		FIELD(request_timeout_ns), FIGURE, .document = "request_timeout_ns", .also = "timeout", .help = "from the planned instant to the last byte"},
	{"timeouts", "drain", KEY_TIME, NULL, "0..1h", FIELD(drain_ns),
		FIGURE, .help = "wait for missing answers at the end; as long as request where not given"},
	{"timeouts", "mode", KEY_CHOICE, "hard", .choices = plan_keys_hard_soft,
		FIELD(timeout_soft), FIGURE, .document = "timeout_mode", .help = "hard: a late request is given up, and "
			"its connection closed; soft: it is counted as a timeout, but its answer "
			"is still awaited"},

	{"pacing", "mode", KEY_CHOICE, "timer", .choices = plan_keys_pacing,
		FIELD(pacing_mode), .document = "pacing", .help = "what wakes a worker for an arrival: a timer, some "
			"50us late; hybrid: a timer, and a spin for the rest; spin: no sleep at all, "
			"one CPU for each worker"},
	{"pacing", "gap", KEY_CUSTOM, "auto", .parse = plan_parse_gap,
		FIELD(pacing_gap_ns), .help = "TIME between two wake-ups at least (0 to 10ms), so that arrivals go out in "
			"bundles, late by up to so much; auto: 0, and 50us above 5k/s for each "
			"worker"},
	{"pacing", "spin", KEY_TIME, "40us", "0..1ms", FIELD(pacing_spin_ns),
		.help = "hybrid: the timer is so much early; the CPU's share it costs is rate x spin"},

	{"statistics", "interval", KEY_TIME, "1s", "100ms..1h",
		FIELD(interval_ns), FIGURE, .help = "width of the rows in the result and the live view"},
	{"statistics", "confidence", KEY_UINT, "95", "50..99",
		FIELD(confidence_percent), FIGURE, .help = "percent, with which a percentile's interval "
			"holds the truth"},

	{"thresholds", "require", KEY_CUSTOM, .check = plan_check_require, .repeated = true, FIGURE,
		.help = "a rule that the run must keep, as in p99 < 50ms; rules of all files and "
			"flags add up"},
	{"thresholds", "abort-if", KEY_CUSTOM, .check = plan_check_abort_if, .repeated = true, FIGURE,
		.help = "end the run when this holds, as in p99 > 2s over 10s: it is looked at "
			"each interval, over the last TIME, or else over the window so far"},

	{"defaults", "method", KEY_TEXT, "GET", .check = plan_check_method,
		FIELD(defaults.method), .help = "of the request"},
	{"defaults", "header", KEY_CUSTOM, .check = plan_check_header,
		.repeated = true, .help = "NAME: VALUE; the value may end in @FILE or cred:NAME, or in @@WORD, which is "
			"the text @WORD"},
	{"defaults", "body", KEY_CUSTOM, .check = plan_check_body,
		.also = "data", .help = "text, or @FILE or cred:NAME, or text that ends in one of these; @@WORD at its "
			"end is the text @WORD"},
	{"defaults", "chunked", KEY_SIZE, "no", "0..16MiB", .word = "no",
		FIELD(defaults.chunk_bytes), .help = "the body goes in chunks of that size, "
			"with Transfer-Encoding; no: with Content-Length"},
	{"defaults", "auth", KEY_CUSTOM, .parse = plan_parse_auth, FIELD(defaults._auth),
		.help = "basic USER @FILE or bearer @FILE, or cred:NAME instead of @FILE, or "
			"none: makes the header Authorization"},
	{"defaults", "expect-status", KEY_CUSTOM, "200-399", .parse = plan_parse_statuses,
		FIELD(defaults.expect_statuses),
		.help = "the statuses of a good answer: 200,201 or 200-299 or 2xx"},
	{"defaults", "expect-header", KEY_CUSTOM, .check = plan_check_expect_header,
		.repeated = true, .help = "NAME or NAME: VALUE, which a good answer has"},
	{"defaults", "expect-body", KEY_CUSTOM, .check = plan_check_body,
		.help = "text or @FILE, which a good answer's body contains; quotes are part of "
			"the text"},
	{"defaults", "expect-size", KEY_CUSTOM, .parse = plan_parse_sizes, FIELD(defaults),
		.help = "SIZE or MIN..MAX of a good answer's body; either end may be left out"},
	{"defaults", "expect-sha256", KEY_CUSTOM, .parse = plan_parse_sha256,
		FIELD(defaults),
		.help = "SHA-256 of a good answer's body, in 64 hex digits"},

	{"request", "weight", KEY_UINT, "1", "1..1000000", REQUEST_FIELD(weight),
		.help = "how often it is sent, against the weights of the others"},
	{"request", "path", KEY_TEXT, .check = plan_check_request_path,
		REQUEST_FIELD(path), .also = "url", .help = "path and query, joined to the URL as a browser "
			"does; the URL's own where not given"},
	{"request", "method", KEY_TEXT, .check = plan_check_method,
		REQUEST_FIELD(method), .help = "this and all below: as in [defaults]; what is not "
			"given here is taken from there"},
	{"request", "header", KEY_CUSTOM, .check = plan_check_header,
		.repeated = true, .named = true,
		.help = "NAME: VALUE, instead of those of that name in [defaults]"},
	{"request", "body", KEY_CUSTOM, .check = plan_check_body, .named = true,
		.also = "data", .help = "text, @FILE or cred:NAME; an empty value: no body"},
	{"request", "chunked", KEY_SIZE, NULL, "0..16MiB", .word = "no",
		REQUEST_FIELD(chunk_bytes), .help = "the body goes in chunks of that size"},
	{"request", "auth", KEY_CUSTOM, .parse = plan_parse_auth, REQUEST_FIELD(_auth),
		.help = "basic, bearer, or none for a request without"},
	{"request", "expect-status", KEY_CUSTOM, .parse = plan_parse_statuses,
		REQUEST_FIELD(expect_statuses), .help = "the statuses of a good answer"},
	{"request", "expect-header", KEY_CUSTOM, .check = plan_check_expect_header,
		.repeated = true, .named = true,
		.help = "what a good answer has, instead of that name in [defaults]"},
	{"request", "expect-body", KEY_CUSTOM, .check = plan_check_body, .named = true,
		.help = "text or @FILE in a good answer; an empty value: any"},
	{"request", "expect-size", KEY_CUSTOM, .parse = plan_parse_sizes, REQUEST_WHOLE,
		.help = "of a good answer's body; an empty value: any"},
	{"request", "expect-sha256", KEY_CUSTOM, .parse = plan_parse_sha256,
		REQUEST_WHOLE, .help = "of a good answer's body; an empty value: any"},
	{"request", "require", KEY_CUSTOM, .check = plan_check_request_require, .repeated = true,
		.named = true, .help = "a rule about this request, as in p99 < 80ms"},

	{"run", "label", KEY_CUSTOM, .parse = plan_parse_label, .clear = plan_clear_labels,
		.repeated = true, WHOLE, FIGURE, .help = "NAME=TEXT: kept in the result, as in commit=1f2e3d4"},
	{"run", "undecided", KEY_CHOICE, "undecided", .choices = plan_keys_undecided,
		FIELD(undecided), FIGURE, .document = "undecided",
		.help = "the exit status where a rule is undecided: undecided, its own (12); fail, "
			"that of a broken rule (10); pass, 0"},
};
/* clang-format on */
const struct key_table plan_keys = {
	plan_keys_rows, sizeof(plan_keys_rows) / sizeof(*plan_keys_rows)};
