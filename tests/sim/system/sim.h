/* SPDX-License-Identifier: MIT */
/*
 * A simulated world around the real core: processes of luciusd over models of storage, bus and
 * engine, with clients and consumers, in one thread, from one seed, without real time. This header
 * is what the driver has; the parts share tests/sim/system/world.h.
 */
#ifndef TESTS_SIM_SYSTEM_SIM_H
#define TESTS_SIM_SYSTEM_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum sim_engine { SIM_ENGINE_ANY, SIM_ENGINE_LOCAL, SIM_ENGINE_TEMPORAL };

struct sim_request {
	uint64_t seed;
	enum sim_engine engine; /* ANY: the seed says which */
	bool is_verbose; /* keeps a log of what happens */
	bool is_paired; /* only what both engines must do alike: no races, no kills */
	bool has_tables; /* the plugins are those that run on the Table service's model */
	bool wants_tables; /* each world is on the Table service, with clients in haste */
	bool wants_sweeps; /* others end workflows by the dozen, and who looks at jobs stands still
	                    */
	bool wants_lists; /* many jobs, whose lists are read (reader.c) */
	bool is_scarce; /* memory may run out (scarce.h) */
	const char *plugins_dir; /* where storage-memory.so and workflow-local.so lie */
	const char *source_dir; /* of the tree, for etc/ */
};

struct sim_outcome {
	char violation[512]; /* empty: all invariants held */
	char job_id[33]; /* that the violation is about; may be empty */
	uint64_t n_events;
	uint64_t n_jobs;
	uint64_t n_kills;
	uint64_t n_attempts;
	uint64_t simulated_ms;
	uint64_t n_walks, n_pages, n_listed; /* through lists, and jobs on their pages */
	uint64_t n_asked_again; /* for a page */
	uint64_t n_ended[3]; /* SUCCEEDED, FAILED_FINAL, CANCELLED */
	char *log; /* owned; lines, each with the job in front that it is about; NULL unless asked
	            */
	char *transitions; /* owned; of jobs and steps in order, without times */
};

void sim_run(const struct sim_request *request, struct sim_outcome *ret_outcome);
void sim_outcome_finish(struct sim_outcome *outcome);

#endif
