/* SPDX-License-Identifier: MIT */
/* The client's life: creation, state, deferred callbacks, the pulse, and the orderly stop. */
#include "support/servicebus/private.h"

#include "support/base/cleanup.h"
#include "support/base/memory.h"

#include <event2/dns.h>
#include <event2/event.h>
#include <event2/util.h>
#include <stdarg.h>
#include <time.h>

/* Deadlines are met to within this. */
#define PULSE_MS 100
/* What the peer gets for its close when the time to stop is up already. */
#define FORCED_CLOSE_MS 1000
/* What has lived so long was a good one, however it ends. */
#define STABLE_MS 60000

int64_t servicebus_now_ms(void)
{
	struct timespec now;
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

uint32_t servicebus_random(uint32_t below)
{
	uint32_t number = 0;
	if (below == 0) {
		return 0;
	}
	evutil_secure_rng_get_bytes(&number, sizeof(number));
	return number % below;
}

uint32_t servicebus_backoff_next(
        struct servicebus_backoff *backoff, const struct servicebus_settings *settings)
{
	if (backoff->limit_ms == 0) {
		backoff->limit_ms = settings->backoff_first_ms;
	}
	uint32_t wait = servicebus_random(backoff->limit_ms + 1);
	uint32_t doubled = backoff->limit_ms * 2;
	backoff->limit_ms = doubled < settings->backoff_max_ms ? doubled : settings->backoff_max_ms;
	return wait;
}

bool servicebus_backoff_lived(struct servicebus_backoff *backoff, int64_t lived_ms, bool is_normal,
        const struct servicebus_settings *settings)
{
	if (lived_ms <= STABLE_MS && (!is_normal || lived_ms < settings->worked_ms)) {
		return false;
	}
	backoff->limit_ms = 0;
	return true;
}

struct event *servicebus_timer(
        struct servicebus_client *client, void (*fn)(int fd, short what, void *user), void *user)
{
	return memory_checked(event_new(client->base, -1, 0, fn, user), 1, 0);
}

void servicebus_arm(struct event *timer, uint32_t after_ms)
{
	struct timeval after = { .tv_sec = after_ms / 1000,
		.tv_usec = (suseconds_t)(after_ms % 1000) * 1000 };
	(void)event_add(timer, &after);
}

void servicebus_log(
        struct servicebus_client *client, int level, const char *event, const char *format, ...)
{
	char sentence[400];
	if (client->settings.on_log == NULL || client->is_destroyed) {
		return;
	}
	va_list arguments;
	va_start(arguments, format);
	(void)vsnprintf(sentence, sizeof(sentence), format, arguments);
	va_end(arguments);
	client->settings.on_log(client->settings.user, level, event, sentence);
}

void servicebus_tell(struct servicebus_client *client, servicebus_done_fn done, void *user,
        enum servicebus_outcome outcome, const char *sentence)
{
	if (!client->is_destroyed && done != NULL) {
		done(user, outcome, sentence);
	}
}

void servicebus_tell_later(struct servicebus_client *client, servicebus_done_fn done, void *user,
        enum servicebus_outcome outcome, const char *sentence)
{
	struct servicebus_finished *finished = must_calloc(1, sizeof(*finished));
	*finished = (struct servicebus_finished){
		.done = done,
		.user = user,
		.outcome = outcome,
		.sentence = must_copy(sentence, strlen(sentence)),
	};
	*client->finished_tail = finished;
	client->finished_tail = &finished->next;
	event_active(client->finish, EV_TIMEOUT, 0);
}

static void free_gone(struct servicebus_client *client)
{
	while (client->gone != NULL) {
		struct servicebus_link *link = client->gone;
		client->gone = link->next;
		servicebus_link_finish(link);
		free(link);
	}
}

static void free_links(struct servicebus_client *client)
{
	while (client->links != NULL) {
		struct servicebus_link *link = client->links;
		client->links = link->next;
		if (link->is_sender) {
			servicebus_sender_finish((struct servicebus_sender *)link, true);
		} else {
			servicebus_receiver_finish((struct servicebus_receiver *)link);
		}
		link->next = client->gone;
		client->gone = link;
	}
	free_gone(client);
}

static void free_finished(struct servicebus_client *client)
{
	while (client->finished != NULL) {
		struct servicebus_finished *first = client->finished;
		client->finished = first->next;
		free(first->sentence);
		free(first);
	}
}

static void free_timer(struct event *timer)
{
	if (timer != NULL) {
		event_free(timer);
	}
}

static void free_all(struct servicebus_client *client)
{
	servicebus_drop_connection(client);
	free_links(client);
	free_finished(client);
	for (uint32_t i = 0; i < client->n_slots; i++) {
		free(client->slots[i]);
	}
	free(client->slots);
	free_timer(client->reconnect);
	free_timer(client->pulse);
	free_timer(client->watch);
	free_timer(client->finish);
	free_timer(client->stop_deadline);
	if (client->dns != NULL) {
		evdns_base_free(client->dns, 0);
	}
	SSL_CTX_free(client->tls);
	azure_servicebus_finish(&client->target);
	free(client->container_id);
	free(client);
}

static void tell_state(struct servicebus_client *client)
{
	bool is_ready = client->state == SERVICEBUS_OPEN;
	if (client->is_destroyed || client->settings.on_state == NULL ||
	        (client->has_told_state && client->is_told_ready == is_ready)) {
		return;
	}
	client->has_told_state = true;
	client->is_told_ready = is_ready;
	client->settings.on_state(client->settings.user, is_ready ? NULL : client->trouble);
}

void servicebus_set_state(struct servicebus_client *client, enum servicebus_connection_state state,
        const char *trouble)
{
	client->state = state;
	snprintf(client->trouble, sizeof(client->trouble), "%s", trouble);
	/* That it is still being connected is no news. */
	if (state != SERVICEBUS_CONNECTING) {
		tell_state(client);
	}
}

static void stopped(struct servicebus_client *client)
{
	if (client->on_stopped == NULL) {
		return;
	}
	void (*fn)(void *user) = client->on_stopped;
	client->on_stopped = NULL;
	(void)event_del(client->stop_deadline);
	servicebus_drop_connection(client);
	servicebus_set_state(client, SERVICEBUS_IDLE, "stopped");
	while (client->links != NULL) {
		struct servicebus_link *link = client->links;
		client->links = link->next;
		if (link->is_sender) {
			servicebus_sender_finish((struct servicebus_sender *)link, false);
		} else {
			servicebus_receiver_finish((struct servicebus_receiver *)link);
		}
		link->next = client->gone;
		client->gone = link;
	}
	if (!client->is_destroyed) {
		fn(client->stopped_user);
	}
}

static bool has_work(const struct servicebus_client *client)
{
	if (client->is_stop_forced) {
		return false;
	}
	for (const struct servicebus_link *link = client->links; link != NULL; link = link->next) {
		const struct servicebus_sender *sender = (const struct servicebus_sender *)link;
		if (!link->is_sender || sender->waiting.count + sender->sent.count != 0) {
			return true;
		}
	}
	return client->finished != NULL;
}

/* Looked at whenever the loop has been served, never in the midst of it. */
static void check_stop(struct servicebus_client *client)
{
	if (!client->is_stopping || client->on_stopped == NULL || has_work(client)) {
		return;
	}
	if (client->connection == NULL) {
		stopped(client);
	} else {
		amqp_connection_close(client->connection, NULL, NULL);
	}
}

void servicebus_enter(struct servicebus_client *client)
{
	client->depth++;
}

void servicebus_leave(struct servicebus_client *client)
{
	if (client->depth > 1) {
		client->depth--;
		return;
	}
	check_stop(client);
	client->depth--;
	if (client->is_destroyed) {
		free_all(client);
	} else {
		free_gone(client);
	}
}

void servicebus_client_destroy(struct servicebus_client *client)
{
	if (client == NULL || client->is_destroyed) {
		return;
	}
	client->is_destroyed = true;
	if (client->depth == 0) {
		client->depth = 1; /* nothing that ends now may end it a second time */
		free_all(client);
	}
}

void servicebus_wake(struct servicebus_client *client)
{
	if (client->connection != NULL) {
		amqp_connection_wake(client->connection);
	}
}

bool servicebus_client_is_ready(
        const struct servicebus_client *client, char *sentence, size_t sentence_size)
{
	snprintf(sentence, sentence_size, "%s", client->trouble);
	return client->state == SERVICEBUS_OPEN;
}

static bool pulse_link(struct servicebus_link *link, int64_t now_ms)
{
	if (link->is_sender) {
		struct servicebus_sender *sender = (struct servicebus_sender *)link;
		servicebus_sender_expire(sender, now_ms);
		servicebus_sender_pump(sender);
		return sender->waiting.count + sender->sent.count != 0;
	}
	struct servicebus_receiver *receiver = (struct servicebus_receiver *)link;
	servicebus_settle_expire(receiver, now_ms);
	servicebus_management_pulse(receiver, now_ms);
	servicebus_receiver_turn(receiver);
	return receiver->given.count + receiver->settling.count != 0 || receiver->is_stopping ||
	        (receiver->management != NULL && !amqp_rpc_is_idle(receiver->management));
}

static void on_pulse(int fd, short what, void *user)
{
	(void)fd;
	(void)what;
	struct servicebus_client *client = user;
	servicebus_enter(client);
	int64_t now_ms = servicebus_now_ms();
	bool is_needed = false;
	client->is_pulsing = false;
	for (struct servicebus_link *link = client->links; link != NULL;) {
		struct servicebus_link *next = link->next; /* link may go to the gone ones */
		is_needed = pulse_link(link, now_ms) || is_needed;
		link = next;
	}
	if (client->cbs != NULL) {
		amqp_rpc_expire(client->cbs, now_ms);
		is_needed = is_needed || !amqp_rpc_is_idle(client->cbs);
	}
	servicebus_wake(client);
	if (is_needed) {
		servicebus_need_pulse(client);
	}
	servicebus_leave(client);
}

void servicebus_need_pulse(struct servicebus_client *client)
{
	if (!client->is_pulsing) {
		client->is_pulsing = true;
		servicebus_arm(client->pulse, PULSE_MS);
	}
}

static void on_watch(int fd, short what, void *user)
{
	(void)fd;
	(void)what;
	struct servicebus_client *client = user;
	servicebus_enter(client);
	servicebus_watch(client);
	servicebus_leave(client);
}

static void on_reconnect(int fd, short what, void *user)
{
	(void)fd;
	(void)what;
	struct servicebus_client *client = user;
	servicebus_enter(client);
	servicebus_connect(client);
	servicebus_leave(client);
}

/* Time is up: what is still held is released, and the close is the last word. */
static void on_stop_deadline(int fd, short what, void *user)
{
	(void)fd;
	(void)what;
	struct servicebus_client *client = user;
	servicebus_enter(client);
	if (client->connection == NULL || client->is_stop_forced) {
		stopped(client);
		servicebus_leave(client);
		return;
	}
	client->is_stop_forced = true;
	for (struct servicebus_link *link = client->links; link != NULL; link = link->next) {
		if (!link->is_sender) {
			servicebus_receiver_finish((struct servicebus_receiver *)link);
		} else {
			servicebus_sender_finish((struct servicebus_sender *)link, false);
		}
	}
	servicebus_arm(client->stop_deadline, FORCED_CLOSE_MS);
	servicebus_leave(client);
}

static void stop_link(struct servicebus_link *link)
{
	if (link->is_sender) {
		struct servicebus_sender *sender = (struct servicebus_sender *)link;
		if (link->state != LINK_UP) {
			servicebus_sender_finish(sender, false);
		}
		return;
	}
	struct servicebus_receiver *receiver = (struct servicebus_receiver *)link;
	if (!receiver->is_stopping) {
		servicebus_receiver_stop(receiver, NULL, NULL);
	}
}

static void begin_stop(struct servicebus_client *client)
{
	client->is_stop_begun = true;
	for (struct servicebus_link *link = client->links; link != NULL;) {
		struct servicebus_link *next = link->next;
		stop_link(link);
		link = next;
	}
}

/* Callbacks that were due within a call of the owner. */
static void on_finish(int fd, short what, void *user)
{
	(void)fd;
	(void)what;
	struct servicebus_client *client = user;
	servicebus_enter(client);
	struct servicebus_finished *list = client->finished;
	client->finished = NULL;
	client->finished_tail = &client->finished;
	while (list != NULL) {
		struct servicebus_finished *next = list->next;
		servicebus_tell(client, list->done, list->user, list->outcome, list->sentence);
		free(list->sentence);
		free(list);
		list = next;
	}
	if (client->is_stopping && !client->is_stop_begun) {
		begin_stop(client);
	}
	servicebus_leave(client);
}

void servicebus_client_stop(struct servicebus_client *client, uint32_t timeout_ms,
        void (*on_stopped)(void *user), void *user)
{
	if (client->is_stopping) {
		return;
	}
	client->is_stopping = true;
	client->on_stopped = on_stopped;
	client->stopped_user = user;
	(void)event_del(client->reconnect);
	servicebus_arm(client->stop_deadline, timeout_ms);
	/* Nothing is called within this call. */
	event_active(client->finish, EV_TIMEOUT, 0);
}

static void set_default(uint32_t *setting, uint32_t value)
{
	if (*setting == 0) {
		*setting = value;
	}
}

static void take_settings(
        struct servicebus_client *client, const struct servicebus_settings *settings)
{
	char made_up[32];
	client->settings = *settings;
	set_default(&client->settings.token_seconds, 3600);
	set_default(&client->settings.connect_timeout_ms, 20000);
	set_default(&client->settings.operation_timeout_ms, 30000);
	set_default(&client->settings.backoff_first_ms, 500);
	set_default(&client->settings.backoff_max_ms, 30000);
	set_default(&client->settings.worked_ms, 2000);
	set_default(&client->settings.busy_ms, 2000);
	set_default(&client->settings.idle_timeout_ms, 30000);
	set_default(&client->settings.quiet_link_ms, 300000);
	set_default(&client->settings.max_waiting_sends, 10000);
	snprintf(made_up, sizeof(made_up), "lucius-%08x%08x", servicebus_random(UINT32_MAX),
	        servicebus_random(UINT32_MAX));
	const char *id = settings->container_id != NULL ? settings->container_id : made_up;
	client->container_id = must_copy(id, strlen(id));
	client->target = azure_servicebus_copy(settings->connection);
	client->settings.connection = NULL;
	client->settings.container_id = NULL;
}

CLEANUP_DEFINE(struct servicebus_client *, client, servicebus_client_destroy)

bool servicebus_client_create(struct event_base *base, const struct servicebus_settings *settings,
        struct servicebus_client **ret_client, char *error, size_t error_size)
{
	CLEANUP(cleanup_client)
	struct servicebus_client *client = must_calloc(1, sizeof(*client));
	client->base = base;
	client->finished_tail = &client->finished;
	take_settings(client, settings);
	client->reconnect = servicebus_timer(client, on_reconnect, client);
	client->pulse = servicebus_timer(client, on_pulse, client);
	client->watch = servicebus_timer(client, on_watch, client);
	client->finish = servicebus_timer(client, on_finish, client);
	client->stop_deadline = servicebus_timer(client, on_stop_deadline, client);
	snprintf(client->trouble, sizeof(client->trouble), "not started");
	if (!servicebus_make_tls(client, error, error_size)) {
		return false;
	}
	client->dns = evdns_base_new(
	        base, EVDNS_BASE_INITIALIZE_NAMESERVERS | EVDNS_BASE_DISABLE_WHEN_INACTIVE);
	if (client->dns == NULL) {
		/* No name server is configured: numeric addresses and /etc/hosts still work. */
		client->dns = evdns_base_new(base, EVDNS_BASE_DISABLE_WHEN_INACTIVE);
	}
	*ret_client = steal(client);
	return true;
}

void servicebus_client_start(struct servicebus_client *client)
{
	servicebus_arm(client->watch, client->settings.quiet_link_ms);
	if (client->state == SERVICEBUS_IDLE && !client->is_stopping) {
		servicebus_set_state(client, SERVICEBUS_CONNECTING, "not connected yet");
		servicebus_arm(client->reconnect, 0);
	}
}

void servicebus_client_each_refused(const struct servicebus_client *client,
        void (*fn)(void *user, const char *address, bool is_missing), void *user)
{
	for (const struct servicebus_link *link = client->links; link != NULL; link = link->next) {
		if (link->is_refused) {
			fn(user, link->address, link->is_missing);
		}
	}
}

uint64_t servicebus_client_max_message_size(const struct servicebus_client *client)
{
	uint64_t least = 0;
	for (const struct servicebus_link *link = client->links; link != NULL; link = link->next) {
		const struct servicebus_sender *sender = (const struct servicebus_sender *)link;
		uint64_t size = link->is_sender ? sender->max_message_size : 0;
		if (size != 0 && (least == 0 || size < least)) {
			least = size;
		}
	}
	return least;
}

struct servicebus_counts servicebus_client_counts(const struct servicebus_client *client)
{
	struct servicebus_counts counts = client->counts;
	for (const struct servicebus_link *link = client->links; link != NULL; link = link->next) {
		const struct servicebus_receiver *receiver =
		        (const struct servicebus_receiver *)link;
		if (link->is_sender) {
			continue;
		}
		counts.n_unsettled += receiver->given.count + receiver->settling.count;
		if (link->state == LINK_UP) {
			counts.n_credits += (uint32_t)pn_link_credit(link->pn);
		}
	}
	return counts;
}

const struct servicebus_detaches *servicebus_client_detaches(
        const struct servicebus_client *client, size_t n)
{
	bool is_there = n < SERVICEBUS_MAX_CONDITIONS && client->detaches[n].n != 0;
	return is_there ? &client->detaches[n] : NULL;
}
