/* SPDX-License-Identifier: MIT */
/*
 * One job in a world that goes wrong: a machine of the step logic, an engine that loses answers and
 * dies, the ledger, a bus that repeats and forgets, consumers that dawdle, a user who pauses,
 * resumes and cancels, and a sweeper. All from one seed.
 */
#ifndef TESTS_SIM_WORLD_H
#define TESTS_SIM_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What became of a world. */
struct sim_outcome {
	char violation[512]; /* empty: every rule held */
	uint64_t n_events;
	uint64_t n_restores;
	uint64_t n_refusals;
	char job_state[16];
};

/* Runs the world of that seed to its end. Is_verbose: prints each event as it happens. */
void sim_world_run(uint64_t seed, bool is_verbose, struct sim_outcome *ret_outcome);

#endif
