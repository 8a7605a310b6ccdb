/* SPDX-License-Identifier: Apache-2.0 */
/* The table of the keys of rpsd.conf and its drop-ins (keys.h). Pure. */
#pragma once

#include "common/config/keys.h"

/* Offsets are those in struct settings; for keys of [origin NAME] in struct settings_origin. */
extern const struct key_table settings_keys;
