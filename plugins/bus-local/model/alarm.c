/* SPDX-License-Identifier: MIT */
/* Alarms in one heap of the whole broker, by the time when they are due. */
#include "plugins/bus-local/model/alarm.h"

void alarm_set(struct heap *alarms, struct alarm *alarm, int64_t due_ms)
{
	heap_remove(alarms, &alarm->node);
	if (due_ms != INT64_MAX) {
		heap_insert(alarms, &alarm->node, due_ms);
	}
}

void alarms_run(struct heap *alarms, int64_t now_ms)
{
	while (heap_first_key(alarms) <= now_ms) {
		struct alarm *alarm = (struct alarm *)heap_first(alarms);
		if (alarm == NULL) {
			break;
		}
		heap_remove(alarms, &alarm->node);
		alarm->fire(alarm);
	}
}
