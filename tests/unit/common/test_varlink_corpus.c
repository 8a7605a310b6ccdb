/* SPDX-License-Identifier: Apache-2.0 */
/* Varlink messages that the fuzzer starts from or has found, by the same property. */
#include "tests/fuzz/varlink_property.h"

#include "tests/fuzz/corpus.h"

CORPUS_MAIN(varlink, 8)
