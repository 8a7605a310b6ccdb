/* SPDX-License-Identifier: Apache-2.0 */
/* The origin's answers, prepared once: sending one neither copies nor formats anything. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* The Connection header of an answer. */
enum origin_answer_kind {
	ORIGIN_ANSWER_STAYS,
	ORIGIN_ANSWER_STAYS_HTTP10, /* keep-alive must be explicit */
	ORIGIN_ANSWER_CLOSES,
	ORIGIN_ANSWER_COUNT,
};

/* Immutable once built. */
struct origin_answer {
	char *block; /* the head and the part of the body that is stored after it */
	size_t block_len;
	size_t head_len;
	uint64_t total; /* head and body */
};

/* Makes a body of body_bytes times 'x'; none if the status does not allow one. 0 or -ENOMEM. */
int origin_answer_build(struct origin_answer *a, unsigned status, enum origin_answer_kind kind,
	uint64_t body_bytes);
void origin_answer_fini(struct origin_answer *a);

/* The piece to send at offset (less than total). Returns its length, at least 1. */
size_t origin_answer_at(const struct origin_answer *a, uint64_t offset, const char **ret);
