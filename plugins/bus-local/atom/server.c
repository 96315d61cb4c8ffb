/* SPDX-License-Identifier: MIT */
/*
 * libevent's HTTP server. It does not tell when a connection ends, and their number has a limit:
 * each stream is kept by a reference of ours too, and given up soon after evhttp has.
 */
#include "plugins/bus-local/atom/server.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "plugins/bus-local/atom/answer.h"
#include "plugins/bus-local/bus.h"
#include "plugins/bus-local/tls.h"
#include "support/azure/sas.h"
#include "support/base/cleanup.h"
#include "support/base/memory.h"

#define MAX_CONNECTIONS 64
#define MAX_HEADER_BYTES 32768 /* tokens are long */
#define MAX_BODY_BYTES 262144
#define IDLE_SECONDS 30
#define SWEEP_MS 100
#define MOST_OF_A_LISTING 100

struct atom_server {
	struct bus *bus;
	struct evhttp *http;
	struct evconnlistener *socket; /* borrowed: evhttp's */
	SSL_CTX *tls; /* NULL: plain TCP */
	struct bufferevent *streams[MAX_CONNECTIONS]; /* a reference each */
	size_t n_streams;
	struct lucius_timer *sweep; /* runs while there are streams */
};

/* What evhttp has freed calls nobody back any more. */
static bool is_gone(struct bufferevent *stream)
{
	bufferevent_event_cb on_event = NULL;
	bufferevent_getcb(stream, NULL, NULL, &on_event, NULL);
	return on_event == NULL;
}

static void drop_gone(struct atom_server *server)
{
	size_t n = 0;
	for (size_t i = 0; i < server->n_streams; i++) {
		if (is_gone(server->streams[i])) {
			(void)bufferevent_decref(server->streams[i]);
		} else {
			server->streams[n++] = server->streams[i];
		}
	}
	server->n_streams = n;
}

static void on_sweep(void *user)
{
	struct atom_server *server = user;
	const struct lucius_host *host = server->bus->host;
	server->sweep = NULL;
	drop_gone(server);
	if (server->n_streams < MAX_CONNECTIONS) {
		(void)evconnlistener_enable(server->socket);
	}
	if (server->n_streams != 0) {
		server->sweep = host->timer_start(host, SWEEP_MS, on_sweep, server);
	}
}

static struct bufferevent *make_stream(struct event_base *base, void *user)
{
	struct atom_server *server = user;
	const struct lucius_host *host = server->bus->host;
	struct bufferevent *stream = NULL;
	if (server->tls != NULL) {
		SSL *tls = must_have(SSL_new(server->tls));
		stream = must_have(bufferevent_openssl_socket_new(
		        base, -1, tls, BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE));
		bufferevent_openssl_set_allow_dirty_shutdown(stream, 1);
	} else {
		stream = must_have(bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE));
	}
	if (server->n_streams < MAX_CONNECTIONS) {
		bufferevent_incref(stream);
		server->streams[server->n_streams++] = stream;
	}
	if (server->n_streams == MAX_CONNECTIONS) {
		(void)evconnlistener_disable(server->socket);
	}
	if (server->sweep == NULL) {
		server->sweep = host->timer_start(host, SWEEP_MS, on_sweep, server);
	}
	return stream;
}

static void send_answer(struct evhttp_request *http, int status, struct evbuffer *body)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(http);
	(void)evhttp_add_header(headers, "Content-Type", "application/atom+xml; charset=utf-8");
	(void)evhttp_add_header(headers, "Server", "lucius-bus-local");
	evhttp_send_reply(http, status, NULL, body);
}

static void send_health(struct evhttp_request *http, struct evbuffer *body)
{
	(void)evhttp_add_header(
	        evhttp_request_get_output_headers(http), "Content-Type", "application/json");
	(void)evbuffer_add_printf(
	        body, "{\"status\":\"healthy\",\"message\":\"Service is healthy.\"}");
	evhttp_send_reply(http, 200, NULL, body);
}

/* True: the token is good for this URL. */
static bool check_token(const struct atom_server *server, struct evhttp_request *http,
        const char *base, struct evbuffer *body)
{
	const struct lucius_host *host = server->bus->host;
	const char *token =
	        evhttp_find_header(evhttp_request_get_input_headers(http), "Authorization");
	if (token == NULL) {
		send_answer(
		        http, atom_refuse(body, 401, "MissingToken: the request has none."), body);
		return false;
	}
	CLEANUP_FREE char *audience =
	        must_print("%s%s", base, evhttp_uri_get_path(evhttp_request_get_evhttp_uri(http)));
	struct azure_sas_rule rule = {
		.key_name = BUS_KEY_NAME,
		.key = server->bus->key,
		.audience = audience,
		.now = host->clock_us(host) / 1000000,
	};
	enum azure_sas_result result = azure_sas_verify(token, strlen(token), &rule, NULL);
	if (result == AZURE_SAS_GOOD) {
		return true;
	}
	lucius_log(host, LUCIUS_LOG_WARNING, "bus.denied", azure_sas_sentence(result));
	send_answer(http, atom_refuse(body, 401, azure_sas_sentence(result)), body);
	return false;
}

static size_t number_of(struct evkeyvalq *query, const char *name, size_t otherwise)
{
	const char *text = evhttp_find_header(query, name);
	char *end = NULL;
	if (text == NULL || text[0] < '0' || text[0] > '9') {
		return otherwise;
	}
	unsigned long number = strtoul(text, &end, 10);
	return *end == '\0' ? number : otherwise;
}

static void read_query(struct evhttp_request *http, struct atom_request *request)
{
	struct evkeyvalq query = { 0 };
	const char *text = evhttp_uri_get_query(evhttp_request_get_evhttp_uri(http));
	request->top = MOST_OF_A_LISTING;
	if (text != NULL && evhttp_parse_query_str(text, &query) == 0) {
		request->skip = number_of(&query, "$skip", 0);
		request->top = number_of(&query, "$top", MOST_OF_A_LISTING);
		evhttp_clear_headers(&query);
	}
	if (request->top > MOST_OF_A_LISTING) {
		request->top = MOST_OF_A_LISTING;
	}
}

static enum atom_verb verb_of(const struct evhttp_request *http)
{
	switch (evhttp_request_get_command(http)) {
	case EVHTTP_REQ_PUT:
		return ATOM_PUT;
	case EVHTTP_REQ_DELETE:
		return ATOM_DELETE;
	default:
		return ATOM_GET;
	}
}

static int answer(const struct atom_server *server, struct evhttp_request *http, const char *base,
        struct evbuffer *body)
{
	struct evbuffer *sent = evhttp_request_get_input_buffer(http);
	struct atom_request request = {
		.bus = server->bus,
		.verb = verb_of(http),
		.base = base,
		.url = evhttp_uri_get_path(evhttp_request_get_evhttp_uri(http)),
		.body_size = evbuffer_get_length(sent),
		.body = (const char *)evbuffer_pullup(sent, -1),
		.is_update = evhttp_find_header(
		                     evhttp_request_get_input_headers(http), "If-Match") != NULL,
	};
	read_query(http, &request);
	if (!atom_path_parse(request.url, &request.path)) {
		return atom_refuse(body, 400, "The path names nothing that there is here.");
	}
	bus_enter(server->bus);
	int status = atom_answer(&request, body);
	bus_leave(server->bus);
	return status;
}

static void on_request(struct evhttp_request *http, void *user)
{
	struct atom_server *server = user;
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(http);
	const char *path = uri != NULL ? evhttp_uri_get_path(uri) : NULL;
	const char *host = evhttp_find_header(evhttp_request_get_input_headers(http), "Host");
	struct evbuffer *body = must_have(evbuffer_new());
	if (path == NULL || host == NULL || strlen(host) > 300) {
		send_answer(
		        http, atom_refuse(body, 400, "The request has no path or no host."), body);
	} else if (strcmp(path, "/health") == 0) {
		send_health(http, body);
	} else {
		CLEANUP_FREE char *base =
		        must_print("%s://%s", server->tls != NULL ? "https" : "http", host);
		if (check_token(server, http, base, body)) {
			send_answer(http, answer(server, http, base, body), body);
		}
	}
	evbuffer_free(body);
}

static void tell(const struct atom_server *server, const struct bus_address *address)
{
	char sentence[400];
	struct sockaddr_storage bound = { 0 };
	socklen_t size = sizeof(bound);
	uint16_t port = address->port;
	if (getsockname(evconnlistener_get_fd(server->socket), (struct sockaddr *)&bound, &size) ==
	        0) {
		port = ntohs(bound.ss_family == AF_INET6
		                ? ((struct sockaddr_in6 *)&bound)->sin6_port
		                : ((struct sockaddr_in *)&bound)->sin_port);
	}
	snprintf(sentence, sizeof(sentence), "management API%s on '%s', port %u",
	        server->tls != NULL ? " over TLS" : "", server->bus->options->management_listen,
	        port);
	lucius_log(server->bus->host, LUCIUS_LOG_INFO, "bus.management_listening", sentence);
}

static void set_up(struct atom_server *server)
{
	evhttp_set_allowed_methods(
	        server->http, EVHTTP_REQ_GET | EVHTTP_REQ_PUT | EVHTTP_REQ_DELETE);
	evhttp_set_max_headers_size(server->http, MAX_HEADER_BYTES);
	evhttp_set_max_body_size(server->http, MAX_BODY_BYTES);
	evhttp_set_timeout(server->http, IDLE_SECONDS);
	evhttp_set_bevcb(server->http, make_stream, server);
	evhttp_set_gencb(server->http, on_request, server);
}

struct atom_server *atom_server_create(
        struct bus *bus, const struct bus_address *address, char *error, size_t error_size)
{
	struct atom_server *server = must_calloc(1, sizeof(*server));
	server->bus = bus;
	server->http = must_have(evhttp_new(bus->host->event_base));
	if (!tls_load(bus->options, &server->tls, error, error_size)) {
		atom_server_destroy(server);
		return NULL;
	}
	set_up(server);
	struct evhttp_bound_socket *bound =
	        evhttp_bind_socket_with_handle(server->http, address->host, address->port);
	if (bound == NULL) {
		snprintf(error, error_size,
		        "bus-management-listen is '%s', and the port cannot be had: %s",
		        bus->options->management_listen, strerror(errno));
		atom_server_destroy(server);
		return NULL;
	}
	server->socket = evhttp_bound_socket_get_listener(bound);
	tell(server, address);
	return server;
}

void atom_server_destroy(struct atom_server *server)
{
	if (server == NULL) {
		return;
	}
	const struct lucius_host *host = server->bus->host;
	if (server->sweep != NULL) {
		host->timer_stop(host, server->sweep);
	}
	evhttp_free(server->http);
	drop_gone(server);
	SSL_CTX_free(server->tls);
	free(server);
}
