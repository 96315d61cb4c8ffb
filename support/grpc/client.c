/* SPDX-License-Identifier: MIT */
/*
 * The client: which connection a call goes over, when a new one is made, and what becomes of calls
 * when there is none.
 *
 *   call → waiting → (pump) → a connection with room → done → (pump) → on_answer
 */
#include <arpa/inet.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/base/cleanup.h"
#include "support/base/memory.h"
#include "support/grpc/private.h"

#define RETRY_FIRST_MS 100u
/* Both kinds of address have been tried. */
#define FAILURES_TOLD 2u
#define CONNECTIONS_MAX 8u /* beside each other, for servers that limit streams */
#define SHORT_LIFE_MS 1000u

void client_wake(struct grpc_client *client)
{
	event_active(client->pump, EV_TIMEOUT, 0);
}

static bool is_opening(const struct grpc_client *client, size_t *ret_n)
{
	const struct grpc_connection *connection;
	bool is_found = false;
	*ret_n = 0;
	TAILQ_FOREACH(connection, &client->connections, entry)
	{
		is_found |= connection->state == CONNECTION_OPENING;
		*ret_n += connection->state != CONNECTION_DRAINING;
	}
	return is_found;
}

/* One more connection, unless one is coming or must wait. */
static void connect_more(struct grpc_client *client)
{
	size_t n_connections;
	if (!is_opening(client, &n_connections) && n_connections < CONNECTIONS_MAX &&
	        evtimer_pending(client->retry, NULL) == 0) {
		(void)connection_create(client);
	}
}

static struct grpc_connection *find_room(const struct grpc_client *client)
{
	struct grpc_connection *connection;
	if (client->current != NULL && connection_has_room(client->current)) {
		return client->current;
	}
	TAILQ_FOREACH(connection, &client->connections, entry)
	{
		if (connection_has_room(connection)) {
			return connection;
		}
	}
	return NULL;
}

/* While connecting fails, those that do not wait for it fail too. */
static void fail_impatient(struct grpc_client *client)
{
	struct grpc_call *next;
	for (struct grpc_call *call = TAILQ_FIRST(&client->waiting); call != NULL; call = next) {
		next = TAILQ_NEXT(call, entry);
		if (!call->is_patient) {
			call_fail(call, GRPC_UNAVAILABLE, client->not_connected);
		}
	}
}

static void hand_out(struct grpc_client *client)
{
	while (!TAILQ_EMPTY(&client->waiting)) {
		struct grpc_connection *connection = find_room(client);
		if (connection == NULL ||
		        !connection_submit(connection, TAILQ_FIRST(&client->waiting))) {
			break;
		}
	}
	if (!TAILQ_EMPTY(&client->waiting) || client->current == NULL) {
		connect_more(client);
	}
	if (client->not_connected != NULL &&
	        (client->n_failures >= FAILURES_TOLD || client->n_short >= FAILURES_TOLD)) {
		fail_impatient(client);
	}
}

static void deliver(struct grpc_client *client)
{
	while (!TAILQ_EMPTY(&client->done)) {
		call_deliver(TAILQ_FIRST(&client->done));
	}
}

/* Draining connections that are empty go; a spare one beside the current stays till it idles. */
static void close_drained(struct grpc_client *client)
{
	struct grpc_connection *next;
	struct grpc_connection *connection = TAILQ_FIRST(&client->connections);
	for (; connection != NULL; connection = next) {
		next = TAILQ_NEXT(connection, entry);
		connection_flush(connection);
		if (connection->state == CONNECTION_DRAINING && connection->n_calls == 0) {
			connection_say_goodbye(connection);
			connection_destroy(connection);
		}
	}
}

static void on_pump(evutil_socket_t fd, short what, void *user)
{
	struct grpc_client *client = user;
	(void)fd;
	(void)what;
	hand_out(client);
	close_drained(client);
	deliver(client);
}

static void on_retry(evutil_socket_t fd, short what, void *user)
{
	(void)fd;
	(void)what;
	client_wake(user);
}

static void tell_state(struct grpc_client *client, const char *sentence)
{
	if (client->settings.on_state != NULL) {
		client->settings.on_state(client->settings.user, sentence);
	}
}

void client_on_open(struct grpc_connection *connection)
{
	struct grpc_client *client = connection->client;
	client->counts.n_connections++;
	connection->opened_at_ms = clock_ms();
	client->n_failures = 0;
	free(steal(client->not_connected));
	client->current = connection;
	client_wake(client);
	tell_state(client, NULL);
}

/* Full jitter: anything from nothing to the bound, which doubles. The other kind of address is
 * tried at once. */
static uint32_t retry_wait_ms(const struct grpc_client *client)
{
	uint32_t random = 0;
	unsigned doublings = client->n_failures / 2 + client->n_short;
	uint64_t bound = (uint64_t)RETRY_FIRST_MS << (doublings < 16 ? doublings : 16);
	if (client->n_failures == 1 && !client->is_literal) {
		return 0;
	}
	if (bound > client->settings.retry_max_ms) {
		bound = client->settings.retry_max_ms;
	}
	if (RAND_bytes((unsigned char *)&random, sizeof(random)) != 1) {
		return (uint32_t)bound;
	}
	return (uint32_t)(random % (bound + 1));
}

static void wait_to_connect(struct grpc_client *client)
{
	uint32_t wait_ms = retry_wait_ms(client);
	const struct timeval wait = { (time_t)(wait_ms / 1000),
		(suseconds_t)(wait_ms % 1000) * 1000 };
	(void)event_add(client->retry, &wait);
}

/* It was open and takes nothing new any more. Who opens only to close again is not asked again at
 * once, as one is not who does not open. */
static void on_connection_over(const struct grpc_connection *connection)
{
	struct grpc_client *client = connection->client;
	bool is_short =
	        !connection->has_answered && clock_ms() - connection->opened_at_ms < SHORT_LIFE_MS;
	client->n_short = is_short ? client->n_short + 1 : 0;
	if (client->n_short >= FAILURES_TOLD) {
		static const char sentence[] = "the server ends each connection at once";
		free(client->not_connected);
		client->not_connected = must_copy(sentence, sizeof(sentence) - 1);
		tell_state(client, client->not_connected);
	}
	if (is_short) {
		wait_to_connect(client);
	}
}

/* An attempt to connect has failed. Of the two kinds of address the first tells more. */
static void on_attempt_failed(struct grpc_client *client, const char *sentence)
{
	if (client->n_failures % 2 == 0) {
		free(client->not_connected);
		client->not_connected = must_copy(sentence, strlen(sentence));
	}
	client->n_failures++;
	if (client->n_failures >= FAILURES_TOLD) {
		tell_state(client, client->not_connected);
	}
}

static void fail_calls(struct grpc_connection *connection, const char *sentence)
{
	while (!TAILQ_EMPTY(&connection->calls)) {
		struct grpc_call *call = TAILQ_FIRST(&connection->calls);
		if (call->is_sent) {
			call_fail(call, GRPC_UNAVAILABLE, sentence);
		} else {
			call_requeue(call);
		}
	}
}

void client_on_lost(struct grpc_connection *connection, const char *sentence)
{
	struct grpc_client *client = connection->client;
	bool was_opening = connection->state == CONNECTION_OPENING;
	bool was_draining = connection->state == CONNECTION_DRAINING;
	char kept[256];
	(void)snprintf(kept, sizeof(kept), "%s", sentence);
	if (connection->state == CONNECTION_OPEN) {
		on_connection_over(connection);
	}
	fail_calls(connection, kept);
	connection_destroy(connection);
	if (was_opening) {
		on_attempt_failed(client, kept);
	}
	if (!was_draining && evtimer_pending(client->retry, NULL) == 0) {
		wait_to_connect(client);
	}
	client_wake(client);
}

void client_on_goaway(struct grpc_connection *connection)
{
	struct grpc_client *client = connection->client;
	if (connection->state == CONNECTION_OPEN) {
		on_connection_over(connection);
	}
	connection->state = CONNECTION_DRAINING;
	if (client->current == connection) {
		client->current = NULL;
	}
	client_wake(client);
}

static char *copy_or_null(const char *text)
{
	return text != NULL ? must_copy(text, strlen(text)) : NULL;
}

static uint32_t number_or(uint32_t given, uint32_t otherwise)
{
	return given != 0 ? given : otherwise;
}

static void look_at_host(struct grpc_client *client)
{
	unsigned char address[sizeof(struct in6_addr)];
	client->literal_family =
	        inet_pton(AF_INET6, client->settings.host, address) == 1 ? AF_INET6 : AF_INET;
	client->is_literal = inet_pton(client->literal_family, client->settings.host, address) == 1;
}

/* Without a name server in the configuration, addresses and /etc/hosts still work. */
static struct evdns_base *make_dns(struct event_base *base)
{
	struct evdns_base *dns = evdns_base_new(
	        base, EVDNS_BASE_INITIALIZE_NAMESERVERS | EVDNS_BASE_DISABLE_WHEN_INACTIVE);
	return must_have(
	        dns != NULL ? dns : evdns_base_new(base, EVDNS_BASE_DISABLE_WHEN_INACTIVE));
}

static void copy_settings(struct grpc_client *client, const struct grpc_settings *given)
{
	struct grpc_settings *settings = &client->settings;
	*settings = *given;
	settings->host = copy_or_null(given->host);
	settings->server_name = copy_or_null(given->server_name);
	settings->ca_file = settings->cert_file = settings->key_file = NULL;
	settings->headers = NULL;
	settings->connect_timeout_ms = number_or(given->connect_timeout_ms, 5000);
	settings->ping_after_ms = number_or(given->ping_after_ms, 30000);
	settings->ping_timeout_ms = number_or(given->ping_timeout_ms, 15000);
	settings->retry_max_ms = number_or(given->retry_max_ms, 10000);
	settings->max_request = given->max_request != 0 ? given->max_request : 4u << 20;
	settings->max_answer = given->max_answer != 0 ? given->max_answer : 64u << 20;
	client->headers = must_calloc(given->n_headers, sizeof(*client->headers));
	for (size_t i = 0; i < given->n_headers; i++) {
		client->headers[i].name = copy_or_null(given->headers[i].name);
		client->headers[i].value = copy_or_null(given->headers[i].value);
	}
	const char *name = given->server_name != NULL ? given->server_name : given->host;
	const char *form = strchr(name, ':') != NULL ? "[%s]:%u" : "%s:%u";
	client->authority = form[0] == '[' ? must_print("[%s]:%u", name, given->port)
	                                   : must_print("%s:%u", name, given->port);
}

struct grpc_client *grpc_client_create(
        const struct grpc_settings *settings, char *error, size_t error_size)
{
	SSL_CTX *tls = settings->is_tls ? tls_create(settings, error, error_size) : NULL;
	if (settings->is_tls && tls == NULL) {
		return NULL;
	}
	struct grpc_client *client = must_calloc(1, sizeof(*client));
	client->tls = tls;
	copy_settings(client, settings);
	TAILQ_INIT(&client->connections);
	TAILQ_INIT(&client->waiting);
	TAILQ_INIT(&client->done);
	look_at_host(client);
	client->dns = make_dns(settings->base);
	client->pump = must_have(event_new(settings->base, -1, EV_PERSIST, on_pump, client));
	client->retry = must_have(evtimer_new(settings->base, on_retry, client));
	client_wake(client);
	return client;
}

static void destroy_calls(struct call_list *calls)
{
	while (!TAILQ_EMPTY(calls)) {
		call_destroy(TAILQ_FIRST(calls));
	}
}

static void free_settings(struct grpc_client *client)
{
	for (size_t i = 0; i < client->settings.n_headers; i++) {
		free((void *)(uintptr_t)client->headers[i].name);
		free((void *)(uintptr_t)client->headers[i].value);
	}
	free(client->headers);
	free((void *)(uintptr_t)client->settings.host);
	free((void *)(uintptr_t)client->settings.server_name);
	free(client->authority);
}

void grpc_client_destroy(struct grpc_client *client)
{
	if (client == NULL) {
		return;
	}
	while (!TAILQ_EMPTY(&client->connections)) {
		struct grpc_connection *connection = TAILQ_FIRST(&client->connections);
		destroy_calls(&connection->calls);
		connection_say_goodbye(connection);
		connection_destroy(connection);
	}
	destroy_calls(&client->waiting);
	destroy_calls(&client->done);
	event_free(client->pump);
	event_free(client->retry);
	evdns_base_free(client->dns, 0);
	SSL_CTX_free(client->tls);
	free_settings(client);
	free(client->not_connected);
	free(client);
}

struct grpc_counts grpc_client_counts(const struct grpc_client *client)
{
	return client->counts;
}
