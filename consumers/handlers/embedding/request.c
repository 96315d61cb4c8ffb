/* SPDX-License-Identifier: MIT */
/* Reads the payload of an EMBEDDING step; see request.h. */
#include "consumers/handlers/embedding/request.h"

#include <inttypes.h>
#include <strings.h>

enum { USUAL_MAX_TOKENS = 512 };

static int read_number(const json_t *object, const char *name, int64_t minimum, struct fault *fault,
        int64_t *value)
{
	const json_t *number = json_object_get(object, name);
	if (number == NULL || json_is_null(number)) {
		return 0;
	}
	if (!json_is_integer(number) || json_integer_value(number) < minimum ||
	        json_integer_value(number) > INT32_MAX) {
		return fault_final(fault, "PAYLOAD_INVALID",
		        "The payload's '%s' is not a whole number from %" PRId64 ".", name,
		        minimum);
	}
	*value = json_integer_value(number);
	return 0;
}

static int read_strategy(const json_t *chunking, struct fault *fault, enum chunk_strategy *strategy)
{
	static const struct {
		const char *name;
		enum chunk_strategy strategy;
	} names[] = {
		{ "fixed", CHUNK_FIXED },
		{ "token", CHUNK_FIXED },
		{ "tokens", CHUNK_FIXED },
		{ "sliding_window", CHUNK_FIXED },
		{ "sentence", CHUNK_SENTENCE },
		{ "paragraph", CHUNK_PARAGRAPH },
		{ "none", CHUNK_NONE },
	};
	const json_t *value = json_object_get(chunking, "strategy");
	if (value == NULL || json_is_null(value)) {
		return 0;
	}
	const char *text = json_string_value(value);
	for (size_t i = 0; text != NULL && i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcasecmp(text, names[i].name) == 0) {
			*strategy = names[i].strategy;
			return 0;
		}
	}
	return fault_final(fault, "CHUNKING_INVALID",
	        "chunking.strategy is '%s'; fixed, sentence, paragraph or none is accepted.",
	        text != NULL ? text : "(not a text)");
}

static int read_chunking(
        const struct directive *directive, struct fault *fault, struct chunking *ret_chunking)
{
	const json_t *json = json_object_get(directive->payload, "chunking");
	struct chunking chunking = { .strategy = CHUNK_FIXED };
	int64_t max_tokens = USUAL_MAX_TOKENS;
	int64_t overlap_tokens = 0;
	if (json != NULL && !json_is_null(json) && !json_is_object(json)) {
		return fault_final(
		        fault, "CHUNKING_INVALID", "The payload's 'chunking' is not an object.");
	}
	int status = read_strategy(json, fault, &chunking.strategy);
	if (status == 0) {
		status = read_number(json, "max_tokens", 1, fault, &max_tokens);
	}
	if (status == 0) {
		status = read_number(json, "overlap_tokens", 0, fault, &overlap_tokens);
	}
	if (status == 0 && overlap_tokens >= max_tokens) {
		status = fault_final(fault, "CHUNKING_INVALID",
		        "chunking.overlap_tokens is %" PRId64
		        ", it must be below max_tokens, %" PRId64 ".",
		        overlap_tokens, max_tokens);
	}
	chunking.max_tokens = (size_t)max_tokens;
	chunking.overlap_tokens = (size_t)overlap_tokens;
	*ret_chunking = chunking;
	return status;
}

static int read_normalize(const struct directive *directive, struct fault *fault, bool *ret_is)
{
	const json_t *value = json_object_get(directive->payload, "normalize");
	if (value != NULL && !json_is_null(value) && !json_is_boolean(value)) {
		return fault_final(fault, "PAYLOAD_INVALID",
		        "The payload's 'normalize' is not true or false.");
	}
	*ret_is = json_is_true(value);
	return 0;
}

int request_read(const struct directive *directive, const char *usual_model, struct fault *fault,
        struct request *ret_request)
{
	struct request request = { 0 };
	int status = directive_text(directive, "model", fault, &request.model);
	if (request.model == NULL) {
		request.model = usual_model;
	}
	if (status == 0 && request.model == NULL) {
		status = fault_final(fault, "MODEL_MISSING",
		        "The payload has no 'model', and EMBEDDING_MODEL is not set.");
	}
	if (status == 0) {
		status = read_number(
		        directive->payload, "dimensions", 1, fault, &request.dimensions);
	}
	if (status == 0) {
		status = read_normalize(directive, fault, &request.is_normalized);
	}
	if (status == 0) {
		status = read_chunking(directive, fault, &request.chunking);
	}
	*ret_request = request;
	return status;
}
