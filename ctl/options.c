/* SPDX-License-Identifier: Apache-2.0 */
/* The flags of rpsctl: one table from which they are read, checked and explained.
 *
 * Most flags are nothing but short names for keys of a run file ("-r 2k" is "load.rate = 2k"), or
 * of an [origin];
 * their values are sent as text and checked by the daemon's key table, whose messages name the
 * flag, so that there is one grammar and not two. Only customary forms that the grammar does not
 * have are added here: a bare number after -d means seconds.
 *
 * The parser is used instead of getopt_long for three reasons: the nearest flag is named, a flag of
 * another tool gets a hint, and abbreviations are not accepted, so that a new flag never changes an
 * old script. */
#include "ctl/options.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/config/keys.h"
#include "common/memory.h"
#include "common/plan/plan_keys.h"
#include "common/settings/settings_keys.h"
#include "common/str.h"
#include "ctl/hints.h"

#define FIELD(name) offsetof(struct options, name)

const struct options_flag options_flags[] = {
	{'r', "rate", "RATE", OPTIONS_PLAN, OPTIONS_KEY_RATE, "load.rate", NULL, 0,
		"2000, 2k, 30/m, max; x0.1: a tenth of each rate"},
	{'R', NULL, "RATE", OPTIONS_PLAN, OPTIONS_KEY_RATE, "load.rate", NULL, 0, "the same as -r"},
	{'d', "duration", "TIME", OPTIONS_PLAN, OPTIONS_KEY_TIME, "load.duration", NULL, 0,
		"how long: 30s, 5m; a bare number is seconds"},
	{'n', "requests", "N", OPTIONS_PLAN, OPTIONS_KEY, "load.requests", NULL, 0, NULL},
	{'w', "warmup", "TIME", OPTIONS_PLAN, OPTIONS_KEY_TIME, "load.warmup", NULL, 0, NULL},
	{'c', "connections", "N", OPTIONS_PLAN, OPTIONS_KEY, "connections.count", NULL, 0,
		"URL without a rate: users; else most connections"},
	{'t', "workers", "N", OPTIONS_PLAN, OPTIONS_KEY, "load.workers", NULL, 0, NULL},
	{'H', "header", "'NAME: TEXT'", OPTIONS_PLAN, OPTIONS_KEY, "defaults.header", NULL, 0,
		"a header to send, may be repeated"},
	{'X', "method", "METHOD", OPTIONS_PLAN, OPTIONS_KEY, "defaults.method", NULL, 0,
		"GET, or POST where there is --data"},
	{0, "data", "TEXT|@FILE", OPTIONS_PLAN, OPTIONS_KEY, "defaults.body", NULL, 0,
		"the body; @- is stdin, @@WORD the text @WORD"},
	{'k', "insecure", NULL, OPTIONS_PLAN, OPTIONS_KEY, "tls.verify", "no", 0,
		"https: take any certificate; the report says so"},
	{0, "cacert", "FILE", OPTIONS_PLAN, OPTIONS_KEY, "tls.ca-file", NULL, 0, NULL},
	{0, "cert", "FILE", OPTIONS_PLAN, OPTIONS_KEY, "tls.certificate", NULL, 0, NULL},
	{0, "key", "FILE", OPTIONS_PLAN, OPTIONS_KEY, "tls.key", NULL, 0, NULL},
	{0, "connect-to", "HOST:PORT", OPTIONS_PLAN, OPTIONS_KEY, "target.connect-to", NULL, 0,
		NULL},
	{'4', "ipv4", NULL, OPTIONS_PLAN, OPTIONS_KEY, "target.addresses", "v4", 0,
		"connect to the host's IPv4 addresses only"},
	{'6', "ipv6", NULL, OPTIONS_PLAN, OPTIONS_KEY, "target.addresses", "v6", 0,
		"connect to the host's IPv6 addresses only"},
	{0, "closed", NULL, OPTIONS_PLAN, OPTIONS_KEY, "load.model", "closed", 0,
		"closed model: users who wait for their answers"},
	{0, "think", "TIME", OPTIONS_PLAN, OPTIONS_KEY_TIME, "load.think", NULL, 0, NULL},
	{0, "stage", "STAGE", OPTIONS_PLAN, OPTIONS_KEY, "load.stage", NULL, 0,
		"'hold 500 for 5m', may be repeated"},
	{0, "arrivals", "SPACING", OPTIONS_PLAN, OPTIONS_KEY, "load.arrivals", NULL, 0,
		"constant, poisson, jitter:0.3"},
	{0, "no-keepalive", NULL, OPTIONS_PLAN, OPTIONS_KEY, "connections.reuse", "no", 0,
		"a connection for each request"},
	{0, "timeout", "TIME", OPTIONS_PLAN, OPTIONS_KEY_TIME, "timeouts.request", NULL, 0, NULL},
	{0, "seed", "N", OPTIONS_PLAN, OPTIONS_KEY, "load.seed", NULL, 0, NULL},
	{0, "slice", "I/N", OPTIONS_PLAN, OPTIONS_KEY, "load.slice", NULL, 0,
		"one of N slices of the schedule, for N hosts"},
	{0, "at", "INSTANT", OPTIONS_PLAN, OPTIONS_KEY, "load.at", NULL, 0,
		"start at 2026-11-22T17:00:00Z, or unix seconds"},
	{0, "unsynchronised", NULL, OPTIONS_PLAN, OPTIONS_KEY, "load.unsynchronised", "yes", 0,
		"slices without --at: each starts when it can"},
	{0, "require", "RULE", OPTIONS_PLAN, OPTIONS_KEY, "thresholds.require", NULL, 0,
		"'p99 < 50ms', 'errors < 0.1%': a rule to keep; repeatable"},
	{0, "abort-if", "RULE", OPTIONS_PLAN, OPTIONS_KEY, "thresholds.abort-if", NULL, 0,
		"'p99 > 2s over 10s': end the run when this holds"},
	{0, "undecided", "fail|pass", OPTIONS_PLAN, OPTIONS_KEY, "run.undecided", NULL, 0,
		"what an undecided rule does to the exit status"},
	{0, "label", "NAME=TEXT", OPTIONS_PLAN, OPTIONS_KEY, "run.label", NULL, 0, NULL},
	{0, "set", "SECTION.KEY=VALUE", OPTIONS_PLAN, OPTIONS_SET, NULL, NULL, 0,
		"any key of a run file"},
	{0, "latency", NULL, OPTIONS_PLAN, OPTIONS_NOTHING, NULL, NULL, 0,
		"accepted; percentiles are always printed"},
	{0, "dry-run", NULL, OPTIONS_PLAN, OPTIONS_BOOL, NULL, NULL, FIELD(dry_run),
		"print what would be sent, and send nothing"},
	{'o', "output", "FILE", OPTIONS_REPORT, OPTIONS_OUTPUT, NULL, NULL, 0,
		"report to .json .txt .csv .stages.csv .md .hlog, repeatable"},
	{'v', "verbose", NULL, OPTIONS_REPORT, OPTIONS_BOOL, NULL, NULL, FIELD(verbose),
		"the full report"},
	{'q', "quiet", NULL, OPTIONS_QUIET, OPTIONS_BOOL, NULL, NULL, FIELD(quiet), "no progress"},
	{0, "json", NULL, OPTIONS_JSON, OPTIONS_BOOL, NULL, NULL, FIELD(json), "JSON to stdout"},
	{0, "service", NULL, OPTIONS_WHERE, OPTIONS_BOOL, NULL, NULL, FIELD(service),
		"a URL or path too runs in the service"},
	{0, "require", "RULE", OPTIONS_RULES, OPTIONS_REQUIRE, NULL, NULL, 0,
		"judge it by a rule: 'p99 < 50ms'; repeatable"},
	{0, "undecided", "fail|pass", OPTIONS_RULES, OPTIONS_TEXT, NULL, NULL, FIELD(undecided),
		"what an undecided rule does to the exit status"},
	{0, "repeats", NULL, OPTIONS_MERGE, OPTIONS_BOOL, NULL, NULL, FIELD(repeats),
		"repetitions: rates are means, not sums"},
	{0, "all", NULL, OPTIONS_STOP, OPTIONS_BOOL, NULL, NULL, FIELD(all), "every active run"},
	{0, "now", NULL, OPTIONS_STOP, OPTIONS_BOOL, NULL, NULL, FIELD(now),
		"do not wait for answers in flight"},
	{0, "listen", "ADDRESS:PORT", OPTIONS_ORIGIN, OPTIONS_KEY, "origin.listen", NULL, 0,
		"127.0.0.1:8000; port 0 takes a free one"},
	{0, "delay", "TIME", OPTIONS_ORIGIN, OPTIONS_KEY, "origin.delay", NULL, 0, NULL},
	{0, "body", "SIZE", OPTIONS_ORIGIN, OPTIONS_KEY, "origin.body", NULL, 0, NULL},
	{0, "drip", "'N x TIME'", OPTIONS_ORIGIN, OPTIONS_KEY, "origin.drip", NULL, 0, NULL},
	{0, "errors", "'SHARE STATUS'", OPTIONS_ORIGIN, OPTIONS_KEY, "origin.errors", NULL, 0,
		NULL},
	{0, "service", "TIME", OPTIONS_ORIGIN, OPTIONS_KEY, "origin.service", NULL, 0, NULL},
	{0, "burn", NULL, OPTIONS_ORIGIN, OPTIONS_KEY, "origin.burn", "yes", 0,
		"--service keeps a CPU busy"},
	{0, "stall", "TIME", OPTIONS_ORIGIN, OPTIONS_KEY, "origin.stall", NULL, 0, NULL},
	{0, "accept-stall", "TIME", OPTIONS_ORIGIN, OPTIONS_KEY, "origin.accept-stall", NULL, 0,
		NULL},
	{0, "backlog", "N", OPTIONS_ORIGIN, OPTIONS_KEY, "origin.backlog", NULL, 0, NULL},
	{0, "max-connections", "N", OPTIONS_ORIGIN, OPTIONS_KEY, "origin.max-connections", NULL, 0,
		NULL},
	{0, "max-per-address", "N", OPTIONS_ORIGIN, OPTIONS_KEY, "origin.max-per-address", NULL, 0,
		NULL},
	{0, "read", "SIZE", OPTIONS_ORIGIN, OPTIONS_KEY, "origin.read", NULL, 0, NULL},
	{0, "hang", "SHARE", OPTIONS_ORIGIN, OPTIONS_KEY, "origin.hang", NULL, 0, NULL},
	{0, "freeze", "N", OPTIONS_ORIGIN, OPTIONS_KEY, "origin.freeze", NULL, 0, NULL},
	{0, "close-after", "N", OPTIONS_ORIGIN, OPTIONS_KEY, "origin.close-after", NULL, 0, NULL},
	{0, "idle", "TIME", OPTIONS_ORIGIN, OPTIONS_KEY, "origin.idle", NULL, 0, NULL},
	{0, "gaps", "FILE", OPTIONS_ORIGIN, OPTIONS_KEY, "origin.gaps", NULL, 0, NULL},
	{0, "seed", "N", OPTIONS_ORIGIN, OPTIONS_KEY, "origin.seed", NULL, 0, NULL},
	{0, "socket", "PATH", OPTIONS_CONTROL, OPTIONS_TEXT, NULL, NULL, FIELD(socket),
		"of the service's daemon"},
	{'h', "help", NULL, OPTIONS_ANY, OPTIONS_BOOL, NULL, NULL, FIELD(help), "this text"},
};

#define OPTIONS_N (sizeof(options_flags) / sizeof(*options_flags))
const size_t options_flags_n = OPTIONS_N;

/* ---------------------------------------------------------------- settings */

static int options_grow(void *array, size_t n, size_t size)
{
	void **at = array;
	void *bigger;

	/* Few and rare: one at a time, in steps of eight. */
	if (n % 8)
		return 0;
	bigger = reallocarray(*at, n + 8, size);
	if (!bigger)
		return -ENOMEM;
	*at = bigger;
	return 0;
}

int options_set(struct options *o, const char *key, const char *value, const char *origin)
{
	struct options_setting s = {strdup(key), strdup(value), strdup(origin)};

	if (!s.key || !s.value || !s.origin ||
		options_grow(&o->settings, o->n_settings, sizeof(*o->settings))) {
		free(s.key);
		free(s.value);
		free(s.origin);
		return -ENOMEM;
	}
	o->settings[o->n_settings++] = s;
	return 0;
}

const char *options_setting(const struct options *o, const char *key)
{
	for (size_t i = o->n_settings; i-- > 0;) {
		if (str_eq(o->settings[i].key, key))
			return o->settings[i].value;
	}
	return NULL;
}

void options_fini(struct options *o)
{
	for (size_t i = 0; i < o->n_settings; i++) {
		free(o->settings[i].key);
		free(o->settings[i].value);
		free(o->settings[i].origin);
	}
	free(o->settings);
	free(o->outputs);
	free(o->requires);
	free(o->args);
	*o = (struct options){0};
}

static bool options_is_number(const char *text)
{
	size_t digits = strspn(text, "0123456789.");

	return digits > 0 && text[digits] == '\0';
}

static int options_set_time(
	struct options *o, const char *key, const char *value, const char *origin)
{
	char *seconds;
	int r;

	if (!options_is_number(value))
		return options_set(o, key, value, origin);
	if (asprintf(&seconds, "%ss", value) == -1)
		return -ENOMEM;
	r = options_set(o, key, seconds, origin);
	free(seconds);
	return r;
}

/* The key of run files of that name; NULL: there is none, or one in several sections. */
static const struct key *options_key_named(const char *name, size_t len)
{
	const struct key *found = NULL;

	for (size_t i = 0; i < plan_keys.n; i++) {
		const struct key *k = &plan_keys.rows[i];

		if (k->named || strlen(k->name) != len || strncmp(k->name, name, len) != 0)
			continue;
		if (found)
			return NULL;
		found = k;
	}
	return found;
}

static bool options_is_default(const char *name, size_t len)
{
	const struct key *key = options_key_named(name, len);

	return key && str_eq(key->section, "defaults");
}

/* "rate=2k" lacks the section. */
static int options_refuse_pair(const char *pair, struct err *reterr)
{
	size_t len = strcspn(pair, "=");
	const struct key *key = options_key_named(pair, len);

	if (key && pair[len])
		err_set(reterr, "--set %.200s: the key is in [%s]: --set %s.%.200s", pair,
			key->section, key->section, pair);
	else
		err_set(reterr, "--set %.200s: expected SECTION.KEY=VALUE, as in load.rate=2k",
			pair);
	return -EINVAL;
}

/* "load.rate=2k" */
static int options_set_pair(struct options *o, const char *pair, struct err *reterr)
{
	const char *equals = strchr(pair, '=');
	const char *dot = strchr(pair, '.');
	char *key;
	char *origin;
	int r = -ENOMEM;

	if (!equals || !dot || dot > equals || dot == pair || dot + 1 == equals)
		return options_refuse_pair(pair, reterr);
	if (str_starts(pair, "request.") && !memchr(dot + 1, '.', (size_t)(equals - dot - 1)) &&
		options_is_default(dot + 1, (size_t)(equals - dot - 1))) {
		err_set(reterr,
			"--set %.200s: which request? --set request.NAME.KEY=VALUE is of one, "
			"--set "
			"defaults.%.200s of all",
			pair, dot + 1);
		return -EINVAL;
	}
	key = strndup(pair, (size_t)(equals - pair));
	if (key && asprintf(&origin, "--set %s", key) != -1) {
		r = options_set(o, key, equals + 1, origin);
		free(origin);
	}
	free(key);
	return r;
}

/* ---------------------------------------------------------------- reading */

/* One walk over the words; value is the rest of a word after a short flag. */
struct options_walk {
	struct options *o;
	unsigned groups;
	int argc;
	char *const *argv;
	int at;
	struct err *reterr;
};

static const struct options_flag *options_find(unsigned groups, char letter, const char *name)
{
	for (size_t i = 0; i < OPTIONS_N; i++) {
		const struct options_flag *f = &options_flags[i];

		if (!(f->groups & groups))
			continue;
		if (letter ? f->letter == letter : f->name && str_eq(f->name, name))
			return f;
	}
	return NULL;
}

/* Who asks for load, or for a server, may come from another tool. */
static bool options_hint(const struct options_walk *w, const char *flag, const char *value)
{
	if ((w->groups & OPTIONS_REPORT) && hints_unknown_form(flag, w->reterr))
		return true;
	return (w->groups & (OPTIONS_PLAN | OPTIONS_ORIGIN)) &&
	       hints_unknown(!(w->groups & OPTIONS_PLAN), flag, value, w->reterr);
}

/* The one word that begins with what was typed; NULL: none, or several. */
static const char *options_only_beginning(const char *typed, const char *const *words, size_t n)
{
	const char *found = NULL;

	for (size_t i = 0; i < n; i++) {
		if (!str_starts(words[i], typed))
			continue;
		if (found)
			return NULL;
		found = words[i];
	}
	return found;
}

/* The first command in the order of help that has the flag; NULL: none. */
static const char *options_owner(const char *flag)
{
	static const struct {
		unsigned groups;
		const char *command;
	} owners[] = {
		{OPTIONS_PLAN | OPTIONS_QUIET | OPTIONS_WHERE, "run"},
		{OPTIONS_STOP, "stop"},
		{OPTIONS_CONTROL, "status"},
		{OPTIONS_REPORT | OPTIONS_JSON | OPTIONS_RULES, "report"},
		{OPTIONS_MERGE, "merge"},
		{OPTIONS_ORIGIN, "origin"},
	};

	for (size_t i = 0; i < sizeof(owners) / sizeof(*owners); i++) {
		const struct options_flag *f = NULL;

		if (flag[1] == '-')
			f = options_find(owners[i].groups, 0, flag + 2);
		else if (!flag[2])
			f = options_find(owners[i].groups, flag[1], NULL);
		if (f)
			return owners[i].command;
	}
	return NULL;
}

/* One line about a flag that this command does not have. value: what comes after it, or NULL. */
static int options_refuse(const struct options_walk *w, const char *flag, const char *value)
{
	const char *name = flag + strspn(flag, "-");
	const char *owner = options_owner(flag);
	const char *words[OPTIONS_N];
	const struct key *key;
	const char *nearest;
	size_t n = 0;

	if (options_hint(w, flag, value))
		return -EINVAL;
	key = (w->groups & OPTIONS_PLAN) && str_starts(flag, "--")
		      ? options_key_named(name, strlen(name))
		      : NULL;
	if (key) {
		err_set(w->reterr, "unknown flag %s: the key of run files is --set %s.%s=%.100s",
			flag, key->section, key->name,
			value && *value && !hints_is_url(value) ? value : "VALUE");
		return -EINVAL;
	}
	if (owner) {
		err_set(w->reterr,
			"unknown flag %.100s: it is one of rpsctl %s; see rpsctl help %s", flag,
			owner, owner);
		return -EINVAL;
	}
	for (size_t i = 0; i < OPTIONS_N; i++) {
		const struct options_flag *f = &options_flags[i];

		if (!(f->groups & w->groups))
			continue;
		/* For a single letter only its other case is near. */
		if (f->letter && flag[2] == '\0' &&
			tolower((unsigned char)f->letter) == tolower((unsigned char)flag[1])) {
			err_set(w->reterr, "unknown flag %s; did you mean -%c?", flag, f->letter);
			return -EINVAL;
		}
		if (f->name)
			words[n++] = f->name;
	}
	nearest = flag[2] ? str_nearest(name, words, n) : NULL;
	if (!nearest && flag[2])
		nearest = options_only_beginning(name, words, n);
	if (nearest)
		err_set(w->reterr, "unknown flag %.100s; did you mean --%s?", flag, nearest);
	else
		err_set(w->reterr, "unknown flag %.100s; %s%.40s lists the flags", flag,
			w->o->command ? "rpsctl help " : "--help",
			w->o->command ? w->o->command : "");
	return -EINVAL;
}

static int options_push(const char ***array, size_t *n, const char *text)
{
	int r = options_grow(array, *n, sizeof(**array));

	if (r == 0)
		(*array)[(*n)++] = text;
	return r;
}

static int options_apply(
	struct options_walk *w, const struct options_flag *f, const char *flag, const char *value)
{
	void *field = (char *)w->o + f->offset;

	switch (f->kind) {
	case OPTIONS_KEY:
		return options_set(w->o, f->key, value, flag);
	case OPTIONS_KEY_RATE:
		return options_set(w->o, value[0] == 'x' ? "load.scale" : f->key, value, flag);
	case OPTIONS_KEY_TIME:
		return options_set_time(w->o, f->key, value, flag);
	case OPTIONS_SET:
		return options_set_pair(w->o, value, w->reterr);
	case OPTIONS_BOOL:
		*(bool *)field = true;
		return 0;
	case OPTIONS_TEXT:
		*(const char **)field = value;
		return 0;
	case OPTIONS_OUTPUT:
		return options_push(&w->o->outputs, &w->o->n_outputs, value);
	case OPTIONS_REQUIRE:
		return options_push(&w->o->requires, &w->o->n_requires, value);
	case OPTIONS_NOTHING:
		break;
	}
	return 0;
}

/* The next word, where it is no flag; NULL: none. */
static const char *options_next(const struct options_walk *w)
{
	return w->at < w->argc && w->argv[w->at][0] != '-' ? w->argv[w->at] : NULL;
}

/* attached: the value inside the same word, or NULL. */
static int options_take(struct options_walk *w, const struct options_flag *f, const char *flag,
	const char *attached)
{
	if (!f->value) {
		if (attached) {
			err_set(w->reterr, "%s takes no value", flag);
			return -EINVAL;
		}
		return options_apply(w, f, flag, f->fixed);
	}
	if (!attached) {
		if (w->at == w->argc) {
			err_set(w->reterr, "%s needs a value: %s", flag, f->value);
			return -EINVAL;
		}
		attached = w->argv[w->at++];
	}
	if (hints_misused(flag, attached, w->reterr))
		return -EINVAL;
	return options_apply(w, f, flag, attached);
}

/* A word after a flag that takes none may be meant for it, as it is for another tool's flag. */
static bool options_is_misused(const struct options_walk *w, const struct options_flag *f,
	const char *flag, const char *value)
{
	return !f->value && (w->groups & OPTIONS_PLAN) && hints_misused(flag, value, w->reterr);
}

static int options_read_long(struct options_walk *w, const char *word)
{
	const char *equals = strchr(word, '=');
	size_t len = equals ? (size_t)(equals - word) : strlen(word);
	const struct options_flag *f;
	char flag[64];

	(void)snprintf(flag, sizeof(flag), "%.*s", (int)(len < 63 ? len : 63), word);
	f = options_find(w->groups, 0, flag + 2);
	if (!f)
		return options_refuse(w, flag, equals ? equals + 1 : options_next(w));
	if (!equals && options_is_misused(w, f, flag, options_next(w)))
		return -EINVAL;
	return options_take(w, f, flag, equals ? equals + 1 : NULL);
}

/* flag: "--vus". There is a word for it: a hint, or a key of run files. */
static bool options_is_told(const struct options_walk *w, const char *flag, const char *value)
{
	const char *name = flag + 2;

	if (!options_hint(w, flag, value) &&
		(!(w->groups & OPTIONS_PLAN) || !options_key_named(name, strlen(name))))
		return false;
	(void)options_refuse(w, flag, value);
	return true;
}

/* "-rate=50" is --rate with a single dash, as Go's programs have it; "-cpus 4" and "-vus 4" are of
 * other programs. */
static bool options_is_long(const struct options_walk *w, const char *word)
{
	size_t len = strcspn(word + 1, "=");
	const char *value = word[1 + len] ? word + 1 + len + 1 : options_next(w);
	char two[32];
	const char *flag = two + 1;

	if (len < 2 || len + 2 >= sizeof(two))
		return false;
	(void)snprintf(two, sizeof(two), "-%.*s", (int)len + 1, word);
	if (options_hint(w, flag, value))
		return true;
	if (!options_find(w->groups, 0, flag + 1))
		return options_is_told(w, two, value);
	err_set(w->reterr, "unknown flag %s; did you mean %s?", flag, two);
	return true;
}

/* The letter at c of word: "-z 10s", "-z10s". */
static int options_refuse_letter(const struct options_walk *w, const char *word, const char *c)
{
	const char flag[3] = {'-', *c, '\0'};

	if (c != word + 1)
		return options_refuse(w, flag, NULL);
	return options_refuse(
		w, isalpha((unsigned char)c[1]) ? word : flag, c[1] ? c + 1 : options_next(w));
}

/* -qv, -r2k, -r=2k is not: "=2k" is then the value, and the daemon says so. */
static int options_read_short(struct options_walk *w, const char *word)
{
	if (options_is_long(w, word))
		return -EINVAL;
	for (const char *c = word + 1; *c; c++) {
		const struct options_flag *f = options_find(w->groups, *c, NULL);
		const char flag[3] = {'-', *c, '\0'};
		int r;

		if (!f)
			return options_refuse_letter(w, word, c);
		if (f->value)
			return options_take(w, f, flag, c[1] ? c + 1 : NULL);
		if (c == word + 1 && options_is_misused(w, f, flag, c[1] ? c + 1 : options_next(w)))
			return -EINVAL;
		r = options_take(w, f, flag, NULL);
		if (r)
			return r;
	}
	return 0;
}

/* It stands for one value, as -4 does. */
static bool options_is_fixed(const struct options_walk *w, const char *origin)
{
	const struct options_flag *f = origin[1] == '-' ? options_find(w->groups, 0, origin + 2)
							: options_find(w->groups, origin[1], NULL);

	return f && f->fixed;
}

/* -4 and -6, -k and --set tls.verify=yes: which of the two is meant is not known. A flag with a
 * value given twice is another matter: the last one counts, as in curl. */
static int options_refuse_contradictions(const struct options_walk *w)
{
	const struct options *o = w->o;

	for (size_t i = 1; i < o->n_settings; i++) {
		const struct options_setting *b = &o->settings[i];

		for (size_t k = 0; k < i; k++) {
			const struct options_setting *a = &o->settings[k];

			if (!str_eq(a->key, b->key) || str_eq(a->value, b->value) ||
				(!options_is_fixed(w, a->origin) &&
					!options_is_fixed(w, b->origin)))
				continue;
			err_set(w->reterr,
				"%.100s and %.100s contradict each other (%s = %.40s and %.40s): "
				"leave one of them out",
				a->origin, b->origin, a->key, a->value, b->value);
			return -EINVAL;
		}
	}
	return 0;
}

int options_parse(
	struct options *o, unsigned groups, int argc, char *const argv[], struct err *reterr)
{
	struct options_walk w = {o, groups | OPTIONS_ANY, argc, argv, 0, reterr};
	bool flags_end = false;
	int r = 0;

	while (r == 0 && w.at < argc) {
		const char *word = argv[w.at++];

		if (!flags_end && str_eq(word, "--"))
			flags_end = true;
		else if (flags_end || word[0] != '-' || word[1] == '\0')
			r = options_push(&o->args, &o->n_args, word);
		else if (word[1] == '-')
			r = options_read_long(&w, word);
		else
			r = options_read_short(&w, word);
	}
	if (r == 0)
		r = options_refuse_contradictions(&w);
	if (r == -ENOMEM)
		err_set(reterr, "out of memory for the command line: " MEMORY_REMEDY);
	return r;
}

/* ---------------------------------------------------------------- help */

/* At most so many columns, as a terminal has. */
#define OPTIONS_WIDTH 80u

/* What the flag does: in its own words where they are narrower than the key's, else in the key's.
 */
static int options_describe_help(const struct options_flag *f, struct buf *ret)
{
	const struct key *key;
	char section[32];
	size_t len;

	if (f->help)
		return buf_puts(ret, f->help);
	len = strcspn(f->key, ".");
	(void)snprintf(section, sizeof(section), "%.*s", (int)len, f->key);
	key = keys_find(f->groups & OPTIONS_ORIGIN ? &settings_keys : &plan_keys, section,
		f->key + len + 1);
	if (key->fallback)
		return buf_printf(ret, "%s (default %s)", key->help, key->fallback);
	return buf_puts(ret, key->help);
}

/* Words of text, the first of them at OPTIONS_HELP_COLUMN of a line that is there already. */
static int options_wrap(const char *text, struct buf *ret)
{
	size_t used = OPTIONS_HELP_COLUMN;
	int r = 0;

	while (*text && r == 0) {
		size_t len = strcspn(text, " ");

		if (used > OPTIONS_HELP_COLUMN && used + 1 + len > OPTIONS_WIDTH) {
			r = buf_printf(ret, "\n%*s", (int)OPTIONS_HELP_COLUMN, "");
			used = OPTIONS_HELP_COLUMN;
		}
		if (r == 0)
			r = buf_printf(ret, "%s%.*s", used > OPTIONS_HELP_COLUMN ? " " : "",
				(int)len, text);
		used += len + (used > OPTIONS_HELP_COLUMN);
		text += len;
		text += strspn(text, " ");
	}
	return r ? r : buf_puts(ret, "\n");
}

int options_describe(unsigned groups, struct buf *ret)
{
	struct buf help = {0};
	int r = 0;

	groups |= OPTIONS_ANY;
	for (size_t i = 0; i < OPTIONS_N && r == 0; i++) {
		const struct options_flag *f = &options_flags[i];
		char flag[64];
		char letter[8] = "    ";

		if (!(f->groups & groups))
			continue;
		if (f->letter)
			(void)snprintf(
				letter, sizeof(letter), "-%c%s", f->letter, f->name ? ", " : "");
		(void)snprintf(flag, sizeof(flag), "%s%s%s%s%s", letter, f->name ? "--" : "",
			f->name ? f->name : "", f->value ? " " : "", f->value ? f->value : "");
		help.len = 0;
		r = options_describe_help(f, &help);
		if (r == 0)
			r = buf_printf(ret, "  %-*s ", (int)OPTIONS_HELP_COLUMN - 3, flag);
		if (r == 0)
			r = options_wrap(help.data, ret);
	}
	buf_fini(&help);
	return r;
}
