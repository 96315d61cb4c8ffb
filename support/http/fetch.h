/* SPDX-License-Identifier: MIT */
/*
 * An HTTP client for plugins: libcurl on the caller's loop, with a bounded queue for each host,
 * kept-alive connections, repeats where they are safe, and an answer that says whether the server
 * may have got the request. One thread; callbacks never run inside a call.
 */
#ifndef SUPPORT_HTTP_FETCH_H
#define SUPPORT_HTTP_FETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event_base;
struct fetch_call;
struct fetch_client;

/* A zero stands for the default in brackets. Texts are copied. */
struct fetch_settings {
	struct event_base *base; /* borrowed while the client lives */
	const char *user_agent; /* may be NULL */
	const char *ca_file; /* PEM, instead of the system's certificates; may be NULL */
	uint32_t max_connections; /* to one host at once (16) */
	uint32_t max_waiting; /* requests in line for one host (4096) */
	uint32_t connect_timeout_ms; /* (3000) */
	uint32_t attempt_timeout_ms; /* from the start of an attempt to its last byte (10000) */
	uint32_t idle_seconds; /* after which a kept connection is not used again (3) */
	size_t max_answer; /* bytes of a body (16 MiB) */
};

/* What to ask; copied. */
struct fetch_request {
	const char *method;
	const char *url;
	const char *const *headers; /* "Name: value" each */
	size_t n_headers;
	const char *body; /* NULL: none */
	size_t body_size;
	uint32_t timeout_ms; /* for all attempts and waits together; 0: 20 s */
	/* The request may be carried out twice without harm. Otherwise it is repeated only while
	 * it has certainly not been sent. */
	bool is_repeatable;
	bool is_urgent; /* before those in line, however many they are */
	uint32_t max_attempts; /* 0: as many as the time allows */
};

enum fetch_outcome {
	FETCH_ANSWERED, /* status, headers and body are there */
	FETCH_NOT_SENT, /* the server has not got it */
	FETCH_UNKNOWN, /* it was sent, and no whole answer came */
};

struct fetch_answer {
	enum fetch_outcome outcome;
	int status;
	bool is_repeated; /* sent more than once: an earlier sending may have had its effect */
	const char *body; /* ends with a NUL that body_size leaves out; never NULL */
	size_t body_size;
	const char *headers; /* lines with CRLF; never NULL */
	const char *sentence; /* NULL if answered, else what went wrong */
};

/* The answer is borrowed for the call. */
typedef void (*fetch_answer_fn)(void *user, const struct fetch_answer *answer);

/* NULL: libcurl could not be set up. */
struct fetch_client *fetch_client_create(const struct fetch_settings *settings);
/* Ends what is under way without calling back; takes NULL. Not to be called from a callback. */
void fetch_client_destroy(struct fetch_client *client);

/* Starts a request; on_answer comes exactly once, in a later turn, unless it is cancelled. */
struct fetch_call *fetch_client_ask(struct fetch_client *client,
        const struct fetch_request *request, fetch_answer_fn on_answer, void *user);
/* Gives up: no callback. What was sent may have its effect all the same. */
void fetch_call_cancel(struct fetch_call *call);
/* The server is known to answer again: what pauses before its next attempt goes on at once, unless
 * the server has said itself how long to wait. */
void fetch_client_hurry(struct fetch_client *client);

/* The value of a header (the first of that name, any case) without blanks around it; NULL: none. */
const char *fetch_answer_header(
        const struct fetch_answer *answer, const char *name, size_t *ret_size);

#endif
