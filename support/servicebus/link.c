/* SPDX-License-Identifier: MIT */
/*
 * The life of a link to an entity, over and over: put a token, attach, be up, be lost, pause.
 * What flows on it is the business of sender.c and receiver.c.
 */
#include "support/servicebus/private.h"

#include "support/amqp/link.h"
#include "support/azure/sas.h"
#include "support/base/memory.h"

#include <event2/event.h>
#include <inttypes.h>
#include <proton/codec.h>
#include <proton/condition.h>
#include <proton/terminus.h>
#include <time.h>

/* Links that are being attached at a time, so that many together do not storm a broker. */
#define MAX_ATTACHING 8

static void on_link_timer(int fd, short what, void *user);
static void on_token_timer(int fd, short what, void *user);

struct condition_outcome {
	const char *condition;
	enum servicebus_outcome outcome;
};
static const struct condition_outcome condition_outcomes[] = {
	{ "amqp:not-found", SERVICEBUS_NOT_FOUND },
	{ "amqp:unauthorized-access", SERVICEBUS_DENIED },
	{ "amqp:link:message-size-exceeded", SERVICEBUS_TOO_LARGE },
	{ "com.microsoft:message-lock-lost", SERVICEBUS_LOCK_LOST },
	{ "com.microsoft:session-lock-lost", SERVICEBUS_LOCK_LOST },
	{ "com.microsoft:message-not-found", SERVICEBUS_LOCK_LOST },
	{ "com.microsoft:entity-disabled", SERVICEBUS_REJECTED },
	{ "com.microsoft:argument-error", SERVICEBUS_REJECTED },
	{ "com.microsoft:argument-out-of-range", SERVICEBUS_REJECTED },
	{ "amqp:not-allowed", SERVICEBUS_REJECTED },
	{ "amqp:not-implemented", SERVICEBUS_REJECTED },
	{ "amqp:invalid-field", SERVICEBUS_REJECTED },
	{ "amqp:precondition-failed", SERVICEBUS_REJECTED },
	{ "amqp:decode-error", SERVICEBUS_REJECTED },
};

enum servicebus_outcome servicebus_outcome_of(struct amqp_bytes condition)
{
	for (size_t i = 0; i < sizeof(condition_outcomes) / sizeof(condition_outcomes[0]); i++) {
		if (amqp_bytes_is(condition, condition_outcomes[i].condition)) {
			return condition_outcomes[i].outcome;
		}
	}
	return SERVICEBUS_UNAVAILABLE;
}

enum servicebus_outcome servicebus_outcome_of_status(int64_t status)
{
	switch (status) {
	case 200:
	case 202:
	case 204:
		return SERVICEBUS_DONE;
	case 401:
	case 403:
		return SERVICEBUS_DENIED;
	case 404:
		return SERVICEBUS_NOT_FOUND;
	case 410:
		return SERVICEBUS_LOCK_LOST;
	case 400:
	case 501:
		return SERVICEBUS_REJECTED;
	default:
		return SERVICEBUS_UNAVAILABLE;
	}
}

void servicebus_link_init(struct servicebus_link *link, struct servicebus_client *client,
        char *address, bool is_sender)
{
	link->client = client;
	link->address = address;
	link->is_sender = is_sender;
	link->timer = servicebus_timer(client, on_link_timer, link);
	link->token_timer = servicebus_timer(client, on_token_timer, link);
	struct servicebus_link **at = &client->links;
	while (*at != NULL) {
		at = &(*at)->next;
	}
	*at = link;
	if (client->state == SERVICEBUS_OPEN) {
		servicebus_arm(link->timer, 0);
	}
}

void servicebus_link_finish(struct servicebus_link *link)
{
	if (link->client->cbs != NULL) {
		amqp_rpc_cancel(link->client->cbs, link);
	}
	event_free(link->timer);
	event_free(link->token_timer);
	free(link->address);
}

static bool is_attaching(const struct servicebus_link *link)
{
	return link->state == LINK_AUTHORISING || link->state == LINK_ATTACHING;
}

static void set_link_state(struct servicebus_link *link, enum servicebus_link_state state)
{
	struct servicebus_client *client = link->client;
	client->n_attaching -= is_attaching(link) ? 1 : 0;
	link->state = state;
	client->n_attaching += is_attaching(link) ? 1 : 0;
}

/* Proton's link lives on until the peer has answered; we know nothing of it any more. */
static void let_go(struct servicebus_link *link)
{
	pn_link_t *pn = link->pn;
	link->pn = NULL;
	if (pn != NULL && link->client->connection != NULL) {
		pn_link_set_context(pn, NULL);
		pn_link_close(pn);
		pn_link_free(pn);
		servicebus_wake(link->client);
	}
}

static void pause_link(struct servicebus_link *link, uint32_t wait_ms)
{
	set_link_state(link, LINK_PAUSING);
	servicebus_arm(link->timer, wait_ms);
}

/* The longest pause, of which half is left to chance. */
static uint32_t long_pause(const struct servicebus_client *client)
{
	uint32_t half = client->settings.backoff_max_ms / 2;
	return half + servicebus_random(half + 1);
}

static void refuse(
        struct servicebus_link *link, enum servicebus_outcome outcome, const char *sentence)
{
	struct servicebus_client *client = link->client;
	link->is_refused = true;
	link->is_missing = outcome == SERVICEBUS_NOT_FOUND;
	pause_link(link, long_pause(client));
	if (link->is_sender) {
		servicebus_sender_refused((struct servicebus_sender *)link, outcome, sentence);
	}
	if (link->is_told_refused) {
		return;
	}
	link->is_told_refused = true;
	servicebus_log(client, SERVICEBUS_LOG_WARNING, "servicebus.refused",
	        "the broker refuses '%s': %s; it is asked again from time to time", link->address,
	        sentence);
	if (!link->is_sender) {
		servicebus_receiver_refused((struct servicebus_receiver *)link, outcome, sentence);
	}
}

/* A link that the service closes because nothing happened on it, or for an upgrade. */
static bool is_normal_loss(const char *condition)
{
	return strcmp(condition, "amqp:link:detach-forced") == 0;
}

bool servicebus_is_busy(const char *condition)
{
	return strcmp(condition, "com.microsoft:server-busy") == 0;
}

uint32_t servicebus_busy_pause(const struct servicebus_settings *settings)
{
	return settings->busy_ms + servicebus_random(settings->busy_ms / 2 + 1);
}

static void count_detach(struct servicebus_client *client, const char *condition)
{
	size_t last = SERVICEBUS_MAX_CONDITIONS - 1;
	size_t i = 0;
	const char *name = condition[0] != '\0' ? condition : "none";
	while (i < last && client->detaches[i].n != 0 &&
	        strcmp(client->detaches[i].condition, name) != 0) {
		i++;
	}
	if (client->detaches[i].n == 0) {
		snprintf(client->detaches[i].condition, sizeof(client->detaches[i].condition),
		        "%.63s", i < last ? name : "other");
	}
	client->detaches[i].n++;
	client->counts.n_detaches++;
}

static void lose_by_condition(
        struct servicebus_link *link, const char *condition, const char *description)
{
	struct servicebus_client *client = link->client;
	enum servicebus_outcome outcome = servicebus_outcome_of(amqp_text(condition));
	count_detach(client, condition);
	if (outcome == SERVICEBUS_DENIED && !link->retried_unauthorized) {
		/* The token may have run out: another one, once. */
		link->retried_unauthorized = true;
		link->has_token = false;
		pause_link(link, 0);
		return;
	}
	if (outcome == SERVICEBUS_DENIED || outcome == SERVICEBUS_NOT_FOUND ||
	        outcome == SERVICEBUS_REJECTED) {
		refuse(link, outcome, description);
		return;
	}
	uint32_t wait = servicebus_backoff_next(&link->backoff, &client->settings);
	if (servicebus_is_busy(condition)) {
		uint32_t least = servicebus_busy_pause(&client->settings);
		wait = wait > least ? wait : least;
	}
	servicebus_log(client,
	        is_normal_loss(condition) ? SERVICEBUS_LOG_DEBUG : SERVICEBUS_LOG_WARNING,
	        "servicebus.detached", "the link to '%s' is gone: %s %s; trying again in %u ms",
	        link->address, condition, description, wait);
	pause_link(link, wait);
}

void servicebus_link_lost(
        struct servicebus_link *link, const char *condition, const char *description)
{
	bool was_closing = link->state == LINK_CLOSING;
	bool was_up = link->state == LINK_UP || was_closing;
	if (link->state == LINK_UP &&
	        servicebus_backoff_lived(&link->backoff, servicebus_now_ms() - link->up_since_ms,
	                condition != NULL && is_normal_loss(condition), &link->client->settings)) {
		link->retried_unauthorized = false;
	}
	(void)event_del(link->timer);
	let_go(link);
	set_link_state(link, was_closing ? LINK_CLOSED : LINK_DOWN);
	if (was_up && link->is_sender) {
		servicebus_sender_down((struct servicebus_sender *)link, description);
	} else if (was_up) {
		servicebus_receiver_down((struct servicebus_receiver *)link);
	}
	if (link->state == LINK_CLOSED) {
		return;
	}
	/* Without a condition the whole connection is gone: its own back-off does. */
	if (condition != NULL) {
		lose_by_condition(link, condition, description);
		servicebus_links_advance(link->client);
	}
}

static void set_properties(struct servicebus_link *link)
{
	pn_data_t *properties = pn_link_properties(link->pn);
	static const char name[] = "com.microsoft:timeout";
	(void)pn_data_put_map(properties);
	(void)pn_data_enter(properties);
	(void)pn_data_put_symbol(properties, pn_bytes(sizeof(name) - 1, name));
	(void)pn_data_put_uint(properties, link->client->settings.operation_timeout_ms);
	(void)pn_data_exit(properties);
}

static void attach(struct servicebus_link *link)
{
	static uint64_t last_link;
	struct servicebus_client *client = link->client;
	char name[400];
	bool is_sender = link->is_sender;
	snprintf(name, sizeof(name), "%.260s-%s-%" PRIu64, link->address, client->container_id,
	        ++last_link);
	pn_session_t *session =
	        servicebus_session(client, is_sender ? SESSION_SENDERS : SESSION_RECEIVERS);
	link->pn = is_sender ? pn_sender(session, name) : pn_receiver(session, name);
	pn_link_set_context(link->pn, link);
	(void)pn_terminus_set_address(
	        pn_link_source(link->pn), is_sender ? client->container_id : link->address);
	(void)pn_terminus_set_address(
	        pn_link_target(link->pn), is_sender ? link->address : client->container_id);
	pn_link_set_snd_settle_mode(link->pn, PN_SND_UNSETTLED);
	pn_link_set_rcv_settle_mode(link->pn, is_sender ? PN_RCV_FIRST : PN_RCV_SECOND);
	set_properties(link);
	pn_link_open(link->pn);
	set_link_state(link, LINK_ATTACHING);
	servicebus_arm(link->timer, client->settings.operation_timeout_ms);
	servicebus_wake(client);
}

static void set_token_timer(struct servicebus_link *link)
{
	const struct servicebus_client *client = link->client;
	if (client->target.signature != NULL) {
		return; /* we cannot make another */
	}
	uint32_t life = client->settings.token_seconds;
	uint32_t seconds = life - life / 4;
	servicebus_arm(link->token_timer,
	        seconds * 1000 - servicebus_random(life * 50 + 1)); /* 75 %, minus up to 5 % */
}

static void on_token(void *user, const struct amqp_rpc_reply *reply)
{
	struct servicebus_link *link = user;
	char sentence[300];
	enum servicebus_outcome outcome = reply->is_answered
	        ? servicebus_outcome_of_status(reply->status)
	        : servicebus_outcome_of(reply->condition);
	snprintf(sentence, sizeof(sentence), "%.*s", (int)reply->description.size,
	        (const char *)reply->description.start);
	if (outcome == SERVICEBUS_DONE) {
		link->has_token = true;
		set_token_timer(link);
		if (link->state == LINK_AUTHORISING) {
			attach(link);
		}
		return;
	}
	if (link->state != LINK_AUTHORISING) {
		/* The link stands until the old token ends; then it is lost and put up anew. */
		servicebus_log(link->client, SERVICEBUS_LOG_WARNING, "servicebus.token",
		        "the token for '%s' was not renewed: %s", link->address, sentence);
		servicebus_arm(link->token_timer, long_pause(link->client));
		return;
	}
	set_link_state(link, LINK_DOWN);
	if (outcome == SERVICEBUS_DENIED || outcome == SERVICEBUS_NOT_FOUND) {
		refuse(link, outcome, sentence);
	} else if (link->client->connection != NULL) {
		pause_link(link, servicebus_backoff_next(&link->backoff, &link->client->settings));
	}
	servicebus_links_advance(link->client);
}

static void on_cbs_lost(void *user, const struct amqp_rpc_reply *why)
{
	struct servicebus_client *client = user;
	(void)why;
	amqp_rpc_destroy(client->cbs);
	client->cbs = NULL; /* made again when the next token is due */
}

/* False: nothing to be done, since the broker wants no tokens. */
static void put_token(struct servicebus_link *link)
{
	struct servicebus_client *client = link->client;
	const struct azure_servicebus *target = &client->target;
	char audience[700];
	snprintf(audience, sizeof(audience), "sb://%s/%s", target->host, link->address);
	int64_t expires_at = (int64_t)time(NULL) + client->settings.token_seconds;
	char *token = target->signature != NULL
	        ? must_copy(target->signature, strlen(target->signature))
	        : azure_sas_make(audience, target->key_name, target->key, expires_at);
	struct amqp_rpc_property properties[] = {
		{ .name = "operation", .text = amqp_text("put-token") },
		{ .name = "type", .text = amqp_text("servicebus.windows.net:sastoken") },
		{ .name = "name", .text = amqp_text(audience) },
		{ .name = "expiration", .time_ms = expires_at * 1000, .is_time = true },
	};
	struct amqp_buffer body = { 0 };
	amqp_put_string(&body, amqp_text(token));
	if (client->cbs == NULL) {
		client->cbs = amqp_rpc_create(client->connection,
		        servicebus_session(client, SESSION_CONTROL), "$cbs", on_cbs_lost, client);
	}
	struct amqp_rpc_request request = {
		.properties = properties,
		.n_properties = target->signature != NULL ? 3 : 4,
		.body = amqp_buffer_bytes(&body),
		.deadline_ms = servicebus_now_ms() + client->settings.operation_timeout_ms,
		.on_reply = on_token,
		.user = link,
	};
	amqp_rpc_call(client->cbs, &request);
	servicebus_need_pulse(client);
	OPENSSL_cleanse(body.start, body.size);
	amqp_buffer_finish(&body);
	OPENSSL_cleanse(token, strlen(token));
	free(token);
}

static void begin(struct servicebus_link *link)
{
	if (link->client->settings.has_no_cbs || link->has_token) {
		attach(link);
		return;
	}
	set_link_state(link, LINK_AUTHORISING);
	put_token(link);
}

void servicebus_links_advance(struct servicebus_client *client)
{
	struct servicebus_link *link = client->links;
	for (; link != NULL && client->state == SERVICEBUS_OPEN; link = link->next) {
		if (client->n_attaching >= MAX_ATTACHING) {
			return;
		}
		if (link->state == LINK_DOWN && client->connection != NULL) {
			begin(link);
		}
	}
}

static void on_link_timer(int fd, short what, void *user)
{
	(void)fd;
	(void)what;
	struct servicebus_link *link = user;
	struct servicebus_client *client = link->client;
	servicebus_enter(client);
	if (link->state == LINK_ATTACHING) {
		servicebus_link_lost(link, "", "the broker did not answer the attach in time");
	} else if (link->state == LINK_CLOSING) {
		servicebus_link_lost(link, "", "the broker did not answer the detach in time");
	} else if (link->state == LINK_PAUSING) {
		set_link_state(link, LINK_DOWN);
	}
	servicebus_links_advance(client);
	servicebus_leave(client);
}

static void on_token_timer(int fd, short what, void *user)
{
	(void)fd;
	(void)what;
	struct servicebus_link *link = user;
	struct servicebus_client *client = link->client;
	servicebus_enter(client);
	if (client->state == SERVICEBUS_OPEN && link->state == LINK_UP) {
		put_token(link);
	} else {
		link->has_token = false;
	}
	servicebus_leave(client);
}

static void on_attached(struct servicebus_link *link)
{
	pn_terminus_t *far =
	        link->is_sender ? pn_link_remote_target(link->pn) : pn_link_remote_source(link->pn);
	if (link->state != LINK_ATTACHING || pn_terminus_get_type(far) == PN_UNSPECIFIED) {
		return; /* refused: the detach with the reason follows */
	}
	(void)event_del(link->timer);
	set_link_state(link, LINK_UP);
	link->up_since_ms = servicebus_now_ms();
	link->heard_ms = link->up_since_ms;
	link->is_refused = false;
	link->is_told_refused = false;
	if (link->is_sender) {
		servicebus_sender_up((struct servicebus_sender *)link);
	} else {
		servicebus_receiver_up((struct servicebus_receiver *)link);
	}
	servicebus_links_advance(link->client);
}

static void on_detached(struct servicebus_link *link)
{
	char name[80];
	char text[300];
	pn_condition_t *condition = pn_link_remote_condition(link->pn);
	const char *description = pn_condition_get_description(condition);
	snprintf(name, sizeof(name), "%s",
	        pn_condition_is_set(condition) ? pn_condition_get_name(condition) : "");
	snprintf(text, sizeof(text), "%s",
	        description != NULL ? description : "the broker gave no reason");
	servicebus_link_lost(link, name, text);
}

void servicebus_link_handle(struct servicebus_link *link, pn_event_t *event)
{
	link->heard_ms = servicebus_now_ms();
	switch (pn_event_type(event)) {
	case PN_LINK_REMOTE_OPEN:
		on_attached(link);
		break;
	case PN_LINK_REMOTE_CLOSE:
	case PN_LINK_REMOTE_DETACH:
		on_detached(link);
		break;
	case PN_LINK_FLOW:
		if (link->is_sender) {
			servicebus_senders_advance(link->client, (struct servicebus_sender *)link);
		}
		break;
	case PN_DELIVERY:
		if (link->is_sender) {
			servicebus_sender_delivery(
			        (struct servicebus_sender *)link, pn_event_delivery(event));
		} else {
			servicebus_receiver_delivery(
			        (struct servicebus_receiver *)link, pn_event_delivery(event));
		}
		break;
	default:
		break;
	}
}

void servicebus_link_close(struct servicebus_link *link)
{
	if (link->state == LINK_UP) {
		set_link_state(link, LINK_CLOSING);
		pn_link_close(link->pn);
		servicebus_arm(link->timer, link->client->settings.operation_timeout_ms);
		servicebus_wake(link->client);
		return;
	}
	if (link->state != LINK_CLOSING) {
		(void)event_del(link->timer);
		let_go(link);
		set_link_state(link, LINK_CLOSED);
	}
}
