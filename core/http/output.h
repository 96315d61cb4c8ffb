/* SPDX-License-Identifier: MIT */
/*
 * What waits to be sent on one connection: a head that is put together here, and one body behind it
 * that is only copied if the socket does not take it at once.
 */
#ifndef CORE_HTTP_OUTPUT_H
#define CORE_HTTP_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_stream;

/* All zeros is an empty output. */
struct http_output {
	char *head; /* owned; kept for the next use */
	size_t head_size;
	size_t head_capacity;
	const char *body; /* borrowed, or what owned_body holds */
	size_t body_size;
	char *owned_body;
	size_t n_sent; /* of head and body together */
};

enum http_output_result {
	HTTP_OUTPUT_DONE,
	HTTP_OUTPUT_AGAIN, /* the stream says what it waits for */
	HTTP_OUTPUT_FAILED
};

void http_output_finish(struct http_output *output);

/* Appends to the head; nothing may be appended once there is a body. */
void http_output_text(struct http_output *output, const char *text);
void http_output_bytes(struct http_output *output, const char *bytes, size_t size);
void http_output_number(struct http_output *output, uint64_t number);

/* The body: borrowed until http_output_send() returns for the first time, or owned. */
void http_output_body(struct http_output *output, const char *body, size_t size);
void http_output_owned_body(struct http_output *output, char *body, size_t size);

size_t http_output_left(const struct http_output *output);

/* Sends what can be sent now and adds it to *sent. When done, the output is empty. */
enum http_output_result http_output_send(
        struct http_output *output, struct http_stream *stream, uint64_t *sent);

#endif
