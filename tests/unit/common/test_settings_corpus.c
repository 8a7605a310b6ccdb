/* SPDX-License-Identifier: Apache-2.0 */
/* Settings of the daemon that the fuzzer starts from or has found, by the same property. */
#include "tests/fuzz/settings_property.h"

#include "tests/fuzz/corpus.h"

CORPUS_MAIN(settings, 6)
