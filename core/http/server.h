/* SPDX-License-Identifier: MIT */
/*
 * An HTTP/1.1 server on an event base: strict about framing (RFC 9112), bounded in everything that
 * a peer can make grow or last, stopped gracefully. Handlers are given by a router.
 */
#ifndef CORE_HTTP_SERVER_H
#define CORE_HTTP_SERVER_H

#include <stddef.h>
#include <stdint.h>

struct event_base;
struct http_request;
struct http_router;
struct http_server;
struct http_tls;
struct loop;

/* What is told of each request when its reply has been given. Borrowed for the call. */
struct http_report {
	const char *method; /* "-" if the request could not be read */
	const char *path; /* as sent, without query; "-" if it could not be read */
	const char *pattern; /* NULL if no route was found */
	const char *peer;
	unsigned status;
	uint64_t duration_us;
	size_t body_size; /* of the request */
};
typedef void (*http_report_fn)(void *user, const struct http_report *report);

/* Sizes in bytes. A time of 0 means no limit. */
struct http_settings {
	size_t max_connections;
	size_t max_request_line; /* over it 414 */
	size_t max_headers_size; /* of all header lines together, and of all trailers; 431 */
	size_t max_headers; /* 431 */
	size_t max_body; /* 413; a route may say otherwise */
	uint32_t header_ms; /* first byte to end of headers, TLS handshake; 408 */
	uint32_t request_ms; /* first byte to end of body; 408 */
	uint32_t answer_ms; /* end of body to the handler's reply; then 503 for it */
	uint32_t reply_ms; /* to take a reply; each further 16 KiB of it add a second */
	uint32_t idle_ms; /* between requests */
	uint32_t
	        linger_ms; /* reading on after an error answer, so that it arrives; 0: not at all */
	const struct http_router *router; /* borrowed */
	struct http_tls *tls; /* borrowed, NULL: no TLS */
	/* Borrowed. With it replies that handlers give later leave together, when what the loop
	 * has waiting has run: a client is woken once for all of them. NULL: each at once. */
	struct loop *loop;
	http_report_fn report; /* may be NULL */
	void *report_user;
};

/* 1024 connections, 8 KiB, 32 KiB, 100 headers, 1 MiB; 10 s, 30 s, 60 s, 30 s, 60 s, 2 s. */
struct http_settings http_settings_default(void);

/* Why connections and requests were turned away by the server itself. */
enum http_refusal {
	HTTP_REFUSED_CONNECTIONS, /* too many */
	HTTP_REFUSED_TLS, /* handshake */
	HTTP_REFUSED_MALFORMED, /* 400, 417, 505 */
	HTTP_REFUSED_TOO_LARGE, /* 413, 414, 431 */
	HTTP_REFUSED_TIMEOUT, /* header_ms, request_ms */
	HTTP_REFUSED_NO_ROUTE, /* 404, 405 */
	HTTP_REFUSED_MEDIA_TYPE, /* 415 */
	HTTP_REFUSED_NO_ANSWER, /* answer_ms */
	HTTP_REFUSED_SLOW_READER, /* reply_ms */
	HTTP_N_REFUSALS
};

/* Short name for metrics, "too_large". */
const char *http_refusal_name(enum http_refusal refusal);

struct http_counters {
	uint64_t connections; /* ever accepted */
	uint64_t connections_open; /* now */
	uint64_t requests; /* headers complete */
	uint64_t requests_open; /* with a handler now */
	uint64_t replies[6]; /* by first digit of the status */
	uint64_t refused[HTTP_N_REFUSALS];
	uint64_t bytes_received;
	uint64_t bytes_sent;
};

/* Never fails (out of memory aborts). The settings are copied. */
struct http_server *http_server_create(
        struct event_base *base, const struct http_settings *settings);

/*
 * Closes everything at once; requests still with a handler stay valid until it replies. Takes NULL.
 * Must not be called from a handler, nor from the report function.
 */
void http_server_destroy(struct http_server *server);

/*
 * Listens at "127.0.0.1:8000", "[::1]:8000", "localhost:8000" (all its addresses), "0.0.0.0:8000"
 * or "[::]:8000" (both families); port 0 is one that is free. May be called several times. Returns
 * 0, or -1 and a sentence (owned, from malloc).
 */
int http_server_listen(struct http_server *server, const char *address, char **ret_error);

/* The port that the first listener got; 0 if there is none. */
uint16_t http_server_port(const struct http_server *server);

/*
 * Graceful stop: listeners closed, idle connections closed, requests under way (also half read)
 * answered with `Connection: close`; what is left after bound_ms is cut. on_stopped is called once,
 * from the loop, never inside this call; the server may be destroyed in it.
 */
void http_server_stop(
        struct http_server *server, uint32_t bound_ms, void (*on_stopped)(void *user), void *user);

const struct http_counters *http_server_counters(const struct http_server *server);

#endif
