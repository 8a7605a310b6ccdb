/* SPDX-License-Identifier: Apache-2.0 */
/* For functions that hardly any request needs: they stay out of line, so that those which every
 * request runs through have little to save and restore. */
#pragma once

#define RARE __attribute__((cold, noinline))
