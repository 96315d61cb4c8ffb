/* SPDX-License-Identifier: MIT */
/*
 * Simulates whole worlds from seeds, in two processes side by side.
 *
 *   sim_system [--from N] [--seeds N] [--fresh N] [--engine local|temporal] [--jobs N]
 *   sim_system --seed N [--engine …] [--all]     one world and its events
 *   sim_system --faults [--all | NAME…]          each deliberate fault, until it is caught
 *   sim_system --pairs [--from N] [--seeds N]    both engines, same transitions
 *   sim_system --scarce [--seed N]               each allocation fails once
 *
 * Worlds of another kind, from seeds of their own: --paired, --tables, --sweeps, --lists.
 * LUCIUS_TEST_SOURCE is the tree, LUCIUS_TEST_PLUGINS where the plugins lie.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "tests/sim/system/campaign.h"

static int usage(const char *name)
{
	fprintf(stderr,
	        "usage: %s [--from N] [--seeds N] [--fresh N] [--engine local|temporal] [--jobs "
	        "N]\n"
	        "       %s --seed N [--all] [--tables] [--sweeps] [--lists] | --faults [NAME...] | "
	        "--pairs\n",
	        name, name);
	return 2;
}

static uint64_t fresh_seed(void)
{
	uint64_t seed = 0;
	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed)) {
		abort();
	}
	return seed >> 16; /* short enough to be typed */
}

/* Takes the option at *at and moves on; false: it is none. */
static bool take_option(struct campaign *campaign, char **argv, int *at, uint64_t *fresh)
{
	const char *name = argv[*at];
	const char *value = argv[*at + 1];
	if (strcmp(name, "--all") == 0) {
		campaign->shows_all = true;
		return true;
	}
	if (strcmp(name, "--tables") == 0) {
		campaign->request.wants_tables = true;
		return true;
	}
	if (strcmp(name, "--sweeps") == 0) {
		campaign->request.wants_sweeps = true;
		return true;
	}
	if (strcmp(name, "--lists") == 0) {
		campaign->request.wants_lists = true;
		return true;
	}
	if (strcmp(name, "--paired") == 0) {
		campaign->request.is_paired = true;
		return true;
	}
	if (value == NULL) {
		return false;
	}
	(*at)++;
	if (strcmp(name, "--from") == 0) {
		campaign->from = strtoull(value, NULL, 10);
	} else if (strcmp(name, "--seeds") == 0) {
		campaign->n_seeds = strtoull(value, NULL, 10);
	} else if (strcmp(name, "--fresh") == 0) {
		*fresh = strtoull(value, NULL, 10);
	} else if (strcmp(name, "--jobs") == 0) {
		campaign->n_jobs = (unsigned)strtoul(value, NULL, 10);
	} else if (strcmp(name, "--seed") == 0) {
		campaign->from = strtoull(value, NULL, 10);
		campaign->n_seeds = 0;
	} else if (strcmp(name, "--engine") == 0) {
		campaign->request.engine =
		        strcmp(value, "local") == 0 ? SIM_ENGINE_LOCAL : SIM_ENGINE_TEMPORAL;
	} else {
		return false;
	}
	return true;
}

int main(int argc, char **argv)
{
	struct campaign campaign = {
		.request = { .plugins_dir = getenv("LUCIUS_TEST_PLUGINS"),
		        .source_dir = getenv("LUCIUS_TEST_SOURCE"),
		        .has_tables = SIM_HAS_TABLES },
		.program = argv[0],
		.from = 1,
		.n_seeds = 1000,
		.n_jobs = 2,
	};
	uint64_t n_fresh = 0;
	if (campaign.request.plugins_dir == NULL || campaign.request.source_dir == NULL) {
		fprintf(stderr, "LUCIUS_TEST_PLUGINS and LUCIUS_TEST_SOURCE must be set\n");
		return 2;
	}
	if (argc > 1 && strcmp(argv[1], "--faults") == 0) {
		campaign.shows_all = argc > 2 && strcmp(argv[2], "--all") == 0;
		return campaign_faults(&campaign, argv + (campaign.shows_all ? 3 : 2));
	}
	bool is_scarce = argc > 1 && strcmp(argv[1], "--scarce") == 0;
	bool is_paired = argc > 1 && strcmp(argv[1], "--pairs") == 0;
	for (int i = is_paired || is_scarce ? 2 : 1; i < argc; i++) {
		if (!take_option(&campaign, argv, &i, &n_fresh)) {
			return usage(argv[0]);
		}
	}
	if (is_scarce) {
		return campaign_scarce(&campaign);
	}
	if (is_paired) {
		return campaign_pairs(&campaign);
	}
	if (campaign.n_seeds == 0) {
		return campaign_show(&campaign);
	}
	int status = campaign_run(&campaign);
	if (status == 0 && n_fresh != 0) {
		campaign.from = fresh_seed();
		campaign.n_seeds = n_fresh;
		status = campaign_run(&campaign);
	}
	return status;
}
