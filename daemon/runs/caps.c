/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/runs/caps.h"

#include <inttypes.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/plan/plan.h"
#include "common/settings/settings.h"
#include "daemon/runs/registry.h"

struct caps caps_of_settings(const struct settings *settings)
{
	return (struct caps){
		.rate = settings->max_rate,
		.connections = settings->max_connections,
		.duration_ns = settings->max_duration_ns,
	};
}

#define CAPS_LOWER ": take a lower one"

int caps_check_rate(const struct caps *caps, double rate_per_s, struct err *reterr)
{
	if (caps->rate == 0 || rate_per_s <= (double)caps->rate)
		return 0;
	err_set(reterr,
		rate_per_s < 1e5 ? "rate %g/s is above [policy] max-rate = %" PRIu64 CAPS_LOWER
				 : "rate %.0f/s is above [policy] max-rate = %" PRIu64 CAPS_LOWER,
		rate_per_s, caps->rate);
	return REGISTRY_E_REFUSED;
}

int caps_check_plan(const struct caps *caps, const struct plan *plan, struct err *reterr)
{
	int64_t duration_ns = plan->duration_ns;
	char text[UNITS_TEXT_MAX];

	if (caps->connections > 0 && plan->connections > caps->connections) {
		err_set(reterr,
			"%" PRIu64 " connections are above [policy] max-connections = %" PRIu64
			": take fewer",
			plan->connections, caps->connections);
		return REGISTRY_E_REFUSED;
	}
	if (duration_ns != CLOCK_NEVER)
		duration_ns += plan_warmup_ns(plan) + plan->cooldown_ns;
	if (caps->duration_ns > 0 && duration_ns != CLOCK_NEVER &&
		duration_ns > caps->duration_ns) {
		units_format_time(caps->duration_ns, text, sizeof(text));
		err_set(reterr, "the run is longer than [policy] max-duration = %s: shorten it",
			text);
		return REGISTRY_E_REFUSED;
	}
	return caps_check_rate(caps, plan_own_peak_per_s(plan), reterr);
}

uint64_t caps_connections(const struct caps *caps, uint64_t wanted)
{
	return caps->connections > 0 && wanted > caps->connections ? caps->connections : wanted;
}
