/* SPDX-License-Identifier: MIT */
/* Cuts rows of tokens into chunks; see chunk.h. */
#include "consumers/handlers/embedding/chunk.h"

#include "consumers/handlers/embedding/tokens.h"
#include "support/base/cleanup.h"
#include "support/base/memory.h"

struct cutter {
	const struct token_row *row;
	const struct chunking *chunking;
	struct chunk_list list;
	size_t capacity;
};

static void add_chunk(struct cutter *cutter, size_t first, size_t behind)
{
	struct chunk_list *list = &cutter->list;
	const struct token *tokens = cutter->row->tokens;
	if (list->n_chunks == cutter->capacity) {
		cutter->capacity = cutter->capacity == 0 ? 64 : cutter->capacity * 2;
		list->chunks = must_resize(list->chunks, cutter->capacity, sizeof(list->chunks[0]));
	}
	list->chunks[list->n_chunks++] = (struct chunk){
		.begin = tokens[first].begin,
		.end = tokens[behind - 1].end,
		.begin_character = tokens[first].begin_character,
		.end_character = tokens[behind - 1].end_character,
	};
}

/* The last place in after+1..limit behind a token with such a break; 0 if there is none. */
static size_t last_break(
        const struct token_row *row, size_t after, size_t limit, enum token_break wanted)
{
	for (size_t behind = limit; behind > after; behind--) {
		if (row->tokens[behind - 1].break_behind >= wanted) {
			return behind;
		}
	}
	return 0;
}

/* Where the chunk that begins at first ends: behind `after`, so that each brings something new. */
static size_t choose_end(const struct cutter *cutter, size_t first, size_t after)
{
	size_t n_tokens = cutter->row->n_tokens;
	size_t max_tokens = cutter->chunking->max_tokens;
	if (cutter->chunking->strategy == CHUNK_NONE || n_tokens - first <= max_tokens) {
		return n_tokens;
	}
	enum token_break wanted = BREAK_WORD;
	if (cutter->chunking->strategy == CHUNK_SENTENCE) {
		wanted = BREAK_SENTENCE;
	} else if (cutter->chunking->strategy == CHUNK_PARAGRAPH) {
		wanted = BREAK_PARAGRAPH;
	}
	for (; wanted > BREAK_NONE; wanted--) {
		size_t behind = last_break(cutter->row, after, first + max_tokens, wanted);
		if (behind != 0) {
			return behind;
		}
	}
	return first + max_tokens;
}

/* The next chunk begins with a word, at most the overlap before the end of this one. */
static size_t choose_begin(const struct cutter *cutter, size_t first, size_t behind)
{
	size_t overlap = cutter->chunking->overlap_tokens;
	size_t begin = behind - first > overlap ? behind - overlap : first + 1;
	while (begin < behind && cutter->row->tokens[begin - 1].break_behind == BREAK_NONE) {
		begin++;
	}
	return begin;
}

bool chunk_text(const char *text, size_t size, const struct chunking *chunking, size_t max_chunks,
        struct chunk_list *ret_list)
{
	struct token_row row = tokens_read(text, size);
	CLEANUP_FREE struct token *tokens = row.tokens;
	struct cutter cutter = { .row = &row, .chunking = chunking };
	size_t first = 0;
	size_t behind = 0;
	while (behind < row.n_tokens) {
		if (cutter.list.n_chunks == max_chunks) {
			chunk_list_finish(&cutter.list);
			return false;
		}
		behind = choose_end(&cutter, first, behind);
		add_chunk(&cutter, first, behind);
		first = choose_begin(&cutter, first, behind);
	}
	*ret_list = cutter.list;
	return true;
}

void chunk_list_finish(struct chunk_list *list)
{
	free(list->chunks);
	*list = (struct chunk_list){ 0 };
}
