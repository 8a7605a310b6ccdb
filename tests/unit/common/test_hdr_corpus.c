/* SPDX-License-Identifier: Apache-2.0 */
/* Texts of histograms that the fuzzer starts from or has found, by the same property. */
#include "tests/fuzz/hdr_property.h"

#include "tests/fuzz/corpus.h"

CORPUS_MAIN(hdr, 8)
