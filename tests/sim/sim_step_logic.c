/* SPDX-License-Identifier: MIT */
/*
 * The step logic against a world that goes wrong in every way, from thousands of seeds. Without an
 * argument a short form; LUCIUS_SIM_SEEDS or `--seeds N` says how many, `--seed N` runs that one
 * and tells what happens.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/world.h"

#define SHORT_FORM 2000
#define LONG_FORM 40000
#define FIRST_SEED UINT64_C(1000000)

struct tally {
	uint64_t n_worlds, n_failed, n_events, n_restores, n_refusals;
	uint64_t n_succeeded, n_failed_final, n_cancelled;
};

static void count(struct tally *tally, const struct sim_outcome *outcome)
{
	tally->n_worlds++;
	tally->n_failed += outcome->violation[0] != '\0' ? 1 : 0;
	tally->n_events += outcome->n_events;
	tally->n_restores += outcome->n_restores;
	tally->n_refusals += outcome->n_refusals;
	tally->n_succeeded += strcmp(outcome->job_state, "SUCCEEDED") == 0 ? 1 : 0;
	tally->n_failed_final += strcmp(outcome->job_state, "FAILED_FINAL") == 0 ? 1 : 0;
	tally->n_cancelled += strcmp(outcome->job_state, "CANCELLED") == 0 ? 1 : 0;
}

static void run_one(uint64_t seed, bool is_verbose, struct tally *tally)
{
	struct sim_outcome outcome;
	sim_world_run(seed, is_verbose, &outcome);
	if (outcome.violation[0] != '\0') {
		printf("FAIL seed %" PRIu64 ": %s (job %s); replay: sim_step_logic --seed %" PRIu64
		       "\n",
		        seed, outcome.violation, outcome.job_state, seed);
	}
	count(tally, &outcome);
}

static bool read_number(const char *text, uint64_t *ret_number)
{
	char *end;
	errno = 0;
	uint64_t number = text != NULL ? strtoull(text, &end, 10) : 0;
	if (text == NULL || errno != 0 || end == text || *end != '\0') {
		return false;
	}
	*ret_number = number;
	return true;
}

/* A simulation that never meets what it is for would prove nothing. */
static bool has_met_everything(const struct tally *tally)
{
	return tally->n_restores != 0 && tally->n_refusals != 0 && tally->n_succeeded != 0 &&
	        tally->n_failed_final != 0 && tally->n_cancelled != 0;
}

int main(int argc, char **argv)
{
	struct tally tally = { 0 };
	uint64_t number;
	if (argc == 3 && strcmp(argv[1], "--seed") == 0 && read_number(argv[2], &number)) {
		run_one(number, true, &tally);
		return tally.n_failed != 0 ? 1 : 0;
	}
	uint64_t n_seeds = SHORT_FORM;
	if (argc == 2 && strcmp(argv[1], "--long") == 0) {
		n_seeds = LONG_FORM;
	} else if (argc == 3 && strcmp(argv[1], "--seeds") == 0) {
		if (!read_number(argv[2], &n_seeds)) {
			fprintf(stderr, "'%s' is no number of seeds\n", argv[2]);
			return 2;
		}
	} else if (read_number(getenv("LUCIUS_SIM_SEEDS"), &number)) {
		n_seeds = number;
	}
	for (uint64_t i = 0; i < n_seeds; i++) {
		run_one(FIRST_SEED + i, false, &tally);
	}
	printf("sim_step_logic: %" PRIu64 " worlds, %" PRIu64 " failed; %" PRIu64
	       " events, %" PRIu64 " restores, %" PRIu64 " refusals; %" PRIu64
	       " jobs succeeded, %" PRIu64 " failed, %" PRIu64 " were cancelled\n",
	        tally.n_worlds, tally.n_failed, tally.n_events, tally.n_restores, tally.n_refusals,
	        tally.n_succeeded, tally.n_failed_final, tally.n_cancelled);
	bool has_proved = n_seeds < 1000 || has_met_everything(&tally);
	return tally.n_failed != 0 || !has_proved ? 1 : 0;
}
