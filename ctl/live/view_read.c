/* SPDX-License-Identifier: Apache-2.0 */
/* Figures of a Watch answer. A daemon of another version may leave out what this one
 * sends, so nothing is taken for granted. */
#include "ctl/live/view_read.h"

#include <math.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/control/progress.h"

#define VIEW_EIGHTHS 8u

int64_t view_int(int64_t n)
{
	return n > INT64_MAX / 4 || n < -INT64_MAX / 4 ? 0 : n;
}

double view_rate(const struct progress *doc, int64_t n)
{
	int64_t width = view_int(doc->last.width_ns);

	return width > 0 ? (double)view_int(n) * NSEC_PER_SEC / (double)width : -1;
}

bool view_is_closed(const struct progress *doc)
{
	return !result_is_real(doc->asked_per_s);
}

bool view_is_silent(const struct progress *doc)
{
	return view_int(doc->last.ok) == 0 && view_int(doc->last.failed) == 0;
}

double view_share(const struct progress *doc, int64_t elapsed_ns)
{
	int64_t requests = view_int(doc->requests);
	int64_t total = view_int(doc->total_ns);
	double share = -1;

	if (total > 0)
		share = (double)elapsed_ns / (double)total;
	else if (requests > 0)
		share = (double)(view_int(doc->ok) + view_int(doc->failed)) / (double)requests;
	else
		return -1;
	return fmin(1, fmax(0, share));
}

/* An arrival in the queue is planned, so it is still sent if a connection opens in time.
 * Connections that are being opened are not counted as connections. */
const char *view_awaits(const struct progress *doc)
{
	if (view_int(doc->in_flight) > 0)
		return ": waiting for answers in flight";
	if (view_int(doc->queue) == 0)
		return "";
	return view_int(doc->connections) > 0 ? ": waiting for requests that are not sent yet"
					      : ": waiting for connections to open";
}

int view_draw_bar(unsigned cells, double share, struct buf *ret)
{
	static const char *const eighths[VIEW_EIGHTHS] = {" ", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
	unsigned full = (unsigned)(share * cells * VIEW_EIGHTHS);
	int r = buf_puts(ret, "[");

	for (unsigned i = 0; i < cells && r == 0; i++) {
		unsigned part = full > i * VIEW_EIGHTHS ? full - i * VIEW_EIGHTHS : 0;

		r = buf_puts(ret, part >= VIEW_EIGHTHS ? "█" : eighths[part]);
	}
	return r ? r : buf_puts(ret, "]");
}
