/* SPDX-License-Identifier: MIT */
/* A connected socket that does not block, plain or with TLS. */
#ifndef CORE_HTTP_STREAM_H
#define CORE_HTTP_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

struct http_tls;
struct ssl_st;

enum {
	HTTP_STREAM_END = 0, /* the peer sends no more */
	HTTP_STREAM_AGAIN = -1, /* wait for what `wants` says */
	HTTP_STREAM_FAILED = -2
};

struct http_stream {
	int fd; /* owned; -1: closed */
	struct ssl_st *ssl; /* owned; NULL: plain */
	short wants; /* EV_READ or EV_WRITE, after HTTP_STREAM_AGAIN */
};

/* Takes the descriptor. host_name (borrowed; NULL for a server) is what the certificate must name.
 * Returns 0, or -1 (the descriptor is closed then). */
int http_stream_init(
        struct http_stream *stream, int fd, struct http_tls *tls, const char *host_name);

/* Closes without ado. */
void http_stream_finish(struct http_stream *stream);

/* The TLS handshake: 1 when done (at once without TLS), or one of the results above. */
int http_stream_handshake(struct http_stream *stream);

/* Bytes read or written (over 0), or one of the results above. */
ssize_t http_stream_read(struct http_stream *stream, void *bytes, size_t size);
ssize_t http_stream_write(struct http_stream *stream, const struct iovec *pieces, int n_pieces);

/* Bytes that were received already, so that the socket will not say so. */
bool http_stream_has_pending(const struct http_stream *stream);

/* Bytes wait in the socket. Reads nothing. */
bool http_stream_has_unread(const struct http_stream *stream);

/* The peer has reset the connection. Reads nothing. */
bool http_stream_is_broken(const struct http_stream *stream);

/* Tells the peer that no more will be sent; reading goes on. */
void http_stream_shutdown(struct http_stream *stream);

#endif
