/* SPDX-License-Identifier: MIT */
/*
 * Goes through a history task by task. What came between two tasks is told to the machine when the
 * second one was completed, with the time at which it was started; a task that failed or timed out
 * has not run. The events that a completed task has left are held against what the machine wants.
 */
#include "plugins/workflow-temporal/replay.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "plugins/workflow-temporal/event-kinds.h"

void replay_fail(struct replay *replay, enum replay_outcome outcome, const char *format, ...)
{
	va_list arguments;
	if (replay->outcome != REPLAY_DONE) {
		return;
	}
	replay->outcome = outcome;
	va_start(arguments, format);
	(void)vsnprintf(replay->sentence, sizeof(replay->sentence), format, arguments);
	va_end(arguments);
}

struct tracked *replay_find_event(const struct replay *replay, bool is_timer, int64_t event_id)
{
	struct tracked *at = replay->tracked;
	while (at != NULL && (at->is_timer != is_timer || at->event_id != event_id)) {
		at = at->next;
	}
	return at;
}

struct tracked *replay_find_number(const struct replay *replay, bool is_timer, uint64_t number)
{
	struct tracked *at = replay->tracked;
	while (at != NULL && (at->is_timer != is_timer || at->number != number)) {
		at = at->next;
	}
	return at;
}

void replay_forget(struct replay *replay, struct tracked *tracked)
{
	struct tracked **at = &replay->tracked;
	while (*at != NULL && *at != tracked) {
		at = &(*at)->next;
	}
	if (*at != NULL) {
		*at = tracked->next;
	}
}

static const Wire__HistoryEvent *event_at(const struct replay *replay, size_t place)
{
	return place < replay->input->n_events ? replay->input->events[place] : NULL;
}

static bool is_type(const struct replay *replay, size_t place, enum event_type type)
{
	const Wire__HistoryEvent *event = event_at(replay, place);
	return event != NULL && event->event_type == (int32_t)type;
}

static uint64_t time_of(const Wire__HistoryEvent *event)
{
	const Wire__Timestamp *time = event->event_time;
	bool is_good = time != NULL && time->seconds >= 0 && time->seconds < INT64_C(1) << 40 &&
	        time->nanos >= 0;
	return is_good ? (uint64_t)time->seconds * 1000 + (uint64_t)time->nanos / 1000000 : 0;
}

/* The machine goes on with all that came before the task was started. */
static void run_task(struct replay *replay, size_t started)
{
	replay_match_end(replay);
	replay->n_wanted = 0;
	replay->n_matched = 0;
	replay->time_ms = time_of(event_at(replay, started));
	replay_feed(replay, started);
}

/*
 * A task that was completed without a command, and followed by another at once, was no more than a
 * sign of life: the two are one.
 */
static bool is_heartbeat(const struct replay *replay, size_t completed)
{
	return is_type(replay, completed + 1, EVENT_TASK_SCHEDULED) &&
	        is_type(replay, completed + 2, EVENT_TASK_STARTED);
}

static void on_task_event(struct replay *replay, size_t place, size_t *started)
{
	const Wire__HistoryEvent *event = event_at(replay, place);
	switch (event->event_type) {
	case EVENT_TASK_STARTED:
		*started = place;
		if (event->event_id == replay->input->started_event_id) {
			replay->is_at_task = true;
			run_task(replay, place);
		}
		break;
	case EVENT_TASK_COMPLETED:
		if (*started == SIZE_MAX) {
			replay_fail(replay, REPLAY_STUCK,
			        "Event %lld completes a workflow task that was never started.",
			        (long long)event->event_id);
		} else if (!is_heartbeat(replay, place)) {
			run_task(replay, *started);
		}
		replay->n_tasks++;
		*started = SIZE_MAX;
		break;
	default:
		break;
	}
}

static void on_event(struct replay *replay, size_t place, size_t *started)
{
	const Wire__HistoryEvent *event = event_at(replay, place);
	if (event->event_id != (int64_t)place + 1) {
		replay_fail(replay, REPLAY_STUCK, "The history has event %lld at place %zu.",
		        (long long)event->event_id, place + 1);
		return;
	}
	switch (event_kind(event)) {
	case EVENT_IS_TASK:
		on_task_event(replay, place, started);
		break;
	case EVENT_IS_COMMAND:
	case EVENT_IS_CLOSING:
		replay_match(replay, place);
		break;
	case EVENT_IS_INPUT:
	case EVENT_IS_NOTHING:
		break;
	case EVENT_IS_UNKNOWN:
		replay_fail(replay, REPLAY_STUCK,
		        "Event %lld is of type %d, which this program does not know.",
		        (long long)event->event_id, (int)event->event_type);
		break;
	}
}

void replay_run(struct replay *replay, struct pool *pool, const struct replay_input *input)
{
	size_t started = SIZE_MAX;
	*replay = (struct replay){ .pool = pool, .input = input };
	if (!is_type(replay, 0, EVENT_RUN_STARTED)) {
		replay_fail(replay, REPLAY_STUCK, "The history does not begin with its start.");
	}
	for (size_t i = 0; i < input->n_events && replay->outcome == REPLAY_DONE; i++) {
		on_event(replay, i, &started);
		if (input->started_event_id != 0 &&
		        input->events[i]->event_id == input->started_event_id) {
			break;
		}
	}
	if (input->started_event_id == 0) {
		replay_match_end(replay);
	} else if (!replay->is_at_task) {
		replay_fail(replay, REPLAY_STUCK,
		        "The history of %zu events does not hold event %lld, with which the task "
		        "was started.",
		        input->n_events, (long long)input->started_event_id);
	}
	replay->input = NULL;
}

void replay_finish(struct replay *replay, const struct lucius_definition *definition)
{
	if (replay->machine != NULL) {
		definition->close(replay->machine);
		replay->machine = NULL;
	}
}

struct inspection {
	struct pool *pool;
	struct lucius_text text;
};

static void on_text(void *user, struct lucius_text text)
{
	struct inspection *inspection = user;
	inspection->text.data = pool_copy(inspection->pool, text.data, text.size);
	inspection->text.size = text.size;
}

struct lucius_text replay_inspect(
        const struct replay *replay, const struct lucius_definition *definition)
{
	struct inspection inspection = { .pool = replay->pool };
	if (replay->machine != NULL && LUCIUS_HAS(definition, inspect)) {
		definition->inspect(replay->machine, on_text, &inspection);
	}
	return inspection.text;
}
