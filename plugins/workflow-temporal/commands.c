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

static char *make_id(struct pool *pool, char letter, uint64_t number)
{
	char *id = pool_take(pool, ID_SIZE);
	(void)snprintf(id, ID_SIZE, "%c%" PRIu64, letter, number);
	return id;
}

/* NULL where there is none to say. */
static Wire__Duration *duration(struct pool *pool, uint64_t ms)
{
	if (ms == 0) {
		return NULL;
	}
	Wire__Duration *duration = pool_take(pool, sizeof(*duration));
	wire__duration__init(duration);
	duration_set(duration, ms);
	return duration;
}

static Wire__Type *type(struct pool *pool, struct lucius_text name)
{
	Wire__Type *type = pool_take(pool, sizeof(*type));
	wire__type__init(type);
	type->name = pool_copy(pool, name.data, name.size);
	return type;
}

static Wire__TaskQueue *queue(struct pool *pool, const char *name)
{
	Wire__TaskQueue *queue = pool_take(pool, sizeof(*queue));
	wire__task_queue__init(queue);
	queue->name = (char *)(uintptr_t)name;
	queue->kind = 1;
	return queue;
}

static Wire__RetryPolicy *retry(struct pool *pool, const struct lucius_action *action)
{
	Wire__RetryPolicy *policy = pool_take(pool, sizeof(*policy));
	wire__retry_policy__init(policy);
	policy->initial_interval = duration(pool, action->retry_initial_ms);
	policy->maximum_interval = duration(pool, action->retry_max_ms);
	policy->backoff_coefficient = RETRY_COEFFICIENT;
	return policy;
}

static Wire__UserMetadata *summary(struct pool *pool, struct lucius_text text)
{
	if (text.size == 0) {
		return NULL;
	}
	Wire__UserMetadata *metadata = pool_take(pool, sizeof(*metadata));
	wire__user_metadata__init(metadata);
	metadata->summary = payload_string(pool, text, SUMMARY_MAX);
	return metadata;
}

static void schedule_activity(struct pool *pool, const struct lucius_action *action,
        const char *task_queue, Wire__Command *command)
{
	Wire__ScheduleActivityAttributes *attributes = pool_take(pool, sizeof(*attributes));
	bool is_long = action->start_to_close_ms > HEARTBEAT_MS;
	wire__schedule_activity_attributes__init(attributes);
	attributes->activity_id = make_id(pool, 'a', action->number);
	attributes->activity_type = type(pool, action->name);
	attributes->task_queue = queue(pool, task_queue);
	attributes->input = payload_json(pool, action->payload);
	attributes->schedule_to_close_timeout = duration(pool, action->give_up_after_ms);
	attributes->start_to_close_timeout = duration(pool, action->start_to_close_ms);
	attributes->heartbeat_timeout = duration(pool, is_long ? HEARTBEAT_MS : 0);
	attributes->retry_policy = retry(pool, action);
	command->command_type = COMMAND_SCHEDULE_ACTIVITY;
	command->schedule_activity = attributes;
	command->user_metadata = summary(pool, action->summary);
}

static void start_timer(
        struct pool *pool, const struct lucius_action *action, Wire__Command *command)
{
	Wire__StartTimerAttributes *attributes = pool_take(pool, sizeof(*attributes));
	wire__start_timer_attributes__init(attributes);
	attributes->timer_id = make_id(pool, 't', action->number);
	/* Without a time it would be a second. */
	attributes->start_to_fire_timeout =
	        duration(pool, action->after_ms != 0 ? action->after_ms : 1);
	command->command_type = COMMAND_START_TIMER;
	command->start_timer = attributes;
	command->user_metadata = summary(pool, action->summary);
}

static void cancel_timer(struct pool *pool, const struct replay *replay,
        const struct lucius_action *action, Wire__Command *command)
{
	Wire__CancelTimerAttributes *attributes = pool_take(pool, sizeof(*attributes));
	const struct tracked *timer = replay_find_number(replay, true, action->number);
	wire__cancel_timer_attributes__init(attributes);
	attributes->timer_id = (char *)(uintptr_t)(timer != NULL ? timer->id : "");
	command->command_type = COMMAND_CANCEL_TIMER;
	command->cancel_timer = attributes;
}

static void complete(struct pool *pool, const struct lucius_action *action, Wire__Command *command)
{
	Wire__CompleteAttributes *attributes = pool_take(pool, sizeof(*attributes));
	wire__complete_attributes__init(attributes);
	attributes->result = payload_json(pool, action->payload);
	command->command_type = COMMAND_COMPLETE;
	command->complete = attributes;
}

static void fail(struct pool *pool, const struct lucius_action *action, Wire__Command *command)
{
	Wire__FailAttributes *attributes = pool_take(pool, sizeof(*attributes));
	Wire__Failure *failure = pool_take(pool, sizeof(*failure));
	Wire__ApplicationFailureInfo *info = pool_take(pool, sizeof(*info));
	size_t size = action->payload.size < FAILURE_MESSAGE_MAX ? action->payload.size
	                                                         : FAILURE_MESSAGE_MAX;
	wire__fail_attributes__init(attributes);
	wire__failure__init(failure);
	wire__application_failure_info__init(info);
	info->type = pool_copy(pool, action->name.data, action->name.size);
	info->non_retryable = 1;
	failure->message = size != 0 ? pool_copy(pool, action->payload.data, size) : info->type;
	failure->source = (char *)(uintptr_t)FAILURE_SOURCE;
	failure->application_failure_info = info;
	attributes->failure = failure;
	command->command_type = COMMAND_FAIL;
	command->fail = attributes;
}

static void cancel(struct pool *pool, Wire__Command *command)
{
	Wire__CancelAttributes *attributes = pool_take(pool, sizeof(*attributes));
	wire__cancel_attributes__init(attributes);
	command->command_type = COMMAND_CANCEL;
	command->cancel = attributes;
}

static void record_marker(struct pool *pool, struct lucius_text pinned, Wire__Command *command)
{
	Wire__RecordMarkerAttributes *attributes = pool_take(pool, sizeof(*attributes));
	Wire__PayloadsEntry *entry = pool_take(pool, sizeof(*entry));
	wire__record_marker_attributes__init(attributes);
	wire__payloads_entry__init(entry);
	entry->key = (char *)(uintptr_t)REPLAY_MARKER_DETAIL;
	entry->value = payload_json(pool, pinned);
	attributes->marker_name = (char *)(uintptr_t)REPLAY_MARKER;
	attributes->details = pool_take(pool, sizeof(Wire__PayloadsEntry *));
	attributes->details[0] = entry;
	attributes->n_details = 1;
	command->command_type = COMMAND_RECORD_MARKER;
	command->record_marker = attributes;
}

static Wire__Command *add(struct pool *pool, struct command_list *list)
{
	Wire__Command *command = pool_take(pool, sizeof(*command));
	wire__command__init(command);
	list->items[list->n_items++] = command;
	return command;
}

static void translate(struct pool *pool, const struct replay *replay, const char *task_queue,
        const struct lucius_action *action, Wire__Command *command)
{
	switch (action->type) {
	case LUCIUS_ACTION_RUN_ACTIVITY:
		schedule_activity(pool, action, task_queue, command);
		break;
	case LUCIUS_ACTION_START_TIMER:
		start_timer(pool, action, command);
		break;
	case LUCIUS_ACTION_CANCEL_TIMER:
		cancel_timer(pool, replay, action, command);
		break;
	case LUCIUS_ACTION_COMPLETE:
		complete(pool, action, command);
		break;
	case LUCIUS_ACTION_FAIL:
		fail(pool, action, command);
		break;
	default:
		cancel(pool, command);
		break;
	}
}

struct command_list commands_build(struct pool *pool, const struct replay *replay,
        const char *task_queue, struct lucius_text pinned)
{
	struct command_list list = {
		.items = pool_take(pool, (replay->n_wanted + 1) * sizeof(Wire__Command *)),
	};
	if (pinned.size != 0) {
		record_marker(pool, pinned, add(pool, &list));
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
		translate(pool, replay, task_queue, &wanted->action, add(pool, &list));
	}
	return list;
}
