/* SPDX-License-Identifier: MIT */
/* The broker for tests: as little state as the client's behaviour needs. */
#include "support/servicebus/tests/fake_broker.h"

#include "support/amqp/guid.h"
#include "support/amqp/link.h"
#include "support/amqp/message.h"
#include "support/base/memory.h"

#include <arpa/inet.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <proton/codec.h>
#include <proton/condition.h>
#include <proton/disposition.h>
#include <proton/session.h>
#include <proton/terminus.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>

/* Of a session of a broker that reads nothing: a few of the largest frames. */
#define SMALL_CAPACITY ((size_t)256 * 1024)

static const char *address_of(pn_link_t *link)
{
	const char *address =
	        pn_terminus_get_address(pn_link_is_sender(link) ? pn_link_remote_source(link)
	                                                        : pn_link_remote_target(link));
	return address != NULL ? address : "";
}

static bool is_entity(pn_link_t *link)
{
	const char *address = address_of(link);
	return strcmp(address, "$cbs") != 0 && strstr(address, "$management") == NULL;
}

static int64_t wall_ms(void)
{
	struct timeval now;
	(void)gettimeofday(&now, NULL);
	return (int64_t)now.tv_sec * 1000 + now.tv_usec / 1000;
}

static int64_t lock_end(const struct fake_broker *broker)
{
	return wall_ms() + (broker->lock_ms != 0 ? broker->lock_ms : 60000);
}

static void write_message(
        struct fake_broker *broker, struct fake_message *message, struct amqp_buffer *out)
{
	struct amqp_header header = { .priority = 4, .delivery_count = message->delivery_count };
	amqp_put_header(out, &header);
	if (!broker->has_no_locks) {
		amqp_put_descriptor(out, AMQP_SECTION_MESSAGE_ANNOTATIONS);
		size_t mark = amqp_begin_map(out);
		amqp_put_symbol(out, amqp_text("x-opt-locked-until"));
		amqp_put_timestamp(out, lock_end(broker));
		amqp_end(out, mark, 2);
	}
	amqp_buffer_append(out, message->body.start, message->body.size);
}

static void give_out(struct fake_broker *broker, pn_link_t *link)
{
	for (uint32_t i = 0; i < broker->n_messages && pn_link_credit(link) > 0; i++) {
		struct fake_message *message = &broker->messages[i];
		if (message->is_out || message->is_settled) {
			continue;
		}
		struct amqp_buffer out = { 0 };
		struct amqp_bytes tag = amqp_bytes(message->tag, broker->has_no_locks ? 4 : 16);
		message->is_out = true;
		pn_delivery_t *delivery = amqp_delivery_start(link, tag, AMQP_MARK_PLAIN);
		pn_delivery_set_context(delivery, message);
		write_message(broker, message, &out);
		(void)pn_link_send(link, (const char *)out.start, out.size);
		(void)pn_link_advance(link);
		amqp_buffer_finish(&out);
	}
	if (pn_link_get_drain(link)) {
		broker->n_drains++;
		if (!broker->ignores_drain) {
			(void)pn_link_drained(link);
		}
	}
}

static void each_link(struct fake_broker *broker,
        void (*fn)(struct fake_broker *broker, pn_link_t *link, const void *user), const void *user)
{
	for (int i = 0; i < FAKE_MAX_CONNECTIONS; i++) {
		struct fake_connection *connection = broker->connections[i];
		if (connection == NULL || connection->is_closed) {
			continue;
		}
		pn_connection_t *proton = amqp_connection_proton(connection->amqp);
		pn_link_t *link = pn_link_head(proton, PN_LOCAL_ACTIVE | PN_REMOTE_ACTIVE);
		while (link != NULL) {
			pn_link_t *next = pn_link_next(link, PN_LOCAL_ACTIVE | PN_REMOTE_ACTIVE);
			fn(broker, link, user);
			link = next;
		}
		amqp_connection_wake(connection->amqp);
	}
}

static void give_to_link(struct fake_broker *broker, pn_link_t *link, const void *user)
{
	(void)user;
	if (pn_link_is_sender(link) && is_entity(link)) {
		give_out(broker, link);
	}
}

void fake_broker_put(struct fake_broker *broker, const char *body)
{
	if (broker->n_messages == FAKE_MAX_MESSAGES) {
		abort();
	}
	struct fake_message *message = &broker->messages[broker->n_messages];
	char id[24];
	snprintf(id, sizeof(id), "m%u", broker->n_messages);
	memcpy(message->tag, &broker->n_messages, sizeof(broker->n_messages));
	memset(message->tag + 4, 0xab, 12);
	broker->n_messages++;
	struct amqp_draft draft = { .message_id = amqp_text(id), .body = amqp_text(body) };
	struct amqp_buffer encoded = { 0 };
	struct amqp_message parsed;
	amqp_message_write(&encoded, &draft);
	if (!amqp_message_parse(amqp_buffer_bytes(&encoded), &parsed)) {
		abort();
	}
	amqp_buffer_append(&message->body, parsed.bare.start, parsed.bare.size);
	amqp_buffer_finish(&encoded);
	each_link(broker, give_to_link, NULL);
}

void fake_broker_unlock(struct fake_broker *broker)
{
	for (uint32_t i = 0; i < broker->n_messages; i++) {
		struct fake_message *message = &broker->messages[i];
		if (message->is_out && !message->is_settled) {
			message->is_out = false;
			message->delivery_count++;
		}
	}
	each_link(broker, give_to_link, NULL);
}

static void detach_link(struct fake_broker *broker, pn_link_t *link, const void *user)
{
	(void)broker;
	const char *const *what = user;
	if (strstr(address_of(link), what[0]) != NULL) {
		amqp_link_close(link, what[1], "by the test");
	}
}

void fake_broker_detach(struct fake_broker *broker, const char *part, const char *condition)
{
	const char *what[] = { part, condition };
	each_link(broker, detach_link, what);
}

static void end_session_of(struct fake_broker *broker, pn_link_t *link, const void *user)
{
	(void)broker;
	if (!is_entity(link)) {
		return;
	}
	pn_session_t *session = pn_link_session(link);
	(void)pn_condition_set_name(pn_session_condition(session), user);
	pn_session_close(session);
}

void fake_broker_end_sessions(struct fake_broker *broker, const char *condition)
{
	each_link(broker, end_session_of, condition);
}

/* The receiving link of that connection for replies from this node. */
static pn_link_t *reply_link(pn_connection_t *proton, const char *address)
{
	pn_link_t *link = pn_link_head(proton, PN_LOCAL_ACTIVE | PN_REMOTE_ACTIVE);
	for (; link != NULL; link = pn_link_next(link, PN_LOCAL_ACTIVE | PN_REMOTE_ACTIVE)) {
		if (pn_link_is_sender(link) && strcmp(address_of(link), address) == 0) {
			return link;
		}
	}
	return NULL;
}

static void reply(pn_link_t *asked, const struct amqp_message *request, bool is_cbs, int status,
        struct amqp_bytes body)
{
	static uint32_t last_tag;
	struct amqp_properties properties;
	struct amqp_buffer out = { 0 };
	pn_link_t *link =
	        reply_link(pn_session_connection(pn_link_session(asked)), address_of(asked));
	if (link == NULL || !amqp_properties_parse(request->properties, &properties)) {
		return;
	}
	amqp_put_descriptor(&out, AMQP_SECTION_PROPERTIES);
	size_t mark = amqp_begin_list(&out);
	for (int i = 0; i < 5; i++) {
		amqp_put_null(&out);
	}
	const struct amqp_value *id = &properties.at[AMQP_MESSAGE_ID];
	amqp_buffer_append(&out, id->raw.start, id->raw.size);
	amqp_end(&out, mark, 6);
	amqp_put_descriptor(&out, AMQP_SECTION_APPLICATION_PROPERTIES);
	mark = amqp_begin_map(&out);
	amqp_put_string(&out, amqp_text(is_cbs ? "status-code" : "statusCode"));
	amqp_put_int(&out, status);
	amqp_put_string(&out, amqp_text(is_cbs ? "status-description" : "statusDescription"));
	amqp_put_string(&out, amqp_text("as the test says"));
	amqp_end(&out, mark, 4);
	amqp_put_descriptor(&out, AMQP_SECTION_VALUE);
	amqp_buffer_append(&out, body.start, body.size);
	last_tag++;
	pn_delivery_t *delivery =
	        amqp_delivery_start(link, amqp_bytes(&last_tag, sizeof(last_tag)), AMQP_MARK_PLAIN);
	(void)pn_link_send(link, (const char *)out.start, out.size);
	pn_delivery_settle(delivery);
	amqp_buffer_finish(&out);
}

static void copy_text(char *to, size_t size, struct amqp_bytes text)
{
	snprintf(to, size, "%.*s", (int)text.size, (const char *)text.start);
}

static void on_put_token(
        struct fake_broker *broker, pn_link_t *link, const struct amqp_message *request)
{
	struct amqp_value name;
	broker->n_tokens++;
	if (amqp_section_find(request->application_properties, "name", &name)) {
		copy_text(broker->last_audience, sizeof(broker->last_audience), name.bytes);
	}
	reply(link, request, true, broker->cbs_status != 0 ? broker->cbs_status : 202,
	        amqp_bytes("\x40", 1));
}

static void settle_by_token(struct fake_broker *broker, struct amqp_bytes uuid)
{
	uint8_t tag[16];
	amqp_guid_swap(uuid.start, tag);
	for (uint32_t i = 0; i < broker->n_messages; i++) {
		if (memcmp(broker->messages[i].tag, tag, 16) == 0) {
			broker->messages[i].is_settled = true;
		}
	}
}

static void on_renew(struct fake_broker *broker, pn_link_t *link,
        const struct amqp_message *request, const struct amqp_value *tokens)
{
	struct amqp_buffer body = { 0 };
	int64_t ends[200];
	broker->n_renew_requests++;
	int status = broker->renew_status != 0 ? broker->renew_status : 200;
	uint32_t n = tokens->count < 200 ? tokens->count : 200;
	for (uint32_t i = 0; i < n; i++) {
		ends[i] = lock_end(broker);
	}
	broker->n_renewed += status == 200 ? n : 0;
	size_t mark = amqp_begin_map(&body);
	amqp_put_string(&body, amqp_text("expirations"));
	amqp_put_timestamp_array(&body, ends, n);
	amqp_end(&body, mark, 2);
	reply(link, request, false, status, amqp_buffer_bytes(&body));
	amqp_buffer_finish(&body);
}

static void on_management(
        struct fake_broker *broker, pn_link_t *link, const struct amqp_message *request)
{
	struct amqp_reader reader = amqp_reader(request->body);
	struct amqp_value body;
	struct amqp_value tokens;
	struct amqp_value status;
	struct amqp_value token;
	uint64_t code;
	if (!amqp_read_described(&reader, &code, &body) ||
	        !amqp_map_find(&body, "lock-tokens", &tokens) || tokens.type != AMQP_ARRAY) {
		reply(link, request, false, 400, amqp_bytes("\x40", 1));
		return;
	}
	if (!amqp_map_find(&body, "disposition-status", &status)) {
		on_renew(broker, link, request, &tokens);
		return;
	}
	struct amqp_reader elements = amqp_reader(tokens.bytes);
	broker->n_updates++;
	copy_text(broker->last_update, sizeof(broker->last_update), status.bytes);
	while (amqp_read_element(&elements, tokens.element_code, &token)) {
		settle_by_token(broker, token.bytes);
	}
	reply(link, request, false, broker->loses_locks ? 410 : 200, amqp_bytes("\x40", 1));
}

static void answer_send(struct fake_broker *broker, pn_delivery_t *delivery)
{
	if (broker->holds_answers) {
		return;
	}
	if (broker->rejects_with != NULL) {
		pn_condition_t *condition = pn_disposition_condition(pn_delivery_local(delivery));
		(void)pn_condition_set_name(condition, broker->rejects_with);
		(void)pn_condition_set_description(condition, "by the test");
		pn_delivery_update(delivery, PN_REJECTED);
	} else {
		pn_delivery_update(delivery, PN_ACCEPTED);
	}
	pn_delivery_settle(delivery);
}

static void on_incoming(struct fake_broker *broker, pn_link_t *link, pn_delivery_t *delivery)
{
	struct amqp_buffer buffer = { 0 };
	struct amqp_message message;
	if (is_entity(link) && broker->reads_nothing) {
		return;
	}
	if (!pn_delivery_readable(delivery) ||
	        amqp_delivery_read(delivery, 16 * 1024 * 1024, &buffer) != AMQP_READ_WHOLE) {
		return;
	}
	if (!broker->gives_no_credit) {
		pn_link_flow(link, 1);
	}
	bool is_good = amqp_message_parse(amqp_buffer_bytes(&buffer), &message);
	if (is_entity(link)) {
		broker->n_received++;
		amqp_buffer_finish(&broker->last_received);
		broker->last_received = buffer;
		if (broker->on_received != NULL) {
			broker->on_received(broker->received_user, address_of(link),
			        amqp_buffer_bytes(&broker->last_received));
		}
		answer_send(broker, delivery);
		return;
	}
	pn_delivery_update(delivery, PN_ACCEPTED);
	pn_delivery_settle(delivery);
	if (is_good && strcmp(address_of(link), "$cbs") == 0) {
		on_put_token(broker, link, &message);
	} else if (is_good) {
		on_management(broker, link, &message);
	}
	amqp_buffer_finish(&buffer);
}

static void note_reason(struct fake_broker *broker, pn_delivery_t *delivery)
{
	pn_condition_t *condition = pn_disposition_condition(pn_delivery_remote(delivery));
	pn_data_t *info = pn_condition_info(condition);
	pn_data_rewind(info);
	if (!pn_data_next(info) || !pn_data_enter(info)) {
		return;
	}
	for (int i = 0; i < 2 && pn_data_next(info); i++) {
		pn_bytes_t key = pn_data_get_symbol(info);
		bool is_reason = key.size == strlen("DeadLetterReason");
		(void)pn_data_next(info);
		pn_bytes_t value = pn_data_get_string(info);
		char *to = is_reason ? broker->last_reason : broker->last_description;
		copy_text(to, sizeof(broker->last_reason), amqp_bytes(value.start, value.size));
	}
}

static void on_settled(struct fake_broker *broker, pn_delivery_t *delivery)
{
	struct fake_message *message = pn_delivery_get_context(delivery);
	uint64_t state = pn_delivery_remote_state(delivery);
	broker->n_settled++;
	broker->last_outcome = state;
	broker->last_was_settled = pn_delivery_settled(delivery);
	if (state == PN_REJECTED) {
		note_reason(broker, delivery);
	}
	if (broker->ignores_settling) {
		return;
	}
	if (broker->loses_locks) {
		pn_condition_t *condition = pn_disposition_condition(pn_delivery_local(delivery));
		(void)pn_condition_set_name(condition, "com.microsoft:message-lock-lost");
		(void)pn_condition_set_description(condition, "The lock supplied is invalid.");
		pn_delivery_update(delivery, PN_REJECTED);
	} else {
		message->is_settled = state == PN_ACCEPTED || state == PN_REJECTED;
		message->is_out = message->is_settled;
		message->delivery_count += state == PN_MODIFIED ? 1 : 0;
		pn_delivery_update(delivery, state);
	}
	pn_delivery_set_context(delivery, NULL);
	pn_delivery_settle(delivery);
}

static void on_attach(struct fake_broker *broker, pn_link_t *link)
{
	const char *address = address_of(link);
	bool is_to_entity = is_entity(link);
	broker->n_attaches += is_to_entity ? 1 : 0;
	if (is_to_entity && broker->answers_attach_never) {
		return;
	}
	if (broker->missing != NULL && strstr(address, broker->missing) != NULL) {
		amqp_link_refuse(
		        link, "amqp:not-found", "The messaging entity 'x' could not be found.");
		return;
	}
	if (is_to_entity && broker->refuses_with != NULL) {
		amqp_link_refuse(link, broker->refuses_with, "by the test");
		return;
	}
	amqp_link_accept(link, broker->max_message_size);
	if (is_to_entity && broker->settles_first) {
		pn_link_set_rcv_settle_mode(link, PN_RCV_FIRST);
	}
	broker->n_attached += is_to_entity ? 1 : 0;
	if (pn_link_is_receiver(link) && !(is_to_entity && broker->gives_no_credit)) {
		pn_link_flow(link, 500);
	}
}

static void on_event(void *user, struct amqp_connection *amqp, pn_event_t *event)
{
	struct fake_connection *connection = user;
	struct fake_broker *broker = connection->broker;
	pn_link_t *link = pn_event_link(event);
	(void)amqp;
	switch (pn_event_type(event)) {
	case PN_SESSION_REMOTE_OPEN:
		if (broker->reads_nothing) {
			pn_session_set_incoming_capacity(pn_event_session(event), SMALL_CAPACITY);
		}
		pn_session_open(pn_event_session(event));
		break;
	case PN_SESSION_REMOTE_CLOSE:
		pn_session_close(pn_event_session(event));
		pn_session_free(pn_event_session(event));
		break;
	case PN_LINK_REMOTE_OPEN:
		on_attach(broker, link);
		break;
	case PN_LINK_REMOTE_CLOSE:
	case PN_LINK_REMOTE_DETACH:
		pn_link_close(link);
		pn_link_free(link);
		break;
	case PN_LINK_FLOW:
		give_to_link(broker, link, NULL);
		break;
	case PN_DELIVERY:
		if (pn_link_is_receiver(link)) {
			on_incoming(broker, link, pn_event_delivery(event));
		} else if (pn_delivery_updated(pn_event_delivery(event)) &&
		        pn_delivery_get_context(pn_event_delivery(event)) != NULL) {
			on_settled(broker, pn_event_delivery(event));
		}
		break;
	default:
		break;
	}
}

static void on_closed(void *user, struct amqp_connection *amqp, const struct amqp_closing *closing)
{
	struct fake_connection *connection = user;
	(void)amqp;
	(void)closing;
	connection->is_closed = true;
}

static struct bufferevent *make_stream(struct fake_broker *broker, evutil_socket_t fd)
{
	if (broker->tls == NULL) {
		return bufferevent_socket_new(broker->base, fd, BEV_OPT_CLOSE_ON_FREE);
	}
	return bufferevent_openssl_socket_new(broker->base, fd, SSL_new(broker->tls),
	        BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *from,
        int from_size, void *user)
{
	struct fake_broker *broker = user;
	(void)listener;
	(void)from;
	(void)from_size;
	struct fake_connection *connection = must_calloc(1, sizeof(*connection));
	connection->broker = broker;
	if (broker->n_connected == FAKE_MAX_CONNECTIONS) {
		abort();
	}
	broker->connections[broker->n_connected++] = connection;
	struct amqp_connection_settings settings = {
		.is_server = true,
		.container_id = "fake",
		.close_timeout_ms = 500,
	};
	struct amqp_connection_handler handler = {
		.on_event = on_event,
		.on_closed = on_closed,
		.user = connection,
	};
	connection->amqp =
	        amqp_connection_create(broker->base, make_stream(broker, fd), &settings, &handler);
}

void fake_broker_hear(struct fake_broker *broker)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons(broker->port),
	};
	broker->listener = evconnlistener_new_bind(broker->base, on_accept, broker,
	        LEV_OPT_CLOSE_ON_FREE | LEV_OPT_REUSEABLE, 16, (struct sockaddr *)&address,
	        sizeof(address));
	if (broker->listener == NULL) {
		abort();
	}
	socklen_t size = sizeof(address);
	(void)getsockname(
	        evconnlistener_get_fd(broker->listener), (struct sockaddr *)&address, &size);
	broker->port = ntohs(address.sin_port);
}

void fake_broker_deafen(struct fake_broker *broker)
{
	evconnlistener_free(broker->listener);
	broker->listener = NULL;
}

void fake_broker_start(struct fake_broker *broker, struct event_base *base)
{
	broker->base = base;
	fake_broker_hear(broker);
}

void fake_broker_kill(struct fake_broker *broker)
{
	for (int i = 0; i < FAKE_MAX_CONNECTIONS; i++) {
		struct fake_connection *connection = broker->connections[i];
		if (connection != NULL && !connection->is_closed) {
			amqp_connection_destroy(connection->amqp);
			connection->amqp = NULL;
			connection->is_closed = true;
		}
	}
}

void fake_broker_close(struct fake_broker *broker, const char *condition)
{
	for (int i = 0; i < FAKE_MAX_CONNECTIONS; i++) {
		struct fake_connection *connection = broker->connections[i];
		if (connection != NULL && !connection->is_closed) {
			amqp_connection_close(connection->amqp, condition, "by the test");
		}
	}
}

void fake_broker_stop(struct fake_broker *broker)
{
	if (broker->listener != NULL) {
		fake_broker_deafen(broker);
	}
	for (int i = 0; i < FAKE_MAX_CONNECTIONS; i++) {
		if (broker->connections[i] != NULL) {
			amqp_connection_destroy(broker->connections[i]->amqp);
			free(broker->connections[i]);
		}
	}
	for (uint32_t i = 0; i < broker->n_messages; i++) {
		amqp_buffer_finish(&broker->messages[i].body);
	}
	amqp_buffer_finish(&broker->last_received);
}
