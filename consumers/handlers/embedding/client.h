/* SPDX-License-Identifier: MIT */
/* Asks a service with OpenAI's /v1/embeddings for the vectors of texts. */
#ifndef CONSUMERS_HANDLERS_EMBEDDING_CLIENT_H
#define CONSUMERS_HANDLERS_EMBEDDING_CLIENT_H

#include "consumers/handlers/embedding/settings.h"

#include <jansson.h>
#include <stddef.h>

/* All vectors of a document have the same number of dimensions. */
struct vectors {
	float *values; /* owned, n_vectors rows */
	size_t n_vectors;
	size_t n_dimensions;
	int64_t n_prompt_tokens; /* that the service counted; 0 if it does not say */
};

struct client_request {
	const char *model;
	json_t *texts; /* borrowed, an array of strings: one call's worth */
	int64_t dimensions; /* 0 = what the model has */
};

/*
 * Appends the vectors of the texts, in their order. A service that is busy (429) or in trouble
 * (5xx) is asked again, when it says (Retry-After) or after 1, 2, 4 s, within the deadline and no
 * more than 30 s later; then, and where nothing answers: EX_TEMPFAIL. What it refuses or answers
 * wrongly is final.
 */
int client_embed(const struct settings *settings, const struct client_request *request,
        struct fault *fault, struct vectors *vectors);

void vectors_finish(struct vectors *vectors);

/* For client.c: appends what a body holds for n_texts texts; false with the reason in ret_reason.
 */
bool answer_read(const char *body, size_t size, size_t n_texts, struct vectors *vectors,
        const char **ret_reason);

/* The service's own words in an error body, bounded, owned; "" if there are none. */
char *answer_error(const char *body, size_t size);

#endif
