/* SPDX-License-Identifier: Apache-2.0 */
/* Varlink messages under libFuzzer: see varlink_property.h. `make fuzz-varlink` builds and runs it.
 */
#include "tests/fuzz/varlink_property.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	varlink_property_holds(data, size);
	return 0;
}
