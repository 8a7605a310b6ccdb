/* SPDX-License-Identifier: Apache-2.0 */
/* At the start every address is tried (resolver.h) and those that answer are used. With `dns =
 * every TIME` the name is looked up again while load is planned, and then nothing is tried: the
 * answer of the name service is what a client would use. Only an address that did not answer at the
 * start is left out as long as there are others, or half of the requests to a "localhost" would
 * fail after the first lookup. A lookup that fails changes nothing.
 *
 * Workers borrow the arrays they are given until they are joined, and it is unknown when the last
 * one has switched to a new one; so every array is kept until the end. A set of addresses that
 * occurs again uses its old array, and a name that changes without end is followed for
 * RUN_TARGET_LISTS_MAX sets only. A lookup in progress when the run ends is not cancelled
 * (_is_resolving). */
#include "daemon/runs/run_target.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/plan/plan_connections.h"
#include "common/plan/plan.h"
#include "daemon/loop/loop.h"
#include "daemon/runs/admission.h"
#include "daemon/runs/registry.h"

#define RUN_TARGET_LISTS_MAX 1000
#define RUN_TARGET_EVENTS_MAX 24 /* events of lookups: other events need room too */
#define RUN_TARGET_NAMED 3	 /* number of addresses that an event names on either side */

static struct run_addresses *run_addresses_in(struct list *node)
{
	return container_of(node, struct run_addresses, _node);
}

/* An array for n addresses; NULL: no memory. */
static struct run_addresses *run_addresses_new(size_t n)
{
	struct run_addresses *a = calloc(1, sizeof(*a) + n * sizeof(a->all[0]));

	if (a)
		list_init(&a->_node);
	return a;
}

static bool run_addresses_has(const struct run_addresses *a, const char *text)
{
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->all[i].text, text) == 0)
			return true;
	return false;
}

/* Compares in any order: name services rotate their addresses. No address is in one array twice. */
static bool run_addresses_equal(const struct run_addresses *a, const struct run_addresses *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (!run_addresses_has(b, a->all[i].text))
			return false;
	return true;
}

/* "10.0.0.2:80, 10.0.0.3:80 and 4 more" */
static void run_addresses_write(const struct run_addresses *a, char *text, size_t size)
{
	size_t len = 0;

	text[0] = '\0';
	for (size_t i = 0; i < a->n && i < RUN_TARGET_NAMED && len < size; i++)
		len += (size_t)snprintf(
			text + len, size - len, "%s%s", i > 0 ? ", " : "", a->all[i].text);
	if (a->n > RUN_TARGET_NAMED && len < size)
		(void)snprintf(text + len, size - len, " and %zu more", a->n - RUN_TARGET_NAMED);
}

/* ---------------------------------------------------------------- the start */

int run_target_check_sources(const struct plan *plan, struct err *reterr)
{
	for (size_t i = 0; i < plan->n_sources; i++) {
		struct address a;
		int r;

		address_of_source(&plan->sources[i], &a);
		r = host_try_source(&a.sa, a.len);
		if (r == 0)
			continue;
		err_set(reterr, "source %s: %s", a.text,
			r == -EADDRNOTAVAIL ? "not an address of this host, which ip address lists"
					    : strerror(-r));
		return REGISTRY_E_UNAVAILABLE;
	}
	return 0;
}

static void run_target_start_resolver(struct run_target *t, bool probes, future_fn fn)
{
	const struct plan *plan = t->_config.plan;
	struct resolver_config config = {
		.host = plan_connect_host(plan),
		.port = plan_connect_port(plan),
		.unix_path = plan_connect_unix(plan),
		.filter = plan->addresses,
		.probes = probes,
		.connect_timeout_ns = plan->connect_timeout_ns,
		.guard = t->_config.guard,
		.sources = plan->sources,
		.n_sources = plan->n_sources,
	};

	t->_is_resolving = t->_has_resolver = true;
	resolver_start(&t->_resolver, t->_config.loop, &config);
	future_on_done(&t->_resolver.done, fn, t);
}

static void run_target_on_resolved(struct future *f, void *result, void *arg)
{
	struct run_target *t = arg;
	struct resolver *r = result;

	(void)f;
	t->_is_resolving = false;
	resolver_fini(r); /* its results stay */
	if (t->_is_stopped)
		return;
	t->_is_refused = r->outcome == RESOLVER_REFUSED;
	t->_config.on_resolved(t, r);
}

void run_target_resolve(struct run_target *t)
{
	run_target_start_resolver(t, true, run_target_on_resolved);
}

static void run_target_use(struct run_target *t, struct run_addresses *a)
{
	list_push_back(&t->_lists, &a->_node);
	t->_n_lists++;
	t->_present = a;
}

/* 0 or -ENOMEM. */
static int run_target_keep(struct run_target *t)
{
	const struct resolver *r = &t->_resolver;
	struct run_addresses *a = run_addresses_new(r->n_addresses);

	t->_silent = run_addresses_new(r->n_found - r->n_addresses);
	if (!a || !t->_silent) {
		free(a);
		return -ENOMEM;
	}
	for (size_t i = 0; i < r->n_addresses; i++)
		a->all[a->n++] = r->addresses[i];
	for (size_t i = r->n_addresses; i < r->n_found; i++)
		t->_silent->all[t->_silent->n++] = r->addresses[i];
	run_target_use(t, a);
	return 0;
}

static void run_target_describe(const struct run_target *t, struct admission_target *ret)
{
	*ret = (struct admission_target){.is_loopback = true};
	for (size_t i = 0; i < t->_present->n; i++) {
		const struct sockaddr *sa = &t->_present->all[i].sa;

		ret->is_colocated |= host_is_local(sa);
		ret->is_loopback &= host_is_loopback(sa);
		ret->n_v4 += sa->sa_family == AF_INET;
		ret->n_v6 += sa->sa_family == AF_INET6;
	}
}

int run_target_accept(struct run_target *t, struct admission_target *ret)
{
	int r = run_target_keep(t);

	if (r < 0)
		return r;
	run_target_describe(t, ret);
	t->_is_colocated = ret->is_colocated;
	return 0;
}

/* ---------------------------------------------------------------- again */

static void __attribute__((format(printf, 2, 3)))
run_target_tell(struct run_target *t, const char *format, ...)
{
	char text[256];
	va_list args;

	if (t->_n_events == RUN_TARGET_EVENTS_MAX)
		return;
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	t->_config.on_event(t, text);
	if (++t->_n_events == RUN_TARGET_EVENTS_MAX)
		t->_config.on_event(t, "further changes are not reported");
}

/* The addresses found, without those that are known not to answer. */
static struct run_addresses *run_target_choose(const struct run_target *t)
{
	const struct resolver *r = &t->_resolver;
	bool is_first = t->_config.plan->addresses == PLAN_ADDRESSES_FIRST;
	struct run_addresses *a = run_addresses_new(r->n_addresses);

	if (!a)
		return NULL;
	for (size_t i = 0; i < r->n_addresses; i++) {
		const struct address *found = &r->addresses[i];

		/* The first address stays the same while the name has it, at any position. */
		if (is_first && run_addresses_has(t->_present, found->text)) {
			a->all[0] = *found;
			a->n = 1;
			return a;
		}
		if (!run_addresses_has(t->_silent, found->text))
			a->all[a->n++] = *found;
	}
	for (size_t i = 0; a->n == 0 && i < r->n_addresses; i++)
		a->all[i] = r->addresses[i];
	if (a->n == 0)
		a->n = r->n_addresses;
	if (is_first)
		a->n = 1;
	return a;
}

/* The array with that very set: an existing one, or a itself, which is then added to the list.
 * NULL: there are too many. */
static const struct run_addresses *run_target_intern(struct run_target *t, struct run_addresses *a)
{
	list_for_each (it, &t->_lists) {
		if (run_addresses_equal(run_addresses_in(it), a)) {
			t->_present = run_addresses_in(it);
			free(a);
			return t->_present;
		}
	}
	if (t->_n_lists == RUN_TARGET_LISTS_MAX) {
		free(a);
		return NULL;
	}
	run_target_use(t, a);
	return a;
}

static void run_target_turn_to(struct run_target *t, struct run_addresses *a)
{
	char now[128], was[128];
	const struct run_addresses *before = t->_present;

	if (run_addresses_equal(a, before)) {
		free(a);
		return;
	}
	if (!run_target_intern(t, a)) {
		if (!t->_lookup_failed)
			run_target_tell(t,
				"the name has had %u sets of addresses; the last one is kept",
				RUN_TARGET_LISTS_MAX);
		t->_lookup_failed = true;
		return;
	}
	t->_config.on_changed(t, t->_present);
	run_addresses_write(t->_present, now, sizeof(now));
	run_addresses_write(before, was, sizeof(was));
	run_target_tell(t, "now %s; was %s", now, was);
}

static void run_target_on_looked_up(struct future *f, void *result, void *arg)
{
	struct run_target *t = arg;
	struct resolver *r = result;
	struct run_addresses *a;

	(void)f;
	t->_is_resolving = false;
	resolver_fini(r); /* its results stay */
	if (t->_is_stopped)
		return;
	if (r->outcome != RESOLVER_OK) {
		if (!t->_lookup_failed)
			run_target_tell(t, "lookup failed, the old ones are kept: %s", r->err.text);
		t->_lookup_failed = true;
		return;
	}
	a = run_target_choose(t);
	if (!a)
		return; /* out of memory: tried again at the next lookup */
	if (t->_lookup_failed && t->_n_lists < RUN_TARGET_LISTS_MAX) {
		t->_lookup_failed = false;
		run_target_tell(t, "lookups succeed again");
	}
	run_target_turn_to(t, a);
}

static void run_target_on_mark(struct timer_queue *q, struct timer *timer)
{
	struct run_target *t = q->userdata;

	timer_start(q, timer, clock_now_ns() + t->_config.plan->dns_ns);
	/* If the name service is slower than that, it is not asked twice at the same time. */
	if (t->_is_resolving)
		return;
	resolver_fini(&t->_resolver);
	run_target_start_resolver(t, false, run_target_on_looked_up);
}

void run_target_go(struct run_target *t, int64_t t0_ns)
{
	if (t->_config.plan->dns_ns > 0)
		timer_start(&t->_marks, &t->_mark, t0_ns + t->_config.plan->dns_ns);
}

void run_target_stop(struct run_target *t)
{
	t->_is_stopped = true;
	timer_stop(&t->_mark);
	if (t->_is_resolving)
		resolver_hurry(&t->_resolver);
}

/* ---------------------------------------------------------------- the end */

json_t *run_target_json(const struct run_target *t)
{
	json_t *all = json_array();

	list_for_each (it, &t->_lists) {
		const struct run_addresses *a = run_addresses_in(it);

		for (size_t i = 0; i < a->n; i++) {
			bool was_there = false;

			list_for_each (before, &t->_lists) {
				if (before == it || was_there)
					break;
				was_there =
					run_addresses_has(run_addresses_in(before), a->all[i].text);
			}
			if (!was_there)
				(void)json_array_append_new(all, json_string(a->all[i].text));
		}
	}
	return all;
}

void run_target_init(struct run_target *t, const struct run_target_config *config)
{
	*t = (struct run_target){._config = *config};
	list_init(&t->_lists);
	timer_init(&t->_mark);
	timer_queue_init(&t->_marks, config->loop, run_target_on_mark, t);
}

void run_target_let_go(struct run_target *t)
{
	struct list *node;

	while ((node = list_pop_front(&t->_lists)))
		free(run_addresses_in(node));
	t->_present = NULL;
	free(t->_silent);
	t->_silent = NULL;
}

void run_target_fini(struct run_target *t)
{
	if (t->_has_resolver)
		resolver_fini(&t->_resolver);
	timer_queue_fini(&t->_marks);
	run_target_let_go(t);
}
