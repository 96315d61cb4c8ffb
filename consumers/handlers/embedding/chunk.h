/* SPDX-License-Identifier: MIT */
/*
 * Cuts a text into pieces small enough for an embedding model.
 *
 * The models' own tokenizers are not at hand, so tokens are counted in a way that is close to and
 * mostly above theirs: up to four letters or digits in a row are one token, each other sign and
 * each sign of Chinese, Japanese or Korean is one, blanks are none.
 */
#ifndef CONSUMERS_HANDLERS_EMBEDDING_CHUNK_H
#define CONSUMERS_HANDLERS_EMBEDDING_CHUNK_H

#include <stdbool.h>
#include <stddef.h>

/* Where a chunk that may not hold more ends: behind a word, a sentence, or a paragraph. */
enum chunk_strategy {
	CHUNK_FIXED,
	CHUNK_SENTENCE,
	CHUNK_PARAGRAPH,
	CHUNK_NONE, /* the whole text is one */
};

struct chunking {
	enum chunk_strategy strategy;
	size_t max_tokens; /* of one chunk, at least 1 */
	size_t overlap_tokens; /* shared with the chunk before, at most; below max_tokens */
};

struct chunk {
	size_t begin; /* bytes; first and last are no blanks */
	size_t end;
	size_t begin_character; /* code points, the same places */
	size_t end_character;
};

struct chunk_list {
	struct chunk *chunks; /* owned */
	size_t n_chunks;
};

/*
 * Cuts size bytes of valid UTF-8; a text of blanks gives no chunk. A sentence or paragraph longer
 * than max_tokens is cut behind a word, a word longer than that within. False if there are more
 * than max_chunks. ret_list is to be given to chunk_list_finish if true.
 */
bool chunk_text(const char *text, size_t size, const struct chunking *chunking, size_t max_chunks,
        struct chunk_list *ret_list);

void chunk_list_finish(struct chunk_list *list);

#endif
