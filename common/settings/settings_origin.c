/* SPDX-License-Identifier: Apache-2.0 */
/* The grammars of [origin NAME]'s own keys. Each is one function from text into the fields of the
 * origin, which also reports what is wrong with a text. Values are a few words: they are split
 * first, and then each word is parsed by common/units. */
#include "common/settings/settings_origin.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/config/ini.h"
#include "common/config/keys.h"
#include "common/str.h"
#include "common/units.h"

#define SETTINGS_ORIGIN_TIME_MAX_NS (3600 * NSEC_PER_SEC)
#define SETTINGS_ORIGIN_TEXT_MAX 512
#define SETTINGS_ORIGIN_WORDS_MAX 4
#define SETTINGS_ORIGIN_PIECES_MAX 1000000
/* The tolerance for a sum of shares, which are written with some decimals, to count as 1. */
#define SETTINGS_ORIGIN_SHARE_SLACK 1e-9

/* ---- words ---- */

struct settings_words {
	char text[SETTINGS_ORIGIN_TEXT_MAX];
	const char *at[SETTINGS_ORIGIN_WORDS_MAX];
	unsigned n;
};

/* The words of text[0..len), between blanks. 0, or -EINVAL: too long or too many. */
static int settings_words_split(struct settings_words *w, const char *text, size_t len)
{
	char *rest = w->text;
	char *word;

	w->n = 0;
	if (len >= sizeof(w->text))
		return -EINVAL;
	memcpy(w->text, text, len);
	w->text[len] = '\0';
	while ((word = strsep(&rest, " \t"))) {
		if (*word == '\0')
			continue;
		if (w->n == SETTINGS_ORIGIN_WORDS_MAX)
			return -EINVAL;
		w->at[w->n++] = word;
	}
	return 0;
}

/* A time from 1 ns (or from 0) to an hour. */
static int settings_read_time(const char *text, int64_t least_ns, int64_t *ret_ns)
{
	int64_t ns;

	if (units_parse_time(text, &ns) || ns < least_ns || ns > SETTINGS_ORIGIN_TIME_MAX_NS)
		return -EINVAL;
	*ret_ns = ns;
	return 0;
}

static int settings_read_count(const char *text, uint64_t max, uint64_t *ret)
{
	size_t len = strlen(text);

	if (len == 0 || len > 9 || strspn(text, "0123456789") != len)
		return -EINVAL;
	*ret = strtoull(text, NULL, 10);
	return *ret >= 1 && *ret <= max ? 0 : -EINVAL;
}

static int settings_read_delay(const char *text, struct settings_delay *ret)
{
	bool is_random = str_starts(text, "exp:");

	ret->kind = is_random ? SETTINGS_DELAY_EXPONENTIAL : SETTINGS_DELAY_FIXED;
	return settings_read_time(
		text + (is_random ? strlen("exp:") : 0), is_random ? 1 : 0, &ret->ns);
}

/* ---- grammars ---- */

/* SHARE DELAY[, SHARE DELAY]... */
static int settings_read_mixture(const char *text, struct settings_delays *d)
{
	double sum = 0;

	d->n = 0;
	for (const char *at = text; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
		struct settings_delay_part *part = &d->parts[d->n];
		struct settings_words w;
		double share;

		if (d->n == SETTINGS_DELAYS_MAX || settings_words_split(&w, at, strcspn(at, ",")) ||
			w.n != 2)
			return -EINVAL;
		if (units_parse_share(w.at[0], &share) ||
			settings_read_delay(w.at[1], &part->delay))
			return -EINVAL;
		sum += share;
		part->upto = sum;
		d->n++;
	}
	if (sum > 1 + SETTINGS_ORIGIN_SHARE_SLACK)
		return -EINVAL;
	/* A random number must not fall between the last part and 1 because of a rounding error. */
	if (sum > 1 - SETTINGS_ORIGIN_SHARE_SLACK)
		d->parts[d->n - 1].upto = 1;
	return 0;
}

static int settings_read_delays(const char *text, struct settings_origin *o)
{
	if (strchr(text, '%'))
		return settings_read_mixture(text, &o->delay);
	o->delay.n = 1;
	o->delay.parts[0].upto = 1;
	return settings_read_delay(text, &o->delay.parts[0].delay);
}

/* SHARE STATUS [after DELAY] */
static int settings_read_errors(const char *text, struct settings_origin *o)
{
	struct settings_words w;
	const char *status;

	if (settings_words_split(&w, text, strlen(text)) || (w.n != 2 && w.n != 4))
		return -EINVAL;
	status = w.at[1];
	if (units_parse_share(w.at[0], &o->error_share))
		return -EINVAL;
	if (strlen(status) != 3 || (status[0] != '4' && status[0] != '5') ||
		strspn(status, "0123456789") != 3)
		return -EINVAL;
	o->error_status = (unsigned)strtoul(status, NULL, 10);
	o->error_has_delay = w.n == 4;
	if (w.n == 2)
		return 0;
	return str_eq(w.at[2], "after") ? settings_read_delay(w.at[3], &o->error_delay) : -EINVAL;
}

static int settings_read_service(const char *text, struct settings_origin *o)
{
	return settings_read_delay(text, &o->service);
}

/* N x TIME */
static int settings_read_drip(const char *text, struct settings_origin *o)
{
	struct settings_words w;

	o->drip_pieces = 0;
	o->drip_ns = 0;
	if (str_eq(text, "0"))
		return 0;
	if (settings_words_split(&w, text, strlen(text)) || w.n != 3 || !str_eq(w.at[1], "x"))
		return -EINVAL;
	if (settings_read_count(w.at[0], SETTINGS_ORIGIN_PIECES_MAX, &o->drip_pieces))
		return -EINVAL;
	return settings_read_time(w.at[2], 1, &o->drip_ns);
}

static int settings_read_hang(const char *text, struct settings_origin *o)
{
	return units_parse_share(text, &o->hang_share) ? -EINVAL : 0;
}

/* N [header] */
static int settings_read_close_after(const char *text, struct settings_origin *o)
{
	struct settings_words w;

	o->close_after = 0;
	o->close_is_said = false;
	if (str_eq(text, "0"))
		return 0;
	if (settings_words_split(&w, text, strlen(text)) || w.n < 1 || w.n > 2)
		return -EINVAL;
	o->close_is_said = w.n == 2;
	if (w.n == 2 && !str_eq(w.at[1], "header"))
		return -EINVAL;
	return settings_read_count(w.at[0], 1000000000, &o->close_after);
}

/* TIME [every TIME] */
static int settings_read_cycle(const char *text, struct settings_cycle *c)
{
	struct settings_words w;

	*c = (struct settings_cycle){0};
	if (str_eq(text, "0"))
		return 0;
	if (settings_words_split(&w, text, strlen(text)) || (w.n != 1 && w.n != 3))
		return -EINVAL;
	if (settings_read_time(w.at[0], 1, &c->length_ns))
		return -EINVAL;
	if (w.n == 1)
		return 0;
	if (!str_eq(w.at[1], "every") || settings_read_time(w.at[2], 1, &c->every_ns))
		return -EINVAL;
	return c->every_ns > c->length_ns ? 0 : -EINVAL;
}

/* SIZE every TIME */
static int settings_read_read(const char *text, struct settings_origin *o)
{
	struct settings_words w;

	o->read_bytes = 0;
	o->read_ns = 0;
	if (str_eq(text, "0"))
		return 0;
	if (settings_words_split(&w, text, strlen(text)) || w.n != 3 || !str_eq(w.at[1], "every"))
		return -EINVAL;
	if (units_parse_size(w.at[0], &o->read_bytes) || o->read_bytes == 0)
		return -EINVAL;
	return settings_read_time(w.at[2], 1, &o->read_ns);
}

/* ---- for the key table ---- */

/* The share at text, up to a blank: what is wrong with it, if it is one that cannot be. */
static bool settings_refuse_share(const char *text, double *sum, struct err *reterr)
{
	char word[32];
	double share = 0;
	size_t len = strcspn(text, " \t,");
	bool is_negative = text[0] == '-';
	int r;

	if (len == 0 || len >= sizeof(word) || text[len - 1] != '%')
		return false;
	memcpy(word, text, len);
	word[len] = '\0';
	r = units_parse_share(word + is_negative, &share);
	if (r != 0 && r != UNITS_E_RANGE)
		return false;
	if (r == 0 && !is_negative)
		*sum += share;
	else if (r == 0 || strtod(word, NULL) > 100)
		err_set(reterr, "'%s' is not from 0%% to 100%%", word);
	else
		err_set(reterr, "'%s' has too many decimals for a share", word);
	return r != 0 || is_negative;
}

/* A share in value is the reason why it could not be read, or the sum of all. */
static bool settings_refuse_shares(const char *value, struct err *reterr)
{
	double sum = 0;

	for (const char *at = value; *at; at += strcspn(at, " \t,")) {
		at += strspn(at, " \t,");
		if (settings_refuse_share(at, &sum, reterr))
			return true;
	}
	if (sum > 1 + SETTINGS_ORIGIN_SHARE_SLACK)
		err_set(reterr, "'%.60s': the shares are more than 100%% together", value);
	return sum > 1 + SETTINGS_ORIGIN_SHARE_SLACK;
}

/* Parses value into field by read, or only checks it if field is NULL; wanted: "'x' is not ..." */
static int settings_parse(const char *value, struct settings_origin *field,
	int (*read)(const char *text, struct settings_origin *o), struct err *reterr,
	const char *wanted)
{
	struct settings_origin o = {0};

	if (field)
		o = *field;
	if (read(value, &o)) {
		if (!settings_refuse_shares(value, reterr))
			err_set(reterr, "'%.60s' is not %s", value, wanted);
		return -EINVAL;
	}
	if (field)
		*field = o;
	return 0;
}

int settings_parse_delay(const char *value, void *field, struct err *reterr)
{
	return settings_parse(value, field, settings_read_delays, reterr,
		"a delay up to 1h: write 5s, or exp:5ms for random delays with that mean, or "
		"shares of both as in 50% 10ms, 50% 8s");
}

int settings_parse_errors(const char *value, void *field, struct err *reterr)
{
	return settings_parse(value, field, settings_read_errors, reterr,
		"SHARE STATUS with a status from 400 to 599: write 20% 503, or 20% 503 after 0 "
		"for errors that do not wait for the delay");
}

int settings_parse_service(const char *value, void *field, struct err *reterr)
{
	return settings_parse(value, field, settings_read_service, reterr,
		"a service time up to 1h: write 1ms, or exp:1ms for random times with that mean");
}

int settings_parse_drip(const char *value, void *field, struct err *reterr)
{
	return settings_parse(
		value, field, settings_read_drip, reterr, "PIECES x TIME: write 50 x 10ms, or 0");
}

int settings_parse_hang(const char *value, void *field, struct err *reterr)
{
	return settings_parse(value, field, settings_read_hang, reterr,
		"a share: write a number and %, as in 1%");
}

int settings_parse_close_after(const char *value, void *field, struct err *reterr)
{
	return settings_parse(value, field, settings_read_close_after, reterr,
		"a number of answers: write 100, or 100 header to have Connection: close said in "
		"the last, or 0");
}

int settings_parse_stall(const char *value, void *field, struct err *reterr)
{
	struct settings_cycle c;

	if (settings_read_cycle(value, &c)) {
		err_set(reterr,
			"'%.60s' is not TIME or TIME every TIME, the first shorter and neither "
			"above 1h: write 1s every 10s, or 5s for once, or 0",
			value);
		return -EINVAL;
	}
	if (field)
		*(struct settings_cycle *)field = c;
	return 0;
}

int settings_parse_read(const char *value, void *field, struct err *reterr)
{
	return settings_parse(value, field, settings_read_read, reterr,
		"SIZE every TIME: write 64KiB every 100ms, or 0");
}

/* rpsctl passes it on as a line of text. */
int settings_check_gaps(const char *value, struct err *reterr)
{
	bool is_path = *value && strlen(value) < SETTINGS_ORIGIN_TEXT_MAX;

	for (const char *c = value; *c; c++)
		is_path = is_path && (unsigned char)*c >= ' ' && *c != 0x7f;
	if (is_path)
		return 0;
	err_set(reterr, "'%.60s' is not the name of a file", value);
	return -EINVAL;
}

/* "127.0.0.1:8000" or "[::1]:8000": numeric only, so that nothing has to be resolved. */
int settings_check_listen(const char *value, struct err *reterr)
{
	const char *colon = strrchr(value, ':');
	char host[INET6_ADDRSTRLEN + 2] = "";
	unsigned char address[sizeof(struct in6_addr)];
	size_t len = colon ? (size_t)(colon - value) : 0;
	bool is_ipv6 = value[0] == '[';
	char *end;

	if (len < sizeof(host))
		memcpy(host, value, len);
	if (is_ipv6 && len > 1 && len < sizeof(host) && host[len - 1] == ']') {
		memmove(host, host + 1, len - 2);
		host[len - 2] = '\0';
	}
	if (!colon || inet_pton(is_ipv6 ? AF_INET6 : AF_INET, host, address) != 1)
		goto bad;
	if (colon[1] < '0' || colon[1] > '9' || strlen(colon + 1) > 5)
		goto bad;
	if (strtoul(colon + 1, &end, 10) > UINT16_MAX || *end)
		goto bad;
	return 0;
bad:
	err_set(reterr,
		"'%.60s' is not ADDRESS:PORT in numbers: write 127.0.0.1:8000 or "
		"[::1]:8000, port 0 for a free one",
		value);
	return -EINVAL;
}

/* ---- the whole ---- */

/* Reports a problem at the place of the key's entry in force; the key was given. flag_text: the
 * same where flags say what the origin does. */
static void settings_origin_complain(struct problems *problems, const struct ini_doc *doc,
	const char *name, const char *key, const char *text, const char *flag_text)
{
	const struct ini_entry *e = keys_last(doc, "origin", name, key);

	if (e && e->line)
		problems_add(problems, e->file, e->line, "%s: %s", key, text);
	else if (e)
		problems_add(problems, e->file, e->line, "%s", flag_text);
}

#define SETTINGS_ORIGIN_SMALL "the body has not a byte for the beginning and one for each piece"

void settings_origin_check(
	const struct settings_origin *o, const struct ini_doc *doc, struct problems *problems)
{
	if (o->burn && o->service.ns == 0)
		settings_origin_complain(problems, doc, o->name, "burn",
			"there is no service time to burn: write service = 1ms too",
			"there is no service time to burn: add --service 1ms");
	if (o->drip_pieces > 0 && o->body_bytes < o->drip_pieces + 1)
		settings_origin_complain(problems, doc, o->name, "drip",
			SETTINGS_ORIGIN_SMALL ": make body larger",
			SETTINGS_ORIGIN_SMALL ": a larger --body");
	if (o->freeze > 0 && o->close_after == 1)
		settings_origin_complain(problems, doc, o->name, "freeze",
			"with close-after = 1 no connection comes to a second request",
			"with --close-after 1 no connection comes to a second request");
}

void settings_origin_fini(struct settings_origin *origin)
{
	free(origin->name);
	free(origin->listen);
	free(origin->gaps);
	*origin = (struct settings_origin){0};
}
