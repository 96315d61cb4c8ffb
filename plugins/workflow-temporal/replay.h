/* SPDX-License-Identifier: MIT */
/*
 * A history and the definition: what the definition wants that the history does not hold yet. Pure:
 * no clock, no network, the same from the same. Nothing here knows of jobs or steps.
 */
#ifndef WORKFLOW_TEMPORAL_REPLAY_H
#define WORKFLOW_TEMPORAL_REPLAY_H

#include <lucius/workflow.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "messages.pb-c.h"
#include "plugins/workflow-temporal/pool.h"

/* The marker that holds what the input did not say and the run was begun with. */
#define REPLAY_MARKER "LuciusOptions"
#define REPLAY_MARKER_DETAIL "options"

/* One thing that the machine wants; texts are in the pool. */
struct wanted {
	struct lucius_action action;
	bool is_dropped; /* something else has made it void */
};

enum replay_outcome {
	REPLAY_DONE,
	REPLAY_STUCK, /* this program cannot run it: a task failure */
	REPLAY_DIFFERS /* the history is not what the definition does: non-determinism */
};

struct replay_input {
	const struct lucius_definition *definition;
	const char *workflow_id;
	Wire__HistoryEvent *const *events; /* from the first on */
	size_t n_events;
	int64_t started_event_id; /* of the task that is to be answered; 0: none, only look */
};

struct tracked;
struct replay {
	struct pool *pool; /* borrowed */
	const struct replay_input *input; /* borrowed for replay_run */
	struct lucius_machine *machine; /* owned; NULL: none was opened */
	struct wanted *wanted; /* of the newest task */
	size_t n_wanted;
	size_t room;
	size_t n_matched; /* of them, found in the history */
	struct tracked *tracked; /* activities and timers that are open, newest first */
	size_t n_fed; /* events, that is how far the input has been told */
	bool is_at_task; /* the task that is to be answered has been reached */
	uint64_t time_ms;
	bool is_over; /* the machine has ended the run */
	bool is_closed; /* the history has */
	bool ends_otherwise; /* and not as the machine would have */
	size_t n_tasks; /* completed ones */
	enum replay_outcome outcome;
	char sentence[512]; /* unless DONE */
};

/* Goes through the history. With DONE and a started_event_id, `wanted` is what to answer. */
void replay_run(struct replay *replay, struct pool *pool, const struct replay_input *input);
void replay_finish(struct replay *replay, const struct lucius_definition *definition);
/* Where the machine stands, as JSON text in the pool; empty: there is none. */
struct lucius_text replay_inspect(
        const struct replay *replay, const struct lucius_definition *definition);

/* For replay's own files. */
struct tracked {
	struct tracked *next;
	uint64_t number; /* of the action */
	int64_t event_id; /* that has scheduled or started it */
	const char *id; /* activity or timer id */
	bool is_timer;
	bool is_fired;
};
__attribute__((format(printf, 3, 4))) void replay_fail(
        struct replay *replay, enum replay_outcome outcome, const char *format, ...);
/* NULL: no such one is open. */
struct tracked *replay_find_event(const struct replay *replay, bool is_timer, int64_t event_id);
struct tracked *replay_find_number(const struct replay *replay, bool is_timer, uint64_t number);
void replay_forget(struct replay *replay, struct tracked *tracked);

/* replay-feed.c: tells the machine what lies between n_fed and n_events of the input. */
void replay_feed(struct replay *replay, size_t n_events);
/* replay-match.c: holds a command's event against what is wanted. Place: in the input. */
void replay_match(struct replay *replay, size_t place);
/* Nothing that is wanted may be missing in the history. */
void replay_match_end(struct replay *replay);

#endif
