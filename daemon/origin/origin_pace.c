/* SPDX-License-Identifier: Apache-2.0 */
/* All instants are on a grid with one beginning and never "a while after the last one": so a single
 * delay does not move later instants, and a client can be told the exact instants. */
#include "daemon/origin/origin_pace.h"

#include "common/clock.h"

int64_t origin_pace_stalled_until(const struct settings_cycle *c, int64_t start_ns, int64_t now_ns)
{
	int64_t passed_ns;
	int64_t begin_ns = start_ns;

	if (c->length_ns == 0 || start_ns == CLOCK_NEVER || now_ns < start_ns)
		return 0;
	passed_ns = now_ns - start_ns;
	if (c->every_ns > 0)
		begin_ns += passed_ns - passed_ns % c->every_ns;
	return now_ns - begin_ns < c->length_ns ? begin_ns + c->length_ns : 0;
}

int64_t origin_pace_next_stall(const struct settings_cycle *c, int64_t start_ns, int64_t now_ns)
{
	if (c->length_ns == 0 || start_ns == CLOCK_NEVER)
		return CLOCK_NEVER;
	if (now_ns < start_ns)
		return start_ns;
	if (c->every_ns == 0)
		return CLOCK_NEVER;
	return start_ns + ((now_ns - start_ns) / c->every_ns + 1) * c->every_ns;
}

uint64_t origin_pace_drip(
	const struct settings_origin *s, uint64_t head_len, uint64_t body_len, int64_t passed_ns)
{
	uint64_t pieces;

	if (s->drip_pieces == 0 || body_len == 0)
		return head_len + body_len;
	pieces = passed_ns > 0 ? (uint64_t)(passed_ns / s->drip_ns) : 0;
	if (pieces >= s->drip_pieces)
		return head_len + body_len;
	/* 64 MiB times a million fits into 64 bits. */
	return head_len + 1 + (body_len - 1) * pieces / s->drip_pieces;
}

int64_t origin_pace_next_drip(const struct settings_origin *s, int64_t passed_ns)
{
	return (passed_ns / s->drip_ns + 1) * s->drip_ns;
}

void origin_pace_read_begin(struct origin_pace_read *r, int64_t now_ns, uint64_t owed)
{
	*r = (struct origin_pace_read){.mark_ns = now_ns, .owed = owed};
}

int64_t origin_pace_read_wait(
	struct origin_pace_read *r, const struct settings_origin *s, int64_t now_ns)
{
	int64_t due_ns = r->mark_ns + s->read_ns;
	uint64_t paid;

	if (r->left > 0)
		return 0;
	if (now_ns < due_ns)
		return due_ns;
	/* A client that was slow itself does not get the pieces of the past at once. */
	r->mark_ns = now_ns - due_ns < s->read_ns ? due_ns : now_ns;
	paid = r->owed < s->read_bytes ? r->owed : s->read_bytes;
	r->owed -= paid;
	r->left = s->read_bytes - paid;
	return r->owed > 0 ? r->mark_ns + s->read_ns : 0;
}
