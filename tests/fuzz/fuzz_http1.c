/* SPDX-License-Identifier: Apache-2.0 */
/* The response parser under libFuzzer: see http1_property.h. `make fuzz` builds and runs it. */
#include "tests/fuzz/http1_property.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	http1_property_holds(data, size);
	return 0;
}
