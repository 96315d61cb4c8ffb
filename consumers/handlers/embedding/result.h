/* SPDX-License-Identifier: MIT */
/* The vectors of a text's chunks as one JSON document. */
#ifndef CONSUMERS_HANDLERS_EMBEDDING_RESULT_H
#define CONSUMERS_HANDLERS_EMBEDDING_RESULT_H

#include "consumers/handlers/embedding/chunk.h"
#include "consumers/handlers/embedding/client.h"
#include "consumers/handlers/embedding/request.h"

/* Brings each vector to length 1; one of zeros stays. */
void result_normalize(struct vectors *vectors);

/*
 * {"model", "dimensions", "chunks": [{"index", "text_range": {"start", "end"}, "embedding"}]},
 * owned; ranges count code points of the text, the end not included.
 */
char *result_json(const struct request *request, const struct chunk_list *chunks,
        const struct vectors *vectors, size_t *ret_size);

/* What the reference's `metadata` says; owned. */
json_t *result_metadata(const struct request *request, const struct vectors *vectors);

#endif
