/* SPDX-License-Identifier: MIT */
/* Copies of what include/lucius/bus.h names. */
#include "core/copy.h"

#include <lucius/bus.h>

void *copy_message(struct arena *arena, const void *message)
{
	const struct lucius_message *given = message;
	struct lucius_message *copy = copy_struct(arena, given, given->size, sizeof(*copy));
	copy->size = sizeof(*copy);
	copy->body = copy_text(arena, copy->body);
	copy->message_id = copy_text(arena, copy->message_id);
	copy->subject = copy_text(arena, copy->subject);
	copy->content_type = copy_text(arena, copy->content_type);
	copy->correlation_id = copy_text(arena, copy->correlation_id);
	copy->properties = copy_fields(arena, copy->properties, copy->n_properties);
	copy->n_properties = copy->properties != NULL ? copy->n_properties : 0;
	return copy;
}

void *copy_delivery(struct arena *arena, const void *delivery)
{
	static const struct lucius_message nothing = { .size = sizeof(nothing) };
	const struct lucius_delivery *given = delivery;
	struct lucius_delivery *copy = copy_struct(arena, given, given->size, sizeof(*copy));
	copy->size = sizeof(*copy);
	copy->message = copy_message(arena, copy->message != NULL ? copy->message : &nothing);
	return copy;
}

void *copy_subscription(struct arena *arena, const void *subscription)
{
	const struct lucius_subscription *given = subscription;
	struct lucius_subscription *copy = copy_struct(arena, given, given->size, sizeof(*copy));
	copy->size = sizeof(*copy);
	copy->topic = copy_text(arena, copy->topic);
	copy->name = copy_text(arena, copy->name);
	return copy;
}

void *copy_settlement(struct arena *arena, const void *settlement)
{
	const struct lucius_settlement *given = settlement;
	struct lucius_settlement *copy = copy_struct(arena, given, given->size, sizeof(*copy));
	copy->size = sizeof(*copy);
	copy->reason = copy_text(arena, copy->reason);
	copy->description = copy_text(arena, copy->description);
	return copy;
}

void *copy_topology(struct arena *arena, const void *topology)
{
	const struct lucius_topology *given = topology;
	struct lucius_topology *copy = copy_struct(arena, given, given->size, sizeof(*copy));
	copy->size = sizeof(*copy);
	struct lucius_text *topics = arena_alloc(arena, copy->n_topics * sizeof(*topics));
	for (uint64_t i = 0; i < copy->n_topics; i++) {
		topics[i] = copy_text(arena, copy->topics[i]);
	}
	copy->topics = topics;
	const struct lucius_subscription **subscriptions =
	        arena_alloc(arena, copy->n_subscriptions * sizeof(*subscriptions));
	for (uint64_t i = 0; i < copy->n_subscriptions; i++) {
		subscriptions[i] = copy_subscription(arena, copy->subscriptions[i]);
	}
	copy->subscriptions = subscriptions;
	return copy;
}
