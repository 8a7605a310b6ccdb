/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What to try against a fault, and against the class of the ledger that took most requests.
 *
 * A remedy names a flag of rpsctl where there is one, with its key in brackets where the
 * two are not called alike: "--cacert FILE ([tls] ca-file)"; a key without a flag is
 * --set SECTION.KEY=VALUE. So it can be typed as it is read, and found in a run file too.
 *
 * Pure; any thread.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/figure.h"
#include "common/result/audit_internal.h"

__attribute__((format(printf, 1, 2))) static struct audit_sentence audit_say(
	const char *format, ...)
{
	struct audit_sentence t;
	va_list args;

	va_start(args, format);
	vsnprintf(t.s, sizeof(t.s), format, args);
	va_end(args);
	return t;
}

/* ---------------------------------------------------------------- one fault */

/* Of another host's certificate: the name it is for, as the server sent it and cleaned. */
static struct audit_sentence audit_try_server_name(const struct audit_view *v)
{
	const char *name = v->plan.certificate_name;

	if (audit_fault_says(v, FAULT_TLS_WRONG_HOST, "names no host"))
		return audit_say("a new certificate with a subjectAltName (openssl req ... -addext "
				 "subjectAltName=DNS:NAME); -k ([tls] verify = no) accepts any "
				 "certificate");
	if (!*name)
		return audit_say("a URL with a name that the certificate is for, or --set "
				 "tls.server-name=NAME; -k ([tls] verify = no) accepts any "
				 "certificate");
	return audit_say(
		"--set tls.server-name=%.80s, or a URL with a name that the certificate is "
		"for",
		name);
}

/* A server that ends with one of these is not content with the client's certificate, or with there
 * being none. */
static const struct {
	const char *alert; /* as OpenSSL calls it */
	const char *says;  /* of the certificate that it got */
} audit_alerts[] = {
	{"\"unknown ca\"", "does not trust the issuer of this one"},
	{"\"bad certificate\"", "does not accept this one"},
	{"\"certificate unknown\"", "does not accept this one"},
	{"\"unsupported certificate\"", "does not accept this one's type"},
	{"\"certificate expired\"", "says that this one has expired"},
	{"\"certificate revoked\"", "says that this one is revoked"},
	{"\"access denied\"", "gives this one no access"},
	{"\"certificate required\"", "asks for one, and did not get this one"},
};

/* "" where the alert is about something else. In TLS 1.3 it comes after the handshake, in place of
 * an answer. */
static struct audit_sentence audit_try_certificate(const struct audit_view *v, enum fault fault)
{
	size_t n = sizeof(audit_alerts) / sizeof(*audit_alerts), i = 0;

	while (i < n && !audit_fault_says(v, fault, audit_alerts[i].alert))
		i++;
	if (i == n)
		return audit_say("%s", "");
	if (!v->plan.has_client_certificate)
		return audit_say("--cert FILE and --key FILE ([tls] certificate and key): the "
				 "server asks for a client certificate");
	return audit_say("another certificate for --cert and --key ([tls] certificate and key): "
			 "the server %s",
		audit_alerts[i].says);
}

static struct audit_sentence audit_try_against_alert(const struct audit_view *v)
{
	struct audit_sentence t = audit_try_certificate(v, FAULT_TLS_ALERT);

	if (*t.s)
		return t;
	if (audit_fault_says(v, FAULT_TLS_ALERT, "unrecognized name"))
		return audit_say("a URL with a name that the server has, or --set "
				 "tls.server-name=NAME");
	if (v->plan.has_client_certificate)
		return audit_say("see the server's log: does it accept the certificate of --cert "
				 "([tls] certificate)?");
	return audit_say("see the server's log; if it asks for a client certificate: --cert FILE "
			 "and --key FILE ([tls] certificate and key)");
}

static const char *audit_tls_remedy(enum fault fault)
{
	switch (fault) {
	case FAULT_TLS_EXPIRED:
	case FAULT_TLS_NOT_YET_VALID:
		return "a valid certificate on the server; see that the clock of this host is "
		       "right; "
		       "-k ([tls] verify = no) accepts any certificate";
	case FAULT_TLS_SELF_SIGNED:
		return "--cacert FILE ([tls] ca-file) with this certificate, or -k ([tls] verify = "
		       "no) "
		       "to accept any";
	case FAULT_TLS_UNTRUSTED:
		return "--cacert FILE ([tls] ca-file) with the issuer's certificate, or -k ([tls] "
		       "verify = no) to accept any";
	case FAULT_TLS_CERTIFICATE:
		return "see the error; -k ([tls] verify = no) accepts any certificate";
	case FAULT_TLS_ALPN:
		return "a port at which this server speaks HTTP/1.1";
	case FAULT_TLS_PROTOCOL:
		return "see the server's log; the versions and ciphers offered are --set "
		       "tls.min-version, max-version, ciphers and ciphersuites";
	case FAULT_TLS_CLOSED:
		return "http:// if this port speaks no TLS; where that is closed too, see the "
		       "server's log";
	case FAULT_TLS_TIMEOUT:
		return "see that the server speaks TLS at this port, or try http://";
	default:
		return "";
	}
}

static const char *audit_generator_remedy(const struct audit_view *v, enum fault fault)
{
	switch (fault) {
	case FAULT_NO_DESCRIPTORS:
		return "more descriptors: ulimit -n, or LimitNOFILE= of the service";
	case FAULT_NO_PORTS:
		return "connections that stay open; more addresses to connect from (--set "
		       "connections.source=ADDRESSES); a wider net.ipv4.ip_local_port_range";
	case FAULT_NO_MEMORY:
		return "fewer connections (-c), or more memory: net.ipv4.tcp_mem, MemoryMax= of "
		       "the service";
	case FAULT_FORBIDDEN:
		if (*v->plan.unix_path)
			return "give the user of the run write permission on the socket, and "
			       "execute permission on the directories above it";
		return "see what forbids it: [policy] of rpsd.conf, or this host's packet filter";
	case FAULT_EVENT_LOOP:
		return "see the reason: the kernel refused a timer or an event to the generator";
	default:
		return "";
	}
}

#define AUDIT_TRY_FEWER                                                                            \
	"see the server's log: why does it reset the connection? Or fewer connections (-c), if "   \
	"it has a limit of them"

static const char *audit_connect_remedy(const struct audit_view *v, enum fault fault)
{
	if (fault == FAULT_CONNECT_TIMEOUT && v->sent > 0)
		return "a longer listen backlog in the server, up to net.core.somaxconn of its "
		       "host; or fewer connections at once: -c, --set connections.open-rate=RATE; "
		       "a packet filter looks the same";
	if (fault == FAULT_CONNECT_BACKLOG)
		return "a longer listen backlog in the server, up to net.core.somaxconn of its "
		       "host; or fewer connections at once: -c, --set connections.open-rate=RATE";
	/* Both drop what a client begins a connection with. */
	if (fault == FAULT_CONNECT_TIMEOUT)
		return "see that the server is up and listens at this address and port; a full "
		       "listen backlog (the server's own, net.core.somaxconn) and a packet filter "
		       "look the same";
	if (fault == FAULT_CONNECT_ERROR && v->sent > 0 && audit_fault_says(v, fault, "reset"))
		return AUDIT_TRY_FEWER;
	if (fault != FAULT_CONNECT_REFUSED && fault != FAULT_CONNECT_ERROR)
		return "";
	if (*v->plan.unix_path && fault == FAULT_CONNECT_REFUSED)
		return "start the server that listens on this socket; see that the path is right";
	if (*v->plan.unix_path)
		return "see that the server is up and listens on this socket, and that the path is "
		       "right";
	return "";
}

struct audit_sentence audit_fault_remedy(const struct audit_view *v, enum fault fault)
{
	switch (fault) {
	case FAULT_TLS_WRONG_HOST:
		return audit_try_server_name(v);
	case FAULT_TLS_ALERT:
		return audit_try_against_alert(v);
	case FAULT_RECEIVE:
		return audit_try_certificate(v, fault);
	case FAULT_SPEAKS_TLS:
		return audit_say("https://");
	case FAULT_SPEAKS_HTTP2:
		return audit_say("a port at which this server speaks HTTP/1.1");
	case FAULT_NOT_HTTP:
		return audit_say("the port at which this server speaks HTTP: neither http:// nor "
				 "https:// fits this one");
	case FAULT_NOT_TLS:
		if (audit_fault_says(v, fault, "neither TLS nor HTTP"))
			return audit_say("the port at which this server speaks TLS or HTTP: it is "
					 "not this one");
		return audit_say("http://, or the port at which this server speaks TLS");
	case FAULT_RESOLVE:
		if (v->plan.is_one_family)
			return audit_say("leave out -4 or -6 ([target] addresses): the name may "
					 "have other addresses; getent ahosts NAME lists them");
		return audit_say("see that the name is spelled right: getent hosts NAME");
	default:
		break;
	}
	switch (fault_table[fault].phase) {
	case FAULT_PHASE_TLS:
		return audit_say("%s", audit_tls_remedy(fault));
	case FAULT_PHASE_CONNECT:
		return audit_say("%s", audit_connect_remedy(v, fault));
	default:
		return audit_say("%s", audit_generator_remedy(v, fault));
	}
}

/* ---------------------------------------------------------------- one class */

static const char *const audit_class_remedies[LEDGER_CLASS_COUNT] = {
	[LEDGER_DROPPED] = "more connections (-c), or --set connections.exhausted=queue",
	[LEDGER_EXPIRED] = "more connections (-c), or a lower rate (-r)",
	[LEDGER_NOT_CONNECTED] = "see that the server is up and listens at this address and port",
	[LEDGER_UNSENT] = "a longer run (-d), or a longer drain (--set timeouts.drain=TIME)",
	[LEDGER_LOST] = "see what ended the generator: its log, the kernel's",
	[LEDGER_TIMEOUT] = "a longer timeout (--timeout), or a lower rate (-r)",
	[LEDGER_CONNECTION_ERROR] = "see the server's log: why does it close the connection?",
	[LEDGER_UNFINISHED] = "a longer run (-d), or a longer drain (--set timeouts.drain=TIME)",
};

/* Plain HTTP, and not a byte of any answer: a port of TLS may look so. */
static bool audit_may_be_https(const struct audit_view *v)
{
	return !v->plan.is_tls && !*v->plan.unix_path && v->answers == 0 && v->r->bytes.in <= 0;
}

/* It takes requests, and answers none, or none as early as it is asked to. What can be pasted into
 * a shell comes last, and whole. */
static struct audit_sentence audit_try_timeout(const struct audit_view *v)
{
	struct audit_sentence look = audit_try_look(v, LEDGER_TIMEOUT), t;
	int n = snprintf(t.s, sizeof(t.s), "a longer --timeout if an answer takes more than %s; %s",
		figure_time(v->plan.request_timeout_ns).text, look.s);

	return v->plan.request_timeout_ns > 0 && n < (int)sizeof(t.s) - 1 ? t : look;
}

static struct audit_sentence audit_class_remedy(const struct audit_view *v, enum ledger_class most)
{
	static const enum fault_phase phases[] = {
		FAULT_PHASE_TLS, FAULT_PHASE_RESOLVE, FAULT_PHASE_CONNECT};

	for (size_t i = 0; most == LEDGER_NOT_CONNECTED && i < 3; i++) {
		enum fault fault = audit_main_fault(v, phases[i]);
		struct audit_sentence t = audit_fault_remedy(v, fault);

		if (fault != FAULT_NONE && *t.s)
			return t;
	}
	if (most == LEDGER_TIMEOUT && v->answers == 0 && v->ledger.classes[LEDGER_OK] == 0)
		return audit_try_timeout(v);
	if (most == LEDGER_TIMEOUT && !v->is_open)
		return audit_say("a longer timeout (--timeout), or fewer connections (-c)");
	if (most == LEDGER_BAD_RESPONSE)
		return audit_fault_remedy(v, audit_main_fault(v, FAULT_PHASE_PARSE));
	if (most == LEDGER_CONNECTION_ERROR &&
		*audit_fault_remedy(v, audit_main_fault(v, FAULT_PHASE_RECEIVE)).s)
		return audit_fault_remedy(v, audit_main_fault(v, FAULT_PHASE_RECEIVE));
	if (most == LEDGER_CONNECTION_ERROR &&
		audit_main_fault(v, FAULT_PHASE_RECEIVE) == FAULT_STALE)
		return audit_try_kept(v);
	if (most == LEDGER_CONNECTION_ERROR && v->answers > 0 &&
		audit_main_fault(v, FAULT_PHASE_RECEIVE) == FAULT_RESET)
		return audit_say(AUDIT_TRY_FEWER);
	if (most == LEDGER_CONNECTION_ERROR && audit_may_be_https(v))
		return audit_say("https:// if this port speaks TLS; where that is closed too, see "
				 "the server's log: why does it close the connection?");
	/* More would open as late. */
	if (most == LEDGER_EXPIRED && v->r->connections.limit > 0 && !audit_was_full(v))
		return audit_say("see why connections open so late: with --set "
				 "timeouts.connect=TIME below --timeout the errors name the "
				 "reason");
	return audit_say("%s", audit_class_remedies[most] ? audit_class_remedies[most] : "");
}

/* What can only be seen by looking at an answer. As long as nothing began as an answer of HTTP
 * does, the port or the scheme may be wrong. */
static bool audit_is_to_look_at(const struct audit_view *v, enum ledger_class most)
{
	enum fault fault = audit_main_fault(v, FAULT_PHASE_PARSE);

	if (most == LEDGER_BAD_RESPONSE)
		return !*audit_fault_remedy(v, fault).s ||
		       (fault == FAULT_NOT_HTTP &&
			       (v->answers > 0 || audit_fault_count(v, FAULT_BAD_RESPONSE) > 0));
	return most == LEDGER_HTTP_ERROR || most == LEDGER_CHECK_FAILED;
}

/* One answer to look at would most likely be a good one. */
static bool audit_is_rare(const struct audit_view *v, enum ledger_class most)
{
	return most == LEDGER_HTTP_ERROR && v->r->requests.n <= 1 &&
	       2 * (double)v->ledger.classes[most] < (double)v->ledger.planned;
}

struct audit_sentence audit_remedy(const struct audit_view *v, enum ledger_class most)
{
	if (audit_is_reset(v, most))
		return audit_try_against_resets(v);
	if (audit_is_rare(v, most))
		return audit_say("see the server's log: why does it answer some with such a "
				 "status?%s",
			!audit_may_shed(v) ? ""
			: v->is_open	   ? " If it sheds load: a lower rate (-r)"
					   : " If it sheds load: fewer connections (-c)");
	return audit_is_to_look_at(v, most) ? audit_try_look(v, most) : audit_class_remedy(v, most);
}
