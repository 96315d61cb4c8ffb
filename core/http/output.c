/* SPDX-License-Identifier: MIT */
/* Small bodies are copied behind the head at once: one piece costs less than two. */
#include "core/http/output.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/http/stream.h"
#include "support/base/cleanup.h"
#include "support/base/decimal.h"
#include "support/base/memory.h"

enum { COPIED_BODY_MAX = 4096, KEPT_HEAD_MAX = 16384 };

static void clear(struct http_output *output)
{
	free(output->owned_body);
	char *kept = output->head;
	size_t capacity = output->head_capacity;
	if (capacity > KEPT_HEAD_MAX) {
		free(steal(kept));
		capacity = 0;
	}
	*output = (struct http_output){ .head = kept, .head_capacity = capacity };
}

void http_output_finish(struct http_output *output)
{
	clear(output);
	free(output->head);
	*output = (struct http_output){ 0 };
}

void http_output_bytes(struct http_output *output, const char *bytes, size_t size)
{
	assert(output->body == NULL);
	if (size > output->head_capacity - output->head_size) {
		output->head_capacity = (output->head_size + size) * 2;
		output->head = must_resize(output->head, output->head_capacity, 1);
	}
	memcpy(output->head + output->head_size, bytes, size);
	output->head_size += size;
}

void http_output_text(struct http_output *output, const char *text)
{
	http_output_bytes(output, text, strlen(text));
}

void http_output_number(struct http_output *output, uint64_t number)
{
	char digits[DECIMAL_SIZE];
	size_t size = decimal_print_unsigned(digits, number);
	http_output_bytes(output, digits, size);
}

void http_output_body(struct http_output *output, const char *body, size_t size)
{
	if (size <= COPIED_BODY_MAX) {
		if (size != 0) {
			http_output_bytes(output, body, size);
		}
		return;
	}
	output->body = body;
	output->body_size = size;
}

void http_output_owned_body(struct http_output *output, char *body, size_t size)
{
	http_output_body(output, body, size);
	if (output->body == NULL) {
		free(body);
	} else {
		output->owned_body = body;
	}
}

size_t http_output_left(const struct http_output *output)
{
	return output->head_size + output->body_size - output->n_sent;
}

static int pieces_left(const struct http_output *output, struct iovec *pieces)
{
	int n_pieces = 0;
	size_t n_skipped = output->n_sent;
	if (n_skipped < output->head_size) {
		pieces[n_pieces++] = (struct iovec){
			.iov_base = output->head + n_skipped,
			.iov_len = output->head_size - n_skipped,
		};
		n_skipped = 0;
	} else {
		n_skipped -= output->head_size;
	}
	if (n_skipped < output->body_size) {
		pieces[n_pieces++] = (struct iovec){
			.iov_base = (char *)output->body + n_skipped,
			.iov_len = output->body_size - n_skipped,
		};
	}
	return n_pieces;
}

/* The lender of a borrowed body will not wait: what is left of it moves in here. */
static void keep_body(struct http_output *output)
{
	if (output->body == NULL || output->owned_body != NULL) {
		return;
	}
	output->owned_body = must_copy(output->body, output->body_size);
	output->body = output->owned_body;
}

enum http_output_result http_output_send(
        struct http_output *output, struct http_stream *stream, uint64_t *sent)
{
	while (http_output_left(output) != 0) {
		struct iovec pieces[2];
		int n_pieces = pieces_left(output, pieces);
		ssize_t n_bytes = http_stream_write(stream, pieces, n_pieces);
		if (n_bytes == HTTP_STREAM_AGAIN) {
			keep_body(output);
			return HTTP_OUTPUT_AGAIN;
		}
		if (n_bytes <= 0) {
			return HTTP_OUTPUT_FAILED;
		}
		output->n_sent += (size_t)n_bytes;
		*sent += (uint64_t)n_bytes;
	}
	clear(output);
	return HTTP_OUTPUT_DONE;
}
