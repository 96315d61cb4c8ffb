/* SPDX-License-Identifier: MIT */
/* Events of a history as events of the machine, and what the machine then wants. */
#include <string.h>

#include "plugins/workflow-temporal/event-kinds.h"
#include "plugins/workflow-temporal/payload.h"
#include "plugins/workflow-temporal/replay.h"

#define CAUSES_MAX 32u /* of a failure; deeper ones are not looked at */

static struct lucius_text copy_text(struct replay *replay, struct lucius_text text)
{
	return (struct lucius_text){ pool_copy(replay->pool, text.data, text.size), text.size };
}

static struct wanted *add_wanted(struct replay *replay)
{
	if (replay->n_wanted == replay->room) {
		size_t room = replay->room != 0 ? 2 * replay->room : 4;
		struct wanted *larger = pool_take(replay->pool, room * sizeof(*larger));
		if (replay->n_wanted != 0) {
			memcpy(larger, replay->wanted, replay->n_wanted * sizeof(*larger));
		}
		replay->wanted = larger;
		replay->room = room;
	}
	struct wanted *added = &replay->wanted[replay->n_wanted++];
	*added = (struct wanted){ 0 };
	return added;
}

/* A timer that is started and taken back by one task never was; one that has fired is gone. */
static void cancel_timer(struct replay *replay, struct wanted *cancel)
{
	const struct tracked *open = replay_find_number(replay, true, cancel->action.number);
	cancel->is_dropped = open == NULL || open->is_fired;
	if (open != NULL) {
		return;
	}
	for (struct wanted *at = replay->wanted; at != cancel; at++) {
		if (at->action.type == LUCIUS_ACTION_START_TIMER &&
		        at->action.number == cancel->action.number) {
			at->is_dropped = true;
		}
	}
}

/* Timers go with the run. */
static void end_run(struct replay *replay, const struct wanted *end)
{
	replay->is_over = true;
	for (struct wanted *at = replay->wanted; at != end; at++) {
		at->is_dropped |= at->action.type == LUCIUS_ACTION_CANCEL_TIMER ||
		        at->action.type == LUCIUS_ACTION_START_TIMER;
	}
}

static void on_action(void *user, const struct lucius_action *given)
{
	struct replay *replay = user;
	struct wanted *wanted = add_wanted(replay);
	struct lucius_action *action = &wanted->action;
	memcpy(action, given, given->size < sizeof(*action) ? given->size : sizeof(*action));
	action->name = copy_text(replay, action->name);
	action->payload = copy_text(replay, action->payload);
	action->summary = copy_text(replay, action->summary);
	switch (action->type) {
	case LUCIUS_ACTION_RUN_ACTIVITY:
	case LUCIUS_ACTION_START_TIMER:
		break;
	case LUCIUS_ACTION_CANCEL_TIMER:
		cancel_timer(replay, wanted);
		break;
	case LUCIUS_ACTION_COMPLETE:
	case LUCIUS_ACTION_FAIL:
	case LUCIUS_ACTION_CANCEL:
		end_run(replay, wanted);
		break;
	default:
		replay_fail(replay, REPLAY_STUCK,
		        "The definition wants something that this engine does not know.");
		break;
	}
}

static void tell(struct replay *replay, struct lucius_event *event)
{
	if (replay->machine == NULL || replay->is_over) {
		return;
	}
	event->size = sizeof(*event);
	event->time_ms = replay->time_ms;
	replay->input->definition->feed(replay->machine, event, on_action, replay);
}

/* What was recorded with the first task of a run whose input did not say it. */
static struct lucius_text find_marker(const struct replay *replay)
{
	struct lucius_text pinned = { "", 0 };
	for (size_t i = 0; i < replay->input->n_events; i++) {
		const Wire__MarkerAttributes *marker = replay->input->events[i]->marker;
		if (marker == NULL || strcmp(marker->marker_name, REPLAY_MARKER) != 0) {
			continue;
		}
		for (size_t j = 0; j < marker->n_details; j++) {
			if (strcmp(marker->details[j]->key, REPLAY_MARKER_DETAIL) == 0) {
				(void)payload_read(marker->details[j]->value, &pinned);
			}
		}
	}
	return pinned;
}

static void start(struct replay *replay, const Wire__StartedAttributes *started)
{
	const struct lucius_definition *definition = replay->input->definition;
	char error[sizeof(replay->sentence)] = "The definition cannot run it.";
	struct lucius_run run = {
		.size = sizeof(run),
		.workflow_id = text_of(replay->input->workflow_id),
		.snapshot = find_marker(replay),
		.started_at_ms = (int64_t)replay->time_ms,
	};
	if (!payload_read(started->input, &run.input)) {
		replay_fail(replay, REPLAY_STUCK, "The input of the workflow is not JSON.");
		return;
	}
	replay->machine = definition->open(definition, &run, error, sizeof(error));
	if (replay->machine == NULL) {
		replay_fail(replay, REPLAY_STUCK, "%s", error);
		return;
	}
	struct lucius_event event = {
		.type = LUCIUS_EVENT_STARTED,
		.payload = text_of(started->original_execution_run_id),
	};
	tell(replay, &event);
}

static void signal(struct replay *replay, const Wire__SignaledAttributes *signaled)
{
	struct lucius_event event = {
		.type = LUCIUS_EVENT_SIGNAL,
		.name = text_of(signaled->signal_name),
	};
	/* One that cannot be read is one without an argument. */
	(void)payload_read(signaled->input, &event.payload);
	tell(replay, &event);
}

static void end_activity(
        struct replay *replay, int64_t event_id, uint32_t type, struct lucius_text payload)
{
	struct tracked *activity = replay_find_event(replay, false, event_id);
	if (activity == NULL) {
		replay_fail(replay, REPLAY_DIFFERS,
		        "An activity ends that event %lld should have scheduled.",
		        (long long)event_id);
		return;
	}
	struct lucius_event event = {
		.type = type,
		.number = activity->number,
		.payload = payload,
	};
	replay_forget(replay, activity);
	tell(replay, &event);
}

/* The innermost reason tells most: around it stands that the time was over. */
static struct lucius_text sentence_of(struct replay *replay, const Wire__Failure *failure)
{
	struct lucius_text sentence = text_of("The activity was not answered.");
	for (unsigned i = 0; failure != NULL && i < CAUSES_MAX; i++) {
		if (failure->message[0] != '\0') {
			sentence = text_of(failure->message);
		}
		failure = failure->cause.len != 0
		        ? pool_unpack(replay->pool, &wire__failure__descriptor, failure->cause.data,
		                  failure->cause.len)
		        : NULL;
	}
	return sentence;
}

static void complete_activity(
        struct replay *replay, const Wire__ActivityCompletedAttributes *completed)
{
	struct lucius_text result;
	if (payload_read(completed->result, &result)) {
		end_activity(
		        replay, completed->scheduled_event_id, LUCIUS_EVENT_ACTIVITY_DONE, result);
	} else {
		end_activity(replay, completed->scheduled_event_id, LUCIUS_EVENT_ACTIVITY_FAILED,
		        text_of("The result of the activity is not JSON."));
	}
}

static void fire_timer(struct replay *replay, const Wire__TimerEndedAttributes *fired)
{
	struct tracked *timer = replay_find_event(replay, true, fired->started_event_id);
	if (timer == NULL) {
		replay_fail(replay, REPLAY_DIFFERS,
		        "A timer fires that event %lld should have started.",
		        (long long)fired->started_event_id);
		return;
	}
	struct lucius_event event = {
		.type = LUCIUS_EVENT_TIMER_FIRED,
		.number = timer->number,
	};
	replay_forget(replay, timer);
	tell(replay, &event);
}

static void feed_one(struct replay *replay, const Wire__HistoryEvent *event)
{
	struct lucius_event cancel = { .type = LUCIUS_EVENT_CANCEL_ASKED };
	if (event->started != NULL && replay->machine == NULL) {
		start(replay, event->started);
	} else if (event->signaled != NULL) {
		signal(replay, event->signaled);
	} else if (event->activity_completed != NULL) {
		complete_activity(replay, event->activity_completed);
	} else if (event->activity_failed != NULL) {
		const Wire__ActivityFailedAttributes *failed = event->activity_failed;
		end_activity(replay, failed->scheduled_event_id, LUCIUS_EVENT_ACTIVITY_FAILED,
		        sentence_of(replay, failed->failure));
	} else if (event->activity_timed_out != NULL) {
		const Wire__ActivityTimedOutAttributes *late = event->activity_timed_out;
		end_activity(replay, late->scheduled_event_id, LUCIUS_EVENT_ACTIVITY_FAILED,
		        sentence_of(replay, late->failure));
	} else if (event->activity_canceled != NULL) {
		end_activity(replay, event->activity_canceled->scheduled_event_id,
		        LUCIUS_EVENT_ACTIVITY_FAILED, text_of("The activity was cancelled."));
	} else if (event->timer_fired != NULL) {
		fire_timer(replay, event->timer_fired);
	} else if (event->event_type == EVENT_CANCEL_REQUESTED) {
		tell(replay, &cancel);
	}
}

/* Before anything is told: whoever is told of a RESULT may want to take such a timer back. */
static void mark_fired(struct replay *replay, size_t n_events)
{
	for (size_t i = replay->n_fed; i < n_events; i++) {
		const Wire__TimerEndedAttributes *fired = replay->input->events[i]->timer_fired;
		struct tracked *timer = fired != NULL
		        ? replay_find_event(replay, true, fired->started_event_id)
		        : NULL;
		if (timer != NULL) {
			timer->is_fired = true;
		}
	}
}

void replay_feed(struct replay *replay, size_t n_events)
{
	mark_fired(replay, n_events);
	for (; replay->n_fed < n_events && replay->outcome == REPLAY_DONE; replay->n_fed++) {
		feed_one(replay, replay->input->events[replay->n_fed]);
	}
}
