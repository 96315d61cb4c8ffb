/* SPDX-License-Identifier: MIT */
/* Things of the broker that are due at a time: ends of locks and messages, idle subscriptions. */
#ifndef BUS_LOCAL_MODEL_ALARM_H
#define BUS_LOCAL_MODEL_ALARM_H

#include "plugins/bus-local/model/heap.h"

struct alarm;
typedef void (*alarm_fn)(struct alarm *alarm);

/* Embedded; zeroed when it is not set. */
struct alarm {
	struct heap_node node;
	alarm_fn fire; /* the alarm is no longer set when it is called, and may be set again */
};

/* Sets it to another time; INT64_MAX takes it away. */
void alarm_set(struct heap *alarms, struct alarm *alarm, int64_t due_ms);

/* Fires all that are due, those set meanwhile too if they are. */
void alarms_run(struct heap *alarms, int64_t now_ms);

#endif
