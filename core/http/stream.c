/* SPDX-License-Identifier: MIT */
/* The two ways of a stream side by side, a branch in each function; tls.c makes the TLS part. */
#include "core/http/stream.h"

#include <errno.h>
#include <event2/event.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/http/tls.h"
#include "core/http/tls_stream.h"

int http_stream_init(
        struct http_stream *stream, int fd, struct http_tls *tls, const char *host_name)
{
	*stream = (struct http_stream){ .fd = fd, .wants = EV_READ };
	if (tls == NULL) {
		return 0;
	}
	stream->ssl = http_tls_attach(tls, fd, host_name);
	if (stream->ssl == NULL) {
		http_stream_finish(stream);
		return -1;
	}
	return 0;
}

void http_stream_finish(struct http_stream *stream)
{
	SSL_free(stream->ssl);
	stream->ssl = NULL;
	if (stream->fd >= 0) {
		close(stream->fd);
	}
	stream->fd = -1;
}

/* What a call of OpenSSL that gave no bytes means. */
static int tls_result(struct http_stream *stream, int result)
{
	switch (SSL_get_error(stream->ssl, result)) {
	case SSL_ERROR_WANT_READ:
		stream->wants = EV_READ;
		return HTTP_STREAM_AGAIN;
	case SSL_ERROR_WANT_WRITE:
		stream->wants = EV_WRITE;
		return HTTP_STREAM_AGAIN;
	case SSL_ERROR_ZERO_RETURN:
		return HTTP_STREAM_END;
	}
	return HTTP_STREAM_FAILED;
}

int http_stream_handshake(struct http_stream *stream)
{
	if (stream->ssl == NULL) {
		return 1;
	}
	ERR_clear_error();
	int result = SSL_do_handshake(stream->ssl);
	if (result == 1) {
		return 1;
	}
	int meaning = tls_result(stream, result);
	return meaning == HTTP_STREAM_END ? HTTP_STREAM_FAILED : meaning;
}

static ssize_t socket_result(struct http_stream *stream, ssize_t n_bytes, short wants)
{
	if (n_bytes >= 0) {
		return n_bytes;
	}
	if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) {
		stream->wants = wants;
		return HTTP_STREAM_AGAIN;
	}
	return HTTP_STREAM_FAILED;
}

ssize_t http_stream_read(struct http_stream *stream, void *bytes, size_t size)
{
	if (stream->ssl == NULL) {
		return socket_result(stream, recv(stream->fd, bytes, size, 0), EV_READ);
	}
	ERR_clear_error();
	int n_bytes = SSL_read(stream->ssl, bytes, size > INT_MAX ? INT_MAX : (int)size);
	return n_bytes > 0 ? n_bytes : tls_result(stream, n_bytes);
}

/* A piece at a time, since TLS has no gathering write; the first that does not fit ends it. */
static ssize_t tls_write(struct http_stream *stream, const struct iovec *pieces, int n_pieces)
{
	ssize_t n_written = 0;
	ERR_clear_error();
	for (int i = 0; i < n_pieces; i++) {
		if (pieces[i].iov_len == 0) {
			continue;
		}
		size_t n_bytes = 0;
		int result =
		        SSL_write_ex(stream->ssl, pieces[i].iov_base, pieces[i].iov_len, &n_bytes);
		if (result != 1) {
			int meaning = tls_result(stream, result);
			return n_written != 0 ? n_written : meaning;
		}
		n_written += (ssize_t)n_bytes;
		if (n_bytes != pieces[i].iov_len) {
			break;
		}
	}
	return n_written;
}

ssize_t http_stream_write(struct http_stream *stream, const struct iovec *pieces, int n_pieces)
{
	if (stream->ssl != NULL) {
		return tls_write(stream, pieces, n_pieces);
	}
	struct msghdr message = {
		.msg_iov = (struct iovec *)pieces,
		.msg_iovlen = (size_t)n_pieces,
	};
	return socket_result(stream, sendmsg(stream->fd, &message, MSG_NOSIGNAL), EV_WRITE);
}

bool http_stream_has_pending(const struct http_stream *stream)
{
	return stream->ssl != NULL && SSL_pending(stream->ssl) > 0;
}

bool http_stream_has_unread(const struct http_stream *stream)
{
	char byte;
	return recv(stream->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

bool http_stream_is_broken(const struct http_stream *stream)
{
	char byte;
	return recv(stream->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno != EAGAIN &&
	        errno != EWOULDBLOCK && errno != EINTR;
}

void http_stream_shutdown(struct http_stream *stream)
{
	if (stream->ssl != NULL && SSL_is_init_finished(stream->ssl)) {
		ERR_clear_error();
		(void)SSL_shutdown(stream->ssl);
	}
	(void)shutdown(stream->fd, SHUT_WR);
}
