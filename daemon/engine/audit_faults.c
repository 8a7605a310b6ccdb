/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the audit says of single faults, of answers that send us elsewhere, and of how to look at
 * one. A location and an example are the server's words: a location is cut and made ASCII here, an
 * example comes clean and short (stats_fault).
 *
 * Pure; any thread.
 */
#include <stdio.h>
#include <string.h>

#include "common/figure.h"
#include "daemon/engine/audit_internal.h"
#include "daemon/engine/audit_text.h"
#include "daemon/engine/stats.h"

/* More of them make the figures those of another load than was planned. */
#define AUDIT_REPEATED_MANY 0.01
#define AUDIT_REDIRECTS_MOST 0.5
#define AUDIT_REDIRECTS_SOME 0.01
#define AUDIT_LOCATION_MAX 80
/* A longer command is cut, and no command any more. */
#define AUDIT_LOOK_MAX 160
#define AUDIT_UNIX "unix:"

uint64_t audit_count_faults(const struct audit_input *in, enum fault_phase phase)
{
	uint64_t n = fault_table[in->failed_by].phase == phase && phase != FAULT_PHASE_NONE;

	for (unsigned f = FAULT_NONE + 1; f < FAULT_COUNT && in->faults; f++)
		if (fault_table[f].phase == phase)
			n += in->faults[f].count;
	return n;
}

enum fault audit_main_fault(const struct audit_input *in, enum fault_phase phase)
{
	enum fault most = fault_table[in->failed_by].phase == phase ? in->failed_by : FAULT_NONE;

	for (unsigned f = FAULT_NONE + 1; f < FAULT_COUNT && in->faults; f++)
		if (fault_table[f].phase == phase && in->faults[f].count > 0 &&
			(most == FAULT_NONE || in->faults[f].count > in->faults[most].count))
			most = (enum fault)f;
	return most;
}

const char *audit_fault_remedy(enum fault fault)
{
	switch (fault) {
	case FAULT_NO_DESCRIPTORS:
		return "more descriptors: ulimit -n, or LimitNOFILE= of the service";
	case FAULT_NO_PORTS:
		return "connections that stay open; more addresses to come from ([connections] "
		       "source); a wider net.ipv4.ip_local_port_range";
	case FAULT_NO_MEMORY:
		return "fewer connections (-c), or more memory: net.ipv4.tcp_mem, MemoryMax= of "
		       "the service";
	case FAULT_FORBIDDEN:
		return "see who forbids it: [policy] of rpsd.conf, or this host's packet filter";
	case FAULT_EVENT_LOOP:
		return "see the reason: the kernel refused a timer or an event to the generator";
	case FAULT_NOT_TLS:
		return "http://, or the port at which this server speaks TLS";
	case FAULT_TLS_CLOSED:
	case FAULT_TLS_TIMEOUT:
		return "see that the server speaks TLS at this port, or try http://";
	case FAULT_SPEAKS_TLS:
		return "https://";
	case FAULT_SPEAKS_HTTP2:
		return "a port at which this server speaks HTTP/1.1";
	case FAULT_NOT_HTTP:
		return "see that port and scheme fit: http or https?";
	default:
		return "";
	}
}

struct audit_sentence audit_tell_fault(const struct audit_input *in, enum fault fault)
{
	const char *example = in->faults ? in->faults[fault].example : "";
	struct audit_sentence t;

	snprintf(t.s, sizeof(t.s), *example ? "%s (%s)" : "%s", fault_table[fault].name, example);
	return t;
}

/* ---------------------------------------------------------------- kept connections */

struct audit_sentence audit_tell_repeated(const struct audit_input *in)
{
	double share = in->sent > 0 ? (double)in->retries / (double)in->sent : 0;
	struct audit_sentence t = {""};

	if (share > AUDIT_REPEATED_MANY)
		snprintf(t.s, sizeof(t.s),
			"%.26s of %.26s requests were sent twice: the server had closed a kept "
			"connection",
			figure_share(share).text, figure_count(in->sent).text);
	return t;
}

/* ---------------------------------------------------------------- redirects */

bool audit_is_mostly_redirects(const struct audit_input *in)
{
	return (double)in->redirects > AUDIT_REDIRECTS_MOST * (double)in->answers;
}

bool audit_has_redirects(const struct audit_input *in)
{
	return in->redirects > 0 &&
	       (double)in->redirects >= AUDIT_REDIRECTS_SOME * (double)in->answers;
}

/* "" where there is none. */
static struct audit_text audit_location(const struct audit_input *in)
{
	const char *location = in->location;
	struct audit_text t = {""};
	size_t len;

	if (!location)
		return t;
	len = strnlen(location, AUDIT_LOCATION_MAX);
	for (size_t i = 0; i < len; i++)
		t.s[i] = location[i] > ' ' && location[i] < 0x7f ? location[i] : '?';
	snprintf(t.s + len, sizeof(t.s) - len, "%s", location[len] ? "..." : "");
	return t;
}

struct audit_sentence audit_tell_redirects(const struct audit_input *in)
{
	struct audit_text location = audit_location(in);
	struct audit_sentence t;

	snprintf(t.s, sizeof(t.s),
		"%.26s of %.26s answers were redirects (%u%s%.90s), never followed",
		figure_count(in->redirects).text, figure_count(in->answers).text,
		in->redirect_status, *location.s ? " to " : "", location.s);
	return t;
}

struct audit_sentence audit_try_redirects(const struct audit_input *in)
{
	struct audit_text location = audit_location(in);
	struct audit_sentence t;

	snprintf(t.s, sizeof(t.s), "load the address they point to%s%s", *location.s ? ": " : "",
		location.s);
	return t;
}

/* ---------------------------------------------------------------- one answer */

/* No shell makes anything else of it, between quotes or without. */
static bool audit_is_plain(const char *text)
{
	for (const char *c = text; *c; c++)
		if (*c <= ' ' || *c >= 0x7f || strchr("'\"\\`", *c))
			return false;
	return true;
}

static const char *audit_quote(const char *text)
{
	return strpbrk(text, "&?*;()<>$#![]{}~|") ? "'" : "";
}

/* What curl asks for over a Unix socket: it does not know unix:/SOCKET:/PATH. */
static const char *audit_request_of_unix(const char *url)
{
	const char *request = strchr(url + strlen(AUDIT_UNIX), ':');

	return request ? request + 1 : "/";
}

struct audit_sentence audit_try_look(const struct audit_input *in)
{
	struct audit_sentence t = {"look at one answer: curl -i URL"};
	const char *path = in->unix_path;
	const char *method = in->method ? in->method : "GET";
	const char *host = "", *url = in->url, *quote;
	bool is_head = strcmp(method, "HEAD") == 0;
	bool has_method = !is_head && strcmp(method, "GET") != 0;

	if (!url || !audit_is_plain(url) || !audit_is_plain(method) ||
		(path && !audit_is_plain(path)) ||
		strlen(url) + strlen(method) + (path ? strlen(path) : 0) > AUDIT_LOOK_MAX)
		return t;
	if (strncmp(url, AUDIT_UNIX, strlen(AUDIT_UNIX)) == 0) {
		host = "http://localhost";
		url = audit_request_of_unix(url);
	}
	quote = audit_quote(url);
	/* With -X HEAD curl would wait for a body. */
	snprintf(t.s, sizeof(t.s), "look at one answer: curl -%s%s%s%s%s%s%s%s %s%s%s%s",
		in->takes_any_certificate ? "k" : "", is_head ? "I" : "i", has_method ? " -X " : "",
		has_method ? method : "", path ? " --unix-socket " : "",
		path ? audit_quote(path) : "", path ? path : "", path ? audit_quote(path) : "",
		quote, host, url, quote);
	return t;
}
