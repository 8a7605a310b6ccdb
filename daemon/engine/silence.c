/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/engine/silence.h"

static void silence_insert(struct silence *s, int64_t asked_ns)
{
	unsigned i = s->n_asked < SILENCE_ASKED_MAX ? s->n_asked++ : SILENCE_ASKED_MAX;

	for (; i > 0 && s->asked_ns[i - 1] > asked_ns; i--)
		if (i < SILENCE_ASKED_MAX)
			s->asked_ns[i] = s->asked_ns[i - 1];
	if (i < SILENCE_ASKED_MAX)
		s->asked_ns[i] = asked_ns;
}

/* Arrivals before another worker's response are not after the last response, and are left out. Such
 * a worker then reports no later arrivals either: it waits for its own response, and the worker
 * that had the last one reports all arrivals since then. */
static void silence_add_asked(struct silence *to, const struct silence *from)
{
	for (unsigned i = 0; i < from->n_asked; i++) {
		/* A batch of arrivals may have an instant shortly before the response. */
		int64_t asked_ns = from->asked_ns[i] > from->answered_ns ? from->asked_ns[i]
									 : from->answered_ns;

		if (asked_ns >= to->answered_ns)
			silence_insert(to, asked_ns);
	}
}

void silence_merge(struct silence *to, const struct silence *from)
{
	struct silence both = {.answered_ns = to->answered_ns > from->answered_ns
						      ? to->answered_ns
						      : from->answered_ns};

	silence_add_asked(&both, to);
	silence_add_asked(&both, from);
	*to = both;
}

int64_t silence_since(
	const struct silence *s, unsigned least_asked, int64_t patience_ns, int64_t now_ns)
{
	if (s->n_asked < least_asked || now_ns - s->asked_ns[least_asked - 1] < patience_ns)
		return 0;
	return s->asked_ns[0];
}
