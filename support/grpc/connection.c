/* SPDX-License-Identifier: MIT */
/*
 * One connection: bytes between the socket and nghttp2, keep-alive, and the streams of the calls.
 *
 *   connect (and TLS) → client_on_open → calls … → client_on_lost
 */
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>

#include "support/base/cleanup.h"
#include "support/base/memory.h"
#include "support/grpc/private.h"

#define AT_ONCE ((size_t)256 * 1024)
#define OUT_HIGH_WATER ((size_t)1024 * 1024)
#define FIXED_HEADERS 7u

static void set_timer(struct grpc_connection *connection, uint32_t ms)
{
	const struct timeval wait = { (time_t)(ms / 1000), (suseconds_t)(ms % 1000) * 1000 };
	(void)event_add(connection->timer, &wait);
}

/* Not connected in time, or silence: then a PING, and if nothing comes the end. */
static void on_timer(evutil_socket_t fd, short what, void *user)
{
	struct grpc_connection *connection = user;
	const struct grpc_settings *settings = &connection->client->settings;
	(void)fd;
	(void)what;
	if (connection->state == CONNECTION_OPENING) {
		client_on_lost(connection, "the connection was not made in time");
		return;
	}
	uint64_t silent_ms = clock_ms() - connection->received_at_ms;
	if (silent_ms < settings->ping_after_ms) {
		connection->is_pinged = false;
		set_timer(connection, (uint32_t)(settings->ping_after_ms - silent_ms));
		return;
	}
	if (connection->is_pinged) {
		client_on_lost(connection, "the server does not answer a PING");
		return;
	}
	connection->is_pinged = true;
	set_timer(connection, settings->ping_timeout_ms);
	(void)nghttp2_submit_ping(connection->session, NGHTTP2_FLAG_NONE, NULL);
	connection_flush(connection);
}

void connection_flush(struct grpc_connection *connection)
{
	struct evbuffer *out = bufferevent_get_output(connection->bufferevent);
	while (connection->session != NULL && evbuffer_get_length(out) < OUT_HIGH_WATER) {
		const uint8_t *bytes;
		ssize_t size = nghttp2_session_mem_send(connection->session, &bytes);
		if (size <= 0) {
			break;
		}
		memory_checked(
		        evbuffer_add(out, bytes, (size_t)size) == 0 ? out : NULL, 1, (size_t)size);
	}
}

static void on_writable(struct bufferevent *bufferevent, void *user)
{
	(void)bufferevent;
	connection_flush(user);
}

static void on_readable(struct bufferevent *bufferevent, void *user)
{
	struct grpc_connection *connection = user;
	struct evbuffer *in = bufferevent_get_input(bufferevent);
	char sentence[128];
	connection->received_at_ms = clock_ms();
	while (connection->session != NULL && evbuffer_get_length(in) != 0) {
		size_t size = evbuffer_get_contiguous_space(in);
		ssize_t taken = nghttp2_session_mem_recv(
		        connection->session, evbuffer_pullup(in, (ssize_t)size), size);
		if (taken < 0) {
			(void)snprintf(sentence, sizeof(sentence), "what came is no HTTP/2: %s",
			        nghttp2_strerror((int)taken));
			client_on_lost(connection, sentence);
			return;
		}
		(void)evbuffer_drain(in, (size_t)taken);
	}
	connection_flush(connection);
	if (nghttp2_session_want_read(connection->session) == 0 &&
	        nghttp2_session_want_write(connection->session) == 0) {
		client_on_lost(connection, "the server has ended the connection");
	}
}

static void describe_error(struct grpc_connection *connection, char *sentence, size_t size)
{
	struct bufferevent *bufferevent = connection->bufferevent;
	int error = EVUTIL_SOCKET_ERROR();
	int dns_error = bufferevent_socket_get_dns_error(bufferevent);
	SSL *ssl = bufferevent_openssl_get_ssl(bufferevent);
	unsigned long tls_error = bufferevent_get_openssl_error(bufferevent);
	long verified = ssl != NULL ? SSL_get_verify_result(ssl) : X509_V_OK;
	const char *reason = ERR_reason_error_string(tls_error);
	if (dns_error != 0) {
		(void)snprintf(sentence, size, "the name of the host was not resolved: %s",
		        evutil_gai_strerror(dns_error));
	} else if (verified != X509_V_OK) {
		(void)snprintf(sentence, size, "the server's certificate is not accepted: %s",
		        X509_verify_cert_error_string(verified));
	} else if (tls_error != 0) {
		(void)snprintf(sentence, size, "TLS: %s", reason != NULL ? reason : "an error");
	} else {
		(void)snprintf(sentence, size, "%s",
		        error != 0 ? evutil_socket_error_to_string(error) : "an error");
	}
}

static void on_connected(struct grpc_connection *connection)
{
	const SSL *ssl = bufferevent_openssl_get_ssl(connection->bufferevent);
	int yes = 1;
	if (ssl != NULL && !tls_is_http2(ssl)) {
		client_on_lost(connection, "the server does not speak HTTP/2 over TLS (ALPN h2)");
		return;
	}
	(void)setsockopt(bufferevent_getfd(connection->bufferevent), IPPROTO_TCP, TCP_NODELAY, &yes,
	        sizeof(yes));
	int error = session_create(connection);
	if (error != 0) {
		client_on_lost(connection, nghttp2_strerror(error));
		return;
	}
	connection_flush(connection);
}

/* Only what speaks HTTP/2 counts as a connection: whoever accepts and hangs up is not asked again
 * at once. */
void connection_on_settings(struct grpc_connection *connection)
{
	if (connection->state == CONNECTION_OPENING) {
		connection->state = CONNECTION_OPEN;
		set_timer(connection, connection->client->settings.ping_after_ms);
		client_on_open(connection);
	}
	client_wake(connection->client);
}

static void on_event(struct bufferevent *bufferevent, short what, void *user)
{
	struct grpc_connection *connection = user;
	char sentence[256];
	(void)bufferevent;
	if ((what & BEV_EVENT_CONNECTED) != 0) {
		on_connected(connection);
	} else if ((what & BEV_EVENT_EOF) != 0) {
		client_on_lost(connection, "the server has closed the connection");
	} else {
		describe_error(connection, sentence, sizeof(sentence));
		client_on_lost(connection, sentence);
	}
}

/* A name may have addresses of both kinds and only one be served: they take turns. */
static int family_to_try(const struct grpc_client *client)
{
	if (client->is_literal) {
		return client->literal_family;
	}
	return client->n_failures % 2 == 0 ? AF_INET : AF_INET6;
}

static struct bufferevent *make_bufferevent(const struct grpc_client *client)
{
	struct event_base *base = client->settings.base;
	if (client->tls == NULL) {
		return must_have(bufferevent_socket_new(
		        base, -1, BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS));
	}
	const struct grpc_settings *settings = &client->settings;
	SSL *ssl = must_have(tls_open(client->tls,
	        settings->server_name != NULL ? settings->server_name : settings->host));
	struct bufferevent *made = must_have(bufferevent_openssl_socket_new(base, -1, ssl,
	        BUFFEREVENT_SSL_CONNECTING, BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS));
	bufferevent_openssl_set_allow_dirty_shutdown(made, 1);
	return made;
}

struct grpc_connection *connection_create(struct grpc_client *client)
{
	const struct grpc_settings *settings = &client->settings;
	struct grpc_connection *connection = must_calloc(1, sizeof(*connection));
	connection->client = client;
	TAILQ_INIT(&connection->calls);
	TAILQ_INSERT_TAIL(&client->connections, connection, entry);
	connection->timer = must_have(evtimer_new(settings->base, on_timer, connection));
	connection->bufferevent = make_bufferevent(client);
	bufferevent_setcb(connection->bufferevent, on_readable, on_writable, on_event, connection);
	(void)bufferevent_set_max_single_read(connection->bufferevent, AT_ONCE);
	(void)bufferevent_set_max_single_write(connection->bufferevent, AT_ONCE);
	(void)bufferevent_enable(connection->bufferevent, EV_READ | EV_WRITE);
	set_timer(connection, settings->connect_timeout_ms);
	/* An error here is told by the event as well. */
	(void)bufferevent_socket_connect_hostname(connection->bufferevent, client->dns,
	        family_to_try(client), settings->host, settings->port);
	return connection;
}

void connection_destroy(struct grpc_connection *connection)
{
	struct grpc_client *client = connection->client;
	TAILQ_REMOVE(&client->connections, connection, entry);
	if (client->current == connection) {
		client->current = NULL;
	}
	nghttp2_session_del(connection->session);
	event_free(connection->timer);
	bufferevent_free(connection->bufferevent);
	free(connection);
}

bool connection_has_room(const struct grpc_connection *connection)
{
	return connection->state == CONNECTION_OPEN &&
	        nghttp2_session_check_request_allowed(connection->session) != 0 &&
	        connection->n_calls < nghttp2_session_get_remote_settings(connection->session,
	                                      NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
}

/* NOLINTNEXTLINE(readability-function-size): the form is nghttp2's. */
static ssize_t read_request(nghttp2_session *session, int32_t stream_id, uint8_t *room, size_t size,
        uint32_t *flags, nghttp2_data_source *source, void *user)
{
	struct grpc_call *call = nghttp2_session_get_stream_user_data(session, stream_id);
	(void)source;
	(void)user;
	if (call == NULL) {
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	}
	size_t left = call->request_size - call->request_sent;
	size_t taken = left < size ? left : size;
	memcpy(room, call->request + call->request_sent, taken);
	call->request_sent += taken;
	if (call->request_sent == call->request_size) {
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	}
	return (ssize_t)taken;
}

static nghttp2_nv header(const char *name, const char *value)
{
	return (nghttp2_nv){ (uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value, strlen(name),
		strlen(value), NGHTTP2_NV_FLAG_NONE };
}

bool connection_submit(struct grpc_connection *connection, struct grpc_call *call)
{
	const struct grpc_client *client = connection->client;
	size_t n_headers = 0;
	const nghttp2_data_provider body = { .read_callback = read_request };
	CLEANUP_FREE nghttp2_nv *headers =
	        must_calloc(FIXED_HEADERS + client->settings.n_headers, sizeof(*headers));
	headers[n_headers++] = header(":method", "POST");
	headers[n_headers++] = header(":scheme", client->tls != NULL ? "https" : "http");
	headers[n_headers++] = header(":path", call->path);
	headers[n_headers++] = header(":authority", client->authority);
	headers[n_headers++] = header("content-type", "application/grpc");
	headers[n_headers++] = header("te", "trailers");
	headers[n_headers++] = header("grpc-timeout", call->timeout);
	for (size_t i = 0; i < client->settings.n_headers; i++) {
		headers[n_headers++] = header(client->headers[i].name, client->headers[i].value);
	}
	int32_t stream_id =
	        nghttp2_submit_request(connection->session, NULL, headers, n_headers, &body, call);
	if (stream_id < 0) {
		return false;
	}
	call->stream_id = stream_id;
	call->begun_at_ms = clock_ms();
	TAILQ_REMOVE(&connection->client->waiting, call, entry);
	call->place = CALL_OPEN;
	call->connection = connection;
	TAILQ_INSERT_TAIL(&connection->calls, call, entry);
	connection->n_calls++;
	return true;
}

void connection_reset(struct grpc_connection *connection, struct grpc_call *call)
{
	(void)nghttp2_session_set_stream_user_data(connection->session, call->stream_id, NULL);
	(void)nghttp2_submit_rst_stream(
	        connection->session, NGHTTP2_FLAG_NONE, call->stream_id, NGHTTP2_CANCEL);
	client_wake(connection->client);
}

/* As much as the socket takes without waiting. */
void connection_say_goodbye(struct grpc_connection *connection)
{
	if (connection->session == NULL) {
		return;
	}
	(void)nghttp2_session_terminate_session(connection->session, NGHTTP2_NO_ERROR);
	connection_flush(connection);
	if (bufferevent_openssl_get_ssl(connection->bufferevent) == NULL) {
		/* The bufferevent lets nobody but itself take from the front. */
		struct evbuffer *out = bufferevent_get_output(connection->bufferevent);
		(void)evbuffer_unfreeze(out, 1);
		(void)evbuffer_write(out, bufferevent_getfd(connection->bufferevent));
		(void)evbuffer_freeze(out, 1);
	}
}
