/* SPDX-License-Identifier: MIT */
/* The conformance suites that there are, one a kind. */
#ifndef SDK_CONFORMANCE_SUITES_H
#define SDK_CONFORMANCE_SUITES_H

#include "sdk/conformance/check.h"

/* The suite of the kind (LUCIUS_KIND_…); NULL: there is none. */
const struct conformance_suite *conformance_suite_of(uint32_t kind);

#endif
