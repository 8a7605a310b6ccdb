/* SPDX-License-Identifier: Apache-2.0 */
/* Joins a Report that comes in batches (common/control/rpsd.varlink) into one answer. Pure. */
#pragma once

#include <jansson.h>

/* Adds the next batch's parameters to *whole; NULL before the first one. 0; -EPROTO: it is no batch
 * of this report; -ENOMEM. *whole is the caller's, also after a failure. */
int fetch_join(json_t **whole, json_t *parameters);
