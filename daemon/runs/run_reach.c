/* SPDX-License-Identifier: Apache-2.0 */
/* The target addresses of a run: the addresses its workers connect to, and their source addresses.
 *
 * At the start every address is tried (resolver.h) and those that answer are used. With `dns =
 * every TIME` the name is looked up again while load is planned, and then nothing is tried: the
 * answer of the name service is what a client would use. Only an address that did not answer at the
 * start is left out as long as there are others, or half of the requests to a "localhost" would
 * fail after the first lookup. A lookup that fails changes nothing.
 *
 * Workers borrow the arrays they are given until they are joined, and it is unknown when the last
 * one has switched to a new one; so every array is kept until the end. A set of addresses that
 * occurs again uses its old array, and a name that changes without end is followed for
 * RUN_REACH_LISTS_MAX sets only. Main thread; a lookup in progress when the run ends is not
 * cancelled (is_resolving). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/plan/plan_connections.h"
#include "daemon/loop/loop.h"
#include "daemon/runs/registry.h"
#include "daemon/runs/run_private.h"

#define RUN_REACH_LISTS_MAX 1000
#define RUN_REACH_EVENTS_MAX 24 /* events of lookups: other events need room too */
#define RUN_REACH_NAMED 3	/* number of addresses that an event names on either side */

static struct run_addresses *run_addresses_in(struct list *node)
{
	return container_of(node, struct run_addresses, node);
}

/* An array for n addresses; NULL: no memory. */
static struct run_addresses *run_addresses_new(size_t n)
{
	struct run_addresses *a = calloc(1, sizeof(*a) + n * sizeof(a->all[0]));

	if (a)
		list_init(&a->node);
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
	for (size_t i = 0; i < a->n && i < RUN_REACH_NAMED && len < size; i++)
		len += (size_t)snprintf(
			text + len, size - len, "%s%s", i > 0 ? ", " : "", a->all[i].text);
	if (a->n > RUN_REACH_NAMED && len < size)
		(void)snprintf(text + len, size - len, " and %zu more", a->n - RUN_REACH_NAMED);
}

/* ---------------------------------------------------------------- the start */

int run_reach_check_sources(const struct run *run, struct err *reterr)
{
	for (size_t i = 0; i < run->plan->n_sources; i++) {
		struct address a;
		int r;

		address_of_source(&run->plan->sources[i], &a);
		r = host_try_source(&a.sa, a.len);
		if (r == 0)
			continue;
		err_set(reterr, "source %s: %s", a.text,
			r == -EADDRNOTAVAIL ? "not an address of this host" : strerror(-r));
		return REGISTRY_E_UNAVAILABLE;
	}
	return 0;
}

static void run_reach_start_resolver(struct run *run, bool probes, future_fn fn)
{
	const struct plan *plan = run->plan;
	struct resolver_config config = {
		.host = plan_connect_host(plan),
		.port = plan_connect_port(plan),
		.unix_path = plan_connect_unix(plan),
		.filter = plan->addresses,
		.probes = probes,
		.connect_timeout_ns = plan->connect_timeout_ns,
		.guard = run->guard,
		.sources = plan->sources,
		.n_sources = plan->n_sources,
	};

	run->is_resolving = run->has_resolver = true;
	resolver_start(&run->resolver, run->loop, &config);
	future_on_done(&run->resolver.done, fn, run);
}

void run_reach_resolve(struct run *run, future_fn fn)
{
	run_reach_start_resolver(run, true, fn);
}

static void run_reach_use(struct run *run, struct run_addresses *a)
{
	list_push_back(&run->address_lists, &a->node);
	run->n_address_lists++;
	run->addresses = a;
}

/* 0 or -ENOMEM. */
static int run_reach_take(struct run *run)
{
	const struct resolver *r = &run->resolver;
	struct run_addresses *a = run_addresses_new(r->n_addresses);

	run->silent = run_addresses_new(r->n_found - r->n_addresses);
	if (!a || !run->silent) {
		free(a);
		return -ENOMEM;
	}
	for (size_t i = 0; i < r->n_addresses; i++)
		a->all[a->n++] = r->addresses[i];
	for (size_t i = r->n_addresses; i < r->n_found; i++)
		run->silent->all[run->silent->n++] = r->addresses[i];
	run_reach_use(run, a);
	return 0;
}

static void run_reach_describe(const struct run *run, struct admission_target *ret)
{
	*ret = (struct admission_target){.is_loopback = true};
	for (size_t i = 0; i < run->addresses->n; i++) {
		const struct sockaddr *sa = &run->addresses->all[i].sa;

		ret->is_colocated |= host_is_local(sa);
		ret->is_loopback &= host_is_loopback(sa);
		ret->n_v4 += sa->sa_family == AF_INET;
		ret->n_v6 += sa->sa_family == AF_INET6;
	}
}

int run_reach_admit(struct run *run, struct err *reterr)
{
	struct admission_target target;
	int r = run_reach_take(run);

	if (r < 0)
		return r;
	run_reach_describe(run, &target);
	run->is_colocated = target.is_colocated;
	r = admission_check(run->plan, &run->room, &target, &run->admission, reterr);
	if (r == 0 && run->admission.note[0])
		run_add_event(run, "ports", "%s", run->admission.note);
	return r;
}

/* ---------------------------------------------------------------- again */

static void __attribute__((format(printf, 2, 3)))
run_reach_tell(struct run *run, const char *format, ...)
{
	char text[sizeof(run->events[0].text)];
	va_list args;

	if (run->n_lookup_events == RUN_REACH_EVENTS_MAX)
		return;
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	run_add_event(run, "addresses", "%s", text);
	if (++run->n_lookup_events == RUN_REACH_EVENTS_MAX)
		run_add_event(run, "addresses", "further changes are not reported");
}

static bool run_reach_is_planning(const struct run *run)
{
	return run->state == RUN_WARMUP || run->state == RUN_RUNNING || run->state == RUN_PAUSED;
}

/* The addresses found, without those that are known not to answer. */
static struct run_addresses *run_reach_choose(const struct run *run)
{
	const struct resolver *r = &run->resolver;
	bool is_first = run->plan->addresses == PLAN_ADDRESSES_FIRST;
	struct run_addresses *a = run_addresses_new(r->n_addresses);

	if (!a)
		return NULL;
	for (size_t i = 0; i < r->n_addresses; i++) {
		const struct address *found = &r->addresses[i];

		/* The first address stays the same while the name has it, at any position. */
		if (is_first && run_addresses_has(run->addresses, found->text)) {
			a->all[0] = *found;
			a->n = 1;
			return a;
		}
		if (!run_addresses_has(run->silent, found->text))
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
static const struct run_addresses *run_reach_intern(struct run *run, struct run_addresses *a)
{
	list_for_each (it, &run->address_lists) {
		if (run_addresses_equal(run_addresses_in(it), a)) {
			run->addresses = run_addresses_in(it);
			free(a);
			return run->addresses;
		}
	}
	if (run->n_address_lists == RUN_REACH_LISTS_MAX) {
		free(a);
		return NULL;
	}
	run_reach_use(run, a);
	return a;
}

static void run_reach_turn_to(struct run *run, struct run_addresses *a)
{
	char now[128], was[128];
	const struct run_addresses *before = run->addresses;

	if (run_addresses_equal(a, before)) {
		free(a);
		return;
	}
	if (!run_reach_intern(run, a)) {
		if (!run->lookup_failed)
			run_reach_tell(run,
				"the name has had %u sets of addresses; the last one is kept",
				RUN_REACH_LISTS_MAX);
		run->lookup_failed = true;
		return;
	}
	/* A worker for which there is no memory keeps the old ones until they change again. */
	for (unsigned w = 0; w < run->n_started; w++)
		(void)worker_set_addresses(run->workers[w], run->addresses->all, run->addresses->n);
	run_addresses_write(run->addresses, now, sizeof(now));
	run_addresses_write(before, was, sizeof(was));
	run_reach_tell(run, "now %s; was %s", now, was);
}

static void run_reach_on_looked_up(struct future *f, void *result, void *arg)
{
	struct run *run = arg;
	struct resolver *r = result;
	struct run_addresses *a;

	(void)f;
	run->is_resolving = false;
	resolver_fini(r); /* its results stay */
	if (!run_reach_is_planning(run))
		return;
	if (r->outcome != RESOLVER_OK) {
		if (!run->lookup_failed)
			run_reach_tell(
				run, "lookup failed, the old ones are kept: %s", r->err.text);
		run->lookup_failed = true;
		return;
	}
	a = run_reach_choose(run);
	if (!a)
		return; /* out of memory: tried again at the next lookup */
	if (run->lookup_failed && run->n_address_lists < RUN_REACH_LISTS_MAX) {
		run->lookup_failed = false;
		run_reach_tell(run, "lookups succeed again");
	}
	run_reach_turn_to(run, a);
}

void run_reach_look_again(struct run *run)
{
	if (!run_reach_is_planning(run))
		return;
	timer_start(&run->marks, &run->dns_mark, clock_now_ns() + run->plan->dns_ns);
	/* If the name service is slower than that, it is not asked twice at the same time. */
	if (run->is_resolving)
		return;
	resolver_fini(&run->resolver);
	run_reach_start_resolver(run, false, run_reach_on_looked_up);
}

void run_reach_go(struct run *run, int64_t t0_ns)
{
	if (run->plan->dns_ns > 0)
		timer_start(&run->marks, &run->dns_mark, t0_ns + run->plan->dns_ns);
}

void run_reach_stop(struct run *run)
{
	timer_stop(&run->dns_mark);
	if (run->is_resolving)
		resolver_hurry(&run->resolver);
}

/* ---------------------------------------------------------------- the end */

json_t *run_reach_json(const struct run *run)
{
	json_t *all = json_array();

	list_for_each (it, &run->address_lists) {
		const struct run_addresses *a = run_addresses_in(it);

		for (size_t i = 0; i < a->n; i++) {
			bool was_there = false;

			list_for_each (before, &run->address_lists) {
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

void run_reach_init(struct run *run)
{
	list_init(&run->address_lists);
	timer_init(&run->dns_mark);
}

void run_reach_fini(struct run *run)
{
	struct list *node;

	while ((node = list_pop_front(&run->address_lists)))
		free(run_addresses_in(node));
	run->addresses = NULL;
	free(run->silent);
	run->silent = NULL;
}
