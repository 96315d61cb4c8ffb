/* SPDX-License-Identifier: MIT */
/* What engine.c, engine_local.c and temporal.c share: watched machines and records of runs. */
#ifndef TESTS_SIM_SYSTEM_ENGINE_H
#define TESTS_SIM_SYSTEM_ENGINE_H

#include "support/base/container.h"
#include "tests/sim/system/world.h"

/* An instance of the workflow plugin, in one process. */
struct engine {
	const struct lucius_host *host;
	struct process *process;
	const struct lucius_backend *local; /* what is wrapped; NULL: Temporal */
	const struct lucius_definition *definition; /* the core's */
	struct lucius_definition watched; /* what is handed on */
	struct lucius_op work; /* Temporal: id 0, nobody works */
	unsigned n_tasks; /* Temporal: activities that have not been answered */
	struct lucius_op stop;
};

/* An open machine; the engines' pointer to it is their machine. */
struct machine_record {
	struct machine_record *next, **link;
	struct engine *engine;
	struct lucius_machine *real;
	char job_id[33];
	bool is_replay; /* a server has the state, this is only its image */
	uint64_t opened_ms;
	uint64_t activity; /* number; 0: none is out */
	uint64_t timer;
	int n_timers;
	uint32_t end; /* the action; 0: it goes on */
};

struct told {
	struct told *next;
	char lease_id[65];
	bool is_result;
	uint64_t at_ms;
};

/* Of a job, over all processes and lives. */
struct run_record {
	struct run_record *next;
	char job_id[33];
	uint32_t end; /* the action that ended it; 0: it has not ended by itself */
	struct told *told; /* signals that an engine has taken */
};

struct run_record *engine_run_record(struct world *world, const char *job_id);
void engine_watch(struct engine *engine, const struct lucius_definition *definition);
void engine_ended(struct world *world, const char *job_id, uint32_t end);
void engine_told(struct world *world, const struct lucius_signal *signal);

/* temporal.c */
bool temporal_is_running(struct world *world, const char *job_id);
/* An activity of the run has not been answered, or the answer has not been looked at. */
bool temporal_is_busy(struct world *world, const char *job_id);
void temporal_check(struct world *world);
void temporal_check_rest(struct world *world);

#endif
