/* SPDX-License-Identifier: MIT */
/*
 * A Temporal server that does what the test says: each request is held until the test answers it,
 * but for what a client asks to find out whether it can work, which is answered well.
 */
#ifndef WORKFLOW_TEMPORAL_TESTS_FAKE_SERVER_H
#define WORKFLOW_TEMPORAL_TESTS_FAKE_SERVER_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

struct event_base;
struct evconnlistener;
struct fake_link;
struct fake_request;
TAILQ_HEAD(fake_links, fake_link);
TAILQ_HEAD(fake_requests, fake_request);

struct fake_request {
	TAILQ_ENTRY(fake_request) entry;
	struct fake_link *link; /* borrowed */
	int32_t stream_id;
	char method[64]; /* "PollWorkflowTaskQueue" */
	uint8_t *body; /* owned; the message without its prefix */
	size_t size;
	size_t room;
	bool is_whole;
	uint8_t *answer; /* owned; with its prefix */
	size_t answer_size;
	size_t answer_sent;
	char status[12];
	const char *sentence;
};

struct fake_server {
	struct event_base *base; /* borrowed */
	struct evconnlistener *listener; /* owned */
	uint16_t port;
	struct fake_links links;
	struct fake_requests held; /* whole and not answered, oldest first */
	unsigned n_cancelled; /* streams that the client has reset */
	bool has_no_namespace; /* DescribeNamespace is answered with NOT_FOUND */
	bool hides_attributes; /* ListSearchAttributes is answered with PERMISSION_DENIED */
	char authorization[64]; /* of the last request, as the next */
	char namespace[64];
};

void fake_server_start(struct fake_server *server, struct event_base *base);
void fake_server_stop(struct fake_server *server);
/* The oldest one of that method; NULL: none is held. */
struct fake_request *fake_find(const struct fake_server *server, const char *method);
size_t fake_count(const struct fake_server *server, const char *method);
/* The request goes from the list and must not be used any more. */
void fake_answer(struct fake_request *request, const ProtobufCMessage *message);
void fake_fail(struct fake_request *request, unsigned status, const char *sentence);

#endif
