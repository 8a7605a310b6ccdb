/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of rpsd.conf, and nothing else: this is the only list of them. A key is added here and
 * gets its parser, its default, its place in `check` and in rpsd.conf(5), and a row in the tests;
 * those of [origin NAME] are the flags of `rpsctl origin` too. Keys of one section are adjacent, in
 * the order in which the manual shows them. */
#include "common/settings/settings_keys.h"

#include "common/settings/settings.h"

static const char *const settings_keys_no_yes[] = {"no", "yes", NULL};

#define FIELD(field) .offset = offsetof(struct settings, field)
#define ORIGIN_FIELD(field) .named = true, .offset = offsetof(struct settings_origin, field)
/* The key's function fills several fields. */
#define WHOLE .offset = 0
#define ORIGIN_WHOLE .named = true, .offset = 0

/* clang-format off */
static const struct key settings_keys_rows[] = {
	{"daemon", "keep-runs", KEY_UINT, "64", "1..10000", FIELD(keep_runs),
		.help = "finished runs held in memory; the oldest are dropped earlier if their "
			"results take more than 64 MiB"},

	{"control", "socket", KEY_TEXT, "/run/rpsd/control.socket",
		.check = settings_check_socket, FIELD(socket),
		.help = "where rpsctl finds the daemon"},
	{"control", "observe", KEY_TEXT, "/run/rpsd/observe.socket",
		.check = settings_check_observe, FIELD(observe),
		.help = "read-only socket for all users; empty: none"},

	{"policy", "allow", KEY_CUSTOM, .parse = settings_parse_allow, .clear = settings_clear_allow,
		.repeated = true, WHOLE, .help = "addresses that runs may load beside loopback: "
			"ADDRESS, NETWORK/BITS, either with :PORT, or unix:/PATH"},
	{"policy", "max-rate", KEY_CUSTOM, "200000/s",
		.parse = settings_parse_max_rate,
		FIELD(max_rate), .help = "requests per second, for each run; see CAPS"},
	{"policy", "max-connections", KEY_UINT, "10000", "1..1000000",
		FIELD(max_connections), .help = "connections, for each run; a plan with "
			"count = auto gets at most so many"},
	{"policy", "max-runs", KEY_UINT, "16", "1..1000",
		FIELD(max_runs), .help = "active at the same time"},
	{"policy", "max-duration", KEY_TIME, "24h", "1s..8760h",
		FIELD(max_duration_ns), .help = "of a run with its warm-up, its cooldown and its pauses; what "
			"is still unanswered 100 ms later is given up"},

	{"origin", "listen", KEY_TEXT, .check = settings_check_listen,
		ORIGIN_FIELD(listen), .help = "ADDRESS:PORT to serve on; port 0 takes a free one; required"},
	{"origin", "backlog", KEY_UINT, "4096", "1..65535", ORIGIN_FIELD(backlog),
		.help = "connections that wait to be accepted; those beyond are not answered, and "
			"their clients try again after 1s, 3s, 7s"},
	{"origin", "max-connections", KEY_UINT, "10000", "1..1000000",
		ORIGIN_FIELD(max_connections), .help = "open at the same time, and no more than half of "
			"the descriptors; those beyond are reset"},
	{"origin", "max-per-address", KEY_UINT, "10000", "1..1000000",
		ORIGIN_FIELD(max_per_address), .help = "the same for the address of one client"},
	{"origin", "delay", KEY_CUSTOM, "0", .parse = settings_parse_delay,
		ORIGIN_WHOLE, .help = "before each answer: TIME, exp:TIME for random ones of that "
			"mean, or a mixture, SHARE of each: 50% 10ms, 50% 8s"},
	{"origin", "body", KEY_SIZE, "1KiB", "0..64MiB", ORIGIN_FIELD(body_bytes),
		.help = "bytes in each answer"},
	{"origin", "drip", KEY_CUSTOM, "0", .parse = settings_parse_drip,
		ORIGIN_WHOLE, .help = "PIECES x TIME: head and first byte at once, the rest of the "
			"body in so many pieces, one after each TIME: 50 x 10ms"},
	{"origin", "errors", KEY_CUSTOM, "0% 503", .parse = settings_parse_errors,
		ORIGIN_WHOLE, .help = "SHARE STATUS: so many requests are answered with that "
			"status; with after DELAY: after that instead of delay, as in 20% 503 "
			"after 0"},
	{"origin", "service", KEY_CUSTOM, "0", .parse = settings_parse_service,
		ORIGIN_WHOLE, .help = "of one server that takes one request after the other, before "
			"their delays: TIME each (M/D/1), or exp:TIME (M/M/1)"},
	{"origin", "burn", KEY_CHOICE, "no", .choices = settings_keys_no_yes,
		ORIGIN_FIELD(burn), .help = "yes: service keeps a CPU busy, and nothing is read "
			"meanwhile; no: it only takes its time"},
	{"origin", "stall", KEY_CUSTOM, "0", .parse = settings_parse_stall,
		ORIGIN_FIELD(stall), .help = "1s every 10s: it stalls, and accepts, reads and "
			"answers nothing, for the first second of every ten, from the first "
			"request on; 5s: once"},
	{"origin", "accept-stall", KEY_CUSTOM, "0", .parse = settings_parse_stall,
		ORIGIN_FIELD(accept_stall), .help = "the same for accepting alone, from the first connection on"},
	{"origin", "read", KEY_CUSTOM, "0", .parse = settings_parse_read,
		ORIGIN_WHOLE, .help = "SIZE every TIME: a request's body is read no faster than "
			"that, the first piece after TIME: 64KiB every 100ms"},
	{"origin", "hang", KEY_CUSTOM, "0%", .parse = settings_parse_hang,
		ORIGIN_WHOLE, .help = "SHARE of requests that are never answered; the connection "
			"stays open, and later requests on it wait"},
	{"origin", "freeze", KEY_UINT, "0", "0..1000000", ORIGIN_FIELD(freeze),
		.help = "so many connections answer their first request and then nothing: the "
			"first that come to a second one"},
	{"origin", "close-after", KEY_CUSTOM, "0", .parse = settings_parse_close_after,
		ORIGIN_WHOLE, .help = "closes a connection after so many answers, without "
			"notice; N header: with Connection: close in the last; 0: never"},
	{"origin", "idle", KEY_TIME, "0", "0..24h", ORIGIN_FIELD(idle_ns),
		.help = "closes a connection that waits so long for the next request's head; "
			"0: never"},
	{"origin", "gaps", KEY_TEXT, .check = settings_check_gaps, ORIGIN_FIELD(gaps),
		.help = "FILE to write at the end: for each request its arrival since the first and "
			"its gap to the one before, in ns; only of rpsctl origin"},
	{"origin", "seed", KEY_UINT, "42", ORIGIN_FIELD(seed),
		.help = "of all random choices, so that they repeat"},
};
/* clang-format on */
const struct key_table settings_keys = {
	settings_keys_rows, sizeof(settings_keys_rows) / sizeof(*settings_keys_rows)};
