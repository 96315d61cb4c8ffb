/* SPDX-License-Identifier: MIT */
/* One seed on both engines: each job and its steps must go through the same states in the same
 * order. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/system/campaign.h"

/* By job; within a job as they stand in the text that all lie in. */
static int compare_lines(const void *one, const void *other)
{
	const char *line = *(char *const *)one;
	const char *with = *(char *const *)other;
	int order = strncmp(line, with, 12);
	return order != 0 ? order : (line > with) - (line < with);
}

/* Sorted by job. */
static char *by_job(char *text)
{
	char *lines[4096];
	size_t n = 0;
	size_t size = strlen(text) + 1;
	char *sorted = calloc(1, size);
	for (char *line = strtok(text, "\n"); line != NULL && n < 4096; line = strtok(NULL, "\n")) {
		lines[n++] = line;
	}
	qsort(lines, n, sizeof(lines[0]), compare_lines);
	for (size_t i = 0; i < n && sorted != NULL; i++) {
		strcat(strcat(sorted, lines[i]), "\n");
	}
	free(text);
	return sorted;
}

static bool run_both(const struct campaign *campaign, uint64_t seed, bool is_shown)
{
	struct sim_outcome outcomes[2];
	struct sim_request request = campaign->request;
	request.seed = seed;
	request.is_paired = true;
	for (int i = 0; i < 2; i++) {
		request.engine = i == 0 ? SIM_ENGINE_LOCAL : SIM_ENGINE_TEMPORAL;
		sim_run(&request, &outcomes[i]);
		outcomes[i].transitions = by_job(outcomes[i].transitions);
	}
	bool is_good = outcomes[0].violation[0] == '\0' && outcomes[1].violation[0] == '\0' &&
	        strcmp(outcomes[0].transitions, outcomes[1].transitions) == 0;
	for (int i = 0; i < 2 && !is_good && is_shown; i++) {
		printf("%s: %s\n%s\n", i == 0 ? "local" : "Temporal", outcomes[i].violation,
		        outcomes[i].transitions);
	}
	sim_outcome_finish(&outcomes[0]);
	sim_outcome_finish(&outcomes[1]);
	return is_good;
}

int campaign_pairs(const struct campaign *campaign)
{
	uint64_t n_seeds = campaign->n_seeds != 0 ? campaign->n_seeds : 1;
	for (uint64_t seed = campaign->from; seed < campaign->from + n_seeds; seed++) {
		if (!run_both(campaign, seed, true)) {
			printf("seed %" PRIu64 ": the engines differ\nreplay: %s --pairs --seed "
			       "%" PRIu64 "\n",
			        seed, campaign->program, seed);
			return 1;
		}
	}
	printf("%" PRIu64 " pairs (seeds %" PRIu64 " to %" PRIu64
	       "): both engines lead jobs and steps through the same states\n",
	        n_seeds, campaign->from, campaign->from + n_seeds - 1);
	return 0;
}
