/* SPDX-License-Identifier: Apache-2.0 */
/* The table of the keys of run files (keys.h). Pure. */
#pragma once

#include "common/config/keys.h"

/* Offsets are those in struct plan; for keys of [request NAME] in struct plan_request. */
extern const struct key_table plan_keys;
