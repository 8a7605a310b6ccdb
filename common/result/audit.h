/* SPDX-License-Identifier: Apache-2.0 */
/* The generator's check of itself, and what it makes of a result: verdict, what limited it,
 * headline and exit code (measurement page A.8, blueprint section 8). Rules over the figures of a
 * result, nothing else: of a run that has just ended, of one that was stored, and of a sum of runs,
 * which is judged as the one run that they were together. Pure. */
#pragma once

#include <stddef.h>

#include "common/clock.h"
#include "common/result/notes.h"

struct result;

/* A window that is shorter says nothing of how fast anything is: a single event of a busy host
 * takes up to 50 ms, and must be no more than a tenth of it; the kernel counts CPU time in ticks of
 * up to 10 ms; new threads and connections are slower at first. */
#define AUDIT_LEAST_NS (500 * NSEC_PER_MSEC)

enum audit_limit {
	AUDIT_BY_PLAN,
	AUDIT_BY_SERVER,
	AUDIT_BY_USERS, /* closed model: they think for longer than they wait */
	AUDIT_BY_CONNECTIONS,
	AUDIT_BY_POLICY, /* of the service: its cap on the rate; closed model */
	AUDIT_BY_GENERATOR,
	AUDIT_BY_UNKNOWN,
};
extern const char *const audit_limit_names[]; /* "plan", "server", … */

enum audit_headline {
	AUDIT_HEADLINE_OK,
	AUDIT_HEADLINE_PASS,
	AUDIT_HEADLINE_FAIL,
	AUDIT_HEADLINE_UNDECIDED,
	AUDIT_HEADLINE_OVERLOAD,
	AUDIT_HEADLINE_FAILED, /* nothing connected, or not one ok */
	AUDIT_HEADLINE_VOID,
};
extern const char *const audit_headline_names[];

/* How a run ended; of a sum the worst, so the later one here. */
enum audit_outcome {
	AUDIT_COMPLETED,
	AUDIT_STOPPED, /* by a person */
	AUDIT_ABORTED,
	AUDIT_FAILED, /* nothing could be sent at all */
	AUDIT_INTERRUPTED,
	AUDIT_OUTCOMES,
};
extern const char *const audit_outcome_names[AUDIT_OUTCOMES];

struct audit_note {
	const char *code; /* "our-delay", "steal", "co-located", … */
	const char *unit; /* "ns", "share", "count" */
	double value;	  /* times in ns, shares 0..1, counts */
	double limit;
	char text[256];
	char try_text[192]; /* a remedy; "" where there is none */
};
#define AUDIT_NOTES_MAX 32

struct audit {
	enum audit_verdict verdict;
	enum audit_limit limited_by;
	enum audit_headline headline;
	int exit_code;
	double our_delay_share_of_p99; /* of response p99; -1 where there is none */
	struct audit_note notes[AUDIT_NOTES_MAX];
	size_t n_notes;
	char because[448]; /* the headline's second line in words, with figures; "" for plain ok */
	char try_text[256];
};

/* Judges all members but those that audit_fill fills in. An unknown figure raises no note. */
void audit_judge(const struct result *r, struct audit *ret);

/* Writes it down: exit code, headline, verdict, and its notes after those that are there. A note
 * that the run was not steady is the headline's reason, where the audit has none. 0 or -ENOMEM. */
int audit_fill(const struct audit *a, struct result *r);
