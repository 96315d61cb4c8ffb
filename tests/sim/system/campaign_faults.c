/* SPDX-License-Identifier: MIT */
/* The net is tested too: each deliberate fault must be caught, after so many seeds. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/system/campaign.h"

enum { MOST_SEEDS = 4000, MOST_SEEDS_OF_RARE = 60000 };

static const struct {
	const char *name; /* as in FAULT(name) */
	bool is_rare; /* needs hundreds of seeds: left to scripts/soak, unless it is asked for */
	const char *what;
	uint64_t from; /* the first seed; 0: as asked for */
} faults[] = {
#include "tests/sim/system/fault_list.h"
};
enum { N_FAULTS = sizeof(faults) / sizeof(faults[0]) };

static bool is_asked_for(const char *name, char **names)
{
	if (*names == NULL) {
		return true;
	}
	while (*names != NULL && strcmp(*names, name) != 0) {
		names++;
	}
	return *names != NULL;
}

int campaign_faults(const struct campaign *campaign, char **names)
{
	struct campaign one = *campaign;
	unsigned n_missed = 0, n_tried = 0;
	one.is_silent = true;
	printf("%-28s %8s  %s\n", "fault", "seeds", "caught by");
	for (unsigned i = 0; i < N_FAULTS; i++) {
		char violation[512];
		if (!is_asked_for(faults[i].name, names)) {
			continue;
		}
		if (faults[i].is_rare && *names == NULL && !campaign->shows_all) {
			printf("%-28s %8s  left to scripts/soak, as it is seldom met\n",
			        faults[i].name, "");
			continue;
		}
		n_tried++;
		one.from = faults[i].from != 0 ? faults[i].from : campaign->from;
		one.n_seeds = faults[i].is_rare ? MOST_SEEDS_OF_RARE : MOST_SEEDS;
		one.request.wants_tables = strncmp(faults[i].what, "tables:", 7) == 0;
		one.request.wants_sweeps = strncmp(faults[i].what, "sweeps:", 7) == 0;
		one.request.wants_lists = strncmp(faults[i].what, "lists:", 6) == 0;
		(void)setenv("LUCIUS_FAULT", faults[i].name, 1);
		uint64_t seed = campaign_first_broken(&one, violation, sizeof(violation));
		n_missed += seed == 0 ? 1 : 0;
		if (seed != 0) {
			printf("%-28s %8" PRIu64 "  %s\n", faults[i].name, seed - one.from + 1,
			        violation);
		} else {
			printf("%-28s %8s  NOT CAUGHT: %s\n", faults[i].name, "-", faults[i].what);
		}
		fflush(stdout);
	}
	printf("%u deliberate faults, %u not caught\n", n_tried, n_missed);
	return n_missed != 0 || n_tried == 0 ? 1 : 0;
}
