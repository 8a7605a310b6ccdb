/* SPDX-License-Identifier: Apache-2.0 */
/* A run (audit_run.h) with something wrong, and the audit's judgement of it. */
#pragma once

#include <check.h>
#include <string.h>

#include "tests/unit/common/audit_run.h"

static struct audit_fault faults[FAULT_COUNT];

/* What went wrong n times; the ledger is spoiled apart. */
static inline void blame(struct audit_run *in, enum fault fault, uint64_t n)
{
	memset(faults, 0, sizeof(faults));
	faults[fault].count = n;
	in->faults = faults;
}

/* Takes n of the ok ones into another class. */
static inline void spoil(struct audit_run *in, enum ledger_class to, uint64_t n)
{
	in->ledger.classes[LEDGER_OK] -= n;
	in->ledger.classes[to] += n;
	if (!ledger_class_is_sent(to))
		in->ledger.sent -= n;
	in->ok_per_s -= (double)n / ((double)in->window_ns / NSEC_PER_SEC);
}

static inline struct audit judged(const struct audit_run *in)
{
	struct audit a;

	memset(&a, 0xa5, sizeof(a));
	audit_run_judge(in, &a);

	/* Whatever the case: nothing is cut off, and everything is filled in. */
	ck_assert_uint_le(a.n_notes, AUDIT_NOTES_MAX);
	for (size_t i = 0; i < a.n_notes; i++) {
		ck_assert_ptr_nonnull(a.notes[i].code);
		ck_assert_uint_gt(strlen(a.notes[i].text), 0);
		ck_assert_uint_lt(strlen(a.notes[i].text), sizeof(a.notes[i].text) - 1);
		ck_assert_uint_lt(strlen(a.notes[i].try_text), sizeof(a.notes[i].try_text) - 1);
	}
	ck_assert_uint_lt(strlen(a.because), sizeof(a.because) - 1);
	ck_assert_uint_lt(strlen(a.try_text), sizeof(a.try_text) - 1);
	if (a.headline != AUDIT_HEADLINE_OK)
		ck_assert_uint_gt(strlen(a.because), 0);
	return a;
}

static inline const struct audit_note *note_of(const struct audit *a, const char *code)
{
	for (size_t i = 0; i < a->n_notes; i++)
		if (strcmp(a->notes[i].code, code) == 0)
			return &a->notes[i];
	return NULL;
}

#define ASSERT_JUDGED(a, want_headline, want_limit, want_exit)                                     \
	do {                                                                                       \
		ck_assert_str_eq(                                                                  \
			audit_headline_names[(a)->headline], audit_headline_names[want_headline]); \
		ck_assert_str_eq(                                                                  \
			audit_limit_names[(a)->limited_by], audit_limit_names[want_limit]);        \
		ck_assert_int_eq((a)->exit_code, want_exit);                                       \
	} while (0)
