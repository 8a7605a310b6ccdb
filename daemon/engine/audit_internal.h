/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the audit share. Pure. */
#pragma once

#include "common/clock.h"
#include "daemon/engine/audit.h"

#define AUDIT_DELAY_SUSPECT_NS NSEC_PER_MSEC
#define AUDIT_STALLED_SATURATED 0.05
#define AUDIT_CPU 0.85
/* So often that the quota is what limits a closed run. */
#define AUDIT_THROTTLED_LIMIT 0.10

/* audit_notes.c: fills in the notes, the verdict and our share of the p99. */
void audit_take_notes(const struct audit_input *in, struct audit *a);
void audit_raise(struct audit *a, enum audit_verdict to);
void audit_add_note(struct audit *a, const char *code, double value, double limit,
	const char *try_text, const char *format, ...) __attribute__((format(printf, 6, 7)));

/* audit_machine.c: what this machine and its kernel have done to us. After all that is about our
 * own delay: some figures matter only where there is one. */
void audit_note_machine(const struct audit_input *in, struct audit *a);
/* What to do about a machine that does not let us run; "" where it does. */
const char *audit_machine_remedy(const struct audit_input *in);

void audit_note_redirects(const struct audit_input *in, struct audit *a);
/* Our part of the response time's p99. Where that is of arrivals without an answer, our part of the
 * time they were given. Negative: unknown. */
double audit_delay_share(const struct audit_input *in, const struct audit *a);

/* audit_faults.c: what the answers and the faults say. */

/* How many of that phase, and the most frequent one of them (FAULT_NONE: none), with what the run
 * could not begin for. */
uint64_t audit_count_faults(const struct audit_input *in, enum fault_phase phase);
enum fault audit_main_fault(const struct audit_input *in, enum fault_phase phase);
/* The first example of a fault, in brackets behind its name: "check-size (body has 1 bytes, …)". */
struct audit_sentence {
	char s[256];
};
struct audit_sentence audit_tell_fault(const struct audit_input *in, enum fault fault);

/* "5.2 % of 10,000 requests were sent twice: ..."; "" where so few were that it is not worth the
 * headline. And what to do about it. */
struct audit_sentence audit_tell_repeated(const struct audit_input *in);
#define AUDIT_KEEP_ALIVE_REMEDY                                                                    \
	"a longer keep-alive timeout of the server, or --set connections.max-age=TIME below it"

/* "9,800 of 10,000 answers were redirects (301 to https://…), which are never followed", and what
 * to try. */
bool audit_is_mostly_redirects(const struct audit_input *in);
bool audit_has_redirects(const struct audit_input *in); /* worth a word */
struct audit_sentence audit_tell_redirects(const struct audit_input *in);
struct audit_sentence audit_try_redirects(const struct audit_input *in);

/* audit_remedy.c: what to try; "" where there is nothing. */

struct audit_sentence audit_fault_remedy(const struct audit_input *in, enum fault fault);
/* Against the class that took most requests. */
struct audit_sentence audit_remedy(const struct audit_input *in, enum ledger_class most);
/* The command that shows one answer, to be pasted into a shell. */
struct audit_sentence audit_try_look(const struct audit_input *in);
