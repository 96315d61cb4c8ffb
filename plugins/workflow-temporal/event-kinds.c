/* SPDX-License-Identifier: MIT */
/* A table, by number. */
#include "plugins/workflow-temporal/event-kinds.h"

#include <stddef.h>

struct known_event {
	const char *name;
	enum event_kind kind;
};

static const struct known_event events[] = {
	[EVENT_RUN_STARTED] = { "WorkflowExecutionStarted", EVENT_IS_INPUT },
	[EVENT_RUN_COMPLETED] = { "WorkflowExecutionCompleted", EVENT_IS_CLOSING },
	[EVENT_RUN_FAILED] = { "WorkflowExecutionFailed", EVENT_IS_CLOSING },
	[EVENT_RUN_TIMED_OUT] = { "WorkflowExecutionTimedOut", EVENT_IS_NOTHING },
	[EVENT_TASK_SCHEDULED] = { "WorkflowTaskScheduled", EVENT_IS_TASK },
	[EVENT_TASK_STARTED] = { "WorkflowTaskStarted", EVENT_IS_TASK },
	[EVENT_TASK_COMPLETED] = { "WorkflowTaskCompleted", EVENT_IS_TASK },
	[EVENT_TASK_TIMED_OUT] = { "WorkflowTaskTimedOut", EVENT_IS_TASK },
	[EVENT_TASK_FAILED] = { "WorkflowTaskFailed", EVENT_IS_TASK },
	[EVENT_ACTIVITY_SCHEDULED] = { "ActivityTaskScheduled", EVENT_IS_COMMAND },
	[EVENT_ACTIVITY_STARTED] = { "ActivityTaskStarted", EVENT_IS_NOTHING },
	[EVENT_ACTIVITY_COMPLETED] = { "ActivityTaskCompleted", EVENT_IS_INPUT },
	[EVENT_ACTIVITY_FAILED] = { "ActivityTaskFailed", EVENT_IS_INPUT },
	[EVENT_ACTIVITY_TIMED_OUT] = { "ActivityTaskTimedOut", EVENT_IS_INPUT },
	[EVENT_ACTIVITY_CANCEL_REQUESTED] = { "ActivityTaskCancelRequested", EVENT_IS_COMMAND },
	[EVENT_ACTIVITY_CANCELED] = { "ActivityTaskCanceled", EVENT_IS_INPUT },
	[EVENT_TIMER_STARTED] = { "TimerStarted", EVENT_IS_COMMAND },
	[EVENT_TIMER_FIRED] = { "TimerFired", EVENT_IS_INPUT },
	[EVENT_TIMER_CANCELED] = { "TimerCanceled", EVENT_IS_COMMAND },
	[EVENT_CANCEL_REQUESTED] = { "WorkflowExecutionCancelRequested", EVENT_IS_INPUT },
	[EVENT_RUN_CANCELED] = { "WorkflowExecutionCanceled", EVENT_IS_CLOSING },
	[22] = { "RequestCancelExternalWorkflowExecutionInitiated", EVENT_IS_COMMAND },
	[23] = { "RequestCancelExternalWorkflowExecutionFailed", EVENT_IS_NOTHING },
	[24] = { "ExternalWorkflowExecutionCancelRequested", EVENT_IS_NOTHING },
	[EVENT_MARKER] = { "MarkerRecorded", EVENT_IS_COMMAND },
	[EVENT_SIGNALED] = { "WorkflowExecutionSignaled", EVENT_IS_INPUT },
	[EVENT_RUN_TERMINATED] = { "WorkflowExecutionTerminated", EVENT_IS_NOTHING },
	[EVENT_CONTINUED_AS_NEW] = { "WorkflowExecutionContinuedAsNew", EVENT_IS_CLOSING },
	[29] = { "StartChildWorkflowExecutionInitiated", EVENT_IS_COMMAND },
	[38] = { "SignalExternalWorkflowExecutionInitiated", EVENT_IS_COMMAND },
	[EVENT_ATTRIBUTES_UPSERTED] = { "UpsertWorkflowSearchAttributes", EVENT_IS_COMMAND },
	[EVENT_UPDATE_ACCEPTED] = { "WorkflowExecutionUpdateAccepted", EVENT_IS_COMMAND },
	[EVENT_UPDATE_REJECTED] = { "WorkflowExecutionUpdateRejected", EVENT_IS_NOTHING },
	[EVENT_UPDATE_COMPLETED] = { "WorkflowExecutionUpdateCompleted", EVENT_IS_COMMAND },
	[EVENT_PROPERTIES_MODIFIED_OUTSIDE] = { "WorkflowPropertiesModifiedExternally",
	        EVENT_IS_NOTHING },
	[EVENT_ACTIVITY_MODIFIED_OUTSIDE] = { "ActivityPropertiesModifiedExternally",
	        EVENT_IS_NOTHING },
	[EVENT_PROPERTIES_MODIFIED] = { "WorkflowPropertiesModified", EVENT_IS_COMMAND },
	[EVENT_UPDATE_ADMITTED] = { "WorkflowExecutionUpdateAdmitted", EVENT_IS_NOTHING },
	[48] = { "NexusOperationScheduled", EVENT_IS_COMMAND },
	[EVENT_OPTIONS_UPDATED] = { "WorkflowExecutionOptionsUpdated", EVENT_IS_NOTHING },
	[EVENT_PAUSED] = { "WorkflowExecutionPaused", EVENT_IS_NOTHING },
	[EVENT_UNPAUSED] = { "WorkflowExecutionUnpaused", EVENT_IS_NOTHING },
	[EVENT_TIME_SKIPPING] = { "WorkflowExecutionTimeSkippingTransitioned", EVENT_IS_NOTHING },
};

static const struct known_event *find(const Wire__HistoryEvent *event)
{
	size_t n_events = sizeof(events) / sizeof(events[0]);
	bool is_known = event->event_type > 0 && (size_t)event->event_type < n_events &&
	        events[event->event_type].name != NULL;
	return is_known ? &events[event->event_type] : NULL;
}

enum event_kind event_kind(const Wire__HistoryEvent *event)
{
	const struct known_event *known = find(event);
	if (known != NULL) {
		return known->kind;
	}
	return event->worker_may_ignore ? EVENT_IS_NOTHING : EVENT_IS_UNKNOWN;
}

const char *event_name(const Wire__HistoryEvent *event)
{
	const struct known_event *known = find(event);
	return known != NULL ? known->name : "an event of an unknown type";
}
