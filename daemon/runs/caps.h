/* SPDX-License-Identifier: Apache-2.0 */
/* The caps of [policy]: limits that hold for every run of the service, started or steered by any
 * user. A value of a plan or of a steering act that exceeds them is refused here, by name; values
 * that a plan leaves open are limited while it runs (admission: connections; the pace of its
 * workers: requests sent; run_stop: its time). A private run has no caps. Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct err;
struct plan;
struct rate;
struct settings;

struct caps {
	uint64_t rate;	      /* planned requests per second; 0: no cap */
	uint64_t connections; /* open at one time; 0: no cap */
	int64_t duration_ns;  /* from the run's start to its last answer; 0: no cap */
};

struct caps caps_of_settings(const struct settings *settings);

/* Each 0, or REGISTRY_E_REFUSED with figure, key and cap in reterr. */
int caps_check_rate(const struct caps *caps, double rate_per_s, struct err *reterr);
int caps_check_plan(const struct caps *caps, const struct plan *plan, struct err *reterr);

/* The number of connections that the plan would open by itself, limited by the cap. */
uint64_t caps_connections(const struct caps *caps, uint64_t wanted);
