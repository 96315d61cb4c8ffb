/* SPDX-License-Identifier: MIT */
/*
 * Unary gRPC calls over HTTP/2 on the caller's loop, for plugins: nghttp2 behind a bufferevent, in
 * the clear or over TLS. The client connects by itself, keeps one connection that all calls share,
 * and goes on with a new one when the server sends GOAWAY. One thread; callbacks never run inside a
 * call of these functions.
 */
#ifndef SUPPORT_GRPC_GRPC_H
#define SUPPORT_GRPC_GRPC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event_base;
struct grpc_call;
struct grpc_client;

/* Status codes of gRPC ("Status codes and their use in gRPC"). */
enum grpc_status {
	GRPC_OK = 0,
	GRPC_CANCELLED = 1,
	GRPC_UNKNOWN = 2,
	GRPC_INVALID_ARGUMENT = 3,
	GRPC_DEADLINE_EXCEEDED = 4,
	GRPC_NOT_FOUND = 5,
	GRPC_ALREADY_EXISTS = 6,
	GRPC_PERMISSION_DENIED = 7,
	GRPC_RESOURCE_EXHAUSTED = 8,
	GRPC_FAILED_PRECONDITION = 9,
	GRPC_ABORTED = 10,
	GRPC_OUT_OF_RANGE = 11,
	GRPC_UNIMPLEMENTED = 12,
	GRPC_INTERNAL = 13,
	GRPC_UNAVAILABLE = 14,
	GRPC_DATA_LOSS = 15,
	GRPC_UNAUTHENTICATED = 16
};

/* One header that goes with every call. */
struct grpc_header {
	const char *name; /* lower case */
	const char *value;
};

/* A zero stands for the default in brackets. Everything is copied. */
struct grpc_settings {
	struct event_base *base; /* borrowed while the client lives */
	const char *host; /* name or address, without brackets */
	uint16_t port;
	bool is_tls;
	const char *ca_file; /* PEM, instead of the system's certificates; may be NULL */
	const char *cert_file; /* PEM of the client's certificate and chain; may be NULL */
	const char *key_file; /* PEM of its key; may be NULL */
	const char *server_name; /* for SNI, verification and :authority, instead of host */
	const struct grpc_header *headers;
	size_t n_headers;
	uint32_t connect_timeout_ms; /* TCP and TLS together (5000) */
	uint32_t ping_after_ms; /* of silence on a connection (30000) */
	uint32_t ping_timeout_ms; /* then the connection is given up (15000) */
	uint32_t retry_max_ms; /* longest wait between two attempts to connect (10000) */
	size_t max_request; /* bytes of one message (4 MiB) */
	size_t max_answer; /* bytes of one message (64 MiB) */
	/* Sentence: why there is no connection; NULL: there is one. May be NULL. */
	void (*on_state)(void *user, const char *sentence);
	void *user;
};

/* What to call; copied. */
struct grpc_request {
	const char *path; /* "/package.Service/Method" */
	const void *message;
	size_t size;
	uint32_t timeout_ms; /* told to the server; 0: 30 s */
	/* Waits for a connection as long as its timeout lasts. Otherwise it fails at once while the
	 * last attempt to connect has failed. */
	bool is_patient;
};

struct grpc_answer {
	enum grpc_status status;
	bool is_sent; /* the server may have got the request */
	const char *sentence; /* the server's grpc-message, or ours; never NULL */
	const uint8_t *message; /* with GRPC_OK */
	size_t size;
	const uint8_t *details; /* a google.rpc.Status; size 0: none */
	size_t details_size;
};

/* The answer is borrowed for the call. */
typedef void (*grpc_answer_fn)(void *user, const struct grpc_answer *answer);

/* Connects from the loop. NULL: a sentence in error (files that cannot be read, no such key). */
struct grpc_client *grpc_client_create(
        const struct grpc_settings *settings, char *error, size_t error_size);
/* Says GOAWAY and closes; calls under way get no answer. Takes NULL. Not from a callback. */
void grpc_client_destroy(struct grpc_client *client);

/* On_answer comes exactly once, in a later turn of the loop, unless the call is cancelled. */
struct grpc_call *grpc_client_call(struct grpc_client *client, const struct grpc_request *request,
        grpc_answer_fn on_answer, void *user);
/* Gives up: no callback. What was sent may have its effect all the same. */
void grpc_call_cancel(struct grpc_call *call);
/* The server may have got it; false while it waits for a connection. */
bool grpc_call_is_sent(const struct grpc_call *call);

/* For tests and metrics. */
struct grpc_counts {
	uint64_t n_connections; /* made so far */
	uint64_t n_goaways; /* received */
	uint64_t n_lost_trailers; /* whole answers without a status, taken as good */
};
struct grpc_counts grpc_client_counts(const struct grpc_client *client);

#endif
