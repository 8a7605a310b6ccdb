/* SPDX-License-Identifier: Apache-2.0 */
/* The version comes from the Makefile. */
#pragma once

#ifndef RPSD_VERSION
#error "RPSD_VERSION is set by the Makefile"
#endif
