/* SPDX-License-Identifier: Apache-2.0 */
/* The notes of a result, one row each: what the generator can have to say of itself, its machine
 * and what it saw, and what merging can have to say of its runs. From here come the limits and
 * verdicts of the audit, the units in the document, what a report never leaves out, and what
 * `rpsctl help NOTE` explains. Pure. */
#pragma once

#include <stdbool.h>

#include "common/stats/fault.h"

/* The verdict on the generator is that of its worst note. */
enum audit_verdict {
	AUDIT_OK,
	AUDIT_SUSPECT,
	AUDIT_SATURATED,
	AUDIT_VERDICTS,
};
extern const char *const audit_verdict_names[AUDIT_VERDICTS]; /* "ok", … */

enum note_code {
	/* the audit's, in the order in which they are made */
	NOTE_LEDGER,
	NOTE_LEDGER_INTERVAL,
	NOTE_SURPLUS,
	NOTE_RESET,
	NOTE_OUR_DELAY,
	NOTE_SHORT_INTERVALS,
	NOTE_STALLS,
	NOTE_OPEN_RATE,
	NOTE_CONNECTION_WAIT,
	NOTE_CPU,
	NOTE_CEILING,
	NOTE_THROTTLED,
	NOTE_STEAL,
	NOTE_RX_SLACK,
	NOTE_STANDSTILL,
	NOTE_RUN_QUEUE,
	NOTE_TURNS,
	NOTE_SOFTIRQ,
	NOTE_RETRANSMITS,
	NOTE_CLOCK,
	NOTE_DESCRIPTORS,
	NOTE_PORTS_USED,
	NOTE_LITTLE,
	NOTE_SHORT_WINDOW,
	NOTE_COLOCATED,
	NOTE_RETRIES,
	NOTE_REDIRECTS,
	NOTE_OK_RATE,
	/* of the run and its plan */
	NOTE_NOT_VERIFIED,
	NOTE_PORTS,
	NOTE_UNSTEADY,
	NOTE_WARMUP_SHORT,
	/* of merging */
	NOTE_MERGE_VERDICT,
	NOTE_MERGE_UNEVEN,
	NOTE_MERGE_SEEDS,
	NOTE_MERGE_APART,
	NOTE_MERGE_OVERLAP,
	NOTE_MERGE_WINDOW,
	NOTE_MERGE_REBINNED,
	NOTE_MERGE_INTERVALS,
	NOTE_MERGE_BATCHES,
	NOTE_COUNT,
};

/* The limit depends on the run. */
#define NOTE_RELATIVE (-1.0)

struct note {
	const char *code; /* "our-delay", … */
	const char *unit; /* of value and limit: "ns", "share" or "count"; NULL: no figure */
	double limit;	  /* or NOTE_RELATIVE */
	enum audit_verdict verdict; /* what it makes of the generator, at least */
	/* A sum of runs keeps the note of each, with the run's name, since it is about one machine
	 * or one run. Where this is false it is found anew in the sum. */
	bool is_of_run;
	bool is_vital;	     /* without it the figures would be misread: no report leaves it out */
	const char *meaning; /* a sentence or two; NULL: the glossary has a term of that name */
};
extern const struct note note_table[NOTE_COUNT];

/* A fault that was counted is a note of its name. */
struct note note_of_fault(enum fault fault);
/* By its code, that of a fault too; false: there is none. ret may be NULL. */
bool note_find(const char *code, struct note *ret);
