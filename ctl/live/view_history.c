/* SPDX-License-Identifier: Apache-2.0 */
/* The intervals since we began to watch: as many as the widest view has columns. */
#include "ctl/live/view_history.h"

#include <string.h>

#include "common/control/progress.h"
#include "ctl/live/view_read.h"

static void view_history_push(struct view_history *h, double ok_per_s, double p99_ns)
{
	if (h->n == VIEW_WIDTH_MAX) {
		h->n--;
		memmove(h->ok_per_s, h->ok_per_s + 1, h->n * sizeof(*h->ok_per_s));
		memmove(h->p99_ns, h->p99_ns + 1, h->n * sizeof(*h->p99_ns));
	}
	h->ok_per_s[h->n] = ok_per_s;
	h->p99_ns[h->n] = p99_ns;
	h->n++;
}

void view_history_add(struct view_history *h, const struct progress *progress)
{
	if (view_rate(progress, progress->last.ok) < 0)
		return;
	view_history_push(h, view_rate(progress, progress->last.ok),
		result_is_known(progress->last.p99_ns) && !view_is_silent(progress)
			? (double)progress->last.p99_ns
			: -1);
}

void view_history_skip(struct view_history *h, uint64_t n)
{
	for (uint64_t i = 0; i < n && i < VIEW_WIDTH_MAX; i++)
		view_history_push(h, -1, -1);
}
