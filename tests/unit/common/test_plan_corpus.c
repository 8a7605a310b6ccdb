/* SPDX-License-Identifier: Apache-2.0 */
/* Run files that the fuzzer starts from or has found, by the same property. */
#include "tests/fuzz/plan_property.h"

#include "tests/fuzz/corpus.h"

CORPUS_MAIN(plan, 8)
