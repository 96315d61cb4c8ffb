/* SPDX-License-Identifier: MIT */
/*
 * One connection of the client: connect (an address after the other), handshake, then a call at a
 * time. A link that ends tells its host or its call, and frees itself last.
 */
#include "core/http/client_inside.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/http/resolver.h"
#include "support/base/cleanup.h"
#include "support/base/memory.h"

enum { BUFFER_START = 4096, KEPT_BUFFER_MAX = 65536, ERROR_SIZE = 512 };

static void connect_next(struct http_link *link);

static bool is_opening(const struct http_link *link)
{
	return link->state < HTTP_LINK_IDLE;
}

void http_link_destroy(struct http_link *link)
{
	struct http_host *host = link->host;
	if (is_opening(link)) {
		host->n_opening--;
	}
	host->n_links--;
	LIST_REMOVE(link, links);
	http_lookup_cancel(link->lookup);
	(void)event_del(&link->readable);
	(void)event_del(&link->writable);
	http_deadline_finish(&link->deadline);
	http_stream_finish(&link->stream);
	http_output_finish(&link->output);
	if (link->addresses != NULL) {
		freeaddrinfo(link->addresses);
	}
	free(link->buffer);
	free(link);
}

/* The link could not be made. */
static void give_up(struct http_link *link, const char *reason)
{
	struct http_host *host = link->host;
	char error[ERROR_SIZE];
	(void)snprintf(error, sizeof(error), "cannot connect to '%s' port %u: %s",
	        host->address.host, host->address.port, reason);
	http_link_destroy(link);
	http_host_unreachable(host, error);
}

/*
 * The call on this link will get no answer from it. It may be sent once more if the server cannot
 * have begun it, or if that does no harm and the connection was merely too old.
 */
static void break_off(struct http_link *link, const char *reason)
{
	struct http_host *host = link->host;
	struct http_call *call = steal(link->call);
	bool was_stale = link->n_calls != 0 && link->size == 0;
	bool is_unsent = link->n_sent == 0;
	http_link_destroy(link);
	if (call == NULL) {
		return;
	}
	if (was_stale && (is_unsent || call->is_repeatable)) {
		http_call_again(call);
	} else {
		char error[ERROR_SIZE];
		(void)snprintf(error, sizeof(error), "'%s' port %u gave no answer: %s",
		        host->address.host, host->address.port, reason);
		http_call_fail(call, is_unsent, error);
	}
	http_host_serve(host);
}

static void become_idle(struct http_link *link)
{
	if (is_opening(link)) {
		link->host->n_opening--;
	}
	link->state = HTTP_LINK_IDLE;
	if (link->capacity > KEPT_BUFFER_MAX) {
		free(steal(link->buffer));
		link->capacity = 0;
	}
	link->size = 0;
	http_deadline_set(&link->deadline, http_now_us(), link->host->client->settings.idle_ms);
	(void)event_add(&link->readable, NULL);
}

static void flush(struct http_link *link)
{
	switch (http_output_send(&link->output, &link->stream, &link->n_sent)) {
	case HTTP_OUTPUT_DONE:
		break;
	case HTTP_OUTPUT_AGAIN:
		if (link->stream.wants == EV_WRITE) {
			(void)event_add(&link->writable, NULL);
		}
		break;
	case HTTP_OUTPUT_FAILED:
		/* The end is seen by reading, which may find an answer first (a 413, say). */
		(void)event_del(&link->writable);
		event_active(&link->readable, EV_READ, 1);
		break;
	}
}

void http_link_run(struct http_link *link, struct http_call *call)
{
	assert(link->state == HTTP_LINK_IDLE);
	link->state = HTTP_LINK_BUSY;
	link->call = call;
	link->n_sent = 0;
	call->link = link;
	call->state = HTTP_CALL_RUNNING;
	link->parser = (struct http_answer_parser){
		.max_body = link->host->client->settings.max_body,
		.is_head = call->is_head_method,
	};
	http_deadline_set(&link->deadline, 0, 0);
	http_output_bytes(&link->output, call->head, call->head_size);
	http_output_body(&link->output, call->body, call->body_size);
	flush(link);
}

/* Delivers; the link is only free for the next call when the callback is done with its bytes. */
static void finish_call(struct http_link *link)
{
	struct http_host *host = link->host;
	struct http_call *call = steal(link->call);
	const struct http_answer_parser *parser = &link->parser;
	size_t end = parser->body_at + parser->body_size;
	bool is_reusable =
	        parser->is_keep_alive && end == link->size && http_output_left(&link->output) == 0;
	link->n_calls++;
	link->buffer[end] = '\0';
	const struct http_response response = {
		.status = parser->status,
		.content_type = parser->type_at != 0 ? link->buffer + parser->type_at : NULL,
		.body = parser->body_size != 0 ? link->buffer + parser->body_at : NULL,
		.body_size = parser->body_size,
		.retry_after_seconds = parser->retry_after_seconds,
	};
	host->is_delivering = true;
	http_call_deliver(call, &response);
	host->is_delivering = false;
	if (is_reusable) {
		become_idle(link);
	} else {
		http_link_destroy(link);
	}
	http_host_serve(host);
}

static void take_result(struct http_link *link, enum http_answer_parse result)
{
	switch (result) {
	case HTTP_ANSWER_MORE:
		return;
	case HTTP_ANSWER_DONE:
		finish_call(link);
		return;
	case HTTP_ANSWER_BAD:
		break;
	}
	break_off(link, link->parser.reason);
}

/* Reads once. False: nothing more can be read now, or the link has gone. */
static bool receive(struct http_link *link)
{
	if (link->size + 1 >= link->capacity) {
		link->capacity = link->capacity != 0 ? link->capacity * 2 : BUFFER_START;
		link->buffer = must_resize(link->buffer, link->capacity, 1);
	}
	ssize_t n_bytes = http_stream_read(
	        &link->stream, link->buffer + link->size, link->capacity - link->size - 1);
	if (n_bytes == HTTP_STREAM_AGAIN) {
		if (link->stream.wants == EV_WRITE) {
			(void)event_add(&link->writable, NULL);
		}
		return false;
	}
	if (link->state == HTTP_LINK_IDLE) {
		/* The server closes it, or says what nobody asked for. */
		http_link_destroy(link);
		return false;
	}
	if (n_bytes == HTTP_STREAM_FAILED) {
		break_off(link, "the connection was reset");
		return false;
	}
	if (n_bytes == HTTP_STREAM_END) {
		take_result(link, http_answer_parser_end(&link->parser, link->size));
		return false;
	}
	link->size += (size_t)n_bytes;
	bool has_pending = http_stream_has_pending(&link->stream);
	enum http_answer_parse result =
	        http_answer_parser_advance(&link->parser, link->buffer, &link->size);
	take_result(link, result);
	return result == HTTP_ANSWER_MORE && has_pending;
}

static void shake_hands(struct http_link *link)
{
	link->state = HTTP_LINK_HANDSHAKE;
	int result = http_stream_handshake(&link->stream);
	if (result == HTTP_STREAM_AGAIN) {
		(void)event_add(
		        link->stream.wants == EV_WRITE ? &link->writable : &link->readable, NULL);
	} else if (result != 1) {
		give_up(link, "the TLS handshake was refused, by us or by the server");
	} else {
		become_idle(link);
		http_host_serve(link->host);
	}
}

static void on_connected(struct http_link *link)
{
	int error = 0;
	socklen_t size = sizeof(error);
	if (getsockopt(link->stream.fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) {
		error = errno;
	}
	if (error == 0) {
		shake_hands(link);
		return;
	}
	errno = error;
	connect_next(link);
}

static void on_event(struct http_link *link)
{
	switch (link->state) {
	case HTTP_LINK_RESOLVING:
		return;
	case HTTP_LINK_CONNECTING:
		on_connected(link);
		return;
	case HTTP_LINK_HANDSHAKE:
		shake_hands(link);
		return;
	case HTTP_LINK_IDLE:
	case HTTP_LINK_BUSY:
		break;
	}
	while (receive(link)) {
	}
}

static void on_readable(evutil_socket_t fd, short what, void *user)
{
	(void)fd;
	(void)what;
	on_event(user);
}

static void on_writable(evutil_socket_t fd, short what, void *user)
{
	(void)fd;
	(void)what;
	struct http_link *link = user;
	if (link->state == HTTP_LINK_BUSY && http_output_left(&link->output) != 0) {
		flush(link);
	} else {
		on_event(link);
	}
}

static void on_deadline(void *user)
{
	struct http_link *link = user;
	if (link->state == HTTP_LINK_IDLE) {
		http_link_destroy(link);
		return;
	}
	give_up(link, "no connection in time");
}

/* Makes the stream over a new socket. Returns 0, or -1 with errno. */
static int open_stream(struct http_link *link, const struct addrinfo *address)
{
	struct http_host *host = link->host;
	static const int yes = 1;
	int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		return -1;
	}
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	if (connect(fd, address->ai_addr, address->ai_addrlen) != 0 && errno != EINPROGRESS) {
		int error = errno;
		close(fd);
		errno = error;
		return -1;
	}
	struct http_tls *tls = host->is_tls ? host->client->settings.tls : NULL;
	if (http_stream_init(&link->stream, fd, tls, host->address.host) != 0) {
		errno = ENOMEM;
		return -1;
	}
	struct event_base *base = host->client->base;
	int assigned =
	        event_assign(&link->readable, base, fd, EV_READ | EV_PERSIST, on_readable, link);
	assigned |= event_assign(&link->writable, base, fd, EV_WRITE, on_writable, link);
	assert(assigned == 0);
	return event_add(&link->writable, NULL);
}

static void close_stream(struct http_link *link)
{
	(void)event_del(&link->readable);
	(void)event_del(&link->writable);
	http_stream_finish(&link->stream);
}

/* errno says why the address before could not be reached. */
static void connect_next(struct http_link *link)
{
	while (link->next_address != NULL) {
		const struct addrinfo *address = link->next_address;
		link->next_address = address->ai_next;
		int error = errno;
		close_stream(link);
		errno = error;
		if (open_stream(link, address) == 0) {
			return;
		}
	}
	give_up(link, strerror(errno));
}

static void on_found(void *user, struct addrinfo *addresses, const char *error)
{
	struct http_link *link = user;
	link->lookup = NULL;
	if (addresses == NULL) {
		give_up(link, error);
		return;
	}
	link->state = HTTP_LINK_CONNECTING;
	link->addresses = addresses;
	link->next_address = addresses;
	errno = EADDRNOTAVAIL;
	connect_next(link);
}

void http_link_open(struct http_host *host)
{
	struct http_link *link = must_calloc(1, sizeof(*link));
	struct event_base *base = host->client->base;
	link->host = host;
	link->state = HTTP_LINK_RESOLVING;
	link->stream.fd = -1;
	LIST_INSERT_HEAD(&host->open, link, links);
	host->n_links++;
	host->n_opening++;
	http_deadline_init(&link->deadline, base, on_deadline, link);
	int assigned = event_assign(&link->readable, base, -1, 0, on_readable, link);
	assigned |= event_assign(&link->writable, base, -1, 0, on_writable, link);
	assert(assigned == 0);
	(void)assigned;
	http_deadline_set(&link->deadline, http_now_us(), host->client->settings.connect_ms);
	link->lookup = http_lookup_start(base, &host->address, on_found, link);
}
