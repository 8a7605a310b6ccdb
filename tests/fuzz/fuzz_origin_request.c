/* SPDX-License-Identifier: Apache-2.0 */
/* The origin's request reader under libFuzzer: see origin_request_property.h. `make
 * fuzz-origin_request` builds and runs it. */
#include "tests/fuzz/origin_request_property.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	origin_request_property_holds(data, size);
	return 0;
}
