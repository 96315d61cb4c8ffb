/* SPDX-License-Identifier: MIT */
/*
 * The other side of a gRPC client, for tests: a server on nghttp2 on the test's own loop, that does
 * with each call what its path says and can be told to misbehave. It knows nothing of the client.
 *
 *   /ok          answers with the request's message
 *   /split       the same, each byte of the answer in a DATA frame of its own
 *   /trailers    trailers only: status 5, a percent-encoded message, details
 *   /no-body     headers, no message, trailers with status 8
 *   /no-status   a whole message and no trailers
 *   /cut         half a message, then RST_STREAM(INTERNAL_ERROR)
 *   /cancel      RST_STREAM(CANCEL) and nothing else
 *   /compressed  a message with the flag set
 *   /two         two messages
 *   /http-502    an HTTP error without a gRPC status
 *   /large       a message of 100 kB
 *   /early       answers status 8 before the request's body has come, then resets the stream
 *   /hold        nothing, until peer_release
 *   /refuse-once RST_STREAM(REFUSED_STREAM) at the first time, then like /ok
 */
#ifndef SUPPORT_GRPC_TESTS_PEER_H
#define SUPPORT_GRPC_TESTS_PEER_H

#include <event2/event.h>
#include <nghttp2/nghttp2.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

struct peer_link;
struct peer_stream;
TAILQ_HEAD(peer_links, peer_link);
TAILQ_HEAD(peer_streams, peer_stream);

struct peer {
	struct event_base *base; /* borrowed */
	struct evconnlistener *listener; /* owned; NULL: it refuses connections */
	uint16_t port;
	struct peer_links links;

	/* To be set before a connection comes. */
	SSL_CTX *tls; /* borrowed; NULL: in the clear */
	uint32_t max_streams; /* told in SETTINGS; 0: not told */
	bool is_mute; /* answers no PING */
	bool hangs_up; /* closes each connection at once */
	bool goes_away; /* says GOAWAY right after its SETTINGS, and closes */
	bool is_slow_to_read; /* gives no window beyond the first 64 KiB until peer_release */
	const char *raw; /* sent instead of HTTP/2; may be NULL */
	size_t raw_size;

	unsigned n_accepted;
	unsigned n_requests;
	unsigned n_pings;
	unsigned n_resets; /* RST_STREAM from the client */
	unsigned n_goaways; /* from the client */
	unsigned n_refused;
	unsigned n_open; /* streams that are held */
	unsigned most_open; /* on one connection */
	size_t last_size; /* bytes of the last request's body that is whole */
	char timeout[16]; /* the grpc-timeout of the last request */
	char authority[64];
	char extra[64]; /* its header "x-extra" */
};

/* Listens on a free port of the loopback. */
void peer_init(struct peer *peer, struct event_base *base);
void peer_finish(struct peer *peer);
/* Stops listening, so that connections are refused; and takes the same port again. */
void peer_refuse(struct peer *peer);
void peer_listen(struct peer *peer);
/* Answers everything that is held, each on its own connection; gives the windows back. */
void peer_release(struct peer *peer);
/* GOAWAY on every connection: first the warning with the highest id, as grpc-go does. */
void peer_warn(struct peer *peer);
/* GOAWAY that names the last stream which will be answered. */
void peer_go_away(struct peer *peer, int32_t last_stream);
/* Closes every connection without a word. */
void peer_hang_up(struct peer *peer);

#endif
