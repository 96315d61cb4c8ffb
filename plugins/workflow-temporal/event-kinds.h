/* SPDX-License-Identifier: MIT */
/* Numbers of Temporal's enums, and what an event is to a replay. */
#ifndef WORKFLOW_TEMPORAL_EVENT_KINDS_H
#define WORKFLOW_TEMPORAL_EVENT_KINDS_H

#include <stdbool.h>

#include "messages.pb-c.h"

/* temporal.api.enums.v1.EventType, as far as it is looked at. */
enum event_type {
	EVENT_RUN_STARTED = 1,
	EVENT_RUN_COMPLETED = 2,
	EVENT_RUN_FAILED = 3,
	EVENT_RUN_TIMED_OUT = 4,
	EVENT_TASK_SCHEDULED = 5,
	EVENT_TASK_STARTED = 6,
	EVENT_TASK_COMPLETED = 7,
	EVENT_TASK_TIMED_OUT = 8,
	EVENT_TASK_FAILED = 9,
	EVENT_ACTIVITY_SCHEDULED = 10,
	EVENT_ACTIVITY_STARTED = 11,
	EVENT_ACTIVITY_COMPLETED = 12,
	EVENT_ACTIVITY_FAILED = 13,
	EVENT_ACTIVITY_TIMED_OUT = 14,
	EVENT_ACTIVITY_CANCEL_REQUESTED = 15,
	EVENT_ACTIVITY_CANCELED = 16,
	EVENT_TIMER_STARTED = 17,
	EVENT_TIMER_FIRED = 18,
	EVENT_TIMER_CANCELED = 19,
	EVENT_CANCEL_REQUESTED = 20,
	EVENT_RUN_CANCELED = 21,
	EVENT_MARKER = 25,
	EVENT_SIGNALED = 26,
	EVENT_RUN_TERMINATED = 27,
	EVENT_CONTINUED_AS_NEW = 28,
	EVENT_ATTRIBUTES_UPSERTED = 40,
	EVENT_UPDATE_ACCEPTED = 41,
	EVENT_UPDATE_REJECTED = 42,
	EVENT_UPDATE_COMPLETED = 43,
	EVENT_PROPERTIES_MODIFIED_OUTSIDE = 44,
	EVENT_ACTIVITY_MODIFIED_OUTSIDE = 45,
	EVENT_PROPERTIES_MODIFIED = 46,
	EVENT_UPDATE_ADMITTED = 47,
	EVENT_OPTIONS_UPDATED = 55,
	EVENT_PAUSED = 58,
	EVENT_UNPAUSED = 59,
	EVENT_TIME_SKIPPING = 60
};

/* temporal.api.enums.v1.CommandType */
enum command_type {
	COMMAND_SCHEDULE_ACTIVITY = 1,
	COMMAND_START_TIMER = 3,
	COMMAND_COMPLETE = 4,
	COMMAND_FAIL = 5,
	COMMAND_CANCEL_TIMER = 6,
	COMMAND_CANCEL = 7,
	COMMAND_RECORD_MARKER = 9
};

/* temporal.api.enums.v1.WorkflowTaskFailedCause */
enum task_failure {
	TASK_FAILURE_UNHANDLED = 14,
	TASK_FAILURE_NON_DETERMINISTIC = 24,
	TASK_FAILURE_MESSAGE_TOO_LARGE = 36
};

enum event_kind {
	EVENT_IS_TASK, /* of a workflow task */
	EVENT_IS_COMMAND, /* what a command of a task has left */
	EVENT_IS_CLOSING, /* a command that ended the run */
	EVENT_IS_INPUT, /* something that the machine is told */
	EVENT_IS_NOTHING, /* no business of the machine */
	EVENT_IS_UNKNOWN
};
enum event_kind event_kind(const Wire__HistoryEvent *event);
/* "ActivityTaskScheduled" */
const char *event_name(const Wire__HistoryEvent *event);

#endif
