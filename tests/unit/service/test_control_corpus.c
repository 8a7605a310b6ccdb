/* SPDX-License-Identifier: Apache-2.0 */
/* What clients send that the fuzzer starts from or has found, by the same property. */
#include "tests/fuzz/control_property.h"

#include "tests/fuzz/corpus.h"

CORPUS_MAIN(control, 6)
