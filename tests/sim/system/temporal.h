/* SPDX-License-Identifier: MIT */
/*
 * A model of a Temporal service: histories, workflow tasks and activities that are given out at
 * least once, signals that wait while a task is out, runs that somebody ends. temporal_plugin.c is
 * the client and the worker.
 */
#ifndef TESTS_SIM_SYSTEM_TEMPORAL_H
#define TESTS_SIM_SYSTEM_TEMPORAL_H

#include "tests/sim/system/engine.h"

struct history_event {
	struct history_event *next;
	uint32_t type;
	uint64_t number;
	uint64_t time_ms;
	char *name; /* owned, as the next */
	char *payload;
};

struct history {
	struct history_event *first, **last;
	unsigned n_events;
};

struct pending_activity {
	struct pending_activity *next;
	uint64_t number;
	char *name; /* owned, as the next */
	char *payload;
	uint64_t start_to_close_ms, wait_ms, wait_max_ms;
	uint64_t give_up_at_ms; /* NEVER_MS: never */
	uint64_t token; /* of the try that is out or due; others are late */
};

struct pending_timer {
	struct pending_timer *next;
	uint64_t number;
};

enum task_state { TASK_NONE, TASK_DUE, TASK_OUT };

struct temporal_run {
	struct temporal_run *next;
	char id[33];
	char seed[40]; /* the run's own id */
	char *input; /* owned */
	uint64_t started_at_ms, execution_timeout_ms;
	uint32_t state; /* LUCIUS_RUN_… */
	struct history history, buffer; /* what comes while a task is out waits */
	unsigned n_seen; /* events of the last task that was completed */
	struct pending_activity *activities;
	struct pending_timer *timers;
	enum task_state task;
	uint64_t task_token;
	char *actions; /* owned; all that were accepted, one a line */
	size_t actions_size;
	struct request_id *requests;
	bool is_cancel_asked;
	bool may_sleep; /* the machine waits by rule, as of the last task */
	bool is_deleted; /* not known any more */
};

struct request_id {
	struct request_id *next;
	char id[64];
};

struct temporal {
	struct temporal_run *runs;
	uint64_t n_tokens;
};

/* An action that a machine wanted, kept until the task is completed. */
struct task_action {
	struct task_action *next;
	struct lucius_action action; /* texts owned */
};

struct temporal_run *temporal_find(struct world *world, const char *id);
uint64_t temporal_latency(struct world *world);
uint32_t temporal_start(struct world *world, const struct lucius_run *run);
uint32_t temporal_signal(struct world *world, const struct lucius_signal *signal);
uint32_t temporal_cancel(struct world *world, const char *id);
/* 0: not known. */
uint32_t temporal_describe(struct world *world, const char *id);
/* A worker has answered its task; the actions are new ones. Text: how they are written down. */
void temporal_complete_task(struct world *world, struct temporal_run *run, uint64_t token,
        unsigned n_events, const struct task_action *actions, const char *text, bool may_sleep);
/* Result NULL: failed, to be tried again or (is_final) not. */
void temporal_complete_activity(struct world *world, struct temporal_run *run, uint64_t token,
        const char *result, bool is_final, const char *sentence);
/* Ends it from outside: LUCIUS_RUN_TERMINATED, or LUCIUS_RUN_TIMED_OUT. */
void temporal_end(struct world *world, struct temporal_run *run, uint32_t state);

/* temporal_plugin.c */
/* Both: false, nobody works now. */
bool worker_give_task(struct world *world, struct temporal_run *run);
bool worker_give_activity(
        struct world *world, struct temporal_run *run, const struct pending_activity *activity);

#endif
