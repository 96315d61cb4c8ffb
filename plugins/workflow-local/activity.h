/* SPDX-License-Identifier: MIT */
/*
 * One activity: tried by the definition's `run` until it is done, fails for good, or its time is
 * over; between two tries it waits, twice as long each time.
 */
#ifndef WORKFLOW_LOCAL_ACTIVITY_H
#define WORKFLOW_LOCAL_ACTIVITY_H

#include <lucius/workflow.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct engine;
struct run;

struct activity {
	struct engine *engine; /* borrowed, as run */
	struct run *run; /* NULL: it has gone, nobody waits for the result */
	struct activity *next; /* of the run's list; of the orphans' without a run */
	struct activity *previous;
	struct activity *next_queued;
	bool is_new; /* wanted, and not tried or queued yet */
	bool is_queued;
	uint64_t number;
	uint64_t start_to_close_ms;
	uint64_t wait_ms; /* before the next try */
	uint64_t wait_max_ms;
	uint64_t give_up_at_ms; /* by the host's clock; 0: never */
	struct lucius_op op; /* the try that is under way; id 0: none */
	struct lucius_timer *timer; /* until the next try or the end of its time; NULL: none */
	char *result; /* owned; of the try, or why it failed while its time runs out */
	size_t result_size;
	size_t name_size;
	size_t payload_size;
	char text[]; /* name, NUL, payload, NUL */
};

/* Adds itself to the run's list; is tried once activity_begin says so. */
struct activity *activity_create(struct run *run, const struct lucius_action *action);
/* The first try, or a place in the queue for it. */
void activity_begin(struct activity *activity);
/* The run goes. One that is being tried lives on until it is answered. */
void activity_abandon(struct activity *activity);
/* Starts those that have waited, as long as there is room. */
void activity_begin_queued(struct engine *engine);
/* Frees an orphan whose answer will never come. */
void activity_destroy_orphan(struct activity *activity);

#endif
