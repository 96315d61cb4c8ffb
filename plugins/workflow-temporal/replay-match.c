/* SPDX-License-Identifier: MIT */
/*
 * What the machine wants against what the history holds: by order, kind and activity type. Ids and
 * recorded payloads are taken from the history, so that histories of others replay as well.
 */
#include <string.h>

#include "plugins/workflow-temporal/event-kinds.h"
#include "plugins/workflow-temporal/payload.h"
#include "plugins/workflow-temporal/replay.h"

static const char *wanted_name(const struct wanted *wanted)
{
	switch (wanted->action.type) {
	case LUCIUS_ACTION_RUN_ACTIVITY:
		return "ActivityTaskScheduled";
	case LUCIUS_ACTION_START_TIMER:
		return "TimerStarted";
	case LUCIUS_ACTION_CANCEL_TIMER:
		return "TimerCanceled";
	case LUCIUS_ACTION_COMPLETE:
		return "WorkflowExecutionCompleted";
	case LUCIUS_ACTION_FAIL:
		return "WorkflowExecutionFailed";
	case LUCIUS_ACTION_CANCEL:
		return "WorkflowExecutionCanceled";
	default:
		return "MarkerRecorded";
	}
}

static int32_t event_type_of(const struct wanted *wanted)
{
	switch (wanted->action.type) {
	case LUCIUS_ACTION_RUN_ACTIVITY:
		return EVENT_ACTIVITY_SCHEDULED;
	case LUCIUS_ACTION_START_TIMER:
		return EVENT_TIMER_STARTED;
	case LUCIUS_ACTION_CANCEL_TIMER:
		return EVENT_TIMER_CANCELED;
	case LUCIUS_ACTION_COMPLETE:
		return EVENT_RUN_COMPLETED;
	case LUCIUS_ACTION_FAIL:
		return EVENT_RUN_FAILED;
	case LUCIUS_ACTION_CANCEL:
		return EVENT_RUN_CANCELED;
	default:
		return EVENT_MARKER;
	}
}

static struct wanted *next_wanted(struct replay *replay)
{
	while (replay->n_matched < replay->n_wanted &&
	        replay->wanted[replay->n_matched].is_dropped) {
		replay->n_matched++;
	}
	return replay->n_matched < replay->n_wanted ? &replay->wanted[replay->n_matched] : NULL;
}

static bool is_name(const Wire__Type *type, struct lucius_text name)
{
	const char *text = type != NULL ? type->name : "";
	return strlen(text) == name.size && memcmp(text, name.data, name.size) == 0;
}

static void track(struct replay *replay, const struct wanted *wanted, int64_t event_id,
        const char *id, bool is_timer)
{
	struct tracked *tracked = pool_take(replay->pool, sizeof(*tracked));
	*tracked = (struct tracked){
		.next = replay->tracked,
		.number = wanted->action.number,
		.event_id = event_id,
		.id = id,
		.is_timer = is_timer,
	};
	replay->tracked = tracked;
}

/* Another worker may have made other ids: the run goes on with what is recorded. */
static void adopt(struct replay *replay, const struct wanted *wanted,
        const Wire__ActivityScheduledAttributes *scheduled, int64_t event_id)
{
	const struct lucius_definition *definition = replay->input->definition;
	const struct lucius_text *own = &wanted->action.payload;
	struct lucius_text recorded;
	char error[256] = "";
	if (!payload_read(scheduled->input, &recorded)) {
		replay_fail(replay, REPLAY_DIFFERS,
		        "The input of the activity of event %lld is not JSON.",
		        (long long)event_id);
		return;
	}
	bool is_same = recorded.size == own->size &&
	        (own->size == 0 || memcmp(recorded.data, own->data, own->size) == 0);
	if (is_same || !LUCIUS_HAS(definition, adopt)) {
		return;
	}
	if (!definition->adopt(
	            replay->machine, wanted->action.number, recorded, error, sizeof(error))) {
		replay_fail(replay, REPLAY_DIFFERS, "Event %lld, %.*s: %s", (long long)event_id,
		        (int)wanted->action.name.size, wanted->action.name.data, error);
	}
}

static void match_activity(
        struct replay *replay, const struct wanted *wanted, const Wire__HistoryEvent *event)
{
	const Wire__ActivityScheduledAttributes *scheduled = event->activity_scheduled;
	if (scheduled == NULL || !is_name(scheduled->activity_type, wanted->action.name)) {
		const char *name = scheduled != NULL && scheduled->activity_type != NULL
		        ? scheduled->activity_type->name
		        : "";
		replay_fail(replay, REPLAY_DIFFERS,
		        "Event %lld schedules activity '%.100s', the definition wants '%.*s'.",
		        (long long)event->event_id, name, (int)wanted->action.name.size,
		        wanted->action.name.data);
		return;
	}
	track(replay, wanted, event->event_id, scheduled->activity_id, false);
	adopt(replay, wanted, scheduled, event->event_id);
}

static void match_timer_end(
        struct replay *replay, const struct wanted *wanted, const Wire__HistoryEvent *event)
{
	struct tracked *timer = replay_find_number(replay, true, wanted->action.number);
	const Wire__TimerEndedAttributes *canceled = event->timer_canceled;
	if (timer == NULL || canceled == NULL || canceled->started_event_id != timer->event_id) {
		replay_fail(replay, REPLAY_DIFFERS,
		        "Event %lld takes back another timer than the definition.",
		        (long long)event->event_id);
		return;
	}
	replay_forget(replay, timer);
}

static void match_wanted(
        struct replay *replay, const struct wanted *wanted, const Wire__HistoryEvent *event)
{
	switch (event->event_type) {
	case EVENT_ACTIVITY_SCHEDULED:
		match_activity(replay, wanted, event);
		break;
	case EVENT_TIMER_STARTED:
		track(replay, wanted, event->event_id,
		        event->timer_started != NULL ? event->timer_started->timer_id : "", true);
		break;
	case EVENT_TIMER_CANCELED:
		match_timer_end(replay, wanted, event);
		break;
	default:
		break;
	}
}

/* Up to where the events stand that the task's commands may have left. */
static size_t end_of_task(const struct replay *replay, size_t place)
{
	const struct replay_input *input = replay->input;
	while (place < input->n_events &&
	        input->events[place]->event_type != EVENT_TASK_COMPLETED) {
		place++;
	}
	return place;
}

static bool closes(const struct replay *replay, size_t place)
{
	size_t end = end_of_task(replay, place);
	while (place < end && event_kind(replay->input->events[place]) != EVENT_IS_CLOSING) {
		place++;
	}
	return place < end;
}

/* Timers that were started and taken back by one task, by an engine that does send that. */
static bool is_passing_timer(const struct replay *replay, size_t place)
{
	const Wire__HistoryEvent *event = replay->input->events[place];
	size_t end = end_of_task(replay, place);
	if (event->timer_canceled != NULL) {
		return replay_find_event(replay, true, event->timer_canceled->started_event_id) ==
		        NULL;
	}
	for (size_t i = place + 1; i < end; i++) {
		const Wire__TimerEndedAttributes *canceled =
		        replay->input->events[i]->timer_canceled;
		if (canceled != NULL && canceled->started_event_id == event->event_id) {
			return true;
		}
	}
	return false;
}

/* Something that an engine notes for itself, or that comes to nothing. */
static bool is_ignored(const struct replay *replay, size_t place)
{
	const Wire__HistoryEvent *event = replay->input->events[place];
	switch (event->event_type) {
	case EVENT_MARKER:
	case EVENT_ATTRIBUTES_UPSERTED:
	case EVENT_PROPERTIES_MODIFIED:
		return true;
	case EVENT_TIMER_STARTED:
		return is_passing_timer(replay, place);
	case EVENT_TIMER_CANCELED:
		return is_passing_timer(replay, place) || closes(replay, place);
	default:
		return false;
	}
}

void replay_match(struct replay *replay, size_t place)
{
	const Wire__HistoryEvent *event = replay->input->events[place];
	struct wanted *wanted = next_wanted(replay);
	if (replay->is_closed || is_ignored(replay, place)) {
		return;
	}
	if (wanted != NULL && event_type_of(wanted) == event->event_type) {
		replay->n_matched++;
		replay->is_closed = event_kind(event) == EVENT_IS_CLOSING;
		match_wanted(replay, wanted, event);
	} else if (closes(replay, place)) {
		/* Others end without what ours does last: nothing comes after it anyway. */
		replay->is_closed = true;
		replay->ends_otherwise = true;
	} else {
		replay_fail(replay, REPLAY_DIFFERS, "Event %lld is %s, the definition wants %s.",
		        (long long)event->event_id, event_name(event),
		        wanted != NULL ? wanted_name(wanted) : "nothing");
	}
}

void replay_match_end(struct replay *replay)
{
	const struct wanted *wanted = next_wanted(replay);
	if (wanted != NULL && !replay->is_closed && replay->outcome == REPLAY_DONE) {
		replay_fail(replay, REPLAY_DIFFERS,
		        "The definition wants %s, which the history does not hold.",
		        wanted_name(wanted));
	}
}
