/* SPDX-License-Identifier: MIT */
/*
 * Bytes of a peer through the parsers of requests, targets and answers. What comes in pieces must
 * be understood as what comes whole, and what a request is must not depend on what follows it.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/http/answer_parser.h"
#include "core/http/parser.h"
#include "core/http/target.h"
#include "support/base/cleanup.h"
#include "support/base/memory.h"
#include "tests/fuzz/fuzz.h"

enum { BODY_MAX = 256 };

static const struct http_parser_limits limits = {
	.max_request_line = 256,
	.max_headers_size = 1024,
	.max_headers = 16,
};

struct outcome {
	enum http_parse result;
	unsigned status;
	char *text; /* owned: the bytes as the parser has left them */
	size_t size; /* of the text */
	size_t message_size;
	size_t body_at;
	size_t target_at;
	size_t target_size;
};

static void outcome_finish(struct outcome *outcome)
{
	free(outcome->text);
}

/* Gives the bytes in pieces of that size, each in a block of just the size of all so far. */
static struct outcome parse(const uint8_t *bytes, size_t size, size_t piece_size)
{
	struct http_parser parser;
	struct outcome outcome = { .result = HTTP_PARSE_MORE };
	http_parser_init(&parser, &limits);
	for (size_t from = 0; from < size; from += piece_size) {
		size_t n_more = size - from < piece_size ? size - from : piece_size;
		outcome.text = must_resize(outcome.text, outcome.size + n_more, 1);
		memcpy(outcome.text + outcome.size, bytes + from, n_more);
		outcome.size += n_more;
		while (outcome.result == HTTP_PARSE_MORE || outcome.result == HTTP_PARSE_HEAD) {
			outcome.result = http_parser_advance(&parser, outcome.text, &outcome.size);
			parser.max_body = BODY_MAX;
			if (outcome.result == HTTP_PARSE_MORE) {
				break;
			}
		}
	}
	outcome.status = parser.status;
	outcome.message_size = parser.message_size;
	outcome.body_at = parser.body_at;
	outcome.target_at = parser.target_at;
	outcome.target_size = parser.target_size;
	assert(outcome.result != HTTP_PARSE_REFUSED || parser.reason != NULL);
	assert(outcome.result != HTTP_PARSE_DONE || parser.body_size <= BODY_MAX);
	http_parser_finish(&parser);
	return outcome;
}

static void check_target(const struct outcome *outcome)
{
	char *scratch CLEANUP_FREE = must_calloc(1, http_target_scratch(outcome->target_size));
	char *copy CLEANUP_FREE =
	        must_copy(outcome->text + outcome->target_at, outcome->target_size);
	struct http_target target;
	if (http_target_parse(copy, outcome->target_size, scratch, &target) != NULL) {
		return;
	}
	size_t n_bytes = strlen(target.path);
	for (size_t i = 0; i < target.n_segments; i++) {
		n_bytes += strlen(target.segments[i]);
	}
	for (size_t i = 0; i < target.n_query && target.query_error == NULL; i++) {
		n_bytes += strlen(target.query[i].name) + strlen(target.query[i].value);
	}
	assert(n_bytes <= 2 * (outcome->target_size + 1));
}

static enum http_answer_parse parse_answer(
        const uint8_t *bytes, size_t size, size_t piece_size, struct http_answer_parser *parser)
{
	char *text CLEANUP_FREE = NULL;
	size_t text_size = 0;
	enum http_answer_parse result = HTTP_ANSWER_MORE;
	*parser = (struct http_answer_parser){ .max_body = BODY_MAX };
	for (size_t from = 0; from < size && result == HTTP_ANSWER_MORE; from += piece_size) {
		size_t n_more = size - from < piece_size ? size - from : piece_size;
		text = must_resize(text, text_size + n_more, 1);
		memcpy(text + text_size, bytes + from, n_more);
		text_size += n_more;
		result = http_answer_parser_advance(parser, text, &text_size);
	}
	return result == HTTP_ANSWER_MORE ? http_answer_parser_end(parser, text_size) : result;
}

static void check_answer(const uint8_t *bytes, size_t size, size_t piece_size)
{
	struct http_answer_parser whole;
	struct http_answer_parser pieces;
	enum http_answer_parse result = parse_answer(bytes, size, size, &whole);
	assert(parse_answer(bytes, size, piece_size, &pieces) == result);
	assert(result != HTTP_ANSWER_MORE);
	if (result == HTTP_ANSWER_DONE) {
		assert(whole.status == pieces.status && whole.body_size == pieces.body_size);
		assert(whole.body_size <= BODY_MAX);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	if (size < 2) {
		return 0;
	}
	size_t piece_size = bytes[0] % 64 + 1u;
	bytes++;
	size--;
	struct outcome whole CLEANUP(outcome_finish) = parse(bytes, size, size);
	struct outcome pieces CLEANUP(outcome_finish) = parse(bytes, size, piece_size);
	assert(whole.result == pieces.result && whole.status == pieces.status);
	if (whole.result == HTTP_PARSE_DONE) {
		assert(whole.message_size == pieces.message_size);
		assert(memcmp(whole.text, pieces.text, whole.message_size) == 0);
		check_target(&whole);
	}
	check_answer(bytes, size, piece_size);
	return 0;
}
