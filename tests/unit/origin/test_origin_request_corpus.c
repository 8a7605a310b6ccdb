/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that the fuzzer starts from or has found, by the same property. */
#include "tests/fuzz/origin_request_property.h"

#include "tests/fuzz/corpus.h"

CORPUS_MAIN(origin_request, 8)
