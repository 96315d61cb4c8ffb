/* SPDX-License-Identifier: MIT */
/* Management requests about locks; those about messages stand in management-messages.c. */
#include "plugins/bus-local/amqp/management.h"

#include <stdio.h>

#include "plugins/bus-local/amqp/address.h"
#include "plugins/bus-local/amqp/conditions.h"
#include "plugins/bus-local/amqp/link.h"
#include "plugins/bus-local/amqp/peer.h"
#include "plugins/bus-local/bus.h"
#include "plugins/bus-local/model/settle.h"
#include "plugins/bus-local/model/topic.h"
#include "support/amqp/guid.h"
#include "support/base/cleanup.h"
#include "support/base/memory.h"

static const struct {
	const char *name;
	void (*answer)(const struct request *request, struct node *node);
} operations[] = {
	{ "com.microsoft:renew-lock", management_renew },
	{ "com.microsoft:update-disposition", management_settle },
	{ "com.microsoft:peek-message", management_peek },
	{ "com.microsoft:receive-by-sequence-number", management_receive },
	{ "com.microsoft:schedule-message", management_schedule },
	{ "com.microsoft:cancel-scheduled-message", management_cancel },
};

void management_refuse(const struct request *request, int32_t status, const char *condition,
        const char *description)
{
	struct reply reply = {
		.status = status, .condition = condition, .description = description
	};
	request_reply(request, &reply);
}

/* The entity can have gone since the link was attached. False: the request has been refused. */
static bool find_node(const struct request *request, struct node *node)
{
	struct bus *bus = request->link->peer->bus;
	struct address address;
	struct subscription *subscription = NULL;
	*node = (struct node){ .bus = bus };
	if (!address_parse(request->link->path, &address)) {
		return false;
	}
	node->topic = topic_find(&bus->broker, amqp_text(address.topic));
	if (node->topic != NULL && (address.subscription[0] != '\0' || node->topic->is_queue)) {
		subscription = subscription_find(node->topic, amqp_text(address.subscription));
	}
	if (subscription != NULL) {
		node->store = address.is_dead_letters ? &subscription->dead_letters
		                                      : &subscription->active;
	}
	return node->topic != NULL;
}

void management_answer(const struct request *request)
{
	struct node node;
	if (!find_node(request, &node)) {
		management_refuse(request, 404, CONDITION_NOT_FOUND,
		        "The messaging entity could not be found.");
		return;
	}
	for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
		if (amqp_bytes_is(request->operation, operations[i].name)) {
			operations[i].answer(request, &node);
			return;
		}
	}
	char description[200];
	snprintf(description, sizeof(description),
	        "The operation '%.*s' is not implemented by this broker.",
	        request->operation.size < 100 ? (int)request->operation.size : 100,
	        (const char *)request->operation.start);
	management_refuse(request, 501, CONDITION_NOT_IMPLEMENTED, description);
}

static bool is_sequence(const struct amqp_value *value)
{
	return value->type == AMQP_ARRAY || value->type == AMQP_LIST;
}

bool management_next(
        const struct amqp_value *sequence, struct amqp_reader *reader, struct amqp_value *ret_value)
{
	if (sequence->type == AMQP_ARRAY) {
		return amqp_read_element(reader, sequence->element_code, ret_value);
	}
	return amqp_read(reader, ret_value);
}

bool management_sequence(
        const struct request *request, const char *name, struct amqp_value *ret_sequence)
{
	if (!amqp_map_find(&request->body, name, ret_sequence) || !is_sequence(ret_sequence) ||
	        ret_sequence->count == 0 || ret_sequence->count > MANAGEMENT_MAX_ITEMS) {
		char description[160];
		snprintf(description, sizeof(description),
		        "The request needs '%s', an array of 1 to %d elements.", name,
		        MANAGEMENT_MAX_ITEMS);
		management_refuse(request, 400, CONDITION_ARGUMENT, description);
		return false;
	}
	return true;
}

/* A lock of this node's store that a peer holds; NULL: lost. */
static struct entry *find_lock(const struct node *node, const struct amqp_value *token)
{
	uint8_t tag[16];
	if (token->type != AMQP_UUID) {
		return NULL;
	}
	amqp_guid_swap(token->bytes.start, tag);
	uint64_t lock = broker_read_token(&node->bus->broker, tag);
	struct entry *entry = lock != 0 ? broker_find_lock(&node->bus->broker, lock) : NULL;
	bool is_theirs = entry != NULL && entry->holder == NULL && entry->store == node->store;
	return is_theirs ? entry : NULL;
}

static void refuse_lost(const struct request *request)
{
	management_refuse(request, 410, CONDITION_LOCK_LOST, LOCK_LOST_TEXT);
}

void management_renew(const struct request *request, struct node *node)
{
	const struct broker *broker = &node->bus->broker;
	struct amqp_value tokens;
	if (!management_sequence(request, "lock-tokens", &tokens)) {
		return;
	}
	CLEANUP_FREE int64_t *ends = must_calloc(tokens.count, sizeof(*ends));
	struct amqp_reader reader = amqp_reader(tokens.bytes);
	for (uint32_t i = 0; i < tokens.count; i++) {
		struct amqp_value token;
		struct entry *entry =
		        management_next(&tokens, &reader, &token) ? find_lock(node, &token) : NULL;
		if (entry == NULL) {
			refuse_lost(request);
			return;
		}
		renew(entry);
		ends[i] = entry->locked_until_ms + broker->wall_offset_ms;
	}
	CLEANUP(amqp_buffer_finish) struct amqp_buffer body = { 0 };
	size_t mark = amqp_begin_map(&body);
	amqp_put_string(&body, amqp_text("expirations"));
	amqp_put_timestamp_array(&body, ends, tokens.count);
	amqp_end(&body, mark, 2);
	request_reply(request,
	        &(struct reply){
	                .status = 200, .description = "OK", .body = amqp_buffer_bytes(&body) });
}

static bool read_verb(const struct request *request, enum settle_verb *ret_verb)
{
	static const struct {
		const char *status;
		enum settle_verb verb;
	} verbs[] = {
		{ "completed", SETTLE_COMPLETE },
		{ "abandoned", SETTLE_ABANDON },
		{ "defered", SETTLE_DEFER }, /* spelt so on the wire */
		{ "suspended", SETTLE_DEAD_LETTER },
	};
	struct amqp_value status;
	if (!amqp_map_find(&request->body, "disposition-status", &status)) {
		return false;
	}
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (amqp_value_is_text(&status, verbs[i].status)) {
			*ret_verb = verbs[i].verb;
			return true;
		}
	}
	return false;
}

static struct amqp_bytes read_text(const struct request *request, const char *name)
{
	struct amqp_value value;
	bool is_text = amqp_map_find(&request->body, name, &value) && value.type == AMQP_STRING;
	return is_text ? value.bytes : amqp_bytes(NULL, 0);
}

static bool read_settlement(const struct request *request, struct settlement *settlement)
{
	struct amqp_value changes;
	if (!read_verb(request, &settlement->verb)) {
		management_refuse(request, 400, CONDITION_ARGUMENT,
		        "The request needs 'disposition-status': completed, abandoned, defered or "
		        "suspended.");
		return false;
	}
	settlement->reason = read_text(request, "deadletter-reason");
	settlement->description = read_text(request, "deadletter-description");
	if (amqp_map_find(&request->body, "properties-to-modify", &changes) &&
	        changes.type == AMQP_MAP) {
		settlement->changes = changes.bytes;
		settlement->n_changes = changes.count;
	}
	return true;
}

void management_settle(const struct request *request, struct node *node)
{
	struct settlement settlement = { 0 };
	struct amqp_value tokens;
	struct amqp_value token;
	if (!read_settlement(request, &settlement) ||
	        !management_sequence(request, "lock-tokens", &tokens)) {
		return;
	}
	struct amqp_reader reader = amqp_reader(tokens.bytes);
	while (management_next(&tokens, &reader, &token)) {
		struct entry *entry = find_lock(node, &token);
		if (entry == NULL) {
			refuse_lost(request);
			return;
		}
		settle(entry, &settlement);
	}
	request_reply(request, &(struct reply){ .status = 200, .description = "OK" });
}
