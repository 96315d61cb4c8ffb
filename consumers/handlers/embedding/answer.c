/* SPDX-License-Identifier: MIT */
/* Reads what an embeddings service answers; nothing in it is taken on trust. */
#include "consumers/common/text.h"
#include "consumers/handlers/embedding/client.h"
#include "support/base/cleanup.h"
#include "support/base/memory.h"

#include <math.h>
#include <string.h>

enum { MAX_DIMENSIONS = 65536, MAX_ERROR_LENGTH = 300 };

CLEANUP_DEFINE(json_t *, json, json_decref)

static bool read_vector(const json_t *numbers, float *values)
{
	size_t i = 0;
	json_t *number = NULL;
	json_array_foreach(numbers, i, number)
	{
		values[i] = (float)json_number_value(number);
		if (!json_is_number(number) || !isfinite(values[i])) {
			return false;
		}
	}
	return true;
}

/* Makes room for n_texts rows; their width is that of the first vector ever seen. */
static float *make_room(struct vectors *vectors, const json_t *items, size_t n_texts)
{
	const json_t *first = json_object_get(json_array_get(items, 0), "embedding");
	if (vectors->n_dimensions == 0) {
		vectors->n_dimensions = json_array_size(first);
	}
	size_t width = vectors->n_dimensions;
	if (width == 0 || width > MAX_DIMENSIONS) {
		return NULL;
	}
	vectors->values =
	        must_resize(vectors->values, (vectors->n_vectors + n_texts) * width, sizeof(float));
	return vectors->values + vectors->n_vectors * width;
}

/* Each item says with `index` which text it belongs to; the order does not. */
static const char *read_items(const json_t *items, size_t n_texts, struct vectors *vectors)
{
	if (json_array_size(items) != n_texts) {
		return "not one vector for each text";
	}
	float *rows = make_room(vectors, items, n_texts);
	if (rows == NULL) {
		return "a vector without numbers, or too long";
	}
	CLEANUP_FREE bool *is_seen = must_calloc(n_texts, sizeof(bool));
	for (size_t i = 0; i < n_texts; i++) {
		const json_t *item = json_array_get(items, i);
		const json_t *numbers = json_object_get(item, "embedding");
		const json_t *place = json_object_get(item, "index");
		json_int_t index =
		        json_is_integer(place) ? json_integer_value(place) : (json_int_t)i;
		if (index < 0 || (size_t)index >= n_texts || is_seen[index]) {
			return "an index twice or out of range";
		}
		is_seen[index] = true;
		if (json_array_size(numbers) != vectors->n_dimensions) {
			return "vectors of different lengths";
		}
		if (!read_vector(numbers, rows + (size_t)index * vectors->n_dimensions)) {
			return "something in a vector that is no number";
		}
	}
	vectors->n_vectors += n_texts;
	return NULL;
}

bool answer_read(const char *body, size_t size, size_t n_texts, struct vectors *vectors,
        const char **ret_reason)
{
	CLEANUP(cleanup_json) json_t *json = json_loadb(body, size, 0, NULL);
	if (!json_is_object(json)) {
		*ret_reason = "no JSON object";
		return false;
	}
	const char *reason = read_items(json_object_get(json, "data"), n_texts, vectors);
	if (reason != NULL) {
		*ret_reason = reason;
		return false;
	}
	const json_t *usage = json_object_get(json, "usage");
	vectors->n_prompt_tokens += json_integer_value(json_object_get(usage, "prompt_tokens"));
	return true;
}

char *answer_error(const char *body, size_t size)
{
	CLEANUP(cleanup_json) json_t *json = json_loadb(body, size, 0, NULL);
	const json_t *error = json_object_get(json, "error");
	const char *message = json_string_value(
	        json_is_object(error) ? json_object_get(error, "message") : error);
	if (message == NULL) {
		message = json_string_value(json_object_get(json, "detail"));
	}
	return text_format("%.*s", MAX_ERROR_LENGTH, message != NULL ? message : "");
}

void vectors_finish(struct vectors *vectors)
{
	free(vectors->values);
	*vectors = (struct vectors){ 0 };
}
