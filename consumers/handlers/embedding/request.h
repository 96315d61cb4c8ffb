/* SPDX-License-Identifier: MIT */
/* What the payload of an EMBEDDING step asks for. */
#ifndef CONSUMERS_HANDLERS_EMBEDDING_REQUEST_H
#define CONSUMERS_HANDLERS_EMBEDDING_REQUEST_H

#include "consumers/handlers/common/directive.h"
#include "consumers/handlers/embedding/chunk.h"

#include <stdint.h>

struct request {
	const char *model; /* borrowed from the directive or the environment */
	int64_t dimensions; /* 0 = what the model has */
	bool is_normalized; /* vectors are brought to length 1 */
	struct chunking chunking;
};

/* usual_model may be NULL. Final: PAYLOAD_INVALID, CHUNKING_INVALID, MODEL_MISSING. */
int request_read(const struct directive *directive, const char *usual_model, struct fault *fault,
        struct request *ret_request);

#endif
