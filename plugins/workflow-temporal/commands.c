/* SPDX-License-Identifier: MIT */
/*
 * Ids are those of the actions, with a letter in front: others use plain numbers, and a run of
 * theirs may go on here. A command that the server would refuse without a trace is found here.
 */
#include "plugins/workflow-temporal/commands.h"

#include <inttypes.h>
#include <stdio.h>

#include "plugins/workflow-temporal/event-kinds.h"
#include "plugins/workflow-temporal/payload.h"

#define SUMMARY_MAX 400u
#define ID_SIZE 24u
#define RETRY_COEFFICIENT 2.0
/* Who works on an activity for longer says so; else it is given to somebody else. */
#define HEARTBEAT_MS 10000u
#define FAILURE_SOURCE "lucius"
#define FAILURE_MESSAGE_MAX 16384u

static char *make_id(struct arena *arena, char letter, uint64_t number)
{
	char *id = arena_take(arena, ID_SIZE);
	(void)snprintf(id, ID_SIZE, "%c%" PRIu64, letter, number);
	return id;
}

/* NULL where there is none to say. */
static Wire__Duration *duration(struct arena *arena, uint64_t ms)
{
	if (ms == 0) {
		return NULL;
	}
	Wire__Duration *duration = arena_take(arena, sizeof(*duration));
	wire__duration__init(duration);
	duration_set(duration, ms);
	return duration;
}

static Wire__Type *type(struct arena *arena, struct lucius_text name)
{
	Wire__Type *type = arena_take(arena, sizeof(*type));
	wire__type__init(type);
	type->name = arena_copy(arena, name.data, name.size);
	return type;
}

static Wire__TaskQueue *queue(struct arena *arena, const char *name)
{
	Wire__TaskQueue *queue = arena_take(arena, sizeof(*queue));
	wire__task_queue__init(queue);
	queue->name = (char *)(uintptr_t)name;
	queue->kind = 1;
	return queue;
}

static Wire__RetryPolicy *retry(struct arena *arena, const struct lucius_action *action)
{
	Wire__RetryPolicy *policy = arena_take(arena, sizeof(*policy));
	wire__retry_policy__init(policy);
	policy->initial_interval = duration(arena, action->retry_initial_ms);
	policy->maximum_interval = duration(arena, action->retry_max_ms);
	policy->backoff_coefficient = RETRY_COEFFICIENT;
	return policy;
}

static Wire__UserMetadata *summary(struct arena *arena, struct lucius_text text)
{
	if (text.size == 0) {
		return NULL;
	}
	Wire__UserMetadata *metadata = arena_take(arena, sizeof(*metadata));
	wire__user_metadata__init(metadata);
	metadata->summary = payload_string(arena, text, SUMMARY_MAX);
	return metadata;
}

static void schedule_activity(struct arena *arena, const struct lucius_action *action,
        const char *task_queue, Wire__Command *command)
{
	Wire__ScheduleActivityAttributes *attributes = arena_take(arena, sizeof(*attributes));
	bool is_long = action->start_to_close_ms > HEARTBEAT_MS;
	wire__schedule_activity_attributes__init(attributes);
	attributes->activity_id = make_id(arena, 'a', action->number);
	attributes->activity_type = type(arena, action->name);
	attributes->task_queue = queue(arena, task_queue);
	attributes->input = payload_json(arena, action->payload);
	attributes->schedule_to_close_timeout = duration(arena, action->give_up_after_ms);
	attributes->start_to_close_timeout = duration(arena, action->start_to_close_ms);
	attributes->heartbeat_timeout = duration(arena, is_long ? HEARTBEAT_MS : 0);
	attributes->retry_policy = retry(arena, action);
	command->command_type = COMMAND_SCHEDULE_ACTIVITY;
	command->schedule_activity = attributes;
	command->user_metadata = summary(arena, action->summary);
}

static void start_timer(
        struct arena *arena, const struct lucius_action *action, Wire__Command *command)
{
	Wire__StartTimerAttributes *attributes = arena_take(arena, sizeof(*attributes));
	wire__start_timer_attributes__init(attributes);
	attributes->timer_id = make_id(arena, 't', action->number);
	/* Without a time it would be a second. */
	attributes->start_to_fire_timeout =
	        duration(arena, action->after_ms != 0 ? action->after_ms : 1);
	command->command_type = COMMAND_START_TIMER;
	command->start_timer = attributes;
	command->user_metadata = summary(arena, action->summary);
}

static void cancel_timer(struct arena *arena, const struct replay *replay,
        const struct lucius_action *action, Wire__Command *command)
{
	Wire__CancelTimerAttributes *attributes = arena_take(arena, sizeof(*attributes));
	const struct tracked *timer = replay_find_number(replay, true, action->number);
	wire__cancel_timer_attributes__init(attributes);
	attributes->timer_id = (char *)(uintptr_t)(timer != NULL ? timer->id : "");
	command->command_type = COMMAND_CANCEL_TIMER;
	command->cancel_timer = attributes;
}

static void complete(
        struct arena *arena, const struct lucius_action *action, Wire__Command *command)
{
	Wire__CompleteAttributes *attributes = arena_take(arena, sizeof(*attributes));
	wire__complete_attributes__init(attributes);
	attributes->result = payload_json(arena, action->payload);
	command->command_type = COMMAND_COMPLETE;
	command->complete = attributes;
}

static void fail(struct arena *arena, const struct lucius_action *action, Wire__Command *command)
{
	Wire__FailAttributes *attributes = arena_take(arena, sizeof(*attributes));
	Wire__Failure *failure = arena_take(arena, sizeof(*failure));
	Wire__ApplicationFailureInfo *info = arena_take(arena, sizeof(*info));
	size_t size = action->payload.size < FAILURE_MESSAGE_MAX ? action->payload.size
	                                                         : FAILURE_MESSAGE_MAX;
	wire__fail_attributes__init(attributes);
	wire__failure__init(failure);
	wire__application_failure_info__init(info);
	info->type = arena_copy(arena, action->name.data, action->name.size);
	info->non_retryable = 1;
	failure->message = size != 0 ? arena_copy(arena, action->payload.data, size) : info->type;
	failure->source = (char *)(uintptr_t)FAILURE_SOURCE;
	failure->application_failure_info = info;
	attributes->failure = failure;
	command->command_type = COMMAND_FAIL;
	command->fail = attributes;
}

static void cancel(struct arena *arena, Wire__Command *command)
{
	Wire__CancelAttributes *attributes = arena_take(arena, sizeof(*attributes));
	wire__cancel_attributes__init(attributes);
	command->command_type = COMMAND_CANCEL;
	command->cancel = attributes;
}

static void record_marker(struct arena *arena, struct lucius_text pinned, Wire__Command *command)
{
	Wire__RecordMarkerAttributes *attributes = arena_take(arena, sizeof(*attributes));
	Wire__PayloadsEntry *entry = arena_take(arena, sizeof(*entry));
	wire__record_marker_attributes__init(attributes);
	wire__payloads_entry__init(entry);
	entry->key = (char *)(uintptr_t)REPLAY_MARKER_DETAIL;
	entry->value = payload_json(arena, pinned);
	attributes->marker_name = (char *)(uintptr_t)REPLAY_MARKER;
	attributes->details = arena_take(arena, sizeof(Wire__PayloadsEntry *));
	attributes->details[0] = entry;
	attributes->n_details = 1;
	command->command_type = COMMAND_RECORD_MARKER;
	command->record_marker = attributes;
}

static Wire__Command *add(struct arena *arena, struct command_list *list)
{
	Wire__Command *command = arena_take(arena, sizeof(*command));
	wire__command__init(command);
	list->items[list->n_items++] = command;
	return command;
}

static void translate(struct arena *arena, const struct replay *replay, const char *task_queue,
        const struct lucius_action *action, Wire__Command *command)
{
	switch (action->type) {
	case LUCIUS_ACTION_RUN_ACTIVITY:
		schedule_activity(arena, action, task_queue, command);
		break;
	case LUCIUS_ACTION_START_TIMER:
		start_timer(arena, action, command);
		break;
	case LUCIUS_ACTION_CANCEL_TIMER:
		cancel_timer(arena, replay, action, command);
		break;
	case LUCIUS_ACTION_COMPLETE:
		complete(arena, action, command);
		break;
	case LUCIUS_ACTION_FAIL:
		fail(arena, action, command);
		break;
	default:
		cancel(arena, command);
		break;
	}
}

struct command_list commands_build(struct arena *arena, const struct replay *replay,
        const char *task_queue, struct lucius_text pinned)
{
	struct command_list list = {
		.items = arena_take(arena, (replay->n_wanted + 1) * sizeof(Wire__Command *)),
	};
	if (pinned.size != 0) {
		record_marker(arena, pinned, add(arena, &list));
	}
	for (size_t i = 0; i < replay->n_wanted; i++) {
		const struct wanted *wanted = &replay->wanted[i];
		if (wanted->is_dropped) {
			continue;
		}
		if (wanted->action.payload.size > PAYLOAD_MAX) {
			list.fault = "The definition wants something larger than the 2097152 bytes "
			             "that the server takes.";
		}
		translate(arena, replay, task_queue, &wanted->action, add(arena, &list));
	}
	return list;
}
