/* SPDX-License-Identifier: MIT */
/*
 * The engine: all runs of the process by their workflow id, those that have ended lately, and the
 * work that moves them. What happens inside of one run is run.h's.
 */
#ifndef WORKFLOW_LOCAL_ENGINE_H
#define WORKFLOW_LOCAL_ENGINE_H

#include <lucius/workflow.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plugins/workflow-local/ended.h"
#include "support/hash/hash.h"

struct activity;
struct run;

/* The option struct of the plugin. */
struct engine_options {
	int64_t max_runs;
	int64_t max_activities;
	int64_t max_ended;
};

struct engine_metrics {
	struct lucius_metric *runs; /* borrowed, as all */
	struct lucius_metric *ended[LUCIUS_RUN_TERMINATED + 1]; /* by LUCIUS_RUN_… */
	struct lucius_metric *retries;
};

/* A list by hand of activities, oldest first. */
struct activity_list {
	struct activity *first;
	struct activity *last;
};

struct engine {
	const struct lucius_host *host; /* borrowed */
	struct engine_options limits;
	struct engine_metrics metrics;
	struct hash_key key;
	struct hash_table runs; /* by id */
	struct run *first_run; /* of a list of all */
	struct run *next_to_open; /* of those that were started before the work */
	struct lucius_timer *opening; /* goes on with them; NULL: all are open */
	struct ended ended;
	const struct lucius_definition *definition; /* borrowed; NULL: nobody works */
	struct lucius_op work; /* id 0: none */
	struct lucius_op stop;
	bool is_stopped;
	size_t n_trying; /* activities that the definition has not answered */
	struct activity_list queue; /* those that wait for a free place */
	struct activity_list orphans; /* unanswered ones whose run has gone */
};

void engine_init(struct engine *engine, const struct lucius_host *host);
/* Takes one that was never initialised. */
void engine_finish(struct engine *engine);

/* NULL: no live run has that id. */
struct run *engine_find(const struct engine *engine, struct lucius_text id);
/* OK, DUPLICATE, or UNAVAILABLE with a sentence. */
uint32_t engine_start(
        struct engine *engine, const struct lucius_run *run, const char **ret_sentence);
/* LUCIUS_RUN_…; 0: no such run is known. */
uint32_t engine_describe(struct engine *engine, struct lucius_text id);

/* The definition is here: runs that were started before are opened, by and by. */
void engine_work(
        struct engine *engine, const struct lucius_definition *definition, struct lucius_op op);
/* Forgets all runs as they stand, awaits activities that are being tried, finishes work and op. */
void engine_stop(struct engine *engine, struct lucius_op op);

/* For run.c. */
void engine_add(struct engine *engine, struct run *run);
void engine_remove(struct engine *engine, struct run *run);
/* The run has ended for good: it is known as that for a while. */
void engine_remember(struct engine *engine, const struct run *run, uint32_t state);
/* For activity.c: an answer has come. */
void engine_on_answered(struct engine *engine);

#endif
