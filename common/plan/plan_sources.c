/* SPDX-License-Identifier: Apache-2.0 */
/* Source addresses: a list of single ones, ranges and networks, written out in full.
 *
 * An address is a number here (IPv4 in the low 32 bits), so that all three are a first and a last
 * one. Addresses that no socket can be bound to, or that would need a zone, are refused here and
 * not when the run connects. Each address is kept once, since one given twice would get twice the
 * connections; a small hash table finds duplicates, as a linear search through 4,096 for each would
 * be too slow. */
#include "common/plan/plan_sources.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/plan/plan.h"

#define PLAN_SOURCES_BLANKS " \t"
#define PLAN_SOURCES_ITEM_MAX 96 /* two addresses of IPv6 and a dash */
#define PLAN_SOURCES_V4_BITS 32
#define PLAN_SOURCES_V6_BITS 128
#define PLAN_SOURCES_NAMED_MAX (16 * PLAN_SOURCES_MAX) /* limit including repetitions */
#define PLAN_SOURCES_SLOTS (2 * PLAN_SOURCES_MAX)
#define PLAN_SOURCES_MAX_BITS 12 /* maximum number of host bits of a network */

typedef unsigned __int128 plan_sources_number;

/* The addresses of all lines read so far; the list becomes the plan's. */
struct plan_sources {
	struct plan_source *list;
	size_t n;
	size_t n_named;			    /* including repetitions */
	uint16_t slots[PLAN_SOURCES_SLOTS]; /* by hash: 1 + index, 0 where empty */
};

struct plan_sources_range {
	bool is_v6;
	plan_sources_number first, last;
};

/* ---- addresses and numbers ---- */

static bool plan_sources_read(const char *text, bool *ret_is_v6, plan_sources_number *ret)
{
	uint8_t bytes[16];
	plan_sources_number n = 0;
	size_t len = 4;

	*ret_is_v6 = strchr(text, ':') != NULL;
	if (*ret_is_v6)
		len = 16;
	if (inet_pton(*ret_is_v6 ? AF_INET6 : AF_INET, text, bytes) != 1)
		return false;
	for (size_t i = 0; i < len; i++)
		n = n << 8 | bytes[i];
	*ret = n;
	return true;
}

static struct plan_source plan_sources_address(bool is_v6, plan_sources_number n)
{
	struct plan_source s = {.is_v6 = is_v6};

	for (size_t i = is_v6 ? 16 : 4; i-- > 0; n >>= 8)
		s.address[i] = (uint8_t)n;
	return s;
}

static const char *plan_sources_text(
	const struct plan_source *s, char text[static INET6_ADDRSTRLEN])
{
	(void)inet_ntop(s->is_v6 ? AF_INET6 : AF_INET, s->address, text, INET6_ADDRSTRLEN);
	return text;
}

#define PLAN_SOURCES_REMEDY ": name one of this host (ip address)"
#define PLAN_SOURCES_FORMS "write them as in 10.0.0.1, 10.0.0.5-10.0.0.9, 10.1.0.0/28 or ::1"

/* The reason why no connection can come from this address; NULL: it is usable. */
static const char *plan_sources_flaw(const struct plan_source *s)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	static const uint8_t none[16];
	const uint8_t *a = s->address;

	if (!s->is_v6) {
		if (a[0] == 0 || (a[0] & a[1] & a[2] & a[3]) == 0xff)
			return "it is not the address of a host" PLAN_SOURCES_REMEDY;
		return (a[0] & 0xf0) == 0xe0 ? "it is a multicast address" PLAN_SOURCES_REMEDY
					     : NULL;
	}
	if (memcmp(a, none, sizeof(none)) == 0)
		return "it is not the address of a host" PLAN_SOURCES_REMEDY;
	if (memcmp(a, mapped, sizeof(mapped)) == 0)
		return "IPv4 addresses are written as 10.0.0.1";
	if (a[0] == 0xfe && (a[1] & 0xc0) == 0x80)
		return "a link-local one needs a zone, which is not supported: name another";
	return a[0] == 0xff ? "it is a multicast address" PLAN_SOURCES_REMEDY : NULL;
}

/* ---- one item ---- */

static int plan_sources_refuse(struct err *reterr, const char *item, const char *why)
{
	err_set(reterr, "'%.96s': %s", item, why);
	return -EINVAL;
}

static int plan_sources_no_address(struct err *reterr, const char *item)
{
	err_set(reterr, "'%.96s' is not an address to connect from: " PLAN_SOURCES_FORMS, item);
	return -EINVAL;
}

static bool plan_sources_read_bits(const char *text, unsigned max, unsigned *ret)
{
	size_t len = strlen(text);
	unsigned n = 0;

	if (len < 1 || len > 3 || text[strspn(text, "0123456789")])
		return false;
	for (; *text; text++)
		n = n * 10 + (unsigned)(*text - '0');
	*ret = n;
	return n <= max;
}

/* item: the text before the "/". */
static int plan_sources_read_network(
	const char *item, const char *bits_text, struct plan_sources_range *r, struct err *reterr)
{
	unsigned width, bits, n_host;
	plan_sources_number mask;

	if (!plan_sources_read(item, &r->is_v6, &r->first))
		return plan_sources_no_address(reterr, item);
	width = r->is_v6 ? PLAN_SOURCES_V6_BITS : PLAN_SOURCES_V4_BITS;
	if (!plan_sources_read_bits(bits_text, width, &bits)) {
		err_set(reterr, "'%.60s/%.30s': a number from 0 to %u must follow the \"/\"", item,
			bits_text, width);
		return -EINVAL;
	}
	n_host = width - bits;
	if (n_host > PLAN_SOURCES_MAX_BITS) {
		err_set(reterr,
			"%s/%u has more than %d addresses: write a network of /%u or smaller", item,
			bits, PLAN_SOURCES_MAX, width - PLAN_SOURCES_MAX_BITS);
		return -EINVAL;
	}
	mask = ((plan_sources_number)1 << n_host) - 1;
	if (r->first & mask) {
		struct plan_source network = plan_sources_address(r->is_v6, r->first & ~mask);
		char text[INET6_ADDRSTRLEN];

		err_set(reterr, "%s/%u: the network of that size is %s/%u: write that", item, bits,
			plan_sources_text(&network, text), bits);
		return -EINVAL;
	}
	r->last = r->first | mask;
	if (!r->is_v6 && n_host > 1) {
		r->first++;
		r->last--;
	}
	return 0;
}

/* Cuts item at its dash or slash. */
static int plan_sources_read_item(char *item, struct plan_sources_range *r, struct err *reterr)
{
	char *slash = strchr(item, '/'), *dash = strchr(item, '-');
	bool is_v6;

	if (slash) {
		*slash = '\0';
		return plan_sources_read_network(item, slash + 1, r, reterr);
	}
	if (dash)
		*dash = '\0';
	if (!plan_sources_read(item, &r->is_v6, &r->first))
		return plan_sources_no_address(reterr, item);
	r->last = r->first;
	if (!dash)
		return 0;
	if (!plan_sources_read(dash + 1, &is_v6, &r->last))
		return plan_sources_no_address(reterr, dash + 1);
	*dash = '-';
	if (is_v6 != r->is_v6)
		return plan_sources_refuse(
			reterr, item, "both ends of a range are IPv4 or both are IPv6: change one");
	if (r->last < r->first)
		return plan_sources_refuse(reterr, item,
			"the range ends before it begins: write the lower address first");
	return 0;
}

/* ---- the list ---- */

static size_t plan_sources_slot(const struct plan_source *s)
{
	uint32_t hash = 2166136261u + s->is_v6; /* FNV-1a */

	for (size_t i = 0; i < sizeof(s->address); i++)
		hash = (hash ^ s->address[i]) * 16777619u;
	return hash % PLAN_SOURCES_SLOTS;
}

static bool plan_sources_has(
	const struct plan_sources *s, const struct plan_source *source, size_t *ret_slot)
{
	size_t i = plan_sources_slot(source);

	for (; s->slots[i]; i = (i + 1) % PLAN_SOURCES_SLOTS) {
		const struct plan_source *known = &s->list[s->slots[i] - 1];

		if (known->is_v6 == source->is_v6 &&
			!memcmp(known->address, source->address, sizeof(known->address)))
			return true;
	}
	*ret_slot = i;
	return false;
}

static int plan_sources_add_one(
	struct plan_sources *s, const struct plan_source *source, struct err *reterr)
{
	const char *flaw = plan_sources_flaw(source);
	char text[INET6_ADDRSTRLEN];
	size_t slot;

	if (flaw) {
		err_set(reterr, "%s cannot be a source address: %s",
			plan_sources_text(source, text), flaw);
		return -EINVAL;
	}
	if (s->n_named++ == PLAN_SOURCES_NAMED_MAX) {
		err_set(reterr, "more than %d addresses with repetitions: name each one once",
			PLAN_SOURCES_NAMED_MAX);
		return -EINVAL;
	}
	if (plan_sources_has(s, source, &slot))
		return 0;
	if (s->n == PLAN_SOURCES_MAX) {
		err_set(reterr, "more than %d addresses: name fewer of them", PLAN_SOURCES_MAX);
		return -EINVAL;
	}
	s->list[s->n++] = *source;
	s->slots[slot] = (uint16_t)s->n;
	return 0;
}

static int plan_sources_add_range(
	struct plan_sources *s, const struct plan_sources_range *range, struct err *reterr)
{
	int r = 0;

	for (plan_sources_number n = range->first; r == 0; n++) {
		struct plan_source source = plan_sources_address(range->is_v6, n);

		r = plan_sources_add_one(s, &source, reterr);
		if (n == range->last)
			break;
	}
	return r;
}

static int plan_sources_add(struct plan_sources *s, const char *value, struct err *reterr)
{
	const char *at = value;
	int r = 0;

	if (!s->list)
		s->list = calloc(PLAN_SOURCES_MAX, sizeof(*s->list));
	if (!s->list)
		return -ENOMEM;
	for (;; at++) {
		struct plan_sources_range range;
		char item[PLAN_SOURCES_ITEM_MAX];
		size_t len;

		at += strspn(at, PLAN_SOURCES_BLANKS);
		len = strcspn(at, ",");
		while (len && strchr(PLAN_SOURCES_BLANKS, at[len - 1]))
			len--;
		if (len == 0)
			return plan_sources_refuse(
				reterr, value, "an address is missing: " PLAN_SOURCES_FORMS);
		if (len >= sizeof(item))
			return plan_sources_no_address(reterr, at);
		memcpy(item, at, len);
		item[len] = '\0';
		r = plan_sources_read_item(item, &range, reterr);
		if (r == 0)
			r = plan_sources_add_range(s, &range, reterr);
		at += strcspn(at, ",");
		if (r || !*at)
			return r;
	}
}

static void plan_sources_fini(struct plan_sources *s)
{
	free(s->list);
	s->list = NULL;
	s->n = 0;
}

int plan_parse_sources(const char *value, void *field, struct err *reterr)
{
	struct plan_sources scratch = {0};
	struct plan *p = field;
	int r;

	if (!p) {
		r = plan_sources_add(&scratch, value, reterr);
		plan_sources_fini(&scratch);
		return r;
	}
	if (!p->_sources_read)
		p->_sources_read = calloc(1, sizeof(*p->_sources_read));
	if (!p->_sources_read)
		return -ENOMEM;
	r = plan_sources_add(p->_sources_read, value, reterr);
	p->sources = p->_sources_read->list;
	p->n_sources = p->_sources_read->n;
	return r;
}

void plan_clear_sources(void *field)
{
	struct plan *p = field;

	free(p->_sources_read);
	free(p->sources);
	p->_sources_read = NULL;
	p->sources = NULL;
	p->n_sources = 0;
}

void plan_finish_sources(struct plan *p)
{
	size_t size = p->n_sources * sizeof(*p->sources);
	struct plan_source *list = p->n_sources ? realloc(p->sources, size) : NULL;

	free(p->_sources_read);
	p->_sources_read = NULL;
	if (list)
		p->sources = list;
}
