/* SPDX-License-Identifier: MIT */
/* The connections of the peer; what it does with a call is in peer_answer.c. */
#include "support/grpc/tests/peer.h"

#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <event2/listener.h>
#include <stdio.h>
#include <string.h>

#include "support/base/memory.h"
#include "support/grpc/tests/peer_private.h"

void link_flush(struct peer_link *link)
{
	const uint8_t *bytes;
	ssize_t size;
	while ((size = nghttp2_session_mem_send(link->session, &bytes)) > 0) {
		(void)bufferevent_write(link->bufferevent, bytes, (size_t)size);
	}
}

static void link_destroy(struct peer_link *link)
{
	TAILQ_REMOVE(&link->peer->links, link, entry);
	while (!TAILQ_EMPTY(&link->streams)) {
		stream_destroy(TAILQ_FIRST(&link->streams));
	}
	nghttp2_session_del(link->session);
	bufferevent_free(link->bufferevent);
	free(link);
}

static void on_readable(struct bufferevent *bufferevent, void *user)
{
	struct peer_link *link = user;
	struct evbuffer *in = bufferevent_get_input(bufferevent);
	size_t size = evbuffer_get_length(in);
	if (link->session != NULL) {
		ssize_t taken =
		        nghttp2_session_mem_recv(link->session, evbuffer_pullup(in, -1), size);
		if (taken < 0) {
			fprintf(stderr, "the client is no HTTP/2: %s\n",
			        nghttp2_strerror((int)taken));
			link_destroy(link);
			return;
		}
		link_flush(link);
	}
	(void)evbuffer_drain(in, size);
}

static void on_writable(struct bufferevent *bufferevent, void *user)
{
	struct peer_link *link = user;
	(void)bufferevent;
	if (link->is_closing) {
		link_destroy(link);
	}
}

static void on_event(struct bufferevent *bufferevent, short what, void *user)
{
	(void)bufferevent;
	if ((what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)) != 0) {
		link_destroy(user);
	}
}

static int on_begin(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
	(void)session;
	return frame->hd.type == NGHTTP2_HEADERS ? stream_create(user, frame->hd.stream_id) : 0;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
        size_t name_size, const uint8_t *value, size_t value_size, uint8_t flags, void *user)
{
	struct peer_link *link = user;
	(void)name_size;
	(void)flags;
	stream_on_header(link, nghttp2_session_get_stream_user_data(session, frame->hd.stream_id),
	        (const char *)name, (const char *)value, value_size);
	return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t stream_id, const uint8_t *bytes,
        size_t size, void *user)
{
	struct peer_stream *stream = nghttp2_session_get_stream_user_data(session, stream_id);
	(void)flags;
	(void)user;
	if (stream != NULL) {
		stream->request = must_resize(stream->request, stream->request_size + size, 1);
		memcpy(stream->request + stream->request_size, bytes, size);
		stream->request_size += size;
	}
	return 0;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
	struct peer_link *link = user;
	struct peer_stream *stream =
	        nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
	bool is_end = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
	if (frame->hd.type == NGHTTP2_PING && (frame->hd.flags & NGHTTP2_FLAG_ACK) == 0) {
		link->peer->n_pings++;
	} else if (frame->hd.type == NGHTTP2_RST_STREAM) {
		link->peer->n_resets++;
	} else if (frame->hd.type == NGHTTP2_GOAWAY) {
		link->peer->n_goaways++;
	} else if (frame->hd.type == NGHTTP2_HEADERS && stream != NULL) {
		stream_on_headers(stream);
	}
	if (stream != NULL && is_end) {
		stream_on_request(stream);
	}
	return 0;
}

static int on_closed(nghttp2_session *session, int32_t stream_id, uint32_t error_code, void *user)
{
	struct peer_stream *stream = nghttp2_session_get_stream_user_data(session, stream_id);
	(void)error_code;
	(void)user;
	if (stream != NULL) {
		stream_destroy(stream);
	}
	return 0;
}

static void make_session(struct peer_link *link)
{
	nghttp2_session_callbacks *callbacks;
	nghttp2_option *option;
	const nghttp2_settings_entry settings = { NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS,
		link->peer->max_streams };
	(void)nghttp2_session_callbacks_new(&callbacks);
	(void)nghttp2_option_new(&option);
	nghttp2_option_set_no_auto_ping_ack(option, link->peer->is_mute ? 1 : 0);
	nghttp2_option_set_no_auto_window_update(option, link->peer->is_slow_to_read ? 1 : 0);
	nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin);
	nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
	nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
	nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_closed);
	(void)nghttp2_session_server_new2(&link->session, callbacks, link, option);
	nghttp2_option_del(option);
	nghttp2_session_callbacks_del(callbacks);
	(void)nghttp2_submit_settings(
	        link->session, NGHTTP2_FLAG_NONE, &settings, link->peer->max_streams != 0 ? 1 : 0);
	if (link->peer->goes_away) {
		(void)nghttp2_session_terminate_session(link->session, NGHTTP2_NO_ERROR);
		link->is_closing = true;
	}
}

static struct bufferevent *wrap_socket(const struct peer *peer, evutil_socket_t fd)
{
	if (peer->tls == NULL) {
		return must_have(bufferevent_socket_new(
		        peer->base, fd, BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS));
	}
	struct bufferevent *made = must_have(bufferevent_openssl_socket_new(peer->base, fd,
	        must_have(SSL_new(peer->tls)), BUFFEREVENT_SSL_ACCEPTING,
	        BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS));
	bufferevent_openssl_set_allow_dirty_shutdown(made, 1);
	return made;
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address,
        int size, void *user)
{
	struct peer *peer = user;
	(void)listener;
	(void)address;
	(void)size;
	peer->n_accepted++;
	if (peer->hangs_up) {
		(void)evutil_closesocket(fd);
		return;
	}
	struct peer_link *link = must_calloc(1, sizeof(*link));
	link->peer = peer;
	TAILQ_INIT(&link->streams);
	TAILQ_INSERT_TAIL(&peer->links, link, entry);
	link->bufferevent = wrap_socket(peer, fd);
	bufferevent_setcb(link->bufferevent, on_readable, on_writable, on_event, link);
	(void)bufferevent_enable(link->bufferevent, EV_READ | EV_WRITE);
	if (peer->raw != NULL) {
		(void)bufferevent_write(link->bufferevent, peer->raw, peer->raw_size);
		link->is_closing = true;
		return;
	}
	make_session(link);
	link_flush(link);
}

void peer_listen(struct peer *peer)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons(peer->port),
	};
	socklen_t size = sizeof(address);
	peer->listener = must_have(evconnlistener_new_bind(peer->base, on_accept, peer,
	        LEV_OPT_CLOSE_ON_FREE | LEV_OPT_REUSEABLE, 128, (struct sockaddr *)&address,
	        sizeof(address)));
	(void)getsockname(
	        evconnlistener_get_fd(peer->listener), (struct sockaddr *)&address, &size);
	peer->port = ntohs(address.sin_port);
}

void peer_refuse(struct peer *peer)
{
	evconnlistener_free(peer->listener);
	peer->listener = NULL;
}

void peer_init(struct peer *peer, struct event_base *base)
{
	*peer = (struct peer){ .base = base };
	TAILQ_INIT(&peer->links);
	peer_listen(peer);
}

void peer_hang_up(struct peer *peer)
{
	while (!TAILQ_EMPTY(&peer->links)) {
		link_destroy(TAILQ_FIRST(&peer->links));
	}
}

void peer_finish(struct peer *peer)
{
	peer_hang_up(peer);
	if (peer->listener != NULL) {
		evconnlistener_free(peer->listener);
	}
}

void peer_warn(struct peer *peer)
{
	struct peer_link *link;
	TAILQ_FOREACH(link, &peer->links, entry)
	{
		(void)nghttp2_submit_shutdown_notice(link->session);
		link_flush(link);
	}
}

void peer_go_away(struct peer *peer, int32_t last_stream)
{
	struct peer_link *link;
	TAILQ_FOREACH(link, &peer->links, entry)
	{
		(void)nghttp2_submit_goaway(
		        link->session, NGHTTP2_FLAG_NONE, last_stream, NGHTTP2_NO_ERROR, NULL, 0);
		link_flush(link);
	}
}

void peer_release(struct peer *peer)
{
	struct peer_link *link;
	TAILQ_FOREACH(link, &peer->links, entry)
	{
		struct peer_stream *stream;
		TAILQ_FOREACH(stream, &link->streams, entry)
		{
			stream_release(stream);
		}
		link_flush(link);
	}
}
