/* SPDX-License-Identifier: MIT */
/*
 * Worlds run in children that each take every n-th seed of a piece, so that a world that aborts
 * ends nothing but its piece, and what the core keeps for good is given back between pieces.
 */
#include "tests/sim/system/campaign.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "support/base/memory.h"

enum { PIECE = 2000, SHOWN_LINES = 80 };

/* What a child tells its parent, in shared memory. */
struct report {
	uint64_t seed; /* that it is at */
	uint64_t broken_seed; /* 0: none */
	char violation[512];
	uint64_t n_worlds, n_events, n_jobs, n_attempts, n_kills, n_ended[3], simulated_ms;
	uint64_t n_walks, n_pages, n_listed, n_asked_again;
};

static void count(struct report *report, const struct sim_outcome *outcome)
{
	report->n_worlds++;
	report->n_events += outcome->n_events;
	report->n_jobs += outcome->n_jobs;
	report->n_attempts += outcome->n_attempts;
	report->n_kills += outcome->n_kills;
	report->simulated_ms += outcome->simulated_ms;
	report->n_walks += outcome->n_walks;
	report->n_pages += outcome->n_pages;
	report->n_listed += outcome->n_listed;
	report->n_asked_again += outcome->n_asked_again;
	for (int i = 0; i < 3; i++) {
		report->n_ended[i] += outcome->n_ended[i];
	}
}

static const struct report *find_broken(const struct campaign *campaign, const struct report *all)
{
	const struct report *found = NULL;
	for (unsigned i = 0; i < campaign->n_jobs; i++) {
		if (all[i].broken_seed != 0 &&
		        (found == NULL || all[i].broken_seed < found->broken_seed)) {
			found = &all[i];
		}
	}
	return found;
}

/* Of the reports that of this index is the child's own; another may have broken a seed before. */
static void run_piece(const struct campaign *campaign, uint64_t first, uint64_t end,
        struct report *reports, unsigned index)
{
	struct sim_request request = campaign->request;
	struct report *report = &reports[index];
	for (uint64_t seed = first; seed < end; seed += campaign->n_jobs) {
		struct sim_outcome outcome;
		const struct report *broken = find_broken(campaign, reports);
		if (broken != NULL && broken->broken_seed < seed) {
			return;
		}
		report->seed = seed;
		request.seed = seed;
		sim_run(&request, &outcome);
		count(report, &outcome);
		if (outcome.violation[0] != '\0') {
			report->broken_seed = seed;
			memcpy(report->violation, outcome.violation, sizeof(report->violation));
		}
		sim_outcome_finish(&outcome);
		if (report->broken_seed != 0) {
			return;
		}
	}
}

static pid_t start_child(const struct campaign *campaign, uint64_t first, uint64_t end,
        struct report *reports, unsigned index)
{
	fflush(NULL);
	pid_t child = fork();
	if (child == 0) {
		if (campaign->is_silent) {
			(void)!freopen("/dev/null", "w", stderr);
		}
		run_piece(campaign, first, end, reports, index);
		fflush(NULL);
		exit(0);
	}
	return child;
}

static void wait_for(pid_t child, struct report *report)
{
	int status = 0;
	if (waitpid(child, &status, 0) != child) {
		abort();
	}
	bool is_good = WIFEXITED(status) && WEXITSTATUS(status) == 0;
	if (!is_good && report->broken_seed == 0) {
		report->broken_seed = report->seed;
		(void)snprintf(report->violation, sizeof(report->violation),
		        "the process ends: %s %d", WIFSIGNALED(status) ? "signal" : "status",
		        WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	}
}

static struct report *map_reports(void)
{
	void *map = mmap(NULL, CAMPAIGN_JOBS * sizeof(struct report), PROT_READ | PROT_WRITE,
	        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (map == MAP_FAILED) {
		abort();
	}
	return map;
}

/* Runs the piece in all children; the reports go on counting. */
static void run_children(
        const struct campaign *campaign, uint64_t first, uint64_t end, struct report *reports)
{
	pid_t children[CAMPAIGN_JOBS];
	for (unsigned i = 0; i < campaign->n_jobs; i++) {
		children[i] = start_child(campaign, first + i, end, reports, i);
	}
	for (unsigned i = 0; i < campaign->n_jobs; i++) {
		wait_for(children[i], &reports[i]);
	}
}

static const struct report *run_pieces(const struct campaign *campaign, struct report *reports)
{
	uint64_t end = campaign->from + campaign->n_seeds;
	const struct report *broken = NULL;
	for (uint64_t first = campaign->from; first < end && broken == NULL; first += PIECE) {
		run_children(campaign, first, first + PIECE < end ? first + PIECE : end, reports);
		broken = find_broken(campaign, reports);
	}
	return broken;
}

uint64_t campaign_first_broken(const struct campaign *campaign, char *ret_violation, size_t size)
{
	struct report *reports = map_reports();
	const struct report *broken = run_pieces(campaign, reports);
	uint64_t seed = broken != NULL ? broken->broken_seed : 0;
	(void)snprintf(ret_violation, size, "%s", broken != NULL ? broken->violation : "");
	(void)munmap(reports, CAMPAIGN_JOBS * sizeof(*reports));
	return seed;
}

static void print_sum(const struct campaign *campaign, const struct report *reports, double seconds)
{
	struct report sum = { 0 };
	for (unsigned i = 0; i < campaign->n_jobs; i++) {
		sum.n_worlds += reports[i].n_worlds;
		sum.n_events += reports[i].n_events;
		sum.n_jobs += reports[i].n_jobs;
		sum.n_attempts += reports[i].n_attempts;
		sum.n_kills += reports[i].n_kills;
		sum.simulated_ms += reports[i].simulated_ms;
		sum.n_walks += reports[i].n_walks;
		sum.n_pages += reports[i].n_pages;
		sum.n_listed += reports[i].n_listed;
		sum.n_asked_again += reports[i].n_asked_again;
		for (int k = 0; k < 3; k++) {
			sum.n_ended[k] += reports[i].n_ended[k];
		}
	}
	printf("%" PRIu64 " worlds (seeds %" PRIu64 " to %" PRIu64 ") in %.1f s: %" PRIu64
	       " events, %" PRIu64 " jobs (%" PRIu64 " succeeded, %" PRIu64 " failed, %" PRIu64
	       " cancelled), %" PRIu64 " attempts, %" PRIu64 " kills, %.0f simulated days; %.0f "
	       "worlds a minute\n",
	        sum.n_worlds, campaign->from, campaign->from + campaign->n_seeds - 1, seconds,
	        sum.n_events, sum.n_jobs, sum.n_ended[0], sum.n_ended[1], sum.n_ended[2],
	        sum.n_attempts, sum.n_kills, (double)sum.simulated_ms / 86400000,
	        (double)sum.n_worlds / seconds * 60);
	if (sum.n_walks != 0) {
		printf("%" PRIu64 " walks through lists: %" PRIu64 " pages, %" PRIu64
		       " asked for again, %" PRIu64 " jobs\n",
		        sum.n_walks, sum.n_pages, sum.n_asked_again, sum.n_listed);
	}
}

static double now_s(void)
{
	struct timespec time;
	(void)clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

int campaign_run(const struct campaign *campaign)
{
	struct report *reports = map_reports();
	double began_s = now_s();
	const struct report *broken = run_pieces(campaign, reports);
	print_sum(campaign, reports, now_s() - began_s);
	int status = 0;
	if (broken != NULL) {
		struct campaign one = *campaign;
		one.from = broken->broken_seed;
		printf("seed %" PRIu64 ": %s\n", broken->broken_seed, broken->violation);
		(void)campaign_show(&one);
		status = 1;
	}
	(void)munmap(reports, CAMPAIGN_JOBS * sizeof(*reports));
	return status;
}

/* The lines that are about the job, or about everybody; the last ones of them. */
static void print_log(const struct campaign *campaign, const struct sim_outcome *outcome)
{
	const char *lines[SHOWN_LINES] = { NULL };
	size_t n = 0;
	for (char *line = strtok(outcome->log, "\n"); line != NULL; line = strtok(NULL, "\n")) {
		const char *text = strchr(line, '|');
		bool is_meant = text == line || outcome->job_id[0] == '\0' ||
		        strncmp(line, outcome->job_id, 32) == 0;
		if (text == NULL || (!is_meant && !campaign->shows_all)) {
			continue;
		}
		if (campaign->shows_all) {
			printf("%.8s %s\n", line, text + 1);
		} else {
			lines[n++ % SHOWN_LINES] = text + 1;
		}
	}
	for (size_t i = n > SHOWN_LINES ? n - SHOWN_LINES : 0; i < n && !campaign->shows_all; i++) {
		printf("  %s\n", lines[i % SHOWN_LINES]);
	}
}

int campaign_show(const struct campaign *campaign)
{
	struct sim_request request = campaign->request;
	struct sim_outcome outcome;
	static const char *const engines[] = { "", " --engine local", " --engine temporal" };
	const char *fault = getenv("LUCIUS_FAULT");
	printf("replay: %s%s LUCIUS_TEST_SOURCE=%s LUCIUS_TEST_PLUGINS=%s %s --seed %" PRIu64
	       "%s%s%s%s\n",
	        fault != NULL ? "LUCIUS_FAULT=" : "", fault != NULL ? fault : "",
	        request.source_dir, request.plugins_dir, campaign->program, campaign->from,
	        engines[request.engine], request.wants_tables ? " --tables" : "",
	        request.wants_sweeps ? " --sweeps" : "", request.wants_lists ? " --lists" : "");
	fflush(stdout);
	request.seed = campaign->from;
	request.is_verbose = true;
	sim_run(&request, &outcome);
	if (outcome.job_id[0] != '\0') {
		printf("of job %s and what all have seen:\n", outcome.job_id);
	}
	print_log(campaign, &outcome);
	printf("seed %" PRIu64 ": %s\n", campaign->from,
	        outcome.violation[0] != '\0' ? outcome.violation : "all invariants hold");
	int status = outcome.violation[0] != '\0' ? 1 : 0;
	sim_outcome_finish(&outcome);
	return status;
}
