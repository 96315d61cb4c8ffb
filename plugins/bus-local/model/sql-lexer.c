/* SPDX-License-Identifier: MIT */
/* Letters are ASCII letters, whatever the locale; bytes above 127 belong to names. */
#include "plugins/bus-local/model/sql-lexer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <strings.h>

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_name_start(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
	        (unsigned char)c > 127;
}

static bool is_name(char c)
{
	return is_name_start(c) || is_digit(c) || c == '-' || c == '$' || c == '#' || c == '@';
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

void sql_lexer_init(struct sql_lexer *lexer, struct amqp_bytes expression)
{
	*lexer = (struct sql_lexer){ .at = expression.size != 0 ? (const char *)expression.start
		                                                : "" };
	lexer->end = lexer->at + expression.size;
	sql_lexer_next(lexer);
}

static struct sql_token read_quoted(struct sql_lexer *lexer, char close, enum sql_token_kind kind)
{
	const char *start = lexer->at + 1;
	const char *at = start;
	for (; at < lexer->end; at++) {
		if (*at != close) {
			continue;
		}
		if (at + 1 < lexer->end && at[1] == close) {
			at++;
			continue;
		}
		lexer->at = at + 1;
		return (struct sql_token){
			.kind = kind, .raw = amqp_bytes(start, (size_t)(at - start)), .quote = close
		};
	}
	return (struct sql_token){ .kind = TOKEN_BAD };
}

static const char *skip_digits(const char *at, const char *end)
{
	while (at < end && is_digit(*at)) {
		at++;
	}
	return at;
}

static bool has_exponent(const char *at, const char *end)
{
	if (at >= end || (*at != 'e' && *at != 'E')) {
		return false;
	}
	at++;
	if (at < end && (*at == '+' || *at == '-')) {
		at++;
	}
	return at < end && is_digit(*at);
}

static struct sql_token read_number(struct sql_lexer *lexer)
{
	const char *start = lexer->at;
	const char *at = skip_digits(start, lexer->end);
	struct sql_token token = { .kind = TOKEN_INTEGER };
	if (at + 1 < lexer->end && *at == '.' && is_digit(at[1])) {
		token.kind = TOKEN_REAL;
		at = skip_digits(at + 1, lexer->end);
	}
	if (has_exponent(at, lexer->end)) {
		token.kind = TOKEN_REAL;
		at = skip_digits(at + 2, lexer->end);
	}
	char text[64];
	size_t size = (size_t)(at - start);
	if (size >= sizeof(text) || (at < lexer->end && is_name_start(*at))) {
		return (struct sql_token){ .kind = TOKEN_BAD };
	}
	memcpy(text, start, size);
	text[size] = '\0';
	errno = 0;
	token.integer = token.kind == TOKEN_INTEGER ? strtoimax(text, NULL, 10) : 0;
	token.real = strtod(text, NULL);
	if (errno != 0) {
		token.kind = TOKEN_BAD;
	}
	lexer->at = at;
	return token;
}

static struct sql_token read_name(struct sql_lexer *lexer)
{
	const char *start = lexer->at;
	while (lexer->at < lexer->end && is_name(*lexer->at)) {
		lexer->at++;
	}
	return (struct sql_token){ .kind = TOKEN_NAME,
		.raw = amqp_bytes(start, (size_t)(lexer->at - start)) };
}

static struct sql_token read_sign(struct sql_lexer *lexer)
{
	static const char *const signs[] = { "<>", "!=", "<=", ">=", "=", "<", ">", "+", "-", "*",
		"/", "%", "(", ")", ",", "." };
	size_t left = (size_t)(lexer->end - lexer->at);
	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
		size_t size = strlen(signs[i]);
		if (size <= left && memcmp(lexer->at, signs[i], size) == 0) {
			struct sql_token token = { .kind = TOKEN_SIGN,
				.raw = amqp_bytes(lexer->at, size) };
			lexer->at += size;
			return token;
		}
	}
	return (struct sql_token){ .kind = TOKEN_BAD };
}

static struct sql_token read_token(struct sql_lexer *lexer)
{
	char c = *lexer->at;
	if (c == '\'') {
		return read_quoted(lexer, '\'', TOKEN_TEXT);
	}
	if (c == '"') {
		return read_quoted(lexer, '"', TOKEN_QUOTED);
	}
	if (c == '[') {
		return read_quoted(lexer, ']', TOKEN_QUOTED);
	}
	if (is_digit(c)) {
		return read_number(lexer);
	}
	return is_name_start(c) ? read_name(lexer) : read_sign(lexer);
}

void sql_lexer_next(struct sql_lexer *lexer)
{
	while (lexer->at < lexer->end && is_space(*lexer->at)) {
		lexer->at++;
	}
	const char *start = lexer->at;
	if (start == lexer->end) {
		lexer->token = (struct sql_token){ .kind = TOKEN_END };
		return;
	}
	lexer->token = read_token(lexer);
	if (lexer->token.kind == TOKEN_BAD) {
		lexer->token.raw = amqp_bytes(start, (size_t)(lexer->end - start));
	}
}

bool sql_lexer_is_word(const struct sql_lexer *lexer, const char *word)
{
	const struct sql_token *token = &lexer->token;
	return token->kind == TOKEN_NAME && token->raw.size == strlen(word) &&
	        strncasecmp((const char *)token->raw.start, word, token->raw.size) == 0;
}

bool sql_lexer_is_sign(const struct sql_lexer *lexer, const char *sign)
{
	return lexer->token.kind == TOKEN_SIGN && amqp_bytes_is(lexer->token.raw, sign);
}
