/* SPDX-License-Identifier: MIT */
/* One alarm a message; the number is its key in the topic. */
#include "plugins/bus-local/model/schedule.h"

#include <stdlib.h>

#include "plugins/bus-local/model/broker.h"
#include "support/base/container.h"
#include "support/base/memory.h"

struct waiting {
	struct alarm alarm;
	struct hash_link by_number;
	struct topic *topic;
	struct message *message;
};

bool schedule_has_room(const struct topic *topic, size_t n)
{
	const struct broker *broker = topic->broker;
	return topic->scheduled.n_links + n <= broker->limits.max_messages &&
	        broker->n_bytes <= broker->limits.max_total_bytes;
}

static void forget(struct waiting *waiting)
{
	struct broker *broker = waiting->topic->broker;
	alarm_set(&broker->alarms, &waiting->alarm, INT64_MAX);
	hash_table_remove(&waiting->topic->scheduled, &waiting->by_number);
	broker->n_bytes -= message_size(waiting->message);
	message_drop(waiting->message);
	free(waiting);
}

static void on_due(struct alarm *alarm)
{
	struct waiting *waiting = CONTAINER(alarm, struct waiting, alarm);
	struct topic *topic = waiting->topic;
	struct message *message = waiting->message;
	const char *full = NULL;
	struct publishing publishing = { .messages = &message, .n_messages = 1, .is_due = true };
	message_hold(message);
	forget(waiting);
	/* There is nobody to tell that a subscription is full; it has been counted. */
	(void)topic_publish(topic, &publishing, &full);
	message_drop(message);
}

uint64_t schedule_message(struct topic *topic, struct message *message)
{
	struct broker *broker = topic->broker;
	struct waiting *waiting = must_calloc(1, sizeof(*waiting));
	waiting->topic = topic;
	waiting->message = message;
	waiting->alarm.fire = on_due;
	message_hold(message);
	broker->n_bytes += message_size(message);
	hash_table_add(&topic->scheduled, &waiting->by_number, ++topic->last_scheduled);
	alarm_set(&broker->alarms, &waiting->alarm, message->scheduled_ms - broker->wall_offset_ms);
	return waiting->by_number.hash;
}

bool schedule_cancel(struct topic *topic, uint64_t number)
{
	struct hash_link *node = hash_table_first(&topic->scheduled, number);
	if (node == NULL) {
		return false;
	}
	forget(CONTAINER(node, struct waiting, by_number));
	return true;
}

void schedule_finish(struct topic *topic)
{
	for (size_t i = 0; i < topic->scheduled.n_buckets; i++) {
		while (topic->scheduled.buckets[i] != NULL) {
			forget(CONTAINER(topic->scheduled.buckets[i], struct waiting, by_number));
		}
	}
	hash_table_finish(&topic->scheduled);
}
