/* SPDX-License-Identifier: MIT */
/* One call: what comes for it, and what that comes to in the end. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "support/base/cleanup.h"
#include "support/base/memory.h"
#include "support/grpc/private.h"

/* Ours is later than the server's, which answers with a status. */
#define GRACE_MS 5000u
#define REFUSED_MAX 5u
#define TEXT_MAX 16384u

uint64_t clock_ms(void)
{
	struct timespec now;
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static struct call_list *list_of(struct grpc_call *call)
{
	switch (call->place) {
	case CALL_WAITING:
		return &call->client->waiting;
	case CALL_OPEN:
		return &call->connection->calls;
	case CALL_DONE:
		return &call->client->done;
	}
	abort();
}

/* Out of the list that it is in; an open one leaves its connection. */
static void leave(struct grpc_call *call)
{
	TAILQ_REMOVE(list_of(call), call, entry);
	if (call->place == CALL_OPEN) {
		call->connection->n_calls--;
		call->connection = NULL;
	}
}

static void end(struct grpc_call *call)
{
	leave(call);
	call->place = CALL_DONE;
	TAILQ_INSERT_TAIL(&call->client->done, call, entry);
	(void)event_del(call->deadline);
	client_wake(call->client);
}

static void set_sentence(struct grpc_call *call, const char *text, size_t size)
{
	free(call->sentence);
	call->sentence = must_copy(text, size < TEXT_MAX ? size : TEXT_MAX);
}

void call_fail(struct grpc_call *call, enum grpc_status status, const char *sentence)
{
	call->status = status;
	set_sentence(call, sentence, strlen(sentence));
	grpc_body_finish(&call->body);
	end(call);
}

static void on_deadline(evutil_socket_t fd, short what, void *user)
{
	(void)fd;
	(void)what;
	struct grpc_call *call = user;
	if (call->place == CALL_OPEN) {
		connection_reset(call->connection, call);
		call_fail(call, GRPC_DEADLINE_EXCEEDED, "the server has not answered in time");
		return;
	}
	call_fail(call, GRPC_UNAVAILABLE,
	        call->client->not_connected != NULL ? call->client->not_connected
	                                            : "there was no connection in time");
}

static struct timeval timeval_of(uint64_t ms)
{
	return (struct timeval){ (time_t)(ms / 1000), (suseconds_t)(ms % 1000) * 1000 };
}

static uint8_t *frame_request(const struct grpc_request *request)
{
	uint8_t *bytes = must_calloc(1, GRPC_PREFIX_SIZE + request->size);
	grpc_prefix_write(bytes, (uint32_t)request->size);
	if (request->size != 0) {
		memcpy(bytes + GRPC_PREFIX_SIZE, request->message, request->size);
	}
	return bytes;
}

struct grpc_call *grpc_client_call(struct grpc_client *client, const struct grpc_request *request,
        grpc_answer_fn on_answer, void *user)
{
	struct grpc_call *call = must_calloc(1, sizeof(*call));
	call->client = client;
	call->place = CALL_WAITING;
	call->path = must_copy(request->path, strlen(request->path));
	call->timeout_ms = request->timeout_ms != 0 ? request->timeout_ms : 30000;
	call->is_patient = request->is_patient;
	call->on_answer = on_answer;
	call->user = user;
	call->deadline = must_have(evtimer_new(client->settings.base, on_deadline, call));
	grpc_timeout_print(call->timeout_ms, call->timeout);
	TAILQ_INSERT_TAIL(&client->waiting, call, entry);
	if (request->size > client->settings.max_request) {
		call_fail(call, GRPC_RESOURCE_EXHAUSTED,
		        "grpc: trying to send message larger than max");
		return call;
	}
	call->request = frame_request(request);
	call->request_size = GRPC_PREFIX_SIZE + request->size;
	const struct timeval bound = timeval_of((uint64_t)call->timeout_ms + GRACE_MS);
	(void)event_add(call->deadline, &bound);
	client_wake(client);
	return call;
}

void call_destroy(struct grpc_call *call)
{
	leave(call);
	event_free(call->deadline);
	grpc_body_finish(&call->body);
	free(call->details);
	free(call->sentence);
	free(call->request);
	free(call->path);
	free(call);
}

void grpc_call_cancel(struct grpc_call *call)
{
	if (call->place == CALL_OPEN) {
		connection_reset(call->connection, call);
	}
	struct grpc_client *client = call->client;
	call_destroy(call);
	client_wake(client);
}

bool grpc_call_is_sent(const struct grpc_call *call)
{
	return call->place == CALL_DONE || call->is_sent;
}

void call_requeue(struct grpc_call *call)
{
	leave(call);
	call->place = CALL_WAITING;
	call->stream_id = 0;
	call->request_sent = 0;
	call->is_sent = false;
	TAILQ_INSERT_TAIL(&call->client->waiting, call, entry);
	client_wake(call->client);
}

void call_deliver(struct grpc_call *call)
{
	bool has_message = call->status == GRPC_OK;
	const struct grpc_answer answer = {
		.status = call->status,
		.is_sent = call->is_sent,
		.sentence = call->sentence != NULL ? call->sentence : "",
		.message = has_message ? call->body.bytes + GRPC_PREFIX_SIZE : NULL,
		.size = has_message ? call->body.size - GRPC_PREFIX_SIZE : 0,
		.details = call->details,
		.details_size = call->details_size,
	};
	call->on_answer(call->user, &answer);
	call_destroy(call);
}

static void take_details(struct grpc_call *call, const uint8_t *value, size_t size)
{
	if (size > TEXT_MAX) {
		return;
	}
	free(call->details);
	call->details = must_calloc(1, size);
	call->details_size = 0;
	(void)grpc_base64_decode((const char *)value, size, call->details, &call->details_size);
}

void call_on_header(struct grpc_call *call, const char *name, const uint8_t *value, size_t size)
{
	const char *text = (const char *)value;
	if (strcmp(name, ":status") == 0) {
		call->http_status = size == 3
		        ? (text[0] - '0') * 100 + (text[1] - '0') * 10 + (text[2] - '0')
		        : 0;
	} else if (strcmp(name, "grpc-status") == 0) {
		call->has_status = true;
		if (!grpc_status_parse(text, size, &call->status)) {
			call->status = GRPC_UNKNOWN;
		}
	} else if (strcmp(name, "grpc-message") == 0) {
		set_sentence(call, text, size);
		size_t kept = grpc_percent_decode(call->sentence, strlen(call->sentence));
		call->sentence[kept] = '\0';
	} else if (strcmp(name, "grpc-status-details-bin") == 0) {
		take_details(call, value, size);
	}
}

/* A status of OK needs its message. */
static void check_body(struct grpc_call *call)
{
	switch (grpc_body_state(&call->body)) {
	case GRPC_BODY_ONE:
		end(call);
		break;
	case GRPC_BODY_COMPRESSED:
		call_fail(call, GRPC_INTERNAL, "the answer is compressed, which was not asked for");
		break;
	case GRPC_BODY_EMPTY:
	case GRPC_BODY_PARTIAL:
	case GRPC_BODY_MORE:
		call_fail(call, GRPC_INTERNAL, "the answer is not exactly one message");
		break;
	}
}

/* No status came. A whole message without one is an answer whose trailers were lost. */
static void end_without_status(struct grpc_call *call, uint32_t error_code)
{
	bool is_whole = call->http_status == 200 && error_code == NGHTTP2_NO_ERROR &&
	        grpc_body_state(&call->body) == GRPC_BODY_ONE;
	if (is_whole) {
		call->client->counts.n_lost_trailers++;
		call->status = GRPC_OK;
		end(call);
	} else if (call->http_status != 0 && call->http_status != 200) {
		call_fail(call, grpc_status_of_http(call->http_status),
		        "the server's answer is an HTTP error without a status of gRPC");
	} else if (error_code == NGHTTP2_CANCEL) {
		bool is_late = clock_ms() >= call->begun_at_ms + call->timeout_ms;
		call_fail(call, is_late ? GRPC_DEADLINE_EXCEEDED : GRPC_CANCELLED,
		        "the server has cancelled the call");
	} else if (error_code == NGHTTP2_NO_ERROR) {
		call_fail(call, GRPC_UNAVAILABLE, "the server's answer has no status of gRPC");
	} else {
		call_fail(call, GRPC_UNAVAILABLE, nghttp2_http2_strerror(error_code));
	}
}

void call_on_closed(struct grpc_call *call, uint32_t error_code)
{
	call->connection->has_answered |= call->has_status;
	if (call->is_too_large) {
		call_fail(call, GRPC_RESOURCE_EXHAUSTED, "grpc: received message larger than max");
	} else if (call->has_status && call->status == GRPC_OK) {
		check_body(call);
	} else if (call->has_status) {
		grpc_body_finish(&call->body);
		end(call);
	} else if (error_code == NGHTTP2_REFUSED_STREAM && call->n_refused++ < REFUSED_MAX) {
		call_requeue(call);
	} else {
		end_without_status(call, error_code);
	}
}
