/* SPDX-License-Identifier: MIT */
/*
 * What goes by way of an entity's $management node: the renewal of locks, several in one request,
 * and the settlement of deliveries whose link is gone.
 */
#include "support/servicebus/private.h"

#include "support/base/memory.h"

#include <sys/time.h>

#define MAX_RENEWED_AT_ONCE 100
#define RETRY_MS 1000
/* The service locks for at most five minutes. A lock that seems to be longer, or over when it
 * comes, shows that the clocks differ; then it is renewed as if it were short. */
#define LOCK_MIN_MS 500
#define LOCK_MAX_MS 310000
#define LOCK_GUESS_MS 15000
#define MARGIN_MS 10000

/* The tokens of a request's deliveries, of which some may be settled when the answer comes. */
struct asked {
	struct servicebus_receiver *receiver;
	uint32_t count;
	uint64_t tokens[];
};

uint32_t servicebus_lock_time(int64_t locked_until_ms)
{
	struct timeval now;
	(void)gettimeofday(&now, NULL);
	int64_t left = locked_until_ms - ((int64_t)now.tv_sec * 1000 + now.tv_usec / 1000);
	return left >= LOCK_MIN_MS && left <= LOCK_MAX_MS ? (uint32_t)left : LOCK_GUESS_MS;
}

/* A third of the lock before its end, ten seconds at least, but never in its first half. */
uint32_t servicebus_renew_after(uint32_t lock_ms)
{
	uint32_t margin = lock_ms / 3 > MARGIN_MS ? lock_ms / 3 : MARGIN_MS;
	uint32_t half = lock_ms / 2;
	return lock_ms - (margin < half ? margin : half);
}

static void on_management_lost(void *user, const struct amqp_rpc_reply *why)
{
	struct servicebus_receiver *receiver = user;
	(void)why;
	amqp_rpc_destroy(receiver->management);
	receiver->management = NULL;
	receiver->management_retry_ms = servicebus_now_ms() + RETRY_MS;
}

void servicebus_management_drop(struct servicebus_receiver *receiver, const char *description)
{
	struct amqp_rpc *management = receiver->management;
	if (management == NULL) {
		return;
	}
	receiver->management = NULL;
	if (receiver->link.client->connection == NULL ||
	        receiver->link.client->sessions[SESSION_CONTROL] == NULL) {
		amqp_rpc_abandon(management, "", description);
	}
	amqp_rpc_destroy(management);
}

/* NULL: not now. */
static struct amqp_rpc *get_management(struct servicebus_receiver *receiver, int64_t now_ms)
{
	struct servicebus_client *client = receiver->link.client;
	char address[700];
	if (receiver->management == NULL && now_ms >= receiver->management_retry_ms) {
		snprintf(address, sizeof(address), "%s/$management", receiver->link.address);
		receiver->management = amqp_rpc_create(client->connection,
		        servicebus_session(client, SESSION_CONTROL), address, on_management_lost,
		        receiver);
	}
	return receiver->management;
}

static void ask(struct servicebus_receiver *receiver, const char *operation,
        const struct amqp_buffer *body, amqp_rpc_reply_fn on_reply, struct asked *asked)
{
	struct servicebus_client *client = receiver->link.client;
	struct amqp_rpc_property property = {
		.name = "operation",
		.text = amqp_text(operation),
	};
	struct amqp_rpc_request request = {
		.properties = &property,
		.n_properties = 1,
		.body = amqp_buffer_bytes(body),
		.deadline_ms = servicebus_now_ms() + client->settings.operation_timeout_ms,
		.on_reply = on_reply,
		.user = asked,
	};
	amqp_rpc_call(receiver->management, &request);
}

static void reschedule(struct servicebus_held *held, int64_t renew_at_ms)
{
	if (held->state != DELIVERY_GIVEN) {
		held->renew_at_ms = renew_at_ms;
		return;
	}
	servicebus_held_remove(held);
	held->renew_at_ms = renew_at_ms;
	servicebus_held_insert(held);
}

static void on_lock_lost(struct servicebus_held *held)
{
	struct servicebus_client *client = held->receiver->link.client;
	held->is_lock_lost = true;
	reschedule(held, INT64_MAX);
	servicebus_log(client, SERVICEBUS_LOG_WARNING, "servicebus.lock_lost",
	        "the lock of a message from '%s' is lost while it is being handled: it will be "
	        "delivered again",
	        held->receiver->link.address);
}

static void read_renewal(
        struct servicebus_client *client, const struct asked *asked, const struct amqp_value *body)
{
	struct amqp_value expirations = { .type = AMQP_NULL };
	struct amqp_value until;
	int64_t now_ms = servicebus_now_ms();
	(void)amqp_map_find(body, "expirations", &expirations);
	struct amqp_reader reader = amqp_reader(
	        expirations.type == AMQP_ARRAY ? expirations.bytes : amqp_bytes(NULL, 0));
	for (uint32_t i = 0; i < asked->count; i++) {
		struct servicebus_held *held = servicebus_held_find(client, asked->tokens[i]);
		bool is_told = amqp_read_element(&reader, expirations.element_code, &until) &&
		        until.type == AMQP_SIGNED;
		client->counts.n_renewals++;
		if (held != NULL) {
			held->is_renewing = false;
			held->lock_ms =
			        is_told ? servicebus_lock_time(until.signed_) : LOCK_GUESS_MS;
			reschedule(held, now_ms + servicebus_renew_after(held->lock_ms));
		}
	}
}

static void on_renewed(void *user, const struct amqp_rpc_reply *reply)
{
	struct asked *asked = user;
	struct servicebus_client *client = asked->receiver->link.client;
	int64_t now_ms = servicebus_now_ms();
	enum servicebus_outcome outcome = reply->is_answered
	        ? servicebus_outcome_of_status(reply->status)
	        : SERVICEBUS_UNAVAILABLE;
	if (outcome == SERVICEBUS_DONE) {
		read_renewal(client, asked, &reply->body);
		free(asked);
		return;
	}
	bool is_lost = outcome == SERVICEBUS_LOCK_LOST || outcome == SERVICEBUS_NOT_FOUND;
	for (uint32_t i = 0; i < asked->count; i++) {
		struct servicebus_held *held = servicebus_held_find(client, asked->tokens[i]);
		if (held == NULL) {
			continue;
		}
		held->is_renewing = false;
		if (is_lost && asked->count == 1) {
			on_lock_lost(held);
			continue;
		}
		/* One lost lock spoils a request for many. */
		held->renews_alone = is_lost;
		reschedule(held, now_ms + (is_lost ? 0 : RETRY_MS));
	}
	free(asked);
}

static void put_tokens(
        struct servicebus_client *client, const struct asked *asked, struct amqp_buffer *body)
{
	size_t mark = amqp_begin_array(body, 0x98);
	for (uint32_t i = 0; i < asked->count; i++) {
		const struct servicebus_held *held = servicebus_held_find(client, asked->tokens[i]);
		amqp_buffer_append(body, held->lock_token, sizeof(held->lock_token));
	}
	amqp_end_array(body, mark, asked->count);
}

static bool is_renewal_due(const struct servicebus_held *held, int64_t now_ms)
{
	return held->renew_at_ms <= now_ms && held->has_lock && !held->is_renewing &&
	        !held->is_lock_lost;
}

/* The first deliveries whose renewal is due, as many as go into one request. */
static struct asked *collect_due(struct servicebus_receiver *receiver, int64_t now_ms)
{
	struct asked *asked =
	        must_calloc(1, sizeof(*asked) + MAX_RENEWED_AT_ONCE * sizeof(asked->tokens[0]));
	asked->receiver = receiver;
	struct servicebus_held *held = receiver->given.first;
	while (held != NULL && held->renew_at_ms <= now_ms && asked->count < MAX_RENEWED_AT_ONCE) {
		struct servicebus_held *next = held->next;
		bool fits = asked->count == 0 || !held->renews_alone;
		if (is_renewal_due(held, now_ms) && fits) {
			asked->tokens[asked->count++] = servicebus_held_token(held);
			held->is_renewing = true;
		}
		if (held->renews_alone && asked->count != 0) {
			break;
		}
		held = next;
	}
	return asked;
}

/* Those that are asked for go behind all others until the answer has come. */
static void renew(struct servicebus_receiver *receiver, struct asked *asked, int64_t now_ms)
{
	struct servicebus_client *client = receiver->link.client;
	int64_t answer_by_ms = now_ms + client->settings.operation_timeout_ms + RETRY_MS;
	struct amqp_buffer body = { 0 };
	size_t mark = amqp_begin_map(&body);
	amqp_put_string(&body, amqp_text("lock-tokens"));
	put_tokens(client, asked, &body);
	amqp_end(&body, mark, 2);
	for (uint32_t i = 0; i < asked->count; i++) {
		reschedule(servicebus_held_find(client, asked->tokens[i]), answer_by_ms);
	}
	ask(receiver, "com.microsoft:renew-lock", &body, on_renewed, asked);
	amqp_buffer_finish(&body);
}

static void on_detour_answered(void *user, const struct amqp_rpc_reply *reply)
{
	struct asked *asked = user;
	struct servicebus_client *client = asked->receiver->link.client;
	struct servicebus_held *held = servicebus_held_find(client, asked->tokens[0]);
	char sentence[300];
	free(asked);
	if (held == NULL || held->state != DELIVERY_DETOUR) {
		return;
	}
	enum servicebus_outcome outcome = reply->is_answered
	        ? servicebus_outcome_of_status(reply->status)
	        : SERVICEBUS_UNAVAILABLE;
	if (outcome == SERVICEBUS_UNAVAILABLE) {
		held->is_detour_asked = false; /* again, until its deadline */
		return;
	}
	if (outcome == SERVICEBUS_NOT_FOUND) {
		outcome = SERVICEBUS_LOCK_LOST;
	}
	snprintf(sentence, sizeof(sentence), "%.*s", (int)reply->description.size,
	        (const char *)reply->description.start);
	servicebus_held_told(held, outcome, outcome == SERVICEBUS_DONE ? "" : sentence);
}

static const char *disposition_status(enum servicebus_settlement how)
{
	switch (how) {
	case SERVICEBUS_COMPLETE:
		return "completed";
	case SERVICEBUS_DEAD_LETTER:
		return "suspended";
	case SERVICEBUS_ABANDON:
	case SERVICEBUS_RELEASE: /* management knows no release */
		break;
	}
	return "abandoned";
}

static uint32_t put_text_entry(struct amqp_buffer *body, const char *key, const char *value)
{
	if (value == NULL) {
		return 0;
	}
	amqp_put_string(body, amqp_text(key));
	amqp_put_string(body, amqp_text(value));
	return 2;
}

static void ask_detour(struct servicebus_held *held)
{
	struct servicebus_receiver *receiver = held->receiver;
	struct asked *asked = must_calloc(1, sizeof(*asked) + sizeof(asked->tokens[0]));
	asked->receiver = receiver;
	asked->count = 1;
	asked->tokens[0] = servicebus_held_token(held);
	held->is_detour_asked = true;
	struct amqp_buffer body = { 0 };
	size_t mark = amqp_begin_map(&body);
	uint32_t count = put_text_entry(&body, "disposition-status", disposition_status(held->how));
	amqp_put_string(&body, amqp_text("lock-tokens"));
	put_tokens(receiver->link.client, asked, &body);
	count += 2;
	count += put_text_entry(&body, "deadletter-reason", held->reason);
	count += put_text_entry(&body, "deadletter-description", held->description);
	amqp_end(&body, mark, count);
	ask(receiver, "com.microsoft:update-disposition", &body, on_detour_answered, asked);
	amqp_buffer_finish(&body);
}

static void settle_detours(struct servicebus_receiver *receiver, int64_t now_ms)
{
	for (struct servicebus_held *held = receiver->settling.first; held; held = held->next) {
		bool is_due = held->state == DELIVERY_DETOUR && !held->is_detour_asked;
		if (is_due && get_management(receiver, now_ms) != NULL) {
			ask_detour(held);
		}
	}
}

void servicebus_management_pulse(struct servicebus_receiver *receiver, int64_t now_ms)
{
	struct servicebus_client *client = receiver->link.client;
	if (receiver->management != NULL) {
		amqp_rpc_expire(receiver->management, now_ms);
	}
	if (client->state != SERVICEBUS_OPEN || client->settings.has_no_cbs ||
	        client->connection == NULL) {
		return;
	}
	settle_detours(receiver, now_ms);
	for (;;) {
		struct servicebus_held *first = receiver->given.first;
		if (first == NULL || !is_renewal_due(first, now_ms) ||
		        get_management(receiver, now_ms) == NULL) {
			return;
		}
		renew(receiver, collect_due(receiver, now_ms), now_ms);
	}
}
