/* SPDX-License-Identifier: MIT */
/* The tables of tests that the bus suite is made of. */
#ifndef SDK_CONFORMANCE_BUS_TESTS_H
#define SDK_CONFORMANCE_BUS_TESTS_H

#include "sdk/conformance/check.h"

extern const struct conformance_test bus_deliver_tests[];
extern const struct conformance_test bus_settle_tests[];
extern const struct conformance_test bus_life_tests[];

extern const struct conformance_suite conformance_bus;

#endif
