/* SPDX-License-Identifier: Apache-2.0 */
/* Run files under libFuzzer: see plan_property.h. `make fuzz-plan` builds and runs it. */
#include "tests/fuzz/plan_property.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	plan_property_holds(data, size);
	return 0;
}
