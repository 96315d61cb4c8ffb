/* SPDX-License-Identifier: MIT */
/* Finds tokens, words, sentences and paragraphs; see tokens.h and the measure in chunk.h. */
#include "consumers/handlers/embedding/tokens.h"

#include "consumers/common/text.h"
#include "support/base/memory.h"

#include <stdbool.h>

enum { LETTERS_A_TOKEN = 4 };

struct scanner {
	const char *text;
	size_t size;
	size_t at;
	uint32_t character; /* code points before `at` */
	struct token_row row;
	size_t capacity;
};

enum sign_kind {
	SIGN_BLANK,
	SIGN_LETTER,
	SIGN_OTHER,
};

struct sign {
	uint32_t code_point;
	uint32_t length; /* bytes */
};

static struct sign sign_at(const struct scanner *scanner, size_t at)
{
	const unsigned char *bytes = (const unsigned char *)scanner->text + at;
	size_t length = text_utf8_length(scanner->text + at, scanner->size - at);
	static const unsigned char masks[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	uint32_t code_point = bytes[0] & masks[length];
	for (size_t i = 1; i < length; i++) {
		code_point = code_point << 6U | (bytes[i] & 0x3fU);
	}
	return (struct sign){ code_point, length > 0 ? (uint32_t)length : 1 };
}

static bool is_blank(uint32_t c)
{
	return c <= 0x20 || c == 0x7f || c == 0xa0 || (c >= 0x2000 && c <= 0x200b) || c == 0x2028 ||
	        c == 0x2029 || c == 0x202f || c == 0x3000 || c == 0xfeff;
}

/* Scripts that are written without blanks between words. */
static bool is_ideograph(uint32_t c)
{
	return (c >= 0x1100 && c <= 0x11ff) || (c >= 0x2e80 && c <= 0xd7ff) ||
	        (c >= 0xf900 && c <= 0xfaff) || c >= 0x20000;
}

static enum sign_kind kind_of(uint32_t c)
{
	if (is_blank(c)) {
		return SIGN_BLANK;
	}
	bool is_ascii_letter = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
	        (c >= 'a' && c <= 'z') || c == '_';
	bool is_sign = c < 0x80 || (c >= 0xa1 && c <= 0xbf) || (c >= 0x2010 && c <= 0x2bff);
	return is_ascii_letter || (!is_sign && !is_ideograph(c)) ? SIGN_LETTER : SIGN_OTHER;
}

static bool ends_sentence(uint32_t c)
{
	return c == '.' || c == '!' || c == '?' || c == 0x2026 || c == 0x3002 || c == 0xff01 ||
	        c == 0xff1f;
}

/* Quotes and brackets may close behind the full stop. */
static bool closes(uint32_t c)
{
	return c == '"' || c == '\'' || c == ')' || c == ']' || c == 0x201d || c == 0x2019 ||
	        c == 0xbb || c == 0x300d;
}

static struct token *add_token(struct scanner *scanner)
{
	struct token_row *row = &scanner->row;
	if (row->n_tokens == scanner->capacity) {
		scanner->capacity = scanner->capacity == 0 ? 256 : scanner->capacity * 2;
		row->tokens = must_resize(row->tokens, scanner->capacity, sizeof(row->tokens[0]));
	}
	struct token *token = &row->tokens[row->n_tokens++];
	*token = (struct token){ .begin = (uint32_t)scanner->at,
		.begin_character = scanner->character };
	return token;
}

static void step(struct scanner *scanner, struct sign sign)
{
	scanner->at += sign.length;
	scanner->character++;
}

/* Goes over blanks; a blank line, a form feed or the end of the text ends a paragraph. */
static enum token_break pass_blanks(struct scanner *scanner)
{
	unsigned n_lines = 0;
	enum token_break found = BREAK_NONE;
	while (scanner->at < scanner->size) {
		struct sign sign = sign_at(scanner, scanner->at);
		if (!is_blank(sign.code_point)) {
			return found;
		}
		n_lines += sign.code_point == '\n' ? 1 : 0;
		bool is_paragraph =
		        n_lines > 1 || sign.code_point == '\f' || sign.code_point == 0x2029;
		found = is_paragraph || found == BREAK_PARAGRAPH ? BREAK_PARAGRAPH : BREAK_WORD;
		step(scanner, sign);
	}
	return BREAK_PARAGRAPH;
}

static void read_token(struct scanner *scanner, bool *is_sentence_over)
{
	struct token *token = add_token(scanner);
	struct sign sign = sign_at(scanner, scanner->at);
	enum sign_kind kind = kind_of(sign.code_point);
	bool is_ideographic = is_ideograph(sign.code_point);
	for (int n_letters = 0; n_letters < LETTERS_A_TOKEN; n_letters++) {
		step(scanner, sign);
		if (kind == SIGN_OTHER || scanner->at >= scanner->size) {
			break;
		}
		struct sign next = sign_at(scanner, scanner->at);
		if (kind_of(next.code_point) != SIGN_LETTER || n_letters + 1 == LETTERS_A_TOKEN) {
			break;
		}
		sign = next;
	}
	token->end = (uint32_t)scanner->at;
	token->end_character = scanner->character;
	*is_sentence_over =
	        ends_sentence(sign.code_point) || (*is_sentence_over && closes(sign.code_point));
	enum token_break found = pass_blanks(scanner);
	bool is_full_width = is_ideographic && *is_sentence_over;
	if (*is_sentence_over && (found == BREAK_WORD || is_full_width)) {
		found = BREAK_SENTENCE;
	}
	token->break_behind = found == BREAK_NONE && is_ideographic ? BREAK_WORD : found;
}

struct token_row tokens_read(const char *text, size_t size)
{
	struct scanner scanner = { .text = text, .size = size };
	bool is_sentence_over = false;
	(void)pass_blanks(&scanner);
	while (scanner.at < scanner.size) {
		read_token(&scanner, &is_sentence_over);
	}
	return scanner.row;
}
