/* SPDX-License-Identifier: MIT */
/* Sockets read and written in large portions, and the bufferevent where TLS needs one. */
#include "support/amqp/stream.h"

#include "support/base/memory.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/socket.h>

#define AT_ONCE ((size_t)128 * 1024)

/* One for all connections of a thread: it is empty between two calls of the loop. */
static _Thread_local struct amqp_buffer scratch;

static void on_direct_readable(evutil_socket_t fd, short what, void *user)
{
	(void)fd;
	(void)what;
	struct amqp_stream *stream = user;
	stream->handler.on_readable(stream->handler.user);
}

static void on_direct_writable(evutil_socket_t fd, short what, void *user)
{
	(void)fd;
	(void)what;
	struct amqp_stream *stream = user;
	amqp_stream_flush(stream);
	size_t n_queued = amqp_stream_queued(stream);
	if (n_queued == 0) {
		(void)event_del(stream->writable);
	}
	if (n_queued == 0 || (stream->was_high && n_queued <= stream->low_water)) {
		stream->was_high = false;
		stream->handler.on_written(stream->handler.user);
	}
}

static struct event *make_event(struct amqp_stream *stream, short what, event_callback_fn fn)
{
	evutil_socket_t fd = bufferevent_getfd(stream->bufferevent);
	struct event_base *base = bufferevent_get_base(stream->bufferevent);
	return memory_checked(event_new(base, fd, (short)(what | EV_PERSIST), fn, stream), 1, 0);
}

/* From now on the bufferevent only owns the socket. */
static void go_direct(struct amqp_stream *stream)
{
	if (bufferevent_openssl_get_ssl(stream->bufferevent) != NULL ||
	        bufferevent_getfd(stream->bufferevent) < 0) {
		return;
	}
	(void)bufferevent_disable(stream->bufferevent, EV_READ | EV_WRITE);
	struct evbuffer *input = bufferevent_get_input(stream->bufferevent);
	size_t length = evbuffer_get_length(input);
	if (length != 0) {
		(void)evbuffer_remove(input, amqp_buffer_reserve(&stream->rest, length), length);
		stream->rest.size += length;
	}
	stream->is_direct = true;
	stream->readable = make_event(stream, EV_READ, on_direct_readable);
	stream->writable = make_event(stream, EV_WRITE, on_direct_writable);
	if (stream->is_reading) {
		(void)event_add(stream->readable, NULL);
	}
}

static void on_read(struct bufferevent *bufferevent, void *user)
{
	(void)bufferevent;
	struct amqp_stream *stream = user;
	stream->handler.on_readable(stream->handler.user);
}

static void on_write(struct bufferevent *bufferevent, void *user)
{
	(void)bufferevent;
	struct amqp_stream *stream = user;
	stream->handler.on_written(stream->handler.user);
}

static void end(struct amqp_stream *stream, const char *sentence, bool is_by_peer)
{
	amqp_stream_silence(stream);
	stream->handler.on_end(stream->handler.user, sentence, is_by_peer);
}

static void end_with_error(struct amqp_stream *stream)
{
	char text[200];
	int error = EVUTIL_SOCKET_ERROR();
	SSL *ssl = bufferevent_openssl_get_ssl(stream->bufferevent);
	unsigned long tls_error = bufferevent_get_openssl_error(stream->bufferevent);
	int dns_error = bufferevent_socket_get_dns_error(stream->bufferevent);
	long verified = ssl != NULL ? SSL_get_verify_result(ssl) : X509_V_OK;
	if (dns_error != 0) {
		snprintf(text, sizeof(text), "the name of the host was not resolved: %s",
		        evutil_gai_strerror(dns_error));
	} else if (verified != X509_V_OK) {
		snprintf(text, sizeof(text), "the peer's certificate is not accepted: %s",
		        X509_verify_cert_error_string(verified));
	} else if (tls_error != 0) {
		const char *reason = ERR_reason_error_string(tls_error);
		snprintf(text, sizeof(text), "TLS: %s", reason != NULL ? reason : "an error");
	} else {
		snprintf(text, sizeof(text), "%s", evutil_socket_error_to_string(error));
	}
	end(stream, text, false);
}

static void on_event(struct bufferevent *bufferevent, short what, void *user)
{
	(void)bufferevent;
	struct amqp_stream *stream = user;
	if ((what & BEV_EVENT_CONNECTED) != 0) {
		go_direct(stream);
		stream->handler.on_connected(stream->handler.user);
	} else if ((what & BEV_EVENT_EOF) != 0) {
		end(stream, "the peer ended the connection", true);
	} else {
		end_with_error(stream);
	}
}

void amqp_stream_start(struct amqp_stream *stream, struct bufferevent *bufferevent,
        bool is_connected, size_t low_water, const struct amqp_stream_handler *handler)
{
	*stream = (struct amqp_stream){
		.bufferevent = bufferevent,
		.handler = *handler,
		.low_water = low_water,
		.is_reading = true,
	};
	bufferevent_setcb(bufferevent, on_read, on_write, on_event, stream);
	bufferevent_setwatermark(bufferevent, EV_WRITE, low_water, 0);
	(void)bufferevent_set_max_single_read(bufferevent, AT_ONCE);
	(void)bufferevent_set_max_single_write(bufferevent, AT_ONCE);
	if (is_connected) {
		go_direct(stream);
	}
	if (!stream->is_direct) {
		(void)bufferevent_enable(bufferevent, EV_READ | EV_WRITE);
	}
}

void amqp_stream_silence(struct amqp_stream *stream)
{
	(void)bufferevent_disable(stream->bufferevent, EV_READ | EV_WRITE);
	bufferevent_setcb(stream->bufferevent, NULL, NULL, NULL, NULL);
	if (stream->is_direct) {
		(void)event_del(stream->readable);
		(void)event_del(stream->writable);
	}
}

void amqp_stream_finish(struct amqp_stream *stream)
{
	if (stream->is_direct) {
		event_free(stream->readable);
		event_free(stream->writable);
	}
	bufferevent_free(stream->bufferevent);
	amqp_buffer_finish(&stream->rest);
	amqp_buffer_finish(&stream->out);
}

void amqp_stream_set_reading(struct amqp_stream *stream, bool is_reading)
{
	if (stream->is_reading == is_reading) {
		return;
	}
	stream->is_reading = is_reading;
	if (!stream->is_direct) {
		(void)(is_reading ? bufferevent_enable(stream->bufferevent, EV_READ)
		                  : bufferevent_disable(stream->bufferevent, EV_READ));
	} else if (is_reading) {
		(void)event_add(stream->readable, NULL);
	} else {
		(void)event_del(stream->readable);
	}
}

static bool is_transient(int error)
{
	return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

static bool read_direct(struct amqp_stream *stream, struct amqp_bytes *ret_input)
{
	if (stream->error != 0) {
		end(stream, strerror(stream->error), false);
		return false;
	}
	amqp_buffer_clear(&scratch);
	amqp_buffer_append(&scratch, stream->rest.start, stream->rest.size);
	uint8_t *room = amqp_buffer_reserve(&scratch, AT_ONCE);
	ssize_t n = recv(bufferevent_getfd(stream->bufferevent), room, AT_ONCE, 0);
	if (n == 0) {
		end(stream, "the peer ended the connection", true);
		return false;
	}
	if (n < 0) {
		if (!is_transient(errno)) {
			end_with_error(stream);
		}
		return false;
	}
	scratch.size += (size_t)n;
	*ret_input = amqp_buffer_bytes(&scratch);
	return true;
}

bool amqp_stream_read(struct amqp_stream *stream, struct amqp_bytes *ret_input)
{
	if (stream->is_direct) {
		return read_direct(stream, ret_input);
	}
	struct evbuffer *input = bufferevent_get_input(stream->bufferevent);
	size_t length = evbuffer_get_length(input);
	*ret_input = amqp_bytes(evbuffer_pullup(input, -1), length);
	return length != 0;
}

void amqp_stream_taken(struct amqp_stream *stream, struct amqp_bytes input, size_t taken)
{
	if (!stream->is_direct) {
		(void)evbuffer_drain(bufferevent_get_input(stream->bufferevent), taken);
		return;
	}
	amqp_buffer_clear(&stream->rest);
	amqp_buffer_append(&stream->rest, input.start + taken, input.size - taken);
}

static void send_direct(struct amqp_stream *stream)
{
	while (stream->out_sent < stream->out.size) {
		ssize_t n = send(bufferevent_getfd(stream->bufferevent),
		        stream->out.start + stream->out_sent, stream->out.size - stream->out_sent,
		        MSG_NOSIGNAL);
		if (n < 0 && !is_transient(errno)) {
			stream->error = errno;
			amqp_buffer_clear(&stream->out);
			stream->out_sent = 0;
			event_active(stream->readable, EV_READ, 0);
			break;
		}
		if (n < 0) {
			break;
		}
		stream->out_sent += (size_t)n;
	}
	if (stream->out_sent == stream->out.size) {
		/* What had to wait may go with other output: `writable` stays, so that it is told.
		 */
		amqp_buffer_clear(&stream->out);
		stream->out_sent = 0;
		return;
	}
	/* What has been written goes when it is the larger part, so that moving stays cheap. */
	if (stream->out_sent > stream->out.size / 2) {
		amqp_buffer_drop(&stream->out, stream->out_sent);
		stream->out_sent = 0;
	}
	stream->was_high = stream->was_high || amqp_stream_queued(stream) > stream->low_water;
	(void)event_add(stream->writable, NULL);
}

void amqp_stream_flush(struct amqp_stream *stream)
{
	if (stream->out.size == 0) {
		return;
	}
	if (stream->is_direct) {
		send_direct(stream);
		return;
	}
	(void)bufferevent_write(stream->bufferevent, stream->out.start, stream->out.size);
	amqp_buffer_clear(&stream->out);
}

size_t amqp_stream_queued(const struct amqp_stream *stream)
{
	return evbuffer_get_length(bufferevent_get_output(stream->bufferevent)) + stream->out.size -
	        stream->out_sent;
}
