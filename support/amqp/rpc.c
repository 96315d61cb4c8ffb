/* SPDX-License-Identifier: MIT */
/* Request and response: requests wait, are sent in their order, and are found again by their id. */
#include "support/amqp/rpc.h"

#include "support/amqp/link.h"
#include "support/amqp/message.h"
#include "support/amqp/shim.h"
#include "support/base/memory.h"

#include <inttypes.h>
#include <proton/terminus.h>

#define REPLY_CREDIT 100
#define MAX_REPLY ((size_t)1024 * 1024)

struct request {
	struct request *next;
	uint64_t id;
	int64_t deadline_ms;
	amqp_rpc_reply_fn on_reply;
	void *user;
	struct amqp_buffer encoded; /* empty once it is sent */
};

struct amqp_rpc {
	struct amqp_connection *connection;
	pn_session_t *session;
	pn_link_t *sender;
	pn_link_t *receiver;
	char *reply_to;
	uint64_t last_id;
	struct request *requests; /* oldest first, sent ones and waiting ones */
	struct request **tail;
	void (*on_lost)(void *user, const struct amqp_rpc_reply *why);
	void *user;
	struct amqp_buffer reply;
	struct amqp_buffer scratch;
	bool is_lost;
};

static pn_link_t *make_link(struct amqp_rpc *rpc, bool is_sender, const char *address)
{
	static uint64_t last_link;
	char name[64];
	snprintf(name, sizeof(name), "rpc-%s-%" PRIu64, is_sender ? "out" : "in", ++last_link);
	pn_link_t *link =
	        is_sender ? pn_sender(rpc->session, name) : pn_receiver(rpc->session, name);
	const char *near = is_sender ? NULL : rpc->reply_to;
	(void)pn_terminus_set_address(pn_link_source(link), is_sender ? near : address);
	(void)pn_terminus_set_address(pn_link_target(link), is_sender ? address : near);
	/* Replies come settled: a lost one is asked for again anyway. */
	pn_link_set_snd_settle_mode(link, is_sender ? PN_SND_UNSETTLED : PN_SND_SETTLED);
	pn_link_open(link);
	return link;
}

struct amqp_rpc *amqp_rpc_create(struct amqp_connection *connection, pn_session_t *session,
        const char *address, void (*on_lost)(void *user, const struct amqp_rpc_reply *why),
        void *user)
{
	static uint64_t last_reply_to;
	char reply_to[40];
	snprintf(reply_to, sizeof(reply_to), "reply-%" PRIu64, ++last_reply_to);
	struct amqp_rpc *rpc = must_calloc(1, sizeof(*rpc));
	rpc->connection = connection;
	rpc->session = session;
	rpc->on_lost = on_lost;
	rpc->user = user;
	rpc->tail = &rpc->requests;
	rpc->reply_to = must_copy(reply_to, strlen(reply_to));
	rpc->sender = make_link(rpc, true, address);
	rpc->receiver = make_link(rpc, false, address);
	pn_link_flow(rpc->receiver, REPLY_CREDIT);
	amqp_connection_wake(connection);
	return rpc;
}

static void free_request(struct request *request)
{
	amqp_buffer_finish(&request->encoded);
	free(request);
}

static struct request *take_first(struct amqp_rpc *rpc)
{
	struct request *first = rpc->requests;
	if (first != NULL) {
		rpc->requests = first->next;
		if (rpc->requests == NULL) {
			rpc->tail = &rpc->requests;
		}
	}
	return first;
}

static struct request *take(struct amqp_rpc *rpc, uint64_t id)
{
	for (struct request **at = &rpc->requests; *at != NULL; at = &(*at)->next) {
		struct request *found = *at;
		if (found->id == id) {
			*at = found->next;
			if (rpc->tail == &found->next) {
				rpc->tail = at;
			}
			return found;
		}
	}
	return NULL;
}

static void tell(struct request *request, const struct amqp_rpc_reply *reply)
{
	request->on_reply(request->user, reply);
	free_request(request);
}

static void forget_links(struct amqp_rpc *rpc)
{
	rpc->sender = NULL;
	rpc->receiver = NULL;
	rpc->session = NULL;
	rpc->is_lost = true;
}

static void tell_all(struct amqp_rpc *rpc, const struct amqp_rpc_reply *why)
{
	struct request *request;
	while ((request = take_first(rpc)) != NULL) {
		tell(request, why);
	}
}

static void close_links(struct amqp_rpc *rpc)
{
	if (rpc->sender == NULL) {
		return;
	}
	pn_link_close(rpc->sender);
	pn_link_close(rpc->receiver);
	pn_link_free(rpc->sender);
	pn_link_free(rpc->receiver);
	amqp_connection_wake(rpc->connection);
	forget_links(rpc);
}

void amqp_rpc_destroy(struct amqp_rpc *rpc)
{
	if (rpc == NULL) {
		return;
	}
	static const struct amqp_rpc_reply none = {
		.description = { (const uint8_t *)"the link for requests is gone", 29 },
	};
	close_links(rpc);
	tell_all(rpc, &none);
	amqp_buffer_finish(&rpc->reply);
	amqp_buffer_finish(&rpc->scratch);
	free(rpc->reply_to);
	free(rpc);
}

void amqp_rpc_abandon(struct amqp_rpc *rpc, const char *condition, const char *description)
{
	struct amqp_rpc_reply why = {
		.condition = amqp_text(condition),
		.description = amqp_text(description),
	};
	forget_links(rpc);
	tell_all(rpc, &why);
}

static void encode(
        struct amqp_rpc *rpc, const struct amqp_rpc_request *request, struct request *open)
{
	char id[24];
	struct amqp_buffer *out = &open->encoded;
	snprintf(id, sizeof(id), "%" PRIu64, open->id);
	amqp_put_descriptor(out, AMQP_SECTION_PROPERTIES);
	size_t mark = amqp_begin_list(out);
	amqp_put_string(out, amqp_text(id));
	amqp_put_null(out); /* user-id */
	amqp_put_null(out); /* to */
	amqp_put_null(out); /* subject */
	amqp_put_string(out, amqp_text(rpc->reply_to));
	amqp_end(out, mark, 5);
	amqp_put_descriptor(out, AMQP_SECTION_APPLICATION_PROPERTIES);
	mark = amqp_begin_map(out);
	for (size_t i = 0; i < request->n_properties; i++) {
		const struct amqp_rpc_property *property = &request->properties[i];
		amqp_put_string(out, amqp_text(property->name));
		if (property->is_time) {
			amqp_put_timestamp(out, property->time_ms);
		} else {
			amqp_put_string(out, property->text);
		}
	}
	amqp_end(out, mark, (uint32_t)(2 * request->n_properties));
	amqp_put_descriptor(out, AMQP_SECTION_VALUE);
	amqp_buffer_append(out, request->body.start, request->body.size);
}

/* Sends what waits, as far as the node gives credit. */
static void pump(struct amqp_rpc *rpc)
{
	for (struct request *at = rpc->requests; at != NULL; at = at->next) {
		if (at->encoded.size == 0) {
			continue;
		}
		if (rpc->sender == NULL || pn_link_credit(rpc->sender) <= 0) {
			return;
		}
		struct amqp_bytes tag = amqp_bytes(&at->id, sizeof(at->id));
		(void)amqp_delivery_start(rpc->sender, tag, AMQP_MARK_PLAIN);
		(void)pn_link_send(rpc->sender, (const char *)at->encoded.start, at->encoded.size);
		(void)pn_link_advance(rpc->sender);
		amqp_buffer_finish(&at->encoded);
	}
}

void amqp_rpc_call(struct amqp_rpc *rpc, const struct amqp_rpc_request *request)
{
	struct request *open = must_calloc(1, sizeof(*open));
	open->id = ++rpc->last_id;
	open->deadline_ms = request->deadline_ms;
	open->on_reply = request->on_reply;
	open->user = request->user;
	encode(rpc, request, open);
	*rpc->tail = open;
	rpc->tail = &open->next;
	pump(rpc);
	amqp_connection_wake(rpc->connection);
}

static bool find_id(const struct amqp_message *message, uint64_t *ret_id)
{
	struct amqp_properties properties;
	char text[24];
	if (!amqp_properties_parse(message->properties, &properties)) {
		return false;
	}
	const struct amqp_value *id = &properties.at[AMQP_CORRELATION_ID];
	if (id->type != AMQP_STRING || id->bytes.size == 0 || id->bytes.size >= sizeof(text)) {
		return false;
	}
	memcpy(text, id->bytes.start, id->bytes.size);
	text[id->bytes.size] = '\0';
	*ret_id = strtoull(text, NULL, 10);
	return true;
}

/* Two spellings are about: $cbs has dashes, management has camel case. */
static bool find_either(struct amqp_bytes section, const char *name, const char *other,
        struct amqp_value *ret_value)
{
	return amqp_section_find(section, name, ret_value) ||
	        amqp_section_find(section, other, ret_value);
}

static bool read_reply(const struct amqp_message *message, struct amqp_rpc_reply *ret_reply)
{
	struct amqp_value value;
	struct amqp_rpc_reply reply = { .is_answered = true };
	struct amqp_bytes section = message->application_properties;
	if (!find_either(section, "status-code", "statusCode", &value) ||
	        !amqp_value_to_int(&value, &reply.status)) {
		return false;
	}
	if (find_either(section, "status-description", "statusDescription", &value)) {
		reply.description = value.bytes;
	}
	if (find_either(section, "error-condition", "errorCondition", &value)) {
		reply.condition = value.bytes;
	}
	struct amqp_reader body = amqp_reader(message->body);
	uint64_t code;
	reply.body = (struct amqp_value){ .type = AMQP_NULL };
	if (!amqp_reader_is_empty(&body) &&
	        (!amqp_read_described(&body, &code, &reply.body) || code != AMQP_SECTION_VALUE)) {
		reply.body = (struct amqp_value){ .type = AMQP_NULL };
	}
	*ret_reply = reply;
	return true;
}

static void on_reply(struct amqp_rpc *rpc)
{
	struct amqp_message message;
	struct amqp_rpc_reply reply;
	uint64_t id;
	if (!amqp_message_parse(amqp_buffer_bytes(&rpc->reply), &message) ||
	        !find_id(&message, &id)) {
		return;
	}
	struct request *request = take(rpc, id);
	if (request == NULL) {
		return; /* answered after its time-out */
	}
	if (!read_reply(&message, &reply)) {
		reply = (struct amqp_rpc_reply){
			.description = amqp_text("the answer has no status code"),
		};
	}
	tell(request, &reply);
}

static void on_receivable(struct amqp_rpc *rpc, pn_delivery_t *delivery)
{
	enum amqp_read_result result = amqp_delivery_read(delivery, MAX_REPLY, &rpc->reply);
	if (result == AMQP_READ_PARTIAL) {
		return;
	}
	if (result == AMQP_READ_TOO_LARGE) {
		pn_link_close(rpc->receiver);
		return;
	}
	pn_delivery_update(delivery, PN_ACCEPTED);
	pn_delivery_settle(delivery);
	pn_link_flow(rpc->receiver, REPLY_CREDIT - pn_link_credit(rpc->receiver));
	if (result == AMQP_READ_WHOLE) {
		on_reply(rpc);
	}
}

/* A request that the node rejects will not be answered. */
static void on_outcome(struct amqp_rpc *rpc, pn_delivery_t *delivery)
{
	struct amqp_bytes tag = amqp_delivery_tag(delivery);
	uint64_t id = 0;
	if (tag.size == sizeof(id)) {
		memcpy(&id, tag.start, sizeof(id));
	}
	uint64_t state = pn_delivery_remote_state(delivery);
	struct amqp_rpc_reply why = { .description = amqp_text("the request was not accepted") };
	pn_condition_t *condition = pn_disposition_condition(pn_delivery_remote(delivery));
	if (state == PN_REJECTED && pn_condition_is_set(condition)) {
		why.condition = amqp_text(pn_condition_get_name(condition));
		why.description = amqp_text(pn_condition_get_description(condition));
	}
	struct request *request = NULL;
	if (state != 0 && state != PN_ACCEPTED && state != PN_RECEIVED) {
		request = take(rpc, id);
	}
	if (request != NULL) {
		tell(request, &why);
	}
	if (pn_delivery_settled(delivery) || state != 0) {
		pn_delivery_settle(delivery);
	}
}

static void on_link_gone(struct amqp_rpc *rpc, pn_link_t *link)
{
	pn_condition_t *condition = pn_link_remote_condition(link);
	/* The strings are the link's, which is freed below. */
	char name[80];
	char description[256];
	snprintf(name, sizeof(name), "%s",
	        pn_condition_is_set(condition) ? pn_condition_get_name(condition) : "");
	const char *text = pn_condition_get_description(condition);
	snprintf(description, sizeof(description), "%s",
	        text != NULL ? text : "the link for requests was closed");
	struct amqp_rpc_reply why = {
		.condition = amqp_text(name),
		.description = amqp_text(description),
	};
	close_links(rpc);
	tell_all(rpc, &why);
	if (rpc->on_lost != NULL) {
		rpc->on_lost(rpc->user, &why);
	}
}

bool amqp_rpc_handle(struct amqp_rpc *rpc, pn_event_t *event)
{
	pn_link_t *link = pn_event_link(event);
	if (rpc->is_lost || link == NULL || (link != rpc->sender && link != rpc->receiver)) {
		return false;
	}
	switch (pn_event_type(event)) {
	case PN_LINK_FLOW:
		pump(rpc);
		break;
	case PN_DELIVERY:
		if (link == rpc->receiver) {
			if (pn_delivery_readable(pn_event_delivery(event))) {
				on_receivable(rpc, pn_event_delivery(event));
			}
		} else {
			on_outcome(rpc, pn_event_delivery(event));
		}
		break;
	case PN_LINK_REMOTE_CLOSE:
	case PN_LINK_REMOTE_DETACH:
		on_link_gone(rpc, link);
		break;
	default:
		break;
	}
	return true;
}

void amqp_rpc_expire(struct amqp_rpc *rpc, int64_t now_ms)
{
	static const struct amqp_rpc_reply late = {
		.description = { (const uint8_t *)"no answer in time", 17 },
	};
	for (struct request *at = rpc->requests; at != NULL;) {
		struct request *next = at->next;
		if (at->deadline_ms <= now_ms) {
			tell(take(rpc, at->id), &late);
		}
		at = next;
	}
}

void amqp_rpc_cancel(struct amqp_rpc *rpc, const void *user)
{
	for (struct request *at = rpc->requests; at != NULL;) {
		struct request *next = at->next;
		if (at->user == user) {
			free_request(take(rpc, at->id));
		}
		at = next;
	}
}

bool amqp_rpc_is_idle(const struct amqp_rpc *rpc)
{
	return rpc->requests == NULL;
}
