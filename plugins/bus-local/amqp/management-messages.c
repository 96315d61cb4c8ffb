/* SPDX-License-Identifier: MIT */
/* Management requests that carry messages: peek, deferred ones, scheduling. */
#include <stdio.h>

#include "plugins/bus-local/amqp/conditions.h"
#include "plugins/bus-local/amqp/delivery-bytes.h"
#include "plugins/bus-local/amqp/link.h"
#include "plugins/bus-local/amqp/management.h"
#include "plugins/bus-local/amqp/peer.h"
#include "plugins/bus-local/bus.h"
#include "plugins/bus-local/model/schedule.h"
#include "plugins/bus-local/model/topic.h"
#include "support/amqp/guid.h"
#include "support/base/cleanup.h"
#include "support/base/memory.h"

CLEANUP_DEFINE(struct message *, message, message_drop)

/* A reply is not made longer than this once it holds a message. */
#define MAX_REPLY_BYTES (1024 * 1024)

static void put_key(struct amqp_buffer *buffer, const char *key)
{
	amqp_put_string(buffer, amqp_text(key));
}

/* One element of `messages`: a map with the encoded message, and the lock if it is locked now. */
static void put_message(const struct broker *broker, const struct entry *entry, bool with_token,
        struct amqp_buffer *buffer)
{
	CLEANUP(amqp_buffer_finish) struct amqp_buffer encoded = { 0 };
	struct amqp_bytes rest = delivery_put_head(broker, entry, with_token, &encoded);
	amqp_buffer_append(&encoded, rest.start, rest.size);
	size_t mark = amqp_begin_map(buffer);
	put_key(buffer, "message");
	amqp_put_binary(buffer, amqp_buffer_bytes(&encoded));
	if (with_token) {
		uint8_t tag[16];
		uint8_t uuid[16];
		broker_lock_token(broker, entry_lock_number(entry), tag);
		amqp_guid_swap(tag, uuid);
		put_key(buffer, "lock-token");
		amqp_put_uuid(buffer, uuid);
	}
	amqp_end(buffer, mark, with_token ? 4 : 2);
}

static void reply_messages(
        const struct request *request, const struct amqp_buffer *messages, uint32_t n)
{
	CLEANUP(amqp_buffer_finish) struct amqp_buffer body = { 0 };
	size_t map = amqp_begin_map(&body);
	put_key(&body, "messages");
	size_t list = amqp_begin_list(&body);
	amqp_buffer_append(&body, messages->start, messages->size);
	amqp_end(&body, list, n);
	amqp_end(&body, map, 2);
	request_reply(request,
	        &(struct reply){
	                .status = 200, .description = "OK", .body = amqp_buffer_bytes(&body) });
}

static int64_t read_number(const struct request *request, const char *name, int64_t otherwise)
{
	struct amqp_value value;
	int64_t number = otherwise;
	if (amqp_map_find(&request->body, name, &value) && amqp_value_to_int(&value, &number)) {
		return number;
	}
	return otherwise;
}

void management_peek(const struct request *request, struct node *node)
{
	CLEANUP(amqp_buffer_finish) struct amqp_buffer messages = { 0 };
	int64_t from = read_number(request, "from-sequence-number", 0);
	int64_t most = read_number(request, "message-count", 1);
	uint32_t n = 0;
	struct entry *entry =
	        node->store != NULL ? store_from(node->store, from > 0 ? (uint64_t)from : 0) : NULL;
	for (; entry != NULL && n < most && n < MANAGEMENT_MAX_ITEMS; entry = entry->next) {
		size_t size = message_size(entry->message);
		if (n != 0 && messages.size + size > MAX_REPLY_BYTES) {
			break;
		}
		put_message(&node->bus->broker, entry, false, &messages);
		n++;
	}
	if (n == 0) {
		request_reply(
		        request, &(struct reply){ .status = 204, .description = "No Content" });
		return;
	}
	reply_messages(request, &messages, n);
}

/* Checks all before it takes any. */
static bool has_all(const struct node *node, const struct amqp_value *numbers)
{
	struct amqp_reader reader = amqp_reader(numbers->bytes);
	struct amqp_value value;
	uint32_t n = 0;
	while (management_next(numbers, &reader, &value)) {
		int64_t number = 0;
		if (node->store == NULL || !amqp_value_to_int(&value, &number) ||
		        store_deferred(node->store, (uint64_t)number) == NULL) {
			return false;
		}
		n++;
	}
	return n == numbers->count;
}

/* The same number twice in one request is found once. */
static uint32_t take_deferred(const struct node *node, const struct amqp_value *numbers,
        bool is_destructive, struct amqp_buffer *messages)
{
	struct broker *broker = &node->bus->broker;
	struct amqp_reader reader = amqp_reader(numbers->bytes);
	struct amqp_value value;
	uint32_t n = 0;
	while (management_next(numbers, &reader, &value)) {
		int64_t number = 0;
		(void)amqp_value_to_int(&value, &number);
		struct entry *entry = store_deferred(node->store, (uint64_t)number);
		if (entry == NULL) {
			continue;
		}
		if (is_destructive) {
			put_message(broker, entry, false, messages);
			entry_remove(entry);
		} else {
			entry_lock(entry, broker->now_ms + node->store->settings->lock_ms);
			put_message(broker, entry, true, messages);
		}
		broker->counts.n_delivered++;
		n++;
	}
	return n;
}

void management_receive(const struct request *request, struct node *node)
{
	CLEANUP(amqp_buffer_finish) struct amqp_buffer messages = { 0 };
	struct amqp_value numbers;
	if (!management_sequence(request, "sequence-numbers", &numbers)) {
		return;
	}
	if (node->bus->is_stopping || !has_all(node, &numbers)) {
		management_refuse(request, 404, CONDITION_MESSAGE_NOT_FOUND,
		        "Failed to lock one or more specified messages. The message does not "
		        "exist.");
		return;
	}
	bool is_destructive = read_number(request, "receiver-settle-mode", 1) == 0;
	uint32_t n = take_deferred(node, &numbers, is_destructive, &messages);
	reply_messages(request, &messages, n);
}

/* Schedules one message; false: the request has been refused. */
static bool schedule_one(const struct request *request, struct node *node,
        const struct amqp_value *item, int64_t *ret_number)
{
	char spare_id[33];
	const char *error = "Each element of 'messages' needs a binary 'message'.";
	struct amqp_value encoded;
	CLEANUP(cleanup_message) struct message *message = NULL;
	broker_spare_id(&node->bus->broker, spare_id);
	if (amqp_map_find(item, "message", &encoded) && encoded.type == AMQP_BINARY) {
		message = message_decode(encoded.bytes, amqp_text(spare_id), &error);
	}
	if (message == NULL) {
		management_refuse(request, 400, CONDITION_ARGUMENT, error);
		return false;
	}
	if (node->bus->is_stopping || !schedule_has_room(node->topic, 1)) {
		management_refuse(request, 403, CONDITION_LIMIT,
		        "The topic holds as many scheduled messages as it may.");
		return false;
	}
	*ret_number = (int64_t)schedule_message(node->topic, message);
	return true;
}

static void reply_numbers(const struct request *request, const int64_t *numbers, uint32_t n)
{
	CLEANUP(amqp_buffer_finish) struct amqp_buffer body = { 0 };
	size_t map = amqp_begin_map(&body);
	put_key(&body, "sequence-numbers");
	size_t array = amqp_begin_array(&body, 0x81);
	for (uint32_t i = 0; i < n; i++) {
		uint8_t bytes[8];
		for (int byte = 0; byte < 8; byte++) {
			bytes[byte] = (uint8_t)((uint64_t)numbers[i] >> (56 - byte * 8));
		}
		amqp_buffer_append(&body, bytes, sizeof(bytes));
	}
	amqp_end_array(&body, array, n);
	amqp_end(&body, map, 2);
	request_reply(request,
	        &(struct reply){
	                .status = 200, .description = "OK", .body = amqp_buffer_bytes(&body) });
}

void management_schedule(const struct request *request, struct node *node)
{
	struct amqp_value items;
	struct amqp_value item;
	uint32_t n = 0;
	if (!management_sequence(request, "messages", &items)) {
		return;
	}
	CLEANUP_FREE int64_t *numbers = must_calloc(items.count, sizeof(*numbers));
	struct amqp_reader reader = amqp_reader(items.bytes);
	while (n < items.count && management_next(&items, &reader, &item)) {
		if (!schedule_one(request, node, &item, &numbers[n])) {
			return;
		}
		n++;
	}
	reply_numbers(request, numbers, n);
}

void management_cancel(const struct request *request, struct node *node)
{
	struct amqp_value numbers;
	struct amqp_value value;
	if (!management_sequence(request, "sequence-numbers", &numbers)) {
		return;
	}
	struct amqp_reader reader = amqp_reader(numbers.bytes);
	while (management_next(&numbers, &reader, &value)) {
		int64_t number = 0;
		if (!amqp_value_to_int(&value, &number) ||
		        !schedule_cancel(node->topic, (uint64_t)number)) {
			management_refuse(request, 404, CONDITION_MESSAGE_NOT_FOUND,
			        "A message with that sequence number is not scheduled.");
			return;
		}
	}
	request_reply(request, &(struct reply){ .status = 200, .description = "OK" });
}
