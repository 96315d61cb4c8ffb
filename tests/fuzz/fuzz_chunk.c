/* SPDX-License-Identifier: MIT */
/*
 * Bytes of a text into chunks for embedding. The first three bytes choose how; the rest, if it is
 * UTF-8, must be covered in order, and each chunk must be UTF-8 and bring something new.
 */
#include <assert.h>
#include <string.h>

#include "consumers/common/text.h"
#include "consumers/handlers/embedding/chunk.h"
#include "tests/fuzz/fuzz.h"

enum { MAX_CHUNKS = 4096 };

static bool is_utf8(const char *text, size_t size)
{
	for (size_t at = 0; at < size;) {
		size_t length = text_utf8_length(text + at, size - at);
		if (length == 0) {
			return false;
		}
		at += length;
	}
	return true;
}

static void check(const char *text, size_t size, const struct chunk_list *list)
{
	size_t covered = 0;
	size_t characters = 0;
	for (size_t i = 0; i < list->n_chunks; i++) {
		const struct chunk *chunk = &list->chunks[i];
		assert(chunk->begin < chunk->end && chunk->end > covered && chunk->end <= size);
		assert(chunk->end_character > characters);
		assert(chunk->end_character - chunk->begin_character <= chunk->end - chunk->begin);
		assert(is_utf8(text + chunk->begin, chunk->end - chunk->begin));
		covered = chunk->end;
		characters = chunk->end_character;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	if (size < 3 || !is_utf8((const char *)bytes + 3, size - 3)) {
		return 0;
	}
	struct chunking chunking = { .strategy = (enum chunk_strategy)(bytes[0] % 4),
		.max_tokens = 1 + bytes[1] % 64 };
	chunking.overlap_tokens = bytes[2] % chunking.max_tokens;
	struct chunk_list list = { 0 };
	const char *text = (const char *)bytes + 3;
	if (chunk_text(text, size - 3, &chunking, MAX_CHUNKS, &list)) {
		check(text, size - 3, &list);
		chunk_list_finish(&list);
	}
	return 0;
}
