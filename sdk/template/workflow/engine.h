/* SPDX-License-Identifier: MIT */
/*
 * An engine within one process. A run has a machine of the definition: events go in, actions come
 * out. A task is what an action has begun: an activity or a timer.
 */
#ifndef ENGINE_H
#define ENGINE_H

#include <stdbool.h>

#include <lucius/workflow.h>

struct run;

struct engine {
	const struct lucius_host *host; /* borrowed, as the definition */
	const struct lucius_definition *definition; /* NULL: not working yet */
	struct lucius_op work; /* 0: none */
	struct lucius_op stop; /* 0: not asked, or answered */
	bool is_stopped;
	struct run *runs; /* owned; ended ones too, so that describe knows them */
	unsigned n_trying; /* activities that the core has not answered */
};

/* An event that waits to be fed. */
struct waiting {
	struct waiting *next;
	uint32_t type;
	uint64_t number;
	char *name; /* owned, as the payload; never NULL */
	char *payload;
};

struct task {
	struct task *next;
	struct engine *engine;
	struct run *run; /* NULL: it has ended meanwhile */
	bool is_begun;
	uint64_t number;
	struct lucius_timer *timer; /* of a timer, or until the next try; NULL: none */
	struct lucius_op op; /* of a try; 0: none */
	bool is_activity;
	char *name; /* owned, as all of these */
	char *payload;
	char *result; /* what the try has given; NULL: nothing */
	uint64_t after_ms;
	uint64_t start_to_close_ms;
	uint64_t retry_ms; /* before the next try */
	uint64_t retry_max_ms;
	uint64_t give_up_at_ms; /* 0: never */
};

struct run {
	struct run *next;
	struct engine *engine;
	char *id; /* owned, as the texts below */
	char *input;
	char *snapshot;
	struct lucius_run given; /* what it was started with; its texts are the owned ones */
	uint32_t state; /* LUCIUS_RUN_… */
	struct lucius_machine *machine; /* NULL: not opened yet, or ended */
	bool is_feeding;
	struct waiting *first; /* owned */
	struct task *tasks; /* owned */
	struct lucius_timer *deadline; /* NULL: none */
	char **requests; /* owned: ids of signals that were seen */
	size_t n_requests;
};

/* run.c */
struct run *run_create(struct engine *engine, const struct lucius_run *given);
void run_destroy(struct run *run);
/* Opens the machine; the engine works. */
void run_begin(struct run *run);
/* Texts are copied. */
void run_feed(struct run *run, uint32_t type, uint64_t number, struct lucius_text name,
        struct lucius_text payload);
/* True: a request of that id was seen before. */
bool run_has_seen(struct run *run, struct lucius_text request_id);

/* task.c */
void task_add(struct run *run, const struct lucius_action *action);
/* Begins what was added since the last time. */
void tasks_begin(struct run *run);
void task_cancel_timer(struct run *run, uint64_t number);
/* The run has ended: what the core still works on is left to itself. */
void tasks_abandon(struct run *run);
/* An activity has come back. */
void engine_check_stop(struct engine *engine);

#endif
