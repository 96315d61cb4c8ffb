/* SPDX-License-Identifier: MIT */
/* A text as a row of tokens, each with what a chunk may end behind; for chunk.c. */
#ifndef CONSUMERS_HANDLERS_EMBEDDING_TOKENS_H
#define CONSUMERS_HANDLERS_EMBEDDING_TOKENS_H

#include <stddef.h>
#include <stdint.h>

/* What a token is the last of; each includes the ones before it. */
enum token_break {
	BREAK_NONE, /* within a word */
	BREAK_WORD,
	BREAK_SENTENCE,
	BREAK_PARAGRAPH,
};

struct token {
	uint32_t begin; /* bytes */
	uint32_t end;
	uint32_t begin_character; /* code points */
	uint32_t end_character;
	enum token_break break_behind;
};

struct token_row {
	struct token *tokens; /* owned, to be freed */
	size_t n_tokens;
};

/* text: valid UTF-8 of less than 4 GiB. */
struct token_row tokens_read(const char *text, size_t size);

#endif
