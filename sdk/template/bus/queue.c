/* SPDX-License-Identifier: MIT */
/* Queues and copies of messages. */
#include "queue.h"

#include <stdlib.h>
#include <string.h>

#include "support/base/memory.h"

static bool is_text(const char *text, struct lucius_text other)
{
	return strlen(text) == other.size && memcmp(text, other.data, other.size) == 0;
}

static struct lucius_text copy(struct lucius_text text)
{
	return (struct lucius_text){ must_copy(text.data, text.size), text.size };
}

static struct mail *mail_create(const struct lucius_message *given, uint64_t now_ms)
{
	struct mail *mail = must_calloc(1, sizeof(*mail));
	struct lucius_field *properties = must_calloc(given->n_properties, sizeof(*properties));
	for (uint64_t i = 0; i < given->n_properties; i++) {
		properties[i] = given->properties[i];
		properties[i].name = must_copy(properties[i].name, strlen(properties[i].name));
		properties[i].value = must_copy(properties[i].value, properties[i].value_size);
	}
	mail->ends_ms = given->ttl_ms != 0 ? now_ms + given->ttl_ms : 0;
	mail->message = (struct lucius_message){
		.size = sizeof(mail->message),
		.body = copy(given->body),
		.message_id = copy(given->message_id),
		.subject = copy(given->subject),
		.content_type = copy(given->content_type),
		.correlation_id = copy(given->correlation_id),
		.properties = properties,
		.n_properties = given->n_properties,
	};
	return mail;
}

void mail_destroy(struct mail *mail)
{
	struct lucius_message *message = &mail->message;
	for (uint64_t i = 0; i < message->n_properties; i++) {
		free((void *)(uintptr_t)message->properties[i].name);
		free((void *)(uintptr_t)message->properties[i].value);
	}
	free((void *)(uintptr_t)message->properties);
	free((void *)(uintptr_t)message->body.data);
	free((void *)(uintptr_t)message->message_id.data);
	free((void *)(uintptr_t)message->subject.data);
	free((void *)(uintptr_t)message->content_type.data);
	free((void *)(uintptr_t)message->correlation_id.data);
	free(mail);
}

void mail_set(struct mail *mail, const char *name, struct lucius_text value)
{
	struct lucius_message *message = &mail->message;
	struct lucius_field *properties = (struct lucius_field *)(uintptr_t)message->properties;
	if (value.size == 0) {
		return;
	}
	properties = must_resize(properties, message->n_properties + 1, sizeof(*properties));
	properties[message->n_properties++] = (struct lucius_field){
		.name = must_copy(name, strlen(name)),
		.value = must_copy(value.data, value.size),
		.value_size = (uint32_t)value.size,
	};
	message->properties = properties;
}

void queues_finish(struct queues *queues)
{
	while (queues->first != NULL) {
		struct queue *queue = queues->first;
		queues->first = queue->next;
		while (queue->first != NULL) {
			struct mail *mail = queue->first;
			queue->first = mail->next;
			mail_destroy(mail);
		}
		free(queue->topic);
		free(queue->name);
		free(queue);
	}
}

struct queue *queues_find(
        struct queues *queues, struct lucius_text topic, struct lucius_text name, bool is_dead)
{
	struct queue *queue = queues->first;
	while (queue != NULL &&
	        (queue->is_dead != is_dead || !is_text(queue->topic, topic) ||
	                !is_text(queue->name, name))) {
		queue = queue->next;
	}
	return queue;
}

struct queue *queues_get(
        struct queues *queues, struct lucius_text topic, struct lucius_text name, bool is_dead)
{
	struct queue *queue = queues_find(queues, topic, name, is_dead);
	if (queue == NULL) {
		queue = must_calloc(1, sizeof(*queue));
		queue->topic = must_copy(topic.data, topic.size);
		queue->name = must_copy(name.data, name.size);
		queue->is_dead = is_dead;
		queue->next = queues->first;
		queues->first = queue;
	}
	return queue;
}

static bool holds(const struct queue *queue, struct lucius_text message_id)
{
	const struct mail *mail = queue->first;
	while (mail != NULL && !is_text(mail->message.message_id.data, message_id)) {
		mail = mail->next;
	}
	return mail != NULL && message_id.size != 0;
}

uint32_t queues_put(struct queues *queues, struct lucius_text topic,
        const struct lucius_message *message, uint64_t now_ms)
{
	uint32_t status = LUCIUS_UNROUTABLE;
	for (struct queue *queue = queues->first; queue != NULL; queue = queue->next) {
		if (queue->is_dead || !is_text(queue->topic, topic)) {
			continue;
		}
		if (!holds(queue, message->message_id)) {
			queue_add(queue, mail_create(message, now_ms));
			status = LUCIUS_OK;
		} else if (status == LUCIUS_UNROUTABLE) {
			status = LUCIUS_DUPLICATE;
		}
	}
	return status;
}

struct mail *queues_find_token(struct queues *queues, uint64_t token, struct queue **ret_queue)
{
	for (struct queue *queue = queues->first; queue != NULL; queue = queue->next) {
		for (struct mail *mail = queue->first; mail != NULL; mail = mail->next) {
			if (mail->token == token && token != 0) {
				*ret_queue = queue;
				return mail;
			}
		}
	}
	return NULL;
}

struct mail *queue_next(struct queue *queue, uint64_t now_ms)
{
	struct mail *mail = queue->first;
	while (mail != NULL) {
		struct mail *next = mail->next;
		bool is_over = mail->ends_ms != 0 && mail->ends_ms <= now_ms;
		if (mail->token == 0 && !is_over) {
			return mail;
		}
		if (mail->token == 0) {
			queue_remove(queue, mail);
			mail_destroy(mail);
		}
		mail = next;
	}
	return NULL;
}

void queue_add(struct queue *queue, struct mail *mail)
{
	struct mail **last = &queue->first;
	while (*last != NULL) {
		last = &(*last)->next;
	}
	mail->next = NULL;
	*last = mail;
}

void queue_remove(struct queue *queue, struct mail *mail)
{
	struct mail **at = &queue->first;
	while (*at != mail) {
		at = &(*at)->next;
	}
	*at = mail->next;
}
