/* SPDX-License-Identifier: Apache-2.0 */
/* Figures as people read them, in plans, reports and the messages of the audit: three significant
 * digits where they were measured, commas between thousands. Each function returns its text by
 * value, to be used as an argument of printf: figure_count(n).text. ASCII. Pure. */
#pragma once

#include <stdint.h>

struct rate;

struct figure {
	char text[48];
};

/* Exact: "1,234,567". */
struct figure figure_count(int64_t n);
/* Three significant digits, at most three decimals: "0.061", "1.21", "11.4", "14,200". */
struct figure figure_value(double value);
/* The same without trailing zeros after the point: "2,000", "0.2". */
struct figure figure_rate(double per_s);
/* As an integer from 100 on, for a rate beside the requested one: "19,960/s", "0.2/s". */
struct figure figure_per_s(double per_s);
/* A share of 0..1 as "0.06 %", "100 %"; never "0 %" for something, never "100 %" for less. */
struct figure figure_share(double share);
/* The same in whole percents, for side remarks: "<1 %", "4 %". */
struct figure figure_percent(double share);
/* An instant of a run: "0:12", "1:02:03"; "-0:01" before its start. */
struct figure figure_clock(int64_t ns);
/* A duration in the unit that reads best: "12.1 ms", "5.01 s", "81.0 us", "24 ns", "16.7 min". */
struct figure figure_time(int64_t ns);
/* Bytes in the unit that reads best: "512 B", "1.21 MiB". */
struct figure figure_bytes(double bytes);

/* A value of a plan, exactly, as it is written in a run file: "1m30s", "500/s", "max". */
struct figure figure_exact_time(int64_t ns);
struct figure figure_exact_rate(struct rate rate);
