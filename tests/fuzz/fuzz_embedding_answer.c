/* SPDX-License-Identifier: MIT */
/* Bytes of an embeddings service's answer. What is taken has a finite number in every place. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "consumers/handlers/embedding/client.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	const char *reason = NULL;
	struct vectors vectors = { 0 };
	if (size == 0) {
		return 0;
	}
	size_t n_texts = 1 + bytes[0] % 4;
	if (answer_read((const char *)bytes + 1, size - 1, n_texts, &vectors, &reason)) {
		assert(vectors.n_vectors == n_texts && vectors.n_dimensions > 0);
		for (size_t i = 0; i < n_texts * vectors.n_dimensions; i++) {
			assert(isfinite(vectors.values[i]));
		}
	} else {
		assert(reason != NULL);
	}
	vectors_finish(&vectors);
	free(answer_error((const char *)bytes + 1, size - 1));
	return 0;
}
