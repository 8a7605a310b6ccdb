/* SPDX-License-Identifier: Apache-2.0 */
/* The words of the report, one table for `rpsctl help TERM`.
 *
 * Classes of the ledger, faults and notes are explained by their own tables; where a word means
 * more than that it is here and says all of it. A term may have other names: what the screen
 * abbreviates, and what the result calls it. */
#include "ctl/commands/glossary.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/stats/fault.h"
#include "common/stats/ledger.h"
#include "common/result/notes.h"
#include "common/str.h"
#include "ctl/style.h"
#include "ctl/report/report.h"

#define GLOSSARY_WIDTH 78u
#define GLOSSARY_NAME_MAX 48u

struct term {
	const char *names; /* the first one is shown; separated by '|' */
	const char *text;  /* NULL: the meaning of the note of that name */
};

static const struct term terms[] = {
	/* how load is made */
	{"open model|open|model",
		"Requests follow a plan, whatever the answers do, as users of a public service do. "
		"When "
		"the server stalls, the plan goes on and the waiting counts. The default."},
	{"closed model|closed|users",
		"A number of users; each sends, waits for the answer, thinks if told so, and sends "
		"again. A slow answer delays only that user's next request, so only service times "
		"are "
		"known, and the rate is a result. -r max or --closed."},
	{"even spacing|arrivals|constant",
		"How planned instants are spread. constant: all the same distance apart."},
	{"jitter", "Arrivals moved at random within so much of the gap: jitter:0.3."},
	{"poisson", "Arrivals at random, as of many users who know nothing of each other; each "
		    "stage has exactly its number. Queues show that even spacing hides."},
	{"pacing|timer|hybrid|spin",
		"How the instant of an arrival is met. timer: the kernel wakes the worker; hybrid: "
		"a "
		"little early, and it looks at the clock; spin: it never sleeps, and takes a CPU."},
	{"policy|exhausted|grow|drop", "What becomes of an arrival that finds no free connection. "
				       "grow: one more is opened, "
				       "up to the limit; queue: it waits; drop: it is dropped."},
	{"reuse|lifo|rotate|close|fin|rst",
		"Which free connection is taken, the last one used (lifo) or each in turn "
		"(rotate), "
		"and how connections are closed: fin, or rst, which leaves no TIME_WAIT."},
	{"timeouts|hard|soft", "A request has so long from its planned instant. hard: then its "
			       "connection is closed; "
			       "soft: it is counted as late and waited for."},
	{"seed", "What random draws begin with: the same seed makes the same run."},
	{"stage|stages",
		"A part of the plan with its own rate, as in hold 500 for 5m. One follows the "
		"other."},
	{"think", "Closed model: the pause of a user between an answer and the next request."},
	{"worker|workers",
		"A thread that generates load. -t N; auto takes as many as the rate needs."},
	{"plan",
		"What a run shall do: the run file with its overlays and flags. Its text is in the "
		"result as it was written; sha256 also covers what overrides and fills it."},
	{"sha256", "The digest of everything in the plan that decides the load: runs with the same "
		   "one had the same plan. What headers and auth have from files is left out. The "
		   "service does not tell it to those who may not see all of the plan, since "
		   "secrets can be guessed by it."},
	{"label|labels", "NAME=TEXT that a run carries into its result: --label commit=1f2e3d4."},
	{"target", "The server that is loaded, by its URL."},
	{"addresses|address", "Those of the target that answered when the run was prepared."},
	{"request|requests",
		"What is sent: [defaults], or one of several by name, each with its own figures. "
		"In -v and in the result each name has its ledger and its times."},
	{"weight|share",
		"How often a named request is chosen, against the weights of the others; share is "
		"what that came to, of all that was planned. The same seed makes the same "
		"choices."},
	{"pipeline|pipelining",
		"How many requests may be under way on one connection at a time; 1 is what "
		"browsers and most clients do."},
	{"pool|connections|peak",
		"The connections of a run: how many there may be, were at most, and were opened in "
		"all. Where all are in use a request waits: connection wait."},

	/* the window */
	{"window",
		"The measured part of the run, between warm-up and cooldown. What is planned in it "
		"counts, whenever its answer comes."},
	{"warm up|warmup", "Load before the window, counted apart. -w TIME."},
	{"cooldown", "Load after the window, counted apart."},
	{"outside the window|outside", "What was sent in warm-up and cooldown, and retries: with "
				       "these the counts match the "
				       "server's own log."},
	{"retries|retry",
		"Requests sent again because the server was closing the kept connection as they "
		"left: once, and only where the method allows it. A close that acknowledges the "
		"request, or a reset that comes later than a round trip, is an error and no "
		"reason to send it again. One arrival, one class, and its planned instant stays; "
		"the server may have seen it twice. Where more than 1 % were sent twice, the "
		"headline says so: the load was not quite the one planned."},
	{"drain", "The time at the end in which missing answers are awaited, at most [timeouts] "
		  "drain."},
	{"interval|intervals",
		"The width of the rows of the course, 1 s unless [statistics] says "
		"otherwise. Latencies count to the interval of the planned instant, what is sent "
		"and "
		"answered to that in which it happens, up to the window's end. All rows are "
		"equally "
		"wide; in a long run, or where answers take hundreds of intervals, neighbours are "
		"merged and the width doubles."},

	/* the times */
	{"planned|planned instant|intended",
		"The instant at which the plan calls for a request, and the number of requests so "
		"called for. Response times count from it. "
		"planned = sent + dropped + expired + not connected + unsent + lost."},
	{"sent", "Requests that went out, and the instant they did. sent = ok + http error + check "
		 "failed + bad response + timeout + connection error + unfinished."},
	{"completed", "Requests whose answer ended within the window."},
	{"response|response time",
		"From the planned instant to the last byte of the answer: what a user feels. "
		"response = our delay + connection wait + service, for each request. Its "
		"percentiles "
		"rank over all that was planned (see offered)."},
	{"service|service time",
		"From sending a request to the last byte of its answer: what the server and the "
		"network took. It hides the waiting of requests that could not be sent."},
	{"our delay|ours",
		"From the planned instant until the generator took the request up: what this "
		"machine added. After it comes what of the response time's p99 is of its making: "
		"the "
		"p99 less that of the same times without it (less ours)."},
	{"connection wait|conn wait", "From there until sending: the request waited for a free "
				      "connection, or for a new one "
				      "to open. The remedy is -c, or leaving -c out."},
	{"less ours|response less ours",
		"Response time, with users service time, without what this machine added: the "
		"figure of a perfect generator."},
	{"first byte", "From sending a request to the first byte of its answer."},
	{"send stall",
		"How long the kernel took to accept a request: a full socket buffer, when it is "
		"not next to nothing."},
	{"connect", "The time to open a connection; with TLS, of TCP alone."},
	{"tls|tls handshake|handshake",
		"The time of the TLS handshake of a connection, after connect. A session that is "
		"resumed takes less (tls.resume)."},
	{"certificate not verified|not verified|insecure",
		"With -k (tls.verify = no) any certificate is accepted, so the server may be "
		"another one. --cacert trusts the right one."},
	{"rx slack", "By how much the stamps of the last byte are late: from the instant at which "
		     "the kernel had received it until the worker read it. A Unix socket has no "
		     "such instant: \"at least\"."},
	{"latency", "Any of the times of the report: response, service, our delay and so on."},
	{"ok only|served",
		"Percentiles of the good answers alone, shown where others are unserved."},
	{"offered", "Percentiles over everything planned: what got no good answer ranks after all "
		    "that did. The row response shows these."},
	{"unserved|unserv|>=",
		"A percentile that falls on a request without a good answer: there is no "
		"time to print. With 2 % failed, p99 is unserved. >=2s: all of these waited their "
		"whole timeout of 2 s, so that much is known."},
	{"percentile|percentiles|quantile|p50|p75|p90|p95|p99|p99.9|p99.99",
		"p99 = 11 ms: of 100 requests 99 took 11 ms or less. They are read from histograms "
		"of all requests to three digits (those of intervals and stretches: two); they are "
		"never averaged."},
	{"max", "The largest value of all, exactly."},
	{"min", "The smallest value of all, exactly."},
	{"mean", "The sum of all values through their number, exactly. It describes no user."},
	{"ms|us", "Thousandths and millionths of a second; us where p99 is below 1 ms."},
	{"95 %|90 %|99 %|95 % ±|interval of confidence|confidence|ci95|level",
		"How far the percentile above it may be off by chance, 19 times out of 20: the "
		"larger of the two sides, -v has both. It is found from how stretches of at "
		"least 1 s differ, since neighbouring requests share their fate; of merged "
		"repetitions, from how the runs differ. A - stands where a result has none, as of "
		"p95. Another level: [statistics] confidence."},
	{"low|high", "The ends of an interval: the percentile lies between them, 19 times out of "
		     "20."},
	{"no limit|no upper limit|upper limit",
		"An interval with a low end only: the slower requests are so few, or come from so "
		"few moments, that the true percentile may be anything above. It is below the low "
		"end once in 40 times. A longer run tells more."},
	{"n eff|effective n|n effective",
		"How many independent requests the sample is worth: neighbours share their fate, "
		"so "
		"it is less than their number, and much less where the times wander from second to "
		"second. Of p99, else of p50."},
	{"not enough data|data|enough",
		"No interval can be given: there are fewer than 10 stretches of 1 s, or so few "
		"requests that the slowest may be below that percentile; p99 at 95 % needs 299, "
		"p99.9 2,995. A longer run, or a higher rate."},
	{"batch|batches",
		"Stretches of the window of equal length, at least 1 s and at most 120 of them, "
		"each "
		"with its histogram in the result. Intervals are made from how they differ."},
	{"times of good answers|good answers",
		"Served percentiles side by side: only what was answered well, each row a part of "
		"the way of a request."},
	{"steadiness|steady",
		"Was the run in one state all the time? Judged by the backlog, the trend of the "
		"median, a shift of the mean, and a beginning that differs; of runs with one "
		"rate."},
	{"unsteady", "The run drifted: its percentiles depend on how long it was, and a longer one "
		     "would "
		     "show others. The note says by what it was seen. No exit status changes."},
	{"warm up too short|warmup too short|warming up",
		"The beginning of the window was different from the rest. -w as advised leaves it "
		"out; nothing is left out silently."},
	{"staged", "The window had more than one rate, so its steadiness is not judged: what a "
		   "ramp makes of a server is no drift."},
	{"slow|slowest",
		"The ten slowest good answers and the ten slowest failures, with the instant they "
		"were planned at, their request, how they ended, and the connection they were on, "
		"counted as it was opened."},

	/* the ledger and what went wrong */
	{"ledger|ledger balances",
		"The account in which every planned request ends in exactly one class. It balances "
		"when the sums hold: planned = sent + dropped + expired + not connected + unsent + "
		"lost, and "
		"sent = ok + http error + check failed + bad response + timeout + connection error "
		"+ "
		"unfinished."},
	{"failed",
		"Everything planned that got no good answer. As a row of times: how long those "
		"took. As a verdict: nothing connected, or not one of the answers was good (exit "
		"13)."},
	{"error|errors",
		"What went wrong, how often, with an example of what was seen. Each has its "
		"name; rpsctl help connect-refused explains one."},
	{"phase|phases|parse", "How far a request had come when it went wrong: queue, resolve, "
			       "connect, tls, send, receive, parse, timeout, status, check; "
			       "generator where it was the fault of this machine."},
	{"check failed|check|checks",
		"A whole answer with an expected status, but without what expect-header, "
		"expect-body, expect-size or expect-sha256 ask for. The errors say which of them, "
		"with what came instead."},
	{"stale", "A kept connection that the server was closing just as it was used again, for a "
		  "request that could not be sent a second time (see retries). Most often the "
		  "server's keep-alive timeout is shorter than connections are idle here: make it "
		  "longer, or max-age shorter. A request that the server had, and dropped, is "
		  "closed or reset instead."},
	{"surplus",
		"Answers that were followed by bytes that belong to no answer. Most often their "
		"Content-Length is too small, or an answer to HEAD, 204 or 304 has a body. Where "
		"the next answer would begin is then not known, so the connection is closed, and "
		"the next request needs another one."},
	{"redirects|redirect",
		"Answers that name another address (3xx but 304). They are counted and never "
		"followed: where they are most of the answers it is that other address that should "
		"be loaded."},
	{"rule|rules|pass|fail|require|broken",
		"A limit that a run must keep, as in p99 < 50ms, errors < 0.1% or request buy: "
		"p99 < 80ms. Kept in spite of the generator's own delay it is a pass; broken "
		"also without that delay a FAIL; between the two, or of too few requests, it is "
		"undecided. One broken rule is enough: the run is FAIL (exit 10)."},

	/* the verdict */
	{"ok", "As a class: answered well, with a status of 200 to 399. As a verdict: at least 99 "
	       "% of "
	       "the plan was answered well (exit 0)."},
	{"overload", "Less than 99 % of the plan was answered well, or the answers came ever "
		     "later. A finding about the server, not a failure: exit 0."},
	{"void", "This machine sent less than 99.5 % of the plan, or the ledger does not balance: "
		 "the "
		 "figures say nothing about the server (exit 12)."},
	{"undecided",
		"This machine, or too few requests, leaves open whether a rule holds (exit 12, "
		"or what --undecided fail or pass makes of it): p99 takes 299 requests, p99.9 "
		"2,995."},
	{"part|parts|merge|merged",
		"One of the runs whose results rpsctl merge has added up. Counts and histograms "
		"are added; percentiles are found in the sums and never averaged. A part's own "
		"stand in its line."},
	{"uneven|merge uneven", NULL},
	{"merge verdict", NULL},
	{"merge seeds", NULL},
	{"merge apart", NULL},
	{"merge overlap", NULL},
	{"merge window", NULL},
	{"merge rebinned", NULL},
	{"merge intervals", NULL},
	{"merge batches", NULL},
	{"slice|slices|missing slices",
		"One of several equal shares of a plan's arrivals, for as many hosts: together "
		"they are the schedule, and rpsctl merge makes one result of theirs. Its first "
		"line says which slices are missing."},
	{"repeat|repeats|repetition|mean of runs",
		"Runs of one plan, one after the other, merged by rpsctl merge --repeats: counts "
		"are added, latencies pooled, and rates are the mean of the runs. The intervals of "
		"percentiles are those between the runs (Student's t), of three or more."},
	{"hlog|histogram log",
		"-o FILE.hlog: the run's histograms in the log format of HdrHistogram, for its "
		"readers and plotters. Values are ns; tags are response, service, our_delay. What "
		"comes in stretches has two digits: within 1 % of the value."},
	{"stopped",
		"A person ended the run; the figures hold for what was sent (exit 14, or 130)."},
	{"aborted", "A rule ended the run (exit 11)."},
	{"interrupted", "The daemon ended in the middle of the run."},
	{"done", "A run whose result says nothing else; another version wrote it."},
	{"outcome", "How a run ended: completed, stopped, aborted, failed, interrupted."},
	{"exit status|exit",
		"0 measured (OK or OVERLOAD), 1 output not written, 10 kept for rules, "
		"11 aborted, 12 void, 13 failed, 14 stopped by a person, 64 "
		"usage, 66 no such run or file, 69 no daemon, 77 refused, 78 "
		"configuration, 130 the "
		"second Ctrl-C."},
	{"plan delivered|delivered", "The share of the planned requests that were sent."},
	{"answered well", "Closed model: good answers per second of the window; of few "
			  "requests in less than 1 s, how long they took."},
	{"limited by|limited by the plan|limited by the server|limited by connections|"
	 "limited by the users|limited by the policy|limited by the generator|limited",
		"What held the run back. The plan: nothing did. The server: it answered ever "
		"later, "
		"not at all, or stood still at times. Connections: they are too few by their own "
		"arithmetic (connections / mean service time), or opened too slowly. The users: "
		"they think for longer than they wait. The policy: the service lets a run send no "
		"more (max-rate). The generator: this machine. Unknown: none "
		"of these is plain, or the run was too short to tell (closed model, less than "
		"500 ms)."},
	{"unknown", "What held the run back is not plain from its figures."},
	{"server", "What is loaded. Limited by the server: it answered ever later, not at all, "
		   "or stood still at times."},

	/* the generator's check of itself */
	{"generator|audit",
		"This machine, as it sends. It checks itself in each run: our delay, CPU, "
		"steal, receive slack, Little's law."},
	{"verdict",
		"Of the run: the word on top. Of the generator: ok; suspect, its figures may carry "
		"some of its own delay; saturated, they do. Its notes say why."},
	{"suspect",
		"The generator shows in a figure: more than 1 ms and more than a tenth of it is of "
		"its making (our delay, rx slack), and more than the figure is uncertain by. With "
		"users also in the rate: throttled, steal, standstill. rpsctl help explains each "
		"of "
		"these. Notes change no exit status."},
	{"saturated",
		"A tenth of the response time's p99 or more is of the generator's making, and "
		"more than 20 ms: what is measured is this machine. Fewer requests, more workers, "
		"or a quieter machine."},
	{"cpu", "The share of its time that the busiest worker was computing, and how much each "
		"request "
		"took."},
	{"stood still|standstill|stalled share", NULL},
	{"stalls|server stood still", NULL},
	{"ok rate|rate of ok", NULL},
	{"completion stamps|stamps",
		"When an answer was complete, by the clock of this machine: see rx slack."},
	{"throttled", NULL},
	{"run queue", NULL},
	{"turns|turn|loop time", NULL},
	{"softirq", NULL},
	{"retransmits", NULL},
	{"clock", NULL},
	{"descriptors", NULL},
	{"ports used", NULL},
	{"ledger interval", NULL},
	{"unserved age", "How long those had waited that never ended: unfinished and unsent."},
	{"short intervals|short interval share", NULL},
	{"ceiling", NULL},
	{"reset beside", NULL},
	{"short window", NULL},
	{"co located|colocated", NULL},
	{"ports", NULL},
	{"steal", NULL},
	{"open rate|held by pace", NULL},
	{"little's law|little", NULL},
	{"in flight|inflight", "Requests sent and not yet answered."},
	{"queue", "Requests that wait for a connection."},
	{"version", "The version of the rpsd that measured."},
	{"note", "What the generator found when it checked itself."},
	{"try", "What to do about it."},
	{"next", "A run that would tell more."},
	{"worst|flat|rate/s|rate|p99 ms|p99 us|course",
		"The course over time: completions, and the p99 of the response times of all that "
		"was planned, in each interval. "
		"flat: within 5 %; worst: the interval with the largest p99, and when."},
	{"asked", "The rate that the plan calls for at this moment."},
	{"oldest waiting|oldest", "The age of the request that has waited longest for its end."},
	{"in|out|bytes",
		"Bytes that moved in the window: in, of answers, as they were read; out, of "
		"requests, as writes took them; answers after its end are not in it. -v has "
		"them per second too. With TLS it is the content, not the records and "
		"handshakes."},
	{"event|events",
		"What happened to the run, and when: changes of state, changes by people."},
	{"status", "The number in an HTTP answer's first line."},
	{"run", "One execution of a plan. Its id is NAME-N."},
	{"coordinated omission",
		"The error of a generator that does not send while it waits: the worst moments are "
		"then hardly measured. Here response times count from the plan, so it cannot "
		"happen "
		"in the open model."},
};

#define GLOSSARY_N (sizeof(terms) / sizeof(*terms))

/* ---------------------------------------------------------------- names */

/* "Conn._Wait" is "conn wait". */
static void glossary_normalize(const char *text, char name[static GLOSSARY_NAME_MAX])
{
	size_t n = 0;

	for (; *text && n + 1 < GLOSSARY_NAME_MAX; text++) {
		bool is_gap = *text == ' ' || *text == '_' || *text == '-';

		if (is_gap && (n == 0 || name[n - 1] == ' '))
			continue;
		if (*text == '.' &&
			(text[1] == ' ' || text[1] == '_' || text[1] == '-' || !text[1]))
			continue;
		if (is_gap)
			name[n++] = ' ';
		else
			name[n++] =
				*text >= 'A' && *text <= 'Z' ? (char)(*text - 'A' + 'a') : *text;
	}
	while (n > 0 && name[n - 1] == ' ')
		n--;
	name[n] = '\0';
}

static bool glossary_has_name(const struct term *term, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = term->names; at; at = strchr(at, '|') ? strchr(at, '|') + 1 : NULL) {
		if (strcspn(at, "|") == len && strncmp(at, name, len) == 0)
			return true;
	}
	return false;
}

static const struct term *glossary_find(const char *name)
{
	for (size_t i = 0; i < GLOSSARY_N; i++) {
		if (glossary_has_name(&terms[i], name))
			return &terms[i];
	}
	return NULL;
}

static bool glossary_is(const char *known, const char *name)
{
	char normal[GLOSSARY_NAME_MAX];

	glossary_normalize(known, normal);
	return str_eq(normal, name);
}

static const char *glossary_text(const struct term *term)
{
	char name[GLOSSARY_NAME_MAX];

	for (unsigned i = 0; i < NOTE_COUNT && !term->text; i++) {
		glossary_normalize(note_table[i].code, name);
		if (note_table[i].meaning && glossary_has_name(term, name))
			return note_table[i].meaning;
	}
	return term->text ? term->text : "";
}

/* LEDGER_CLASS_COUNT: none. */
static unsigned glossary_find_class(const char *name)
{
	unsigned c = 0;

	while (c < LEDGER_CLASS_COUNT && !glossary_is(ledger_class_names[c], name))
		c++;
	return c;
}

/* FAULT_COUNT: none. */
static unsigned glossary_find_fault(const char *name)
{
	unsigned f = FAULT_NONE + 1;

	while (f < FAULT_COUNT && !glossary_is(fault_table[f].name, name))
		f++;
	return f;
}

/* Name i of the table, the classes and the faults one after the other; false: there are fewer. */
static bool glossary_candidate(size_t i, char name[static GLOSSARY_NAME_MAX])
{
	if (i < GLOSSARY_N) {
		(void)snprintf(name, GLOSSARY_NAME_MAX, "%.*s", (int)strcspn(terms[i].names, "|"),
			terms[i].names);
		return true;
	}
	i -= GLOSSARY_N;
	if (i < LEDGER_CLASS_COUNT) {
		glossary_normalize(ledger_class_names[i], name);
		return true;
	}
	i += FAULT_NONE + 1 - LEDGER_CLASS_COUNT;
	if (i >= FAULT_COUNT)
		return false;
	glossary_normalize(fault_table[i].name, name);
	return true;
}

/* A word with two meanings is one term. */
static bool glossary_is_first(size_t i, const char *name)
{
	if (i >= GLOSSARY_N && glossary_find(name))
		return false;
	return i < GLOSSARY_N + LEDGER_CLASS_COUNT ||
	       glossary_find_class(name) == LEDGER_CLASS_COUNT;
}

const char *glossary_at(size_t i)
{
	static char name[GLOSSARY_NAME_MAX];

	for (size_t at = 0; glossary_candidate(at, name); at++) {
		if (glossary_is_first(at, name) && i-- == 0)
			return name;
	}
	return NULL;
}

const char *glossary_nearest(const char *term)
{
	static char found[GLOSSARY_NAME_MAX];
	char name[GLOSSARY_NAME_MAX];
	const char *nearest = NULL;

	glossary_normalize(term, name);
	for (size_t i = 0; glossary_at(i); i++) {
		const char *one = glossary_at(i);

		nearest = str_nearest(name, &one, 1);
		if (!nearest)
			continue;
		(void)snprintf(found, sizeof(found), "%s", nearest);
		return found;
	}
	return NULL;
}

/* ---------------------------------------------------------------- text */

static int glossary_wrap(const char *text, struct buf *ret)
{
	int r = 0;

	while (*text && r == 0) {
		size_t len = style_cut(text, GLOSSARY_WIDTH);

		if (text[len]) {
			while (len > 0 && text[len] != ' ')
				len--;
		}
		r = buf_printf(ret, "  %.*s\n", (int)len, text);
		text += len;
		text += strspn(text, " ");
	}
	return r;
}

static int glossary_put_class(unsigned c, struct buf *ret)
{
	char text[256];

	(void)snprintf(text, sizeof(text), "A class of the ledger: %s. It is a part of %s.",
		report_class_meaning(ledger_class_names[c]),
		ledger_class_is_sent((enum ledger_class)c) ? "sent" : "planned");
	return glossary_wrap(text, ret);
}

static int glossary_put_fault(unsigned f, struct buf *ret)
{
	char text[256];

	(void)snprintf(text, sizeof(text), "An error of phase %s: %s. Such a request ends as %s.",
		fault_phase_names[fault_table[f].phase], fault_table[f].help,
		report_class(ledger_class_names[fault_table[f].class]).text);
	return glossary_wrap(text, ret);
}

int glossary_explain(const char *words, struct buf *ret)
{
	char name[GLOSSARY_NAME_MAX];
	const struct term *term;
	unsigned class, fault;
	int r;

	glossary_normalize(words, name);
	term = glossary_find(name);
	class = glossary_find_class(name);
	fault = glossary_find_fault(name);
	if (!term && class == LEDGER_CLASS_COUNT && fault == FAULT_COUNT)
		return -ENOENT;
	r = buf_printf(ret, "%.*s\n", term ? (int)strcspn(term->names, "|") : (int)strlen(name),
		term ? term->names : name);
	if (r == 0 && term)
		r = glossary_wrap(glossary_text(term), ret);
	/* The table says what a good answer is. */
	if (r == 0 && class < LEDGER_CLASS_COUNT && class != LEDGER_OK)
		r = glossary_put_class(class, ret);
	if (r == 0 && fault < FAULT_COUNT)
		r = glossary_put_fault(fault, ret);
	return r;
}
