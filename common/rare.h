/* SPDX-License-Identifier: Apache-2.0 */
/* For functions that few requests need: they are not inlined, so that the functions which every
 * request runs through have little to save and restore. */
#pragma once

#define RARE __attribute__((cold, noinline))
