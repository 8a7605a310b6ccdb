/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of run files and of rpsd.conf, and nothing else: this is the only list of them. A key is
 * added here and gets its parser, its default, its place in `check` and the manuals, and a row in
 * the tests. Keys of one section are adjacent, in the order in which a manual shows them. */
#include "common/keys.h"

#include "common/plan/plan.h"
#include "common/plan/plan_request_values.h"
#include "common/plan/plan_connections.h"
#include "common/plan/plan_slice.h"
#include "common/plan/plan_sources.h"
#include "common/plan/plan_stages.h"
#include "common/plan/plan_tls.h"
#include "common/plan/plan_values.h"
#include "common/settings.h"

/* The index of a word is the value of its enum (plan.h). */
static const char *const keys_models[] = {
	"auto", [1 + PLAN_OPEN] = "open", [1 + PLAN_CLOSED] = "closed", NULL};
static const char *const keys_no_yes[] = {"no", "yes", NULL};
static const char *const keys_tls_versions[] = {"auto", "1.2", "1.3", NULL};
static const char *const keys_hard_soft[] = {"hard", "soft", NULL};
static const char *const keys_pacing[] = {[PLAN_PACING_TIMER] = "timer",
	[PLAN_PACING_HYBRID] = "hybrid",
	[PLAN_PACING_SPIN] = "spin",
	NULL};
static const char *const keys_exhausted[] = {
	[PLAN_GROW] = "grow", [PLAN_QUEUE] = "queue", [PLAN_DROP] = "drop", NULL};
static const char *const keys_reuse[] = {
	[PLAN_REUSE_LIFO] = "lifo", [PLAN_REUSE_ROTATE] = "rotate", [PLAN_REUSE_NO] = "no", NULL};
static const char *const keys_close[] = {[PLAN_CLOSE_FIN] = "fin", [PLAN_CLOSE_RST] = "rst", NULL};
static const char *const keys_addresses[] = {[PLAN_ADDRESSES_ALL] = "all",
	[PLAN_ADDRESSES_FIRST] = "first",
	[PLAN_ADDRESSES_V4] = "v4",
	[PLAN_ADDRESSES_V6] = "v6",
	NULL};

#define FIGURE .is_figure = true
#define PLAN_FIELD(field) .offset = offsetof(struct plan, field)
#define SETTINGS_FIELD(field) .offset = offsetof(struct settings, field)
/* The key's function fills several fields. */
#define PLAN_WHOLE .offset = 0
#define REQUEST_WHOLE .named = true, .offset = 0
#define SETTINGS_WHOLE .offset = 0
#define ORIGIN_WHOLE .named = true, .offset = 0
#define REQUEST_FIELD(field) .named = true, .offset = offsetof(struct plan_request, field)
#define ORIGIN_FIELD(field) .named = true, .offset = offsetof(struct settings_origin, field)

/* clang-format off */
const struct key keys_table[] = {
	{KEYS_RUN, "target", "url", KEY_CUSTOM, .parse = plan_parse_url, .clear = plan_clear_url, PLAN_WHOLE,
		.help = "what to load, as in http://127.0.0.1:8000/, https://shop.test/ or "
			"unix:/run/app.sock:/path; required"},
	{KEYS_RUN, "target", "connect-to", KEY_CUSTOM, .parse = plan_parse_connect_to,
		.clear = plan_clear_connect_to, PLAN_WHOLE, .help = "HOST:PORT, HOST or "
			"unix:/PATH: connect there instead of to the URL's host; the request "
			"stays the same"},
	{KEYS_RUN, "target", "addresses", KEY_CHOICE, "all", .choices = keys_addresses,
		PLAN_FIELD(addresses), .help = "which of the host's addresses that answer are "
			"used: all in turn, the first, or all of one family"},
	{KEYS_RUN, "target", "dns", KEY_CUSTOM, "once", .parse = plan_parse_dns,
		PLAN_FIELD(dns_ns), .help = "once, or every TIME: the host is looked up again, and new connections go "
			"to what was found"},

	{KEYS_RUN, "tls", "verify", KEY_CHOICE, "yes", .choices = keys_no_yes,
		PLAN_FIELD(tls_verify), .help = "no: accept any certificate; every report says so"},
	{KEYS_RUN, "tls", "ca-file", KEY_TEXT, .check = plan_check_path, PLAN_FIELD(tls_ca.name),
		.help = "a file of certificates (PEM) to trust instead of the system's"},
	{KEYS_RUN, "tls", "certificate", KEY_TEXT, .check = plan_check_path,
		PLAN_FIELD(tls_certificate.name),
		.help = "a file with the client certificate (PEM) and its chain, for a server "
			"that asks for one"},
	{KEYS_RUN, "tls", "key", KEY_TEXT, .check = plan_check_path, PLAN_FIELD(tls_key.name),
		.help = "the file with its private key (PEM, without a passphrase), where it is not "
			"in the certificate's; never sent to the service"},
	{KEYS_RUN, "tls", "server-name", KEY_TEXT, .check = plan_check_server_name,
		PLAN_FIELD(tls_server_name),
		.help = "the name that the server is asked for (SNI) and that its certificate "
			"must have; default: the URL's host"},
	{KEYS_RUN, "tls", "min-version", KEY_CHOICE, "auto", .choices = keys_tls_versions,
		PLAN_FIELD(tls_min_version), .help = "the lowest version of TLS; auto: 1.2, or what "
			"the system's OpenSSL is told"},
	{KEYS_RUN, "tls", "max-version", KEY_CHOICE, "auto", .choices = keys_tls_versions,
		PLAN_FIELD(tls_max_version), .help = "the highest version of TLS; auto: 1.3"},
	{KEYS_RUN, "tls", "ciphers", KEY_TEXT, .check = plan_check_ciphers,
		PLAN_FIELD(tls_ciphers), .help = "of TLS 1.2, a list as `openssl ciphers` has it; "
			"OpenSSL's own where not given"},
	{KEYS_RUN, "tls", "ciphersuites", KEY_TEXT, .check = plan_check_ciphersuites,
		PLAN_FIELD(tls_ciphersuites), .help = "of TLS 1.3, names separated by colons; "
			"OpenSSL's own where not given"},
	{KEYS_RUN, "tls", "resume", KEY_CHOICE, "yes", .choices = keys_no_yes,
		PLAN_FIELD(tls_resume), .help = "new connections resume an earlier session, as "
			"browsers do; no: each has a full handshake"},

	{KEYS_RUN, "load", "model", KEY_CHOICE, "auto", .choices = keys_models,
		PLAN_FIELD(model_choice),
		FIGURE, .help = "open: arrivals keep to the plan; closed: each user waits for the answer; "
			"auto: closed with rate = max, else open"},
	{KEYS_RUN, "load", "rate", KEY_RATE, "100/s", "1/h..10M/s", .word = "max",
		PLAN_FIELD(rate), FIGURE, .help = "requests per second; max: as fast as the answers allow"},
	{KEYS_RUN, "load", "stage", KEY_CUSTOM, .parse = plan_read_stage, .clear = plan_clear_stages,
		.repeated = true, .by_file = true, PLAN_WHOLE, FIGURE, .help = "hold RATE for TIME, ramp [from RATE] to RATE over TIME, step from RATE to "
			"RATE by RATE every TIME, or pause TIME; with warmup before it not "
			"measured; one follows the other, instead of rate"},
	{KEYS_RUN, "load", "scale", KEY_CUSTOM, "x1", .parse = plan_parse_scale,
		PLAN_FIELD(scale), FIGURE, .help = "multiplies every rate, those of stages too: x0.1"},
	{KEYS_RUN, "load", "arrivals", KEY_CUSTOM, "constant", .parse = plan_parse_arrivals,
		PLAN_WHOLE, FIGURE, .help = "how they are spaced: constant, evenly; poisson, as independent users do; "
			"jitter:SHARE, each anywhere within so much of the gap: jitter:0.3"},
	{KEYS_RUN, "load", "seed", KEY_UINT, "42", PLAN_FIELD(seed),
		FIGURE, .help = "of all random choices, so that they repeat"},
	{KEYS_RUN, "load", "warmup", KEY_TIME, "0", "0..24h", PLAN_FIELD(warmup_ns),
		FIGURE, .help = "load before the measured window, counted apart"},
	{KEYS_RUN, "load", "cooldown", KEY_TIME, "0", "0..24h", PLAN_FIELD(cooldown_ns),
		FIGURE, .help = "load after the measured window, counted apart"},
	{KEYS_RUN, "load", "duration", KEY_TIME, NULL, "1ms..8760h", PLAN_FIELD(duration_ns),
		FIGURE, .help = "of the measured window; 10s where neither requests nor stages say more"},
	{KEYS_RUN, "load", "requests", KEY_UINT, NULL, "1..1000000000000", PLAN_FIELD(n_arrivals),
		FIGURE, .help = "send exactly so many, instead of a duration"},
	{KEYS_RUN, "load", "workers", KEY_UINT, "auto", "1..1024", .word = "auto",
		PLAN_FIELD(workers), FIGURE, .help = "threads that generate load"},
	{KEYS_RUN, "load", "think", KEY_TIME, "0", "0..24h", PLAN_FIELD(think_ns),
		FIGURE, .help = "closed model: pause of a user between an answer and the next request"},
	{KEYS_RUN, "load", "slice", KEY_CUSTOM, .parse = plan_parse_slice, PLAN_WHOLE,
		FIGURE, .help = "2/5: one of five equal parts of one schedule, for five hosts: "
			"every fifth arrival from the second on; all begin at one instant"},
	{KEYS_RUN, "load", "at", KEY_CUSTOM, .parse = plan_parse_instant,
		PLAN_FIELD(at_unix_ns), FIGURE, .help = "when the run starts, 1 s to 24 h from now: 2026-11-22T17:00:00Z, or seconds "
			"since 1970; as soon as it can where not given"},
	{KEYS_RUN, "load", "unsynchronised", KEY_CHOICE, "no", .choices = keys_no_yes,
		PLAN_FIELD(unsynchronised), FIGURE, .help = "yes: a slice may do without at; it starts as "
			"soon as it can, and the slices are not one schedule"},

	{KEYS_RUN, "connections", "count", KEY_UINT, "auto", "1..1000000", .word = "auto",
		PLAN_FIELD(connections), FIGURE, .help = "connections at most; closed model: each has a "
			"user, or pipeline of them; auto: as many as are needed, up to 1000; "
			"closed: 64"},
	{KEYS_RUN, "connections", "exhausted", KEY_CHOICE, "grow", .choices = keys_exhausted,
		PLAN_FIELD(exhausted), FIGURE, .help = "no connection is free: open one more up to count, "
			"wait for one of those opened at the start, or drop the arrival"},
	{KEYS_RUN, "connections", "queue-max", KEY_UINT, "100000", "1..100000000",
		PLAN_FIELD(queue_max), FIGURE, .help = "arrivals that may wait for a connection"},
	{KEYS_RUN, "connections", "open-rate", KEY_RATE, "1000/s", "1/h..1M/s",
		PLAN_FIELD(open_rate), FIGURE, .help = "connections opened per second at most"},
	{KEYS_RUN, "connections", "reuse", KEY_CHOICE, "lifo", .choices = keys_reuse,
		PLAN_FIELD(reuse), FIGURE, .help = "which free connection is next: the last one used, each "
			"in turn; no: a connection for each request"},
	{KEYS_RUN, "connections", "requests-per-connection", KEY_UINT, "0", "0..1000000000",
		PLAN_FIELD(requests_per_connection),
		FIGURE, .help = "then it is closed and another one opened; 0: no limit"},
	{KEYS_RUN, "connections", "max-age", KEY_TIME, "0", "0..8760h", PLAN_FIELD(max_age_ns),
		FIGURE, .help = "a connection that is older is closed when it is free; 0: no limit"},
	{KEYS_RUN, "connections", "close", KEY_CHOICE, "fin", .choices = keys_close,
		PLAN_FIELD(close), FIGURE, .help = "how connections are closed: fin, as usual; "
			"rst: at once, so that no port has to wait, but servers may log an error"},
	{KEYS_RUN, "connections", "pipeline", KEY_UINT, "1", "1..1024", PLAN_FIELD(pipeline),
		FIGURE, .help = "requests in flight on a connection at most; closed model: users = count "
			"x pipeline"},
	{KEYS_RUN, "connections", "source", KEY_CUSTOM, .parse = plan_parse_sources,
		.clear = plan_clear_sources, .repeated = true, .by_file = true, PLAN_WHOLE, .help = "addresses to connect from in turn: 10.0.0.1, "
			"10.0.0.5-10.0.0.9, 10.1.0.0/28, ::1"},

	{KEYS_RUN, "timeouts", "connect", KEY_TIME, "5s", "1ms..1h",
		PLAN_FIELD(connect_timeout_ns), FIGURE, .help = "to open a connection"},
	{KEYS_RUN, "timeouts", "request", KEY_TIME, "30s", "1ms..1h",
		PLAN_FIELD(request_timeout_ns), FIGURE, .help = "from the planned instant to the last byte"},
	{KEYS_RUN, "timeouts", "drain", KEY_TIME, NULL, "0..1h", PLAN_FIELD(drain_ns),
		FIGURE, .help = "wait for missing answers at the end; as long as request where not given"},
	{KEYS_RUN, "timeouts", "mode", KEY_CHOICE, "hard", .choices = keys_hard_soft,
		PLAN_FIELD(timeout_soft), FIGURE, .help = "hard: a late request is given up, and "
			"its connection closed; soft: it is counted as a timeout, but its answer "
			"is still awaited"},

	{KEYS_RUN, "pacing", "mode", KEY_CHOICE, "timer", .choices = keys_pacing,
		PLAN_FIELD(pacing_mode), .help = "what wakes a worker for an arrival: a timer, some "
			"50us late; hybrid: a timer, and a spin for the rest; spin: no sleep at all, "
			"one CPU for each worker"},
	{KEYS_RUN, "pacing", "gap", KEY_CUSTOM, "auto", .parse = plan_parse_gap,
		PLAN_FIELD(pacing_gap_ns), .help = "TIME between two wake-ups at least (0 to 10ms), so that arrivals go out in "
			"bundles, late by up to so much; auto: 0, and 50us above 5k/s for each "
			"worker"},
	{KEYS_RUN, "pacing", "spin", KEY_TIME, "40us", "0..1ms", PLAN_FIELD(pacing_spin_ns),
		.help = "hybrid: the timer is so much early; the CPU's share it costs is rate x spin"},

	{KEYS_RUN, "statistics", "interval", KEY_TIME, "1s", "100ms..1h",
		PLAN_FIELD(interval_ns), FIGURE, .help = "width of the rows in the result and the live view"},
	{KEYS_RUN, "statistics", "confidence", KEY_UINT, "95", "50..99",
		PLAN_FIELD(confidence_percent), FIGURE, .help = "percent, with which a percentile's interval "
			"holds the truth"},

	{KEYS_RUN, "defaults", "method", KEY_TEXT, "GET", .check = plan_check_method,
		PLAN_FIELD(defaults.method), .help = "of the request"},
	{KEYS_RUN, "defaults", "header", KEY_CUSTOM, .check = plan_check_header,
		.repeated = true, .help = "NAME: VALUE; the value may end in @FILE or cred:NAME, or in @@WORD, which is "
			"the text @WORD"},
	{KEYS_RUN, "defaults", "body", KEY_CUSTOM, .check = plan_check_body,
		.help = "text, or @FILE or cred:NAME, or text that ends in one of these; @@WORD at its "
			"end is the text @WORD"},
	{KEYS_RUN, "defaults", "chunked", KEY_SIZE, "no", "0..16MiB", .word = "no",
		PLAN_FIELD(defaults.chunk_bytes), .help = "the body goes in chunks of that size, "
			"with Transfer-Encoding; no: with Content-Length"},
	{KEYS_RUN, "defaults", "auth", KEY_CUSTOM, .parse = plan_parse_auth, PLAN_FIELD(defaults._auth),
		.help = "basic USER @FILE or bearer @FILE, or cred:NAME instead of @FILE, or "
			"none: makes the header Authorization"},
	{KEYS_RUN, "defaults", "expect-status", KEY_CUSTOM, "200-399", .parse = plan_parse_statuses,
		PLAN_FIELD(defaults.expect_statuses),
		.help = "the statuses of a good answer: 200,201 or 200-299 or 2xx"},
	{KEYS_RUN, "defaults", "expect-header", KEY_CUSTOM, .check = plan_check_expect_header,
		.repeated = true, .help = "NAME or NAME: VALUE, which a good answer has"},
	{KEYS_RUN, "defaults", "expect-body", KEY_CUSTOM, .check = plan_check_body,
		.help = "text or @FILE, which a good answer's body contains; quotes are part of "
			"the text"},
	{KEYS_RUN, "defaults", "expect-size", KEY_CUSTOM, .parse = plan_parse_sizes, PLAN_FIELD(defaults),
		.help = "SIZE or MIN..MAX of a good answer's body; either end may be left out"},
	{KEYS_RUN, "defaults", "expect-sha256", KEY_CUSTOM, .parse = plan_parse_sha256,
		PLAN_FIELD(defaults),
		.help = "SHA-256 of a good answer's body, in 64 hex digits"},

	{KEYS_RUN, "request", "weight", KEY_UINT, "1", "1..1000000", REQUEST_FIELD(weight),
		.help = "how often it is sent, against the weights of the others"},
	{KEYS_RUN, "request", "path", KEY_TEXT, .check = plan_check_request_path,
		REQUEST_FIELD(path), .help = "path and query, joined to the URL as a browser "
			"does; the URL's own where not given"},
	{KEYS_RUN, "request", "method", KEY_TEXT, .check = plan_check_method,
		REQUEST_FIELD(method), .help = "this and all below: as in [defaults]; what is not "
			"given here is taken from there"},
	{KEYS_RUN, "request", "header", KEY_CUSTOM, .check = plan_check_header,
		.repeated = true, .named = true,
		.help = "NAME: VALUE, instead of those of that name in [defaults]"},
	{KEYS_RUN, "request", "body", KEY_CUSTOM, .check = plan_check_body, .named = true,
		.help = "text, @FILE or cred:NAME; an empty value: no body"},
	{KEYS_RUN, "request", "chunked", KEY_SIZE, NULL, "0..16MiB", .word = "no",
		REQUEST_FIELD(chunk_bytes), .help = "the body goes in chunks of that size"},
	{KEYS_RUN, "request", "auth", KEY_CUSTOM, .parse = plan_parse_auth, REQUEST_FIELD(_auth),
		.help = "basic, bearer, or none for a request without"},
	{KEYS_RUN, "request", "expect-status", KEY_CUSTOM, .parse = plan_parse_statuses,
		REQUEST_FIELD(expect_statuses), .help = "the statuses of a good answer"},
	{KEYS_RUN, "request", "expect-header", KEY_CUSTOM, .check = plan_check_expect_header,
		.repeated = true, .named = true,
		.help = "what a good answer has, instead of that name in [defaults]"},
	{KEYS_RUN, "request", "expect-body", KEY_CUSTOM, .check = plan_check_body, .named = true,
		.help = "text or @FILE in a good answer; an empty value: any"},
	{KEYS_RUN, "request", "expect-size", KEY_CUSTOM, .parse = plan_parse_sizes, REQUEST_WHOLE,
		.help = "of a good answer's body; an empty value: any"},
	{KEYS_RUN, "request", "expect-sha256", KEY_CUSTOM, .parse = plan_parse_sha256,
		REQUEST_WHOLE, .help = "of a good answer's body; an empty value: any"},

	{KEYS_RUN, "run", "label", KEY_CUSTOM, .parse = plan_parse_label, .clear = plan_clear_labels,
		.repeated = true, PLAN_WHOLE, FIGURE, .help = "NAME=TEXT: kept in the result, as in commit=1f2e3d4"},

	{KEYS_DAEMON, "daemon", "keep-runs", KEY_UINT, "64", "1..10000", SETTINGS_FIELD(keep_runs),
		.help = "finished runs held in memory; the oldest are dropped earlier if their "
			"results take more than 64 MiB"},

	{KEYS_DAEMON, "control", "socket", KEY_TEXT, "/run/rpsd/control.socket",
		.check = settings_check_socket, SETTINGS_FIELD(socket),
		.help = "where rpsctl finds the daemon"},
	{KEYS_DAEMON, "control", "observe", KEY_TEXT, "/run/rpsd/observe.socket",
		.check = settings_check_observe, SETTINGS_FIELD(observe),
		.help = "read-only socket for all users; empty: none"},

	{KEYS_DAEMON, "policy", "allow", KEY_CUSTOM, .parse = settings_parse_allow, .clear = settings_clear_allow,
		.repeated = true, SETTINGS_WHOLE, .help = "addresses that runs may load beside loopback: "
			"ADDRESS, NETWORK/BITS, either with :PORT, or unix:/PATH"},
	{KEYS_DAEMON, "policy", "max-rate", KEY_CUSTOM, "200000/s",
		.parse = settings_parse_max_rate,
		SETTINGS_FIELD(max_rate), .help = "requests per second, for each run; see CAPS"},
	{KEYS_DAEMON, "policy", "max-connections", KEY_UINT, "10000", "1..1000000",
		SETTINGS_FIELD(max_connections), .help = "connections, for each run; a plan with "
			"count = auto gets at most so many"},
	{KEYS_DAEMON, "policy", "max-runs", KEY_UINT, "16", "1..1000",
		SETTINGS_FIELD(max_runs), .help = "active at the same time"},
	{KEYS_DAEMON, "policy", "max-duration", KEY_TIME, "24h", "1s..8760h",
		SETTINGS_FIELD(max_duration_ns), .help = "of a run with its warm-up, its cooldown and its pauses; what "
			"is still unanswered 100 ms later is given up"},

	{KEYS_DAEMON, "origin", "listen", KEY_TEXT, .check = settings_check_listen,
		ORIGIN_FIELD(listen), .help = "ADDRESS:PORT to serve on; port 0 takes a free one; required"},
	{KEYS_DAEMON, "origin", "backlog", KEY_UINT, "4096", "1..65535", ORIGIN_FIELD(backlog),
		.help = "connections that wait to be accepted; those beyond are not answered, and "
			"their clients try again after 1s, 3s, 7s"},
	{KEYS_DAEMON, "origin", "max-connections", KEY_UINT, "10000", "1..1000000",
		ORIGIN_FIELD(max_connections), .help = "open at the same time, and no more than half of "
			"the descriptors; those beyond are reset"},
	{KEYS_DAEMON, "origin", "max-per-address", KEY_UINT, "10000", "1..1000000",
		ORIGIN_FIELD(max_per_address), .help = "the same for the address of one client"},
	{KEYS_DAEMON, "origin", "delay", KEY_CUSTOM, "0", .parse = settings_parse_delay,
		ORIGIN_WHOLE, .help = "before each answer: TIME, exp:TIME for random ones of that "
			"mean, or a mixture, SHARE of each: 50% 10ms, 50% 8s"},
	{KEYS_DAEMON, "origin", "body", KEY_SIZE, "1KiB", "0..64MiB", ORIGIN_FIELD(body_bytes),
		.help = "bytes in each answer"},
	{KEYS_DAEMON, "origin", "drip", KEY_CUSTOM, "0", .parse = settings_parse_drip,
		ORIGIN_WHOLE, .help = "PIECES x TIME: head and first byte at once, the rest of the "
			"body in so many pieces, one after each TIME: 50 x 10ms"},
	{KEYS_DAEMON, "origin", "errors", KEY_CUSTOM, "0% 503", .parse = settings_parse_errors,
		ORIGIN_WHOLE, .help = "SHARE STATUS: so many requests are answered with that "
			"status; with after DELAY: after that instead of delay, as in 20% 503 "
			"after 0"},
	{KEYS_DAEMON, "origin", "service", KEY_CUSTOM, "0", .parse = settings_parse_service,
		ORIGIN_WHOLE, .help = "of one server that takes one request after the other, before "
			"their delays: TIME each (M/D/1), or exp:TIME (M/M/1)"},
	{KEYS_DAEMON, "origin", "burn", KEY_CHOICE, "no", .choices = keys_no_yes,
		ORIGIN_FIELD(burn), .help = "yes: service keeps a CPU busy, and nothing is read "
			"meanwhile; no: it only takes its time"},
	{KEYS_DAEMON, "origin", "stall", KEY_CUSTOM, "0", .parse = settings_parse_stall,
		ORIGIN_FIELD(stall), .help = "1s every 10s: it stalls, and accepts, reads and "
			"answers nothing, for the first second of every ten, from the first "
			"request on; 5s: once"},
	{KEYS_DAEMON, "origin", "accept-stall", KEY_CUSTOM, "0", .parse = settings_parse_stall,
		ORIGIN_FIELD(accept_stall), .help = "the same for accepting alone, from the first connection on"},
	{KEYS_DAEMON, "origin", "read", KEY_CUSTOM, "0", .parse = settings_parse_read,
		ORIGIN_WHOLE, .help = "SIZE every TIME: a request's body is read no faster than "
			"that, the first piece after TIME: 64KiB every 100ms"},
	{KEYS_DAEMON, "origin", "hang", KEY_CUSTOM, "0%", .parse = settings_parse_hang,
		ORIGIN_WHOLE, .help = "SHARE of requests that are never answered; the connection "
			"stays open, and later requests on it wait"},
	{KEYS_DAEMON, "origin", "freeze", KEY_UINT, "0", "0..1000000", ORIGIN_FIELD(freeze),
		.help = "so many connections answer their first request and then nothing: the "
			"first that come to a second one"},
	{KEYS_DAEMON, "origin", "close-after", KEY_CUSTOM, "0", .parse = settings_parse_close_after,
		ORIGIN_WHOLE, .help = "closes a connection after so many answers, without "
			"notice; N header: with Connection: close in the last; 0: never"},
	{KEYS_DAEMON, "origin", "idle", KEY_TIME, "0", "0..24h", ORIGIN_FIELD(idle_ns),
		.help = "closes a connection that waits so long for the next request's head; "
			"0: never"},
	{KEYS_DAEMON, "origin", "gaps", KEY_TEXT, .check = settings_check_gaps, ORIGIN_FIELD(gaps),
		.help = "FILE to write at the end: for each request its arrival since the first and "
			"its gap to the one before, in ns; only of rpsctl origin"},
	{KEYS_DAEMON, "origin", "seed", KEY_UINT, "42", ORIGIN_FIELD(seed),
		.help = "of all random choices, so that they repeat"},
};
/* clang-format on */
const size_t keys_n = sizeof(keys_table) / sizeof(*keys_table);
