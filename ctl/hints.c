/* SPDX-License-Identifier: Apache-2.0 */
/* Flags of other tools. One letter may mean different things there, and then its value tells which
 * was meant: the first row whose form fits is taken, and where the value does not tell, its text
 * has both. "VALUE" in a text is what was given, or the row's placeholder where nothing was, or the
 * URL to load. */
#include "ctl/hints.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/str.h"
#include "common/units.h"

enum hints_form {
	HINTS_ANY,
	HINTS_NUMBER, /* begins with a digit */
	HINTS_COUNT,  /* digits alone */
	HINTS_TIME,   /* "5s" */
	HINTS_BODY,   /* JSON, a form, a file */
	HINTS_WORD,   /* begins with a letter */
	HINTS_FORMAT, /* "%{http_code}" */
	HINTS_LOGINS, /* "user:password" */
	HINTS_STAGE,  /* "30s:10" */
	HINTS_MEDIA,  /* "text/html" */
	HINTS_PAIR,   /* "NAME=TEXT" */
	HINTS_LINK,   /* "http://..." */
	HINTS_URL,    /* the same, or nothing: the flag was the last word, or takes no value */
};

struct hints_row {
	const char *flag;
	enum hints_form form;
	const char *text;
	const char *placeholder;
};

#define HINTS_LATENCY "leave it out: percentiles are always printed"
#define HINTS_SCRIPT "there are no scripts: -X, -H and --data say what is sent"
#define HINTS_HTTP "leave it out: HTTP/1.1 is what is sent"
#define HINTS_HTTP2 "HTTP/2 is not supported yet; HTTP/1.1 is what is sent"
#define HINTS_STREAMS "streams of a connection: leave it out, HTTP/2 is not supported yet"
#define HINTS_HTTP3 "HTTP/3 is not supported; HTTP/1.1 is what is sent"
#define HINTS_LOGIN                                                                                \
	"a login is --set 'defaults.auth=basic USER @FILE', with the password in the file"
#define HINTS_PROXY "proxies are not supported, and http_proxy is not read: load the server itself"
#define HINTS_REDIRECTS "redirects are not followed"
#define HINTS_FAIL "leave it out: a status from 400 on is counted as failed"
#define HINTS_HEAD "HEAD requests are -X HEAD"
#define HINTS_HEADERS "leave it out: headers of answers are not shown; " HINTS_HEAD
#define HINTS_LATER "start does not wait for the end of the run: then rpsctl report RUN "
#define HINTS_QUIET "leave it out, or -q, which turns progress off"
#define HINTS_NO_TLS                                                                               \
	"rpsctl origin serves HTTP without TLS; for https there is openssl s_server -www, or "     \
	"nginx"
#define HINTS_FORM                                                                                 \
	"forms are not composed: --data @FILE has the body, -H 'Content-Type: TYPE' says what "    \
	"it is"
#define HINTS_LIST                                                                                 \
	"lists of URLs are not supported yet: a run file has up to 64 [request NAME] sections; "   \
	"a body from a file is --data @VALUE"

static const struct hints_row hints_unknowns[] = {
	{"-z", HINTS_ANY, "the duration is -d VALUE", "TIME"},
	{"-D", HINTS_NUMBER, "the duration is -d VALUE", NULL},
	{"-D", HINTS_ANY, "a body from a file is --data @VALUE", "FILE"},
	{"-s", HINTS_URL, HINTS_QUIET, NULL},
	{"-s", HINTS_STAGE,
		"a stage is a rate and a time, as in --stage 'ramp to 500 over 30s', and users "
		"have none",
		NULL},
	{"-s", HINTS_NUMBER, "the timeout of a request is --timeout VALUE", NULL},
	{"-s", HINTS_ANY, HINTS_SCRIPT, NULL},
	{"-S", HINTS_ANY, "leave it out: what fails is always shown", NULL},
	{"-m", HINTS_NUMBER, "the timeout of a request is --timeout VALUE; " HINTS_STREAMS, NULL},
	{"-m", HINTS_ANY, "the method is -X VALUE", "METHOD"},
	{"-l", HINTS_ANY, HINTS_LATENCY ", and answers may differ in length", NULL},
	{"-L", HINTS_ANY, HINTS_LATENCY ", and " HINTS_REDIRECTS, NULL},
	{"-U", HINTS_LOGINS, HINTS_PROXY, NULL},
	{"-U", HINTS_ANY, HINTS_LATENCY, NULL},
	{"-i", HINTS_NUMBER, "the number of requests is -n VALUE", NULL},
	{"-i", HINTS_URL, HINTS_HEADERS, NULL},
	{"-i", HINTS_ANY, HINTS_LIST, "FILE"},
	{"-I", HINTS_ANY, HINTS_HEAD, NULL},
	{"-p", HINTS_NUMBER,
		"requests in flight on a connection are --set "
		"connections.pipeline=VALUE; " HINTS_STREAMS,
		NULL},
	{"-p", HINTS_ANY, "a body from a file is --data @VALUE", "FILE"},
	{"-u", HINTS_NUMBER, "users are -c VALUE --closed", NULL},
	{"-u", HINTS_LOGINS, HINTS_LOGIN, NULL},
	{"-u", HINTS_ANY, "PUT of a file is -X PUT --data @VALUE", "FILE"},
	{"-a", HINTS_LOGINS, HINTS_LOGIN, NULL},
	{"-a", HINTS_URL, "a connection for each request is --no-keepalive; " HINTS_LOGIN, NULL},
	{"-a", HINTS_NUMBER, "the number of requests is -n VALUE", NULL},
	{"-a", HINTS_ANY, HINTS_LOGIN, NULL},
	{"-A", HINTS_LOGINS, HINTS_LOGIN, NULL},
	{"-A", HINTS_ANY, "it is -H 'User-Agent: VALUE' or -H 'Accept: VALUE'", "TEXT"},
	{"-T", HINTS_NUMBER, "the timeout of a request is --timeout VALUE", NULL},
	{"-T", HINTS_MEDIA, "it is -H 'Content-Type: VALUE'", NULL},
	{"-T", HINTS_URL, "it is -H 'Content-Type: VALUE'", "TYPE"},
	{"-T", HINTS_ANY,
		"PUT of a file is -X PUT --data @VALUE; the type of a body is -H "
		"'Content-Type: VALUE'",
		NULL},
	{"-C", HINTS_ANY, "a cookie is -H 'Cookie: VALUE'", "TEXT"},
	{"-b", HINTS_URL,
		"a cookie is -H 'Cookie: VALUE', a body is --data VALUE; in the closed model users "
		"do not wait, but for --think TIME",
		"TEXT"},
	{"-b", HINTS_ANY, "a cookie is -H 'Cookie: VALUE', a body is --data VALUE", "TEXT"},
	{"-F", HINTS_ANY, HINTS_FORM, NULL},
	{"-f", HINTS_URL, HINTS_FAIL, NULL},
	{"-f", HINTS_ANY, HINTS_LIST, "FILE"},
	{"-e", HINTS_LINK, "it is -H 'Referer: VALUE'", "URL"},
	{"-e", HINTS_PAIR,
		"${NAME} in run files is filled from the environment: VALUE rpsctl FILE.ini", NULL},
	{"-e", HINTS_ANY, "-o FILE.csv writes a table", NULL},
	{"-g", HINTS_LINK, "leave it out: a URL has no ranges and lists", NULL},
	{"-g", HINTS_ANY, "-o FILE.csv writes a table", NULL},
	{"-x", HINTS_ANY, HINTS_PROXY, NULL},
	{"-h2", HINTS_ANY, HINTS_HTTP2, NULL},
	{"-cpus", HINTS_ANY, "threads are -t VALUE", "N"},
	{"-host", HINTS_ANY, "it is -H 'Host: VALUE'", "NAME"},
	{"-disable-compression", HINTS_ANY, "leave it out: compressed answers are not asked for",
		NULL},
	{"-disable-keepalive", HINTS_ANY, "it is --no-keepalive", NULL},
	{"-disable-redirects", HINTS_ANY, "leave it out: " HINTS_REDIRECTS, NULL},
	{"--http2", HINTS_ANY, HINTS_HTTP2, NULL},
	{"--http2-prior-knowledge", HINTS_ANY, HINTS_HTTP2, NULL},
	{"--http3", HINTS_ANY, HINTS_HTTP3, NULL},
	{"--http3-only", HINTS_ANY, HINTS_HTTP3, NULL},
	{"--http1.1", HINTS_ANY, HINTS_HTTP, NULL},
	{"--fail", HINTS_ANY, HINTS_FAIL, NULL},
	{"--file", HINTS_ANY, HINTS_LIST, "FILE"},
	{"--targets", HINTS_ANY, HINTS_LIST, "FILE"},
	{"--urls-from-file", HINTS_ANY, HINTS_LIST, "FILE"},
	{"--user", HINTS_ANY, HINTS_LOGIN, NULL},
	{"--request", HINTS_ANY, "the method is -X VALUE", "METHOD"},
	{"--head", HINTS_ANY, HINTS_HEAD, NULL},
	{"--data-raw", HINTS_ANY, "a body is --data VALUE", "TEXT"},
	{"--data-binary", HINTS_ANY, "a body is --data VALUE", "@FILE"},
	{"--data-ascii", HINTS_ANY, "a body is --data VALUE", "TEXT"},
	{"--data-urlencode", HINTS_ANY, "a body is --data TEXT, encoded already", NULL},
	{"--form", HINTS_ANY, HINTS_FORM, NULL},
	{"--cookie", HINTS_ANY, "a cookie is -H 'Cookie: VALUE'", "TEXT"},
	{"--user-agent", HINTS_ANY, "it is -H 'User-Agent: VALUE'", "TEXT"},
	{"--referer", HINTS_ANY, "it is -H 'Referer: VALUE'", "URL"},
	{"--max-time", HINTS_ANY, "the timeout of a request is --timeout VALUE", "TIME"},
	{"--connect-timeout", HINTS_ANY, "it is --set timeouts.connect=TIME, as in 5s", NULL},
	{"--resolve", HINTS_ANY, "it is --connect-to ADDRESS:PORT", NULL},
	{"--unix-socket", HINTS_ANY, "a Unix socket is in the URL: unix:VALUE:/", "PATH"},
	{"--silent", HINTS_ANY, HINTS_QUIET, NULL},
	{"--sni", HINTS_ANY, "it is --set tls.server-name=VALUE", "HOST"},
	{"--h1", HINTS_ANY, HINTS_HTTP, NULL},
	{"--location", HINTS_ANY,
		"leave it out: " HINTS_REDIRECTS "; load the URL that the answer names", NULL},
	{"--compressed", HINTS_ANY,
		"answers are not decompressed; -H 'Accept-Encoding: gzip' asks for compressed ones",
		NULL},
	{"--proxy", HINTS_ANY, HINTS_PROXY, NULL},
	{"--script", HINTS_ANY, HINTS_SCRIPT, NULL},
	{"--threads", HINTS_ANY, "threads are -t VALUE", "N"},
	{"--rps", HINTS_ANY, "requests per second are -r VALUE", "RATE"},
	{"--qps", HINTS_ANY, "requests per second are -r VALUE", "RATE"},
	{"--concurrency", HINTS_ANY, "connections are -c VALUE", "N"},
	{"--max-workers", HINTS_ANY, "connections are -c VALUE", "N"},
	{"--vus", HINTS_ANY, "users are -c VALUE --closed", "N"},
	{"--users", HINTS_ANY, "users are -c VALUE --closed", "N"},
	{"--iterations", HINTS_ANY, "the number of requests is -n VALUE", "N"},
	{"--amount", HINTS_ANY, "the number of requests is -n VALUE", "N"},
	{"--time", HINTS_ANY, "the duration is -d VALUE", "TIME"},
	{"--warm-up-time", HINTS_ANY, "it is -w VALUE", "TIME"},
	{"--body", HINTS_ANY, "a body is --data VALUE", "TEXT"},
	{"--body-file", HINTS_ANY, "a body from a file is --data @VALUE", "FILE"},
	{"--disable-keepalive", HINTS_ANY, "it is --no-keepalive", NULL},
	{"--latencies", HINTS_ANY, HINTS_LATENCY, NULL},
	{"--u_latency", HINTS_ANY, HINTS_LATENCY, NULL},
	{"--latency-correction", HINTS_ANY,
		"leave it out: response times count from the planned instant", NULL},
	{"--no-tui", HINTS_ANY, HINTS_QUIET, NULL},
	{"--out", HINTS_ANY, "a report in a file is -o FILE.json", NULL},
	{"--url", HINTS_ANY, "leave it out: a URL is a word of its own, rpsctl VALUE", "URL"},
	{"--count", HINTS_ANY, "requests are -n VALUE, connections -c VALUE", "N"},
	{"--connections-per-second", HINTS_ANY, "it is --set connections.open-rate=VALUE", "RATE"},
	/* Of rpsctl start, which other commands have. */
	{"-o", HINTS_ANY, HINTS_LATER "-o VALUE", "FILE"},
	{"--output", HINTS_ANY, HINTS_LATER "-o VALUE", "FILE"},
	{"-v", HINTS_ANY, HINTS_LATER "-v", NULL},
	{"--verbose", HINTS_ANY, HINTS_LATER "-v", NULL},
	{"--json", HINTS_ANY, HINTS_LATER "--json", NULL},
	{"-q", HINTS_ANY, "leave it out: start shows no progress", NULL},
	{"--quiet", HINTS_ANY, "leave it out: start shows no progress", NULL},
};

/* Of rpsctl origin. */
static const struct hints_row hints_origin[] = {
	{"-p", HINTS_ANY, "the port is in --listen 127.0.0.1:VALUE", "PORT"},
	{"--port", HINTS_ANY, "the port is in --listen 127.0.0.1:VALUE", "PORT"},
	{"-b", HINTS_ANY, "the address is in --listen VALUE:PORT", "ADDRESS"},
	{"-d", HINTS_ANY, "the delay of answers is --delay VALUE", "TIME"},
	{"--latency", HINTS_ANY, "the delay of answers is --delay VALUE", "TIME"},
	{"--status", HINTS_ANY, "answers of another status are --errors '100% VALUE'", "503"},
	{"--bind", HINTS_ANY, "the address is in --listen VALUE:PORT", "ADDRESS"},
	{"--tls", HINTS_ANY, HINTS_NO_TLS, NULL},
	{"--https", HINTS_ANY, HINTS_NO_TLS, NULL},
	{"--cert", HINTS_ANY, HINTS_NO_TLS, NULL},
	{"--key", HINTS_ANY, HINTS_NO_TLS, NULL},
};

/* Of commands that show a report. */
static const struct hints_row hints_forms[] = {
	{"--csv", HINTS_ANY, "the form is in the name: -o FILE.csv writes a table", NULL},
	{"--txt", HINTS_ANY, "the form is in the name: -o FILE.txt", NULL},
	{"--text", HINTS_ANY, "the form is in the name: -o FILE.txt", NULL},
	{"--md", HINTS_ANY, "the form is in the name: -o FILE.md", NULL},
	{"--markdown", HINTS_ANY, "the form is in the name: -o FILE.md", NULL},
	{"--hdr", HINTS_ANY, "the form is in the name: -o FILE.hlog writes histograms", NULL},
	{"--format", HINTS_ANY,
		"the form is in the name of a file: -o FILE.csv, FILE.md; on stdout "
		"it is --json or the text",
		NULL},
	{"--html", HINTS_ANY, "there is no HTML: -o FILE.md writes a page", NULL},
	{"--full", HINTS_ANY, "all of the report is -v", NULL},
};

static const struct hints_row hints_misuses[] = {
	{"-q", HINTS_COUNT, "is quiet; a rate, of all connections together, is -r VALUE", NULL},
	{"-t", HINTS_TIME,
		"is the number of workers; the duration is -d VALUE, the timeout is --timeout "
		"VALUE",
		NULL},
	{"-d", HINTS_BODY, "is the duration; a body is --data VALUE", NULL},
	{"-d", HINTS_WORD, "is the duration, as in 30s; a body is --data VALUE", NULL},
	{"-w", HINTS_FORMAT, "is the warm-up; -o FILE.json writes all figures", NULL},
	{"--json", HINTS_BODY, "takes no value: it prints JSON; a body is --data VALUE", NULL},
};

/* "localhost", "localhost:8000/x", "127.0.0.1", "[::1]:8000", "shop.test:8000": an address, or a
 * name with a dot and a port. "joe:1234" is a login, and "conf.d/urls.txt" a file. */
static bool hints_begins_with_host(const char *value)
{
	size_t len = strcspn(value, ":/?#");
	char host[64];
	struct in6_addr address;

	if (value[0] == '[') {
		len = strcspn(value, "]");
		if (len >= sizeof(host) || value[len] != ']')
			return false;
		(void)snprintf(host, sizeof(host), "%.*s", (int)len - 1, value + 1);
		return inet_pton(AF_INET6, host, &address) == 1;
	}
	if (len >= sizeof(host))
		return false;
	(void)snprintf(host, sizeof(host), "%.*s", (int)len, value);
	return str_eq(host, "localhost") || inet_pton(AF_INET, host, &address) == 1 ||
	       (isalpha((unsigned char)host[0]) && strchr(host, '.') && value[len] == ':' &&
		       isdigit((unsigned char)value[len + 1]));
}

bool hints_is_url(const char *value)
{
	size_t scheme = strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");

	return (scheme && str_starts(value + scheme, "://")) || str_starts(value, "unix:/") ||
	       hints_begins_with_host(value);
}

static bool hints_is_media(const char *value)
{
	static const char *const kinds[] = {
		"application/", "audio/", "image/", "multipart/", "text/", "video/"};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (str_starts(value, kinds[i]))
			return true;
	return false;
}

/* Digits and a unit before a colon. */
static bool hints_is_stage(const char *value)
{
	const char *colon = strchr(value, ':');

	return colon && colon > value && isdigit((unsigned char)value[0]) &&
	       isalpha((unsigned char)colon[-1]) && isdigit((unsigned char)colon[1]);
}

static bool hints_fits(enum hints_form form, const char *value)
{
	int64_t ns;

	switch (form) {
	case HINTS_ANY:
		return true;
	case HINTS_NUMBER:
		return value && isdigit((unsigned char)value[0]) && !hints_is_url(value);
	case HINTS_COUNT:
		return value && *value && !hints_is_url(value) &&
		       !value[strspn(value, "0123456789.")];
	case HINTS_TIME:
		return value && !str_eq(value, "0") && units_parse_time(value, &ns) == 0;
	case HINTS_BODY:
		return value && *value && value[0] != '=' && !hints_is_url(value) &&
		       (strchr("{[<\"'@", value[0]) || strchr(value, '='));
	case HINTS_WORD:
		return value && isalpha((unsigned char)value[0]) && !hints_is_url(value);
	case HINTS_FORMAT:
		return value && strchr(value, '%') && !hints_is_url(value);
	case HINTS_LOGINS:
		return value && strchr(value, ':') && !hints_is_url(value);
	case HINTS_STAGE:
		return value && hints_is_stage(value);
	case HINTS_MEDIA:
		return value && hints_is_media(value);
	case HINTS_PAIR:
		return value && strchr(value, '=') && !hints_is_url(value);
	case HINTS_LINK:
		return value && hints_is_url(value);
	case HINTS_URL:
		return !value || hints_is_url(value);
	}
	return false;
}

/* "-fsSL": letters of curl's flags without a value, and not all of them rpsctl's. */
static bool hints_is_curls(const char *flag)
{
	const char *letters = flag + 1;
	static const char foreign[] = "sSfiL";
	size_t len = strlen(letters);

	return flag[0] == '-' && len > 1 && strspn(letters, "sSfiLkv") == len &&
	       strcspn(letters, foreign) < len;
}

static const struct hints_row *hints_find(
	const struct hints_row *rows, size_t n, const char *flag, const char *value)
{
	for (size_t i = 0; i < n; i++) {
		if (str_eq(rows[i].flag, flag) && hints_fits(rows[i].form, value))
			return &rows[i];
	}
	return NULL;
}

static void hints_say(const struct hints_row *row, const char *before, const char *between,
	const char *value, struct err *reterr)
{
	static const char word[] = "VALUE";
	const char *from = row->text;
	struct buf text = {0};
	const char *at;
	int r = 0;

	/* A URL is what to load, where the flag is not for one. */
	if (!value || !*value ||
		(row->placeholder && !str_eq(row->placeholder, "URL") &&
			!str_eq(row->placeholder, "ADDRESS") && hints_is_url(value)))
		value = row->placeholder ? row->placeholder : "";
	while (r == 0 && (at = strstr(from, word))) {
		r = buf_printf(&text, "%.*s%.100s", (int)(at - from), from, value);
		from = at + strlen(word);
	}
	err_set(reterr, "%s%s%s%s%s", before, row->flag, between, text.data ? text.data : "", from);
	buf_fini(&text);
}

bool hints_unknown(bool is_origin, const char *flag, const char *value, struct err *reterr)
{
	const struct hints_row *rows = is_origin ? hints_origin : hints_unknowns;
	size_t n = is_origin ? sizeof(hints_origin) / sizeof(*hints_origin)
			     : sizeof(hints_unknowns) / sizeof(*hints_unknowns);
	const struct hints_row *row = hints_find(rows, n, flag, value);

	if (!row && !is_origin && hints_is_curls(flag)) {
		err_set(reterr,
			"unknown flag %.20s: these are flags of curl without a value: leave them "
			"out",
			flag);
		return true;
	}
	if (row)
		hints_say(row, "unknown flag ", ": ", value, reterr);
	return row;
}

bool hints_unknown_form(const char *flag, struct err *reterr)
{
	const struct hints_row *row =
		hints_find(hints_forms, sizeof(hints_forms) / sizeof(*hints_forms), flag, NULL);

	if (row)
		hints_say(row, "unknown flag ", ": ", NULL, reterr);
	return row;
}

bool hints_misused(const char *flag, const char *value, struct err *reterr)
{
	const struct hints_row *row = hints_find(
		hints_misuses, sizeof(hints_misuses) / sizeof(*hints_misuses), flag, value);

	if (row)
		hints_say(row, "", " ", value, reterr);
	return row;
}
