/* SPDX-License-Identifier: Apache-2.0 */
/* The log format of HdrHistogram, version 1.3, which its readers in Java, JavaScript, C and Go
 * take: one line for each stretch of the run and tag, with a whole histogram in it, so that any
 * percentile of any stretch can still be asked for. Values are ns, the column of maxima ms.
 *
 * Readers are strict in places: header lines of at most 127 bytes, none after the first interval,
 * plain digits without sign or exponent, a line end at the very end. A document may come from an
 * untrusted file, so its values are forced into that form. A tag appears either in stretches or
 * once for the whole window, never both, so that the sum over a tag is the run. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/stats/hdr_codec.h"
#include "common/stats/histogram.h"
#include "common/json_path.h"
#include "ctl/report/format.h"

/* "#[Run  by rpsd , values in ns]" and a line end leave so much of 127 bytes. */
#define FORMAT_HLOG_ID_MAX 64
#define FORMAT_HLOG_VERSION_MAX 32
/* "#[Only ]" and a line end */
#define FORMAT_HLOG_MISSING_MAX 118

/* Seconds; never negative, as readers want them. */
static double format_hlog_s(int64_t ns)
{
	return ns > 0 ? (double)ns / (double)NSEC_PER_SEC : 0;
}

/* A text of the document for a header line: plain ASCII, so that cutting it breaks no character. */
static void format_hlog_plain(const json_t *doc, const char *path, char *ret, size_t size)
{
	(void)snprintf(ret, size, "%s", json_path_text(doc, path));
	for (; *ret; ret++)
		*ret = *ret >= ' ' && *ret <= '~' ? *ret : '?';
}

static int format_hlog_head(const json_t *doc, struct buf *ret)
{
	char id[FORMAT_HLOG_ID_MAX + 1], version[FORMAT_HLOG_VERSION_MAX + 1];
	char missing[FORMAT_HLOG_MISSING_MAX + 1];
	int64_t started_ns = 0;
	time_t seconds;
	char date[64] = "";
	struct tm tm;
	int r;

	format_hlog_plain(doc, "run.id", id, sizeof(id));
	format_hlog_plain(doc, "generator.version", version, sizeof(version));
	(void)json_path_int(doc, "run.started_unix_ns", &started_ns);
	seconds = (time_t)(started_ns > 0 ? started_ns / NSEC_PER_SEC : 0);
	if (gmtime_r(&seconds, &tm))
		(void)strftime(date, sizeof(date), "%a %b %d %H:%M:%S UTC %Y", &tm);
	r = buf_printf(ret, "#[Run %s by rpsd %s, values in ns]\n", id, version);
	format_hlog_plain(doc, "headline.missing", missing, sizeof(missing));
	if (r == 0 && *missing)
		r = buf_printf(ret, "#[Only %s]\n", missing);
	if (r == 0)
		r = buf_puts(ret, "#[Histogram log format version 1.3]\n");
	if (r == 0)
		r = buf_printf(ret, "#[StartTime: %.3f (seconds since epoch), %s]\n",
			format_hlog_s(started_ns), date);
	if (r == 0)
		r = buf_printf(ret, "#[BaseTime: %.3f (seconds since epoch)]\n",
			format_hlog_s(started_ns));
	if (r == 0)
		r = buf_puts(ret, "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\","
				  "\"Interval_Compressed_Histogram\"\n");
	return r;
}

/* Appends a line for a period with values in it. start_ns: since the run began. */
static int format_hlog_line(
	const char *tag, int64_t start_ns, int64_t length_ns, const json_t *hdr, struct buf *ret)
{
	struct histogram h;
	double max_ms;
	bool is_empty;
	int r;

	if (!json_is_string(hdr))
		return 0;
	r = hdr_decode(json_string_value(hdr), &h);
	if (r < 0)
		return r == -ENOMEM ? r : 0; /* an invalid histogram: a line that no reader could
					      * parse is left out */
	/* The maximum that a reader finds in the slots. */
	max_ms = (double)h.max / (double)NSEC_PER_MSEC;
	is_empty = h.count == 0;
	histogram_fini(&h);
	if (is_empty)
		return 0;
	return buf_printf(ret, "Tag=%s,%.3f,%.3f,%.3f,%s\n", tag, format_hlog_s(start_ns),
		format_hlog_s(length_ns), max_ms, json_string_value(hdr));
}

/* An instant or a length, so that sums and differences of three stay in range. */
static int64_t format_hlog_bent(int64_t ns)
{
	if (ns < 0)
		return 0;
	return ns < JSON_PATH_INT_MAX / 2 ? ns : JSON_PATH_INT_MAX / 2;
}

struct format_hlog_window {
	int64_t start_ns; /* since the run began */
	int64_t length_ns;
};

static int format_hlog_stretches(const json_t *doc, const struct format_hlog_window *w,
	const char *tag, const char *member, struct buf *ret)
{
	const json_t *rows = json_path_at(doc, "batches.rows");
	int64_t width_ns = 0;
	int r = 0;

	(void)json_path_int(doc, "batches.width_ns", &width_ns);
	width_ns = format_hlog_bent(width_ns);
	for (size_t i = 0; i < json_array_size(rows) && r == 0; i++) {
		const json_t *row = json_array_get(rows, i);
		int64_t t_ns = 0, length_ns;

		(void)json_path_int(row, "t_ns", &t_ns);
		t_ns = format_hlog_bent(t_ns);
		/* The last one ends with the window. */
		length_ns = w->length_ns - t_ns < width_ns ? w->length_ns - t_ns : width_ns;
		/* In merged repetitions, each run has such a one. */
		(void)json_path_int(row, "length_ns", &length_ns);
		r = format_hlog_line(
			tag, w->start_ns + t_ns, length_ns, json_path_at(row, member), ret);
	}
	return r;
}

static int format_hlog_whole(
	const json_t *doc, const struct format_hlog_window *w, const char *tag, struct buf *ret)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "latency.%s.hdr", tag);
	return format_hlog_line(tag, w->start_ns, w->length_ns, json_path_at(doc, path), ret);
}

static int format_hlog_render(const json_t *doc, const struct style *style, struct buf *ret)
{
	static const char *const tags[] = {"response", "service", "our_delay"};
	const char *of = json_path_text(doc, "batches.of");
	struct format_hlog_window w = {0};
	int r = format_hlog_head(doc, ret);

	(void)style;
	(void)json_path_int(doc, "window.start_ns", &w.start_ns);
	w.start_ns = format_hlog_bent(w.start_ns);
	if (json_path_int(doc, "window.end_ns", &w.length_ns))
		w.length_ns = format_hlog_bent(w.length_ns) - w.start_ns;
	for (size_t i = 0; i < sizeof(tags) / sizeof(*tags) && r == 0; i++) {
		bool has_rows = json_array_size(json_path_at(doc, "batches.rows")) > 0;

		if (has_rows && strcmp(tags[i], of) == 0)
			r = format_hlog_stretches(doc, &w, tags[i], "hdr", ret);
		else if (has_rows && strcmp(tags[i], "our_delay") == 0)
			r = format_hlog_stretches(doc, &w, tags[i], "our_delay_hdr", ret);
		else
			r = format_hlog_whole(doc, &w, tags[i], ret);
	}
	return r;
}

const struct format format_hlog = {"hlog", ".hlog", format_hlog_render};
