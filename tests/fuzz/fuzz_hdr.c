/* SPDX-License-Identifier: Apache-2.0 */
/* Histograms in their text under libFuzzer: see hdr_property.h. `make fuzz-hdr` builds and runs it.
 */
#include "tests/fuzz/hdr_property.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	hdr_property_holds(data, size);
	return 0;
}
