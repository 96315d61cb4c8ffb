/* SPDX-License-Identifier: MIT */
/* Nghttp2 behind bufferevents; what cannot go wrong on a loopback is not looked at. */
#include "plugins/workflow-temporal/tests/fake-server.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "messages.pb-c.h"
#include "plugins/workflow-temporal/call.h"
#include "support/base/cleanup.h"
#include "support/base/memory.h"
#include "support/grpc/wire.h"

#define STATUS_NOT_FOUND 5u
#define STATUS_PERMISSION_DENIED 7u

struct fake_link {
	TAILQ_ENTRY(fake_link) entry;
	struct fake_server *server; /* borrowed */
	struct bufferevent *bufferevent; /* owned */
	nghttp2_session *session; /* owned */
	struct fake_requests open; /* not yet whole, or answered */
};

static void flush(struct fake_link *link)
{
	const uint8_t *bytes;
	ssize_t size;
	while ((size = nghttp2_session_mem_send(link->session, &bytes)) > 0) {
		(void)bufferevent_write(link->bufferevent, bytes, (size_t)size);
	}
}

static nghttp2_nv header(const char *name, const char *value)
{
	return (nghttp2_nv){ (uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value, strlen(name),
		strlen(value), NGHTTP2_NV_FLAG_NONE };
}

static void keep_header(char kept[64], const char *wanted, const char *name, const uint8_t *value)
{
	if (strcmp(name, wanted) == 0) {
		(void)snprintf(kept, 64, "%s", (const char *)value);
	}
}

/* NOLINTNEXTLINE(readability-function-size): the form is nghttp2's. */
static ssize_t read_answer(nghttp2_session *session, int32_t stream_id, uint8_t *room, size_t size,
        uint32_t *flags, nghttp2_data_source *source, void *user)
{
	struct fake_request *request = source->ptr;
	size_t left = request->answer_size - request->answer_sent;
	size_t taken = left < size ? left : size;
	(void)user;
	if (taken != 0) {
		memcpy(room, request->answer + request->answer_sent, taken);
		request->answer_sent += taken;
	}
	if (request->answer_sent == request->answer_size) {
		const nghttp2_nv trailers[] = { header("grpc-status", request->status),
			header("grpc-message", request->sentence) };
		*flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
		(void)nghttp2_submit_trailer(session, stream_id, trailers, 2);
	}
	return (ssize_t)taken;
}

static void respond(struct fake_request *request)
{
	struct fake_link *link = request->link;
	const nghttp2_nv headers[] = { header(":status", "200"),
		header("content-type", "application/grpc") };
	const nghttp2_data_provider body = { .source.ptr = request, .read_callback = read_answer };
	TAILQ_REMOVE(&link->server->held, request, entry);
	TAILQ_INSERT_TAIL(&link->open, request, entry);
	(void)nghttp2_submit_response(link->session, request->stream_id, headers, 2, &body);
	flush(link);
}

void fake_answer(struct fake_request *request, const ProtobufCMessage *message)
{
	size_t size;
	uint8_t *packed CLEANUP_FREE = message_pack(message, &size);
	request->answer = must_calloc(1, GRPC_PREFIX_SIZE + size);
	request->answer_size = GRPC_PREFIX_SIZE + size;
	grpc_prefix_write(request->answer, (uint32_t)size);
	memcpy(request->answer + GRPC_PREFIX_SIZE, packed, size);
	(void)snprintf(request->status, sizeof(request->status), "0");
	request->sentence = "";
	respond(request);
}

void fake_fail(struct fake_request *request, unsigned status, const char *sentence)
{
	(void)snprintf(request->status, sizeof(request->status), "%u", status);
	request->sentence = sentence;
	respond(request);
}

struct fake_request *fake_find(const struct fake_server *server, const char *method)
{
	struct fake_request *request = TAILQ_FIRST(&server->held);
	while (request != NULL && strcmp(request->method, method) != 0) {
		request = TAILQ_NEXT(request, entry);
	}
	return request;
}

size_t fake_count(const struct fake_server *server, const char *method)
{
	const struct fake_request *request;
	size_t n = 0;
	TAILQ_FOREACH(request, &server->held, entry)
	{
		n += strcmp(request->method, method) == 0;
	}
	return n;
}

static void answer_by_itself(struct fake_server *server, struct fake_request *request)
{
	if (strcmp(request->method, "DescribeNamespace") == 0) {
		Wire__NamespaceInfo info = WIRE__NAMESPACE_INFO__INIT;
		Wire__DescribeNamespaceResponse response = WIRE__DESCRIBE_NAMESPACE_RESPONSE__INIT;
		info.state = 1;
		response.namespace_info = &info;
		if (server->has_no_namespace) {
			fake_fail(request, STATUS_NOT_FOUND, "Namespace default is not found.");
		} else {
			fake_answer(request, &response.base);
		}
	} else if (strcmp(request->method, "ListSearchAttributes") == 0) {
		Wire__ListSearchAttributesResponse response =
		        WIRE__LIST_SEARCH_ATTRIBUTES_RESPONSE__INIT;
		if (server->hides_attributes) {
			fake_fail(request, STATUS_PERMISSION_DENIED, "no");
		} else {
			fake_answer(request, &response.base);
		}
	} else if (strcmp(request->method, "ShutdownWorker") == 0) {
		fake_fail(request, 12, "unknown method");
	}
}

static int on_begin(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
	struct fake_link *link = user;
	struct fake_request *request = must_calloc(1, sizeof(*request));
	request->link = link;
	request->stream_id = frame->hd.stream_id;
	TAILQ_INSERT_TAIL(&link->open, request, entry);
	return nghttp2_session_set_stream_user_data(session, frame->hd.stream_id, request);
}

/* NOLINTNEXTLINE(readability-function-size): the form is nghttp2's. */
static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
        size_t name_size, const uint8_t *value, size_t value_size, uint8_t flags, void *user)
{
	struct fake_request *request =
	        nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
	(void)name_size;
	(void)value_size;
	(void)flags;
	struct fake_link *link = user;
	if (request != NULL && strcmp((const char *)name, ":path") == 0) {
		const char *slash = strrchr((const char *)value, '/');
		(void)snprintf(request->method, sizeof(request->method), "%s", slash + 1);
	}
	keep_header(link->server->authorization, "authorization", (const char *)name, value);
	keep_header(link->server->namespace, "temporal-namespace", (const char *)name, value);
	return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t stream_id, const uint8_t *bytes,
        size_t size, void *user)
{
	struct fake_request *request = nghttp2_session_get_stream_user_data(session, stream_id);
	(void)flags;
	(void)user;
	request->body = must_resize(request->body, request->size + size, 1);
	memcpy(request->body + request->size, bytes, size);
	request->size += size;
	return 0;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
	struct fake_link *link = user;
	struct fake_request *request =
	        nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
	if (request == NULL || (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0 ||
	        frame->hd.type != NGHTTP2_DATA) {
		return 0;
	}
	request->is_whole = true;
	request->size -= GRPC_PREFIX_SIZE;
	memmove(request->body, request->body + GRPC_PREFIX_SIZE, request->size);
	TAILQ_REMOVE(&link->open, request, entry);
	TAILQ_INSERT_TAIL(&link->server->held, request, entry);
	answer_by_itself(link->server, request);
	return 0;
}

static int on_close(nghttp2_session *session, int32_t stream_id, uint32_t error, void *user)
{
	struct fake_link *link = user;
	struct fake_request *request = nghttp2_session_get_stream_user_data(session, stream_id);
	bool is_held = request->is_whole && request->status[0] == '\0';
	link->server->n_cancelled += error == NGHTTP2_CANCEL;
	if (is_held) {
		TAILQ_REMOVE(&link->server->held, request, entry);
	} else {
		TAILQ_REMOVE(&link->open, request, entry);
	}
	free(request->body);
	free(request->answer);
	free(request);
	return 0;
}

static void destroy(struct fake_link *link)
{
	struct fake_request *next;
	struct fake_request *request = TAILQ_FIRST(&link->server->held);
	for (; request != NULL; request = next) {
		next = TAILQ_NEXT(request, entry);
		if (request->link == link) {
			TAILQ_REMOVE(&link->server->held, request, entry);
			TAILQ_INSERT_TAIL(&link->open, request, entry);
		}
	}
	while ((request = TAILQ_FIRST(&link->open)) != NULL) {
		TAILQ_REMOVE(&link->open, request, entry);
		free(request->body);
		free(request->answer);
		free(request);
	}
	TAILQ_REMOVE(&link->server->links, link, entry);
	nghttp2_session_del(link->session);
	bufferevent_free(link->bufferevent);
	free(link);
}

static void on_readable(struct bufferevent *bufferevent, void *user)
{
	struct fake_link *link = user;
	uint8_t bytes[16384];
	size_t size;
	while ((size = bufferevent_read(bufferevent, bytes, sizeof(bytes))) != 0) {
		if (nghttp2_session_mem_recv(link->session, bytes, size) < 0) {
			destroy(link);
			return;
		}
	}
	flush(link);
}

static void on_event(struct bufferevent *bufferevent, short what, void *user)
{
	(void)bufferevent;
	(void)what;
	destroy(user);
}

static void make_session(struct fake_link *link)
{
	nghttp2_session_callbacks *callbacks;
	(void)nghttp2_session_callbacks_new(&callbacks);
	nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin);
	nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
	nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
	nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
	(void)nghttp2_session_server_new(&link->session, callbacks, link);
	nghttp2_session_callbacks_del(callbacks);
	(void)nghttp2_submit_settings(link->session, NGHTTP2_FLAG_NONE, NULL, 0);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address,
        int size, void *user)
{
	struct fake_server *server = user;
	struct fake_link *link = must_calloc(1, sizeof(*link));
	(void)listener;
	(void)address;
	(void)size;
	link->server = server;
	TAILQ_INIT(&link->open);
	TAILQ_INSERT_TAIL(&server->links, link, entry);
	link->bufferevent = must_have(bufferevent_socket_new(
	        server->base, fd, BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS));
	bufferevent_setcb(link->bufferevent, on_readable, NULL, on_event, link);
	(void)bufferevent_enable(link->bufferevent, EV_READ | EV_WRITE);
	make_session(link);
	flush(link);
}

void fake_server_start(struct fake_server *server, struct event_base *base)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t size = sizeof(address);
	*server = (struct fake_server){ .base = base };
	TAILQ_INIT(&server->links);
	TAILQ_INIT(&server->held);
	server->listener = must_have(evconnlistener_new_bind(base, on_accept, server,
	        LEV_OPT_CLOSE_ON_FREE | LEV_OPT_REUSEABLE, 16, (struct sockaddr *)&address,
	        sizeof(address)));
	(void)getsockname(
	        evconnlistener_get_fd(server->listener), (struct sockaddr *)&address, &size);
	server->port = ntohs(address.sin_port);
}

void fake_server_stop(struct fake_server *server)
{
	while (!TAILQ_EMPTY(&server->links)) {
		destroy(TAILQ_FIRST(&server->links));
	}
	evconnlistener_free(server->listener);
}
