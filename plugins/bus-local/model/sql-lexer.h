/* SPDX-License-Identifier: MIT */
/* The words of an SQL filter. */
#ifndef BUS_LOCAL_MODEL_SQL_LEXER_H
#define BUS_LOCAL_MODEL_SQL_LEXER_H

#include "support/amqp/buffer.h"

enum sql_token_kind {
	TOKEN_END,
	TOKEN_NAME, /* a word that may be a keyword */
	TOKEN_QUOTED, /* [name] or "name": never a keyword */
	TOKEN_TEXT, /* 'text' */
	TOKEN_INTEGER,
	TOKEN_REAL,
	TOKEN_SIGN, /* one of = <> != < <= > >= + - * / % ( ) , . */
	TOKEN_BAD,
};

struct sql_token {
	enum sql_token_kind kind;
	struct amqp_bytes raw; /* quoted things: between the quotes, doubled ones still doubled */
	char quote; /* the closing one */
	int64_t integer;
	double real;
};

struct sql_lexer {
	const char *at;
	const char *end;
	struct sql_token token; /* the present one */
};

void sql_lexer_init(struct sql_lexer *lexer, struct amqp_bytes expression);

/* Goes on to the next token. */
void sql_lexer_next(struct sql_lexer *lexer);

/* The present token is this word, in any case of letters. */
bool sql_lexer_is_word(const struct sql_lexer *lexer, const char *word);
bool sql_lexer_is_sign(const struct sql_lexer *lexer, const char *sign);

#endif
