/* SPDX-License-Identifier: Apache-2.0 */
/* The control server under libFuzzer: see control_property.h. `make fuzz-control` builds and runs
 * it. */
#include "tests/fuzz/control_property.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	control_property_holds(data, size);
	return 0;
}
