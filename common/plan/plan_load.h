/* SPDX-License-Identifier: Apache-2.0 */
/* The load that follows from a plan's keys. Internal to the plan. Pure. */
#pragma once

#include <stdbool.h>

struct plan_input;

/* A key that sets the pace has a bad value: keys that contradict it may fit the right one. */
bool plan_is_load_doubtful(const struct plan_input *in);
/* After plan_exclude: fills model, rate, stages, duration and requests. 0 or -ENOMEM. */
int plan_resolve_load(const struct plan_input *in);
