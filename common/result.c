/* SPDX-License-Identifier: Apache-2.0 */
/* The pieces of the result document that repeat, and paths into it. Keys are listed once: the
 * classes come from the ledger's table and the quantiles from theirs, so that a new one appears in
 * every document. A setter that fails (no memory) makes the whole piece fail: a document with a
 * figure missing would read as "not applicable". */
#include "common/result.h"

#include "common/hdr_codec.h"
#include "common/histogram.h"
#include "common/ledger.h"
#include "common/quantile.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RESULT_KEY_MAX 32

/* Steals value. Both return 0 or -1. */
static int result_set(json_t *object, const char *key, json_t *value)
{
	return json_object_set_new(object, key, value);
}

static int result_set_quantile(json_t *object, const struct quantile_name *q, int64_t value)
{
	char key[RESULT_KEY_MAX];

	(void)snprintf(key, sizeof(key), "%s_ns", q->name);
	return result_set(object, key, value == QUANTILE_NONE ? json_null() : json_integer(value));
}

/* A figure in whole ns, null when there is nothing to say it of. */
static json_t *result_ns(const struct histogram *h, double ns)
{
	if (h->count == 0)
		return json_null();
	return json_integer(ns < (double)INT64_MAX ? (json_int_t)llround(ns) : INT64_MAX);
}

static json_t *result_hdr(const struct histogram *h)
{
	json_t *value;
	char *text;

	if (h->count == 0)
		return json_null();
	text = hdr_encode(h);
	if (!text)
		return NULL;
	value = json_string(text);
	free(text);
	return value;
}

/* The finished object, or NULL when something failed on the way. */
static json_t *result_finish(json_t *object, int r)
{
	if (r == 0)
		return object;
	json_decref(object);
	return NULL;
}

json_t *result_latency(const struct histogram *h)
{
	json_t *object = json_object();
	int r = 0;

	r |= result_set(object, "count", json_integer((json_int_t)h->count));
	r |= result_set(object, "min_ns", h->count ? json_integer(h->min) : json_null());
	r |= result_set(object, "max_ns", h->count ? json_integer(h->max) : json_null());
	r |= result_set(object, "mean_ns", result_ns(h, histogram_mean(h)));
	r |= result_set(object, "stddev_ns", result_ns(h, histogram_stddev(h)));
	for (unsigned i = 0; i < quantile_n_names; i++)
		r |= result_set_quantile(
			object, &quantile_names[i], quantile_served(h, quantile_names[i].q));
	r |= result_set(object, "hdr", result_hdr(h));
	return result_finish(object, r);
}

static json_t *result_unserved(const struct histogram *ok, uint64_t planned)
{
	if (planned == 0)
		return json_null();
	return json_real(planned > ok->count ? (double)(planned - ok->count) / (double)planned : 0);
}

json_t *result_offered(const struct histogram *ok, uint64_t planned)
{
	json_t *object = json_object();
	int r = 0;

	for (unsigned i = 0; i < quantile_n_names; i++)
		r |= result_set_quantile(object, &quantile_names[i],
			quantile_offered(ok, planned, quantile_names[i].q));
	r |= result_set(object, "unserved_share", result_unserved(ok, planned));
	return result_finish(object, r);
}

json_t *result_ledger(const struct ledger *l)
{
	json_t *object = json_object();
	int r = 0;

	r |= result_set(object, "planned", json_integer((json_int_t)l->planned));
	r |= result_set(object, "sent", json_integer((json_int_t)l->sent));
	for (unsigned c = 0; c < LEDGER_CLASS_COUNT; c++)
		r |= result_set(
			object, ledger_class_names[c], json_integer((json_int_t)l->classes[c]));
	r |= result_set(object, "balanced", json_boolean(ledger_balances(l)));
	return result_finish(object, r);
}

json_t *result_outside(const struct ledger *warmup, const struct ledger *window,
	const struct ledger *cooldown, uint64_t retries)
{
	double sent = (double)warmup->sent + (double)window->sent + (double)cooldown->sent;

	return json_pack("{s:o s:o s:I s:o}", "warmup", result_ledger(warmup), "cooldown",
		result_ledger(cooldown), "retries", (json_int_t)retries, "repeated_share",
		sent > 0 ? json_real((double)retries / sent) : json_null());
}

const json_t *result_at(const json_t *doc, const char *path)
{
	while (doc) {
		size_t len = strcspn(path, ".");

		doc = json_object_getn(doc, path, len);
		if (path[len] == '\0')
			break;
		path += len + 1;
	}
	return doc;
}

bool result_int(const json_t *doc, const char *path, int64_t *ret)
{
	const json_t *value = result_at(doc, path);

	if (!json_is_integer(value))
		return false;
	*ret = json_integer_value(value);
	if (*ret > RESULT_INT_MAX)
		*ret = RESULT_INT_MAX;
	else if (*ret < -RESULT_INT_MAX)
		*ret = -RESULT_INT_MAX;
	return true;
}

bool result_real(const json_t *doc, const char *path, double *ret)
{
	const json_t *value = result_at(doc, path);

	if (!json_is_number(value))
		return false;
	/* What is no number is none of these. */
	*ret = fmin(
		fmax(json_number_value(value), -(double)RESULT_INT_MAX), (double)RESULT_INT_MAX);
	return true;
}

bool result_bool(const json_t *doc, const char *path, bool *ret)
{
	const json_t *value = result_at(doc, path);

	if (!json_is_boolean(value))
		return false;
	*ret = json_is_true(value);
	return true;
}

const char *result_text(const json_t *doc, const char *path)
{
	const json_t *value = result_at(doc, path);

	return json_is_string(value) ? json_string_value(value) : "";
}
