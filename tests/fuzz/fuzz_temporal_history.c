/* SPDX-License-Identifier: MIT */
/*
 * A history through the step logic: a History message whose events are numbered anew, so that what
 * is fuzzed gets past the check of that. It is gone through as a query and as each of its tasks;
 * the same history twice must want the same, and what is wanted must make commands.
 */
#include <stdlib.h>
#include <string.h>

#include "core/step_logic.h"
#include "plugins/workflow-temporal/commands.h"
#include "plugins/workflow-temporal/event-kinds.h"
#include "plugins/workflow-temporal/query.h"
#include "plugins/workflow-temporal/replay.h"
#include "support/base/cleanup.h"
#include "tests/fuzz/fuzz.h"

enum { EVENTS_MOST = 300 };

static void go_through(struct step_logic *logic, struct pool *pool, const Wire__History *history,
        int64_t started_event_id, struct replay *replay)
{
	const struct replay_input input = {
		.definition = &logic->table,
		.workflow_id = "job",
		.events = history->events,
		.n_events = history->n_events,
		.started_event_id = started_event_id,
	};
	replay_run(replay, pool, &input);
	if (replay->outcome == REPLAY_DONE) {
		(void)commands_build(
		        pool, replay, "queue", query_pinned(pool, replay, &logic->table));
	} else if (replay->sentence[0] == '\0') {
		abort();
	}
}

static void check(struct step_logic *logic, const Wire__History *history, int64_t started_event_id)
{
	CLEANUP(pool_finish) struct pool pool = { 0 };
	struct replay first;
	struct replay second;
	go_through(logic, &pool, history, started_event_id, &first);
	go_through(logic, &pool, history, started_event_id, &second);
	bool is_same = first.outcome == second.outcome && first.n_wanted == second.n_wanted &&
	        strcmp(first.sentence, second.sentence) == 0;
	for (size_t i = 0; is_same && i < first.n_wanted; i++) {
		const struct lucius_action *one = &first.wanted[i].action;
		const struct lucius_action *other = &second.wanted[i].action;
		is_same = one->type == other->type && one->number == other->number &&
		        one->payload.size == other->payload.size &&
		        memcmp(one->payload.data, other->payload.data, one->payload.size) == 0;
	}
	if (!is_same) {
		abort();
	}
	replay_finish(&first, &logic->table);
	replay_finish(&second, &logic->table);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static const struct step_options defaults = { 3, 900, 900, 1, 60 };
	CLEANUP(pool_finish) struct pool pool = { 0 };
	struct step_logic logic;
	step_logic_init(&logic, &defaults);
	Wire__History *history = pool_unpack(&pool, &wire__history__descriptor, bytes, size);
	if (history == NULL || history->n_events > EVENTS_MOST) {
		return 0;
	}
	for (size_t i = 0; i < history->n_events; i++) {
		history->events[i]->event_id = (int64_t)i + 1;
	}
	check(&logic, history, 0);
	for (size_t i = 0; i < history->n_events; i++) {
		if (history->events[i]->event_type == EVENT_TASK_STARTED) {
			check(&logic, history, (int64_t)i + 1);
		}
	}
	return 0;
}
