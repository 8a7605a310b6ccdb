/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the audit says of single faults and of answers that point elsewhere. A location and an
 * example are the server's words: a location is cut and made ASCII here, an example comes clean and
 * short (stats_fault).
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
