/* SPDX-License-Identifier: MIT */
/*
 * A small HTTP/1.1 client on an event base: kept-alive connections a host, a bounded queue, one
 * deadline a call. Follows no redirects, keeps no cookies. Names are resolved off the loop. What it
 * knows of a host is kept until the client is destroyed: it is meant for a few configured hosts.
 */
#ifndef CORE_HTTP_CLIENT_H
#define CORE_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event_base;
struct http_call;
struct http_client;
struct http_tls;

struct http_client_settings {
	size_t max_connections; /* a host */
	size_t max_queued; /* calls waiting, all hosts together; over it a call fails */
	size_t max_body; /* bytes of an answer */
	uint32_t connect_ms;
	uint32_t idle_ms; /* how long a connection is kept without use */
	struct http_tls *tls; /* borrowed; NULL: https is refused */
};

/* 8 connections, 1024 calls, 8 MiB, 5 s, 30 s. */
struct http_client_settings http_client_settings_default(void);

/* Everything is copied by the call. */
struct http_call_options {
	const char *method;
	const char *url; /* "http://127.0.0.1:8001/v1/internal/publish" */
	const char *content_type; /* NULL: no body */
	const char *authorization; /* value of the header; may be NULL */
	const char *body;
	size_t body_size;
	uint32_t timeout_ms; /* the whole call; 0: 30 s */
	/* A request that the server had perhaps begun is only sent again on a new connection if
	 * this is set (or the method is GET or HEAD). */
	bool is_repeatable;
};

/* Borrowed for the callback. */
struct http_response {
	unsigned status; /* 0: there is no answer, `error` says why */
	const char *error; /* a sentence, NULL if there is an answer */
	bool is_unsent; /* without an answer: the server has certainly not seen the request */
	const char *content_type; /* may be NULL */
	const char *body; /* terminated by NUL; may be NULL */
	size_t body_size;
	uint32_t retry_after_seconds; /* 0: the answer has none */
};
typedef void (*http_response_fn)(void *user, const struct http_response *response);

struct http_client *http_client_create(
        struct event_base *base, const struct http_client_settings *settings);

/* Ends open calls without calling back. Takes NULL. Not from a callback. */
void http_client_destroy(struct http_client *client);

/* Starts a call. on_response is called once, from the loop, never inside this call, unless the call
 * is cancelled before. Never NULL; valid until on_response is called. */
struct http_call *http_client_call(struct http_client *client,
        const struct http_call_options *options, http_response_fn on_response, void *user);

/* The callback will not come. */
void http_call_cancel(struct http_call *call);

#endif
