/* SPDX-License-Identifier: MIT */
/* What the two files of the test's gRPC peer share: a connection, and a call on it. */
#ifndef SUPPORT_GRPC_TESTS_PEER_PRIVATE_H
#define SUPPORT_GRPC_TESTS_PEER_PRIVATE_H

#include <event2/bufferevent.h>

#include "support/grpc/tests/peer.h"

struct peer_link {
	TAILQ_ENTRY(peer_link) entry;
	struct peer *peer; /* borrowed */
	struct bufferevent *bufferevent; /* owned */
	nghttp2_session *session; /* owned; NULL: raw bytes */
	struct peer_streams streams;
	bool is_closing; /* when all is written */
};

struct peer_stream {
	TAILQ_ENTRY(peer_stream) entry;
	struct peer_link *link; /* borrowed */
	int32_t id;
	char path[64];
	uint8_t *request; /* owned; with its prefix */
	size_t request_size;
	bool is_held;
	bool has_no_status; /* no trailers */
	bool is_split;
	const char *status; /* of its trailers */
	uint8_t *answer; /* owned */
	size_t answer_size;
	size_t answer_sent;
};

void link_flush(struct peer_link *link);
/* Zero, or an nghttp2 error. */
int stream_create(struct peer_link *link, int32_t id);
void stream_destroy(struct peer_stream *stream);
void stream_on_header(struct peer_link *link, struct peer_stream *stream, const char *name,
        const char *value, size_t size);
/* All headers are there, the body perhaps not. */
void stream_on_headers(struct peer_stream *stream);
/* The request is whole. */
void stream_on_request(struct peer_stream *stream);
/* What is held is answered; what waits for room in the window gets it. */
void stream_release(struct peer_stream *stream);

#endif
