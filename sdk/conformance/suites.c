/* SPDX-License-Identifier: MIT */
/* The table of suites: a new one is a row here. */
#include "sdk/conformance/suites.h"

extern const struct conformance_suite conformance_config;
extern const struct conformance_suite conformance_bus;
extern const struct conformance_suite conformance_storage;
extern const struct conformance_suite conformance_workflow;

static const struct conformance_suite *const suites[] = {
	&conformance_storage,
	&conformance_config,
	&conformance_bus,
	&conformance_workflow,
};

const struct conformance_suite *conformance_suite_of(uint32_t kind)
{
	for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]); i++) {
		if (suites[i]->kind == kind) {
			return suites[i];
		}
	}
	return NULL;
}
