/* SPDX-License-Identifier: MIT */
/*
 * For every n: a world of one seed in which the n-th allocation fails. The process that it hits may
 * refuse and go on, or end with a sentence and come back; the jobs end well all the same.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/sim/system/campaign.h"
#include "tests/sim/system/scarce.h"

enum { GOES_ON = 0, COMES_BACK = 1, BROKEN = 2, NONE_FAILED = 3 };
enum { MAX_BROKEN = 20 };

static int run_one(const struct campaign *campaign, enum sim_engine engine, uint64_t n)
{
	struct sim_request request = campaign->request;
	struct sim_outcome outcome;
	request.seed = campaign->from;
	request.engine = engine;
	request.is_paired = true;
	request.is_scarce = true;
	scarce_begin(n);
	sim_run(&request, &outcome);
	if (outcome.violation[0] != '\0') {
		printf("allocation %" PRIu64 ": %s\n", n, outcome.violation);
		return BROKEN;
	}
	if (!scarce_has_failed()) {
		return NONE_FAILED;
	}
	return outcome.n_kills != 0 ? COMES_BACK : GOES_ON;
}

static int run_in_child(const struct campaign *campaign, enum sim_engine engine, uint64_t n)
{
	int status = 0;
	fflush(NULL);
	pid_t child = fork();
	if (child == 0) {
		int result = run_one(campaign, engine, n);
		fflush(NULL);
		_exit(result);
	}
	if (waitpid(child, &status, 0) != child) {
		abort();
	}
	if (WIFEXITED(status)) {
		return WEXITSTATUS(status);
	}
	printf("allocation %" PRIu64 ": the process ends by signal %d\n", n, WTERMSIG(status));
	return BROKEN;
}

static bool try_each(const struct campaign *campaign, enum sim_engine engine)
{
	uint64_t n_of[NONE_FAILED + 1] = { 0 };
	uint64_t n = 1;
	for (; n_of[BROKEN] < MAX_BROKEN; n++) {
		int result = run_in_child(campaign, engine, n);
		if (result == NONE_FAILED) {
			break;
		}
		n_of[result]++;
	}
	printf("seed %" PRIu64 ", %s: each of %" PRIu64 " allocations failed once: %" PRIu64
	       " times the process went on, %" PRIu64
	       " times it ended with a sentence and came back, "
	       "%" PRIu64 " times something broke\n",
	        campaign->from, engine == SIM_ENGINE_LOCAL ? "local" : "Temporal", n - 1,
	        n_of[GOES_ON], n_of[COMES_BACK], n_of[BROKEN]);
	return n_of[BROKEN] == 0 && n != 1;
}

int campaign_scarce(const struct campaign *campaign)
{
	bool is_good = try_each(campaign, SIM_ENGINE_LOCAL);
	return try_each(campaign, SIM_ENGINE_TEMPORAL) && is_good ? 0 : 1;
}
