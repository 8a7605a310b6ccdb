/* SPDX-License-Identifier: Apache-2.0 */
/* The members of a result that tell how exact its quantiles are. Pure. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct confidence_batch;
struct histogram;
struct result_latency;

/* Adds to the latency of whole, at the given confidence level (0.95): "ci95": {"level", "p50_ns":
 * [low, high], "p90_ns", "p99_ns", "p99_9_ns"}, null where there is not enough data, high null
 * where there is no upper limit; "n_effective": {"p50", "p90", "p99", "p99_9"}, the number of
 * independent arrivals that carry the same information, null where the batches cannot tell. n:
 * arrivals that were planned; in the closed model those that are in whole. 0 or -ENOMEM. */
int result_confidence_fill(struct result_latency *latency, const struct confidence_batch *batches,
	size_t n_batches, const struct histogram *whole, uint64_t n, double level);
