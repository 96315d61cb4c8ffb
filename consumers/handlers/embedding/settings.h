/* SPDX-License-Identifier: MIT */
/* Where the embeddings come from and the bounds of one run, set by the operator. */
#ifndef CONSUMERS_HANDLERS_EMBEDDING_SETTINGS_H
#define CONSUMERS_HANDLERS_EMBEDDING_SETTINGS_H

#include "consumers/common/fault.h"

#include <stdint.h>

struct settings {
	char *url; /* owned, of the embeddings call itself */
	char *api_key; /* owned, may be NULL */
	const char *model; /* borrowed, EMBEDDING_MODEL, may be NULL */
	int64_t deadline_ms; /* of clock_now_ms */
	int64_t batch_size; /* texts of one call */
	int64_t max_chunks; /* of one document */
};

/* Returns 0 or EX_CONFIG; to be given to settings_finish either way. */
int settings_read(struct fault *fault, struct settings *ret_settings);

void settings_finish(struct settings *settings);

/*
 * The address of the call from what people write: `http://host` gets /v1/embeddings,
 * `https://host/v1` gets /embeddings, one that ends in /embeddings stays (query kept). Owned.
 */
char *settings_embeddings_url(const char *url);

#endif
