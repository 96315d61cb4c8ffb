/* SPDX-License-Identifier: MIT */
/* What the files of the gRPC client share: the client, its connections and its calls. */
#ifndef SUPPORT_GRPC_PRIVATE_H
#define SUPPORT_GRPC_PRIVATE_H

#include <event2/bufferevent.h>
#include <event2/dns.h>
#include <event2/event.h>
#include <nghttp2/nghttp2.h>
#include <openssl/ssl.h>
#include <sys/queue.h>

#include "support/grpc/grpc.h"
#include "support/grpc/wire.h"

struct grpc_connection;

/* Where a call stands; it is in the list that this names, and moves to DONE exactly once. */
enum call_place {
	CALL_WAITING, /* in the client's queue */
	CALL_OPEN, /* a stream of a connection */
	CALL_DONE /* its answer is delivered in a later turn */
};

struct grpc_call {
	TAILQ_ENTRY(grpc_call) entry;
	struct grpc_client *client; /* borrowed */
	struct grpc_connection *connection; /* while OPEN */
	enum call_place place;
	int32_t stream_id;
	char *path; /* owned */
	uint8_t *request; /* owned; with its prefix */
	size_t request_size;
	size_t request_sent;
	char timeout[GRPC_TIMEOUT_SIZE];
	uint32_t timeout_ms;
	uint64_t begun_at_ms; /* by the monotonic clock: when it was handed to a connection */
	bool is_patient;
	bool is_sent; /* its headers have left */
	unsigned n_refused; /* times that the server has refused the stream unprocessed */
	struct event *deadline; /* owned */

	int http_status;
	bool has_status;
	bool is_too_large;
	bool is_expired; /* by our own clock */
	enum grpc_status status;
	char *sentence; /* owned; may be NULL */
	uint8_t *details; /* owned */
	size_t details_size;
	struct grpc_body body;

	grpc_answer_fn on_answer;
	void *user;
};
TAILQ_HEAD(call_list, grpc_call);

enum connection_state {
	CONNECTION_OPENING,
	CONNECTION_OPEN,
	CONNECTION_DRAINING /* after GOAWAY: what runs ends here, nothing new begins */
};

struct grpc_connection {
	TAILQ_ENTRY(grpc_connection) entry;
	struct grpc_client *client; /* borrowed */
	enum connection_state state;
	struct bufferevent *bufferevent; /* owned */
	nghttp2_session *session; /* owned; NULL until it is open */
	struct call_list calls;
	size_t n_calls;
	struct event *timer; /* connecting, then keep-alive */
	bool is_pinged; /* the answer to our PING is awaited */
	uint64_t received_at_ms; /* by the monotonic clock: the last bytes */
	bool has_answered; /* a call, with a status of the server */
	uint64_t opened_at_ms; /* by the monotonic clock; 0: still opening */
};
TAILQ_HEAD(connection_list, grpc_connection);

struct grpc_client {
	struct grpc_settings settings; /* texts owned */
	struct grpc_header *headers; /* owned, as its texts */
	char *authority; /* owned */
	SSL_CTX *tls; /* owned; NULL in the clear */
	struct evdns_base *dns; /* owned */
	struct connection_list connections;
	struct grpc_connection *current; /* new calls go here; NULL: none, or still opening */
	struct call_list waiting;
	struct call_list done;
	struct event *pump; /* hands calls out and delivers answers */
	struct event *retry; /* until the next attempt to connect */
	char *not_connected; /* owned; why the last attempt failed; NULL: it has not */
	unsigned n_failures; /* attempts in a row */
	unsigned n_short; /* connections in a row that ended at once and answered nothing */
	bool is_literal; /* the host is an address: nothing is looked up */
	int literal_family; /* its kind */
	struct grpc_counts counts;
};

/* connection.c */
/* Begins to connect; ends in client_on_open or client_on_lost, never within the call. */
struct grpc_connection *connection_create(struct grpc_client *client);
/* Takes it out of the client's list; its calls must have gone. */
void connection_destroy(struct grpc_connection *connection);
/* True: the connection takes one more call now. */
bool connection_has_room(const struct grpc_connection *connection);
/* Sends the call; false: it was not taken, and is where it was. */
bool connection_submit(struct grpc_connection *connection, struct grpc_call *call);
/* Writes what nghttp2 has ready. */
void connection_flush(struct grpc_connection *connection);
void connection_reset(struct grpc_connection *connection, struct grpc_call *call);
void connection_say_goodbye(struct grpc_connection *connection);

/* The server's SETTINGS have come. */
void connection_on_settings(struct grpc_connection *connection);

/* session.c: the callbacks of nghttp2. */
/* Zero, or an nghttp2 error. */
int session_create(struct grpc_connection *connection);

/* client.c: what connections tell. */
void client_on_open(struct grpc_connection *connection);
/* The connection has come to nothing, or ended; it is destroyed, its open calls fail. */
void client_on_lost(struct grpc_connection *connection, const char *sentence);
/* GOAWAY came: nothing new goes over it. */
void client_on_goaway(struct grpc_connection *connection);
/* A draining connection may have become empty. */
void client_wake(struct grpc_client *client);

/* call.c */
/* Milliseconds of the monotonic clock. */
uint64_t clock_ms(void);
void call_destroy(struct grpc_call *call);
/* The stream has closed with that HTTP/2 error code: works out what it comes to. */
void call_on_closed(struct grpc_call *call, uint32_t error_code);
/* Ends it without an answer of the server. */
void call_fail(struct grpc_call *call, enum grpc_status status, const char *sentence);
/* Back into the queue: the server has certainly not processed it. */
void call_requeue(struct grpc_call *call);
void call_deliver(struct grpc_call *call);
/* Takes one header or trailer. */
void call_on_header(struct grpc_call *call, const char *name, const uint8_t *value, size_t size);

/* tls.c */
/* The context; NULL: a sentence in error. */
SSL_CTX *tls_create(const struct grpc_settings *settings, char *error, size_t error_size);
/* One connection's state, with SNI and the name that the certificate must have. NULL: no memory. */
SSL *tls_open(SSL_CTX *tls, const char *server_name);
/* True: both sides have agreed on HTTP/2. */
bool tls_is_http2(const SSL *ssl);

#endif
