/* SPDX-License-Identifier: MIT */
/* The conformance suite of bus backends: what include/lucius/bus.h promises, by example. */
#include <lucius/plugin.h>

#include "sdk/conformance/bus_tests.h"

static const struct conformance_test *const tables[] = { bus_deliver_tests, bus_settle_tests,
	bus_life_tests, NULL };

const struct conformance_suite conformance_bus = {
	.name = "bus",
	.kind = LUCIUS_KIND_BUS,
	.tables = tables,
};
