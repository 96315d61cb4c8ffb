/* SPDX-License-Identifier: MIT */
/* Many worlds: run side by side in child processes, counted, and shown where one breaks. */
#ifndef TESTS_SIM_SYSTEM_CAMPAIGN_H
#define TESTS_SIM_SYSTEM_CAMPAIGN_H

#include "tests/sim/system/sim.h"

struct campaign {
	struct sim_request request; /* its seed is not used */
	const char *program;
	uint64_t from;
	uint64_t n_seeds;
	unsigned n_jobs; /* at most CAMPAIGN_JOBS */
	bool shows_all; /* the whole log of a world, not what its end is about alone */
	bool is_silent;
};
#define CAMPAIGN_JOBS 8u

/* Each: 0, or 1 after it has been said what is wrong. */
int campaign_run(const struct campaign *campaign);
int campaign_show(const struct campaign *campaign);
int campaign_scarce(const struct campaign *campaign);
int campaign_pairs(const struct campaign *campaign);
/* Names: ends with NULL; empty: all. */
int campaign_faults(const struct campaign *campaign, char **names);

/* The first seed that breaks something, 0: none does. A world that kills its process counts. */
uint64_t campaign_first_broken(const struct campaign *campaign, char *ret_violation, size_t size);

#endif
