/* SPDX-License-Identifier: Apache-2.0 */
/* Settings of the daemon under libFuzzer: see settings_property.h. `make fuzz-settings` builds and
 * runs it. */
#include "tests/fuzz/settings_property.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	settings_property_holds(data, size);
	return 0;
}
