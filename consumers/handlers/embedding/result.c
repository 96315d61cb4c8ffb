/* SPDX-License-Identifier: MIT */
/*
 * Prints vectors; see result.h. Numbers go straight into the text: as JSON values the vectors of a
 * long document would take twenty times their memory.
 */
#include "consumers/handlers/embedding/result.h"

#include "consumers/common/text.h"
#include "support/base/cleanup.h"

#include <math.h>
#include <stdio.h>

void result_normalize(struct vectors *vectors)
{
	for (size_t row = 0; row < vectors->n_vectors; row++) {
		float *values = vectors->values + row * vectors->n_dimensions;
		double sum = 0;
		for (size_t i = 0; i < vectors->n_dimensions; i++) {
			sum += (double)values[i] * values[i];
		}
		double length = sqrt(sum);
		for (size_t i = 0; length > 0 && i < vectors->n_dimensions; i++) {
			values[i] = (float)(values[i] / length);
		}
	}
}

/* Nine digits give back the same float. */
static void print_vector(FILE *stream, const float *values, size_t n_dimensions)
{
	for (size_t i = 0; i < n_dimensions; i++) {
		fprintf(stream, "%s%.9g", i > 0 ? "," : "", (double)values[i]);
	}
}

static void print_chunk(
        FILE *stream, const struct chunk_list *chunks, const struct vectors *vectors, size_t index)
{
	const struct chunk *chunk = &chunks->chunks[index];
	fprintf(stream,
	        "%s{\"index\":%zu,\"text_range\":{\"start\":%zu,\"end\":%zu},\"embedding\":[",
	        index > 0 ? "," : "", index, chunk->begin_character, chunk->end_character);
	print_vector(
	        stream, vectors->values + index * vectors->n_dimensions, vectors->n_dimensions);
	fputs("]}", stream);
}

char *result_json(const struct request *request, const struct chunk_list *chunks,
        const struct vectors *vectors, size_t *ret_size)
{
	char *text = NULL;
	FILE *stream = open_memstream(&text, ret_size);
	json_t *model = json_string(request->model);
	CLEANUP_FREE char *quoted = model != NULL ? json_dumps(model, JSON_ENCODE_ANY) : NULL;
	json_decref(model);
	if (stream == NULL || quoted == NULL) {
		text_abort_no_memory();
	}
	fprintf(stream, "{\"model\":%s,\"dimensions\":%zu,\"chunks\":[", quoted,
	        vectors->n_dimensions);
	for (size_t i = 0; i < chunks->n_chunks; i++) {
		print_chunk(stream, chunks, vectors, i);
	}
	fputs("]}\n", stream);
	if (fclose(stream) != 0) {
		text_abort_no_memory();
	}
	return text;
}

json_t *result_metadata(const struct request *request, const struct vectors *vectors)
{
	return json_pack("{s:s, s:I, s:I, s:b, s:I}", "model", request->model, "dimensions",
	        (json_int_t)vectors->n_dimensions, "chunks", (json_int_t)vectors->n_vectors,
	        "normalized", request->is_normalized, "prompt_tokens",
	        (json_int_t)vectors->n_prompt_tokens);
}
