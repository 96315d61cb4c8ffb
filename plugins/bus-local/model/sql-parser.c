/* SPDX-License-Identifier: MIT */
/*
 * Descends from OR to the single value. Predicates and expressions are one grammar here: what has
 * no sense (NOT 'a') is not refused but never decided, as with a property of the wrong type.
 */
#include "plugins/bus-local/model/sql.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "plugins/bus-local/model/sql-lexer.h"
#include "support/base/cleanup.h"
#include "support/base/memory.h"

struct parser {
	struct sql_lexer lexer;
	struct sql_filter *filter;
	unsigned nesting;
	char *error;
	size_t error_size;
	bool is_failed;
};

struct operator
{
	const char *sign;
	enum sql_kind kind;
};

static const struct operator comparisons[] = {
	{ "=", SQL_EQUAL },
	{ "<>", SQL_NOT_EQUAL },
	{ "!=", SQL_NOT_EQUAL },
	{ "<=", SQL_LESS_EQUAL },
	{ ">=", SQL_GREATER_EQUAL },
	{ "<", SQL_LESS },
	{ ">", SQL_GREATER },
	{ NULL, SQL_CONSTANT },
};
static const struct operator sums[] = {
	{ "+", SQL_ADD },
	{ "-", SQL_SUBTRACT },
	{ NULL, SQL_CONSTANT },
};
static const struct operator products[] = {
	{ "*", SQL_MULTIPLY },
	{ "/", SQL_DIVIDE },
	{ "%", SQL_REMAINDER },
	{ NULL, SQL_CONSTANT },
};
static const struct {
	const char *name;
	enum amqp_property property;
} system_names[] = {
	{ "MessageId", AMQP_MESSAGE_ID },
	{ "To", AMQP_TO },
	{ "Label", AMQP_SUBJECT },
	{ "Subject", AMQP_SUBJECT },
	{ "ReplyTo", AMQP_REPLY_TO },
	{ "CorrelationId", AMQP_CORRELATION_ID },
	{ "ContentType", AMQP_CONTENT_TYPE },
	{ "SessionId", AMQP_GROUP_ID },
	{ "ReplyToSessionId", AMQP_REPLY_TO_GROUP_ID },
};

static uint16_t parse_or(struct parser *parser);
static uint16_t parse_unary(struct parser *parser);

/* The first thing that is wrong is the one that is told. */
static uint16_t fail(struct parser *parser, const char *expected)
{
	struct amqp_bytes raw = parser->lexer.token.raw;
	int size = raw.size < 40 ? (int)raw.size : 40;
	if (parser->is_failed) {
		return 0;
	}
	parser->is_failed = true;
	if (parser->lexer.token.kind == TOKEN_END) {
		snprintf(parser->error, parser->error_size, "ends where %s should stand", expected);
	} else {
		snprintf(parser->error, parser->error_size, "has '%.*s' where %s should stand",
		        size, (const char *)raw.start, expected);
	}
	return 0;
}

static uint16_t add_node(struct parser *parser, struct sql_node node)
{
	struct sql_filter *filter = parser->filter;
	if (parser->is_failed) {
		return 0;
	}
	if (filter->n_nodes == SQL_MAX_NODES) {
		parser->is_failed = true;
		snprintf(
		        parser->error, parser->error_size, "has more than %d parts", SQL_MAX_NODES);
		return 0;
	}
	filter->nodes[filter->n_nodes] = node;
	return filter->n_nodes++;
}

static bool take_sign(struct parser *parser, const char *sign)
{
	if (!sql_lexer_is_sign(&parser->lexer, sign)) {
		return false;
	}
	sql_lexer_next(&parser->lexer);
	return true;
}

static bool take_word(struct parser *parser, const char *word)
{
	if (!sql_lexer_is_word(&parser->lexer, word)) {
		return false;
	}
	sql_lexer_next(&parser->lexer);
	return true;
}

static bool need_sign(struct parser *parser, const char *sign)
{
	char quoted[8];
	snprintf(quoted, sizeof(quoted), "'%s'", sign);
	return take_sign(parser, sign) || fail(parser, quoted) != 0;
}

/* The text of the present token, doubled quotes made single, kept in the filter. */
static struct amqp_bytes keep_text(struct parser *parser)
{
	const struct sql_token *token = &parser->lexer.token;
	struct sql_filter *filter = parser->filter;
	char *start = filter->text + filter->text_size;
	size_t size = 0;
	for (size_t i = 0; i < token->raw.size; i++) {
		char c = (char)token->raw.start[i];
		start[size++] = c;
		if (token->quote != 0 && c == token->quote) {
			i++;
		}
	}
	filter->text_size += size;
	sql_lexer_next(&parser->lexer);
	return amqp_bytes(start, size);
}

static uint16_t parse_system(struct parser *parser)
{
	const struct sql_token *token = &parser->lexer.token;
	for (size_t i = 0; i < sizeof(system_names) / sizeof(system_names[0]); i++) {
		const char *name = system_names[i].name;
		if (token->raw.size == strlen(name) &&
		        strncasecmp((const char *)token->raw.start, name, token->raw.size) == 0) {
			sql_lexer_next(&parser->lexer);
			return add_node(parser,
			        (struct sql_node){
			                .kind = SQL_SYSTEM, .system = system_names[i].property });
		}
	}
	return fail(parser,
	        "a system property (MessageId, To, Label, ReplyTo, CorrelationId, "
	        "ContentType, SessionId, ReplyToSessionId)");
}

static bool is_keyword(const struct sql_lexer *lexer)
{
	static const char *const words[] = { "and", "or", "not", "in", "like", "is", "null",
		"exists", "escape" };
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (sql_lexer_is_word(lexer, words[i])) {
			return true;
		}
	}
	return false;
}

static uint16_t parse_property(struct parser *parser)
{
	struct sql_lexer *lexer = &parser->lexer;
	struct sql_lexer before = *lexer;
	bool is_system = take_word(parser, "sys");
	bool has_scope = is_system || take_word(parser, "user");
	if (has_scope && !take_sign(parser, ".")) {
		*lexer = before;
		is_system = false;
	}
	bool is_name = lexer->token.kind == TOKEN_QUOTED ||
	        (lexer->token.kind == TOKEN_NAME && !is_keyword(lexer));
	if (!is_name) {
		return fail(parser, "a property or a value");
	}
	if (is_system) {
		return parse_system(parser);
	}
	struct amqp_bytes name = keep_text(parser);
	if (sql_lexer_is_sign(lexer, "(") || sql_lexer_is_sign(lexer, ".")) {
		return fail(parser, "an operator (functions are not supported)");
	}
	return add_node(parser, (struct sql_node){ .kind = SQL_USER, .name = name });
}

static uint16_t add_constant(struct parser *parser, struct operand constant)
{
	return add_node(parser, (struct sql_node){ .kind = SQL_CONSTANT, .constant = constant });
}

static uint16_t parse_exists(struct parser *parser)
{
	need_sign(parser, "(");
	uint16_t property = parse_property(parser);
	need_sign(parser, ")");
	return add_node(parser, (struct sql_node){ .kind = SQL_EXISTS, .left = property });
}

static uint16_t parse_number(struct parser *parser)
{
	struct sql_token token = parser->lexer.token;
	struct operand number = { .type = OPERAND_INTEGER, .integer = token.integer };
	if (token.kind == TOKEN_REAL) {
		number = (struct operand){ .type = OPERAND_REAL, .real = token.real };
	}
	sql_lexer_next(&parser->lexer);
	return add_constant(parser, number);
}

static uint16_t parse_value(struct parser *parser)
{
	enum sql_token_kind kind = parser->lexer.token.kind;
	if (take_sign(parser, "(")) {
		uint16_t inner = parse_or(parser);
		need_sign(parser, ")");
		return inner;
	}
	if (kind == TOKEN_TEXT) {
		struct operand text = { .type = OPERAND_TEXT, .text = keep_text(parser) };
		return add_constant(parser, text);
	}
	if (kind == TOKEN_INTEGER || kind == TOKEN_REAL) {
		return parse_number(parser);
	}
	if (take_word(parser, "true")) {
		return add_constant(parser, operand_boolean(true));
	}
	if (take_word(parser, "false")) {
		return add_constant(parser, operand_boolean(false));
	}
	if (take_word(parser, "null")) {
		return add_constant(parser, (struct operand){ .type = OPERAND_UNKNOWN });
	}
	if (take_word(parser, "exists")) {
		return parse_exists(parser);
	}
	return parse_property(parser);
}

/* Every way down passes here, so that this bounds the depth of the stack. */
static uint16_t parse_unary(struct parser *parser)
{
	uint16_t result = 0;
	if (parser->is_failed) {
		return 0;
	}
	if (++parser->nesting > SQL_MAX_NESTING) {
		parser->is_failed = true;
		snprintf(parser->error, parser->error_size, "is nested deeper than %d",
		        SQL_MAX_NESTING);
		return 0;
	}
	if (take_sign(parser, "-")) {
		uint16_t zero = add_constant(parser, (struct operand){ .type = OPERAND_INTEGER });
		uint16_t operand = parse_unary(parser);
		result = add_node(parser,
		        (struct sql_node){ .kind = SQL_SUBTRACT, .left = zero, .right = operand });
	} else if (take_sign(parser, "+")) {
		result = parse_unary(parser);
	} else {
		result = parse_value(parser);
	}
	parser->nesting--;
	return result;
}

static enum sql_kind take_operator(struct parser *parser, const struct operator* operators)
{
	for (; operators->sign != NULL; operators++) {
		if (take_sign(parser, operators->sign)) {
			return operators->kind;
		}
	}
	return SQL_CONSTANT;
}

static uint16_t parse_product(struct parser *parser)
{
	uint16_t left = parse_unary(parser);
	for (;;) {
		enum sql_kind kind = take_operator(parser, products);
		if (kind == SQL_CONSTANT || parser->is_failed) {
			return left;
		}
		uint16_t right = parse_unary(parser);
		left = add_node(
		        parser, (struct sql_node){ .kind = kind, .left = left, .right = right });
	}
}

static uint16_t parse_sum(struct parser *parser)
{
	uint16_t left = parse_product(parser);
	for (;;) {
		enum sql_kind kind = take_operator(parser, sums);
		if (kind == SQL_CONSTANT || parser->is_failed) {
			return left;
		}
		uint16_t right = parse_product(parser);
		left = add_node(
		        parser, (struct sql_node){ .kind = kind, .left = left, .right = right });
	}
}

static uint16_t parse_in(struct parser *parser, uint16_t left)
{
	uint16_t first = 0;
	uint16_t last = 0;
	need_sign(parser, "(");
	do {
		uint16_t element = parse_sum(parser);
		uint16_t item =
		        add_node(parser, (struct sql_node){ .kind = SQL_ITEM, .left = element });
		if (item == 0) {
			return 0;
		}
		if (last != 0) {
			parser->filter->nodes[last].right = item;
		} else {
			first = item;
		}
		last = item;
	} while (take_sign(parser, ","));
	need_sign(parser, ")");
	return add_node(parser, (struct sql_node){ .kind = SQL_IN, .left = left, .right = first });
}

static uint16_t parse_like(struct parser *parser, uint16_t left)
{
	struct sql_node like = { .kind = SQL_LIKE, .left = left, .right = parse_sum(parser) };
	if (take_word(parser, "escape")) {
		const struct sql_token *token = &parser->lexer.token;
		if (token->kind != TOKEN_TEXT || token->raw.size != 1) {
			return fail(parser, "an escape of one character ('\\')");
		}
		like.escape = (char)token->raw.start[0];
		sql_lexer_next(&parser->lexer);
	}
	return add_node(parser, like);
}

static uint16_t negate(struct parser *parser, uint16_t node)
{
	return add_node(parser, (struct sql_node){ .kind = SQL_NOT, .left = node });
}

static uint16_t parse_is_null(struct parser *parser, uint16_t left)
{
	bool is_negated = take_word(parser, "not");
	if (!take_word(parser, "null")) {
		return fail(parser, "NULL");
	}
	uint16_t node = add_node(parser, (struct sql_node){ .kind = SQL_IS_NULL, .left = left });
	return is_negated ? negate(parser, node) : node;
}

static uint16_t parse_comparison(struct parser *parser)
{
	uint16_t left = parse_sum(parser);
	enum sql_kind kind = take_operator(parser, comparisons);
	if (kind != SQL_CONSTANT) {
		uint16_t right = parse_sum(parser);
		return add_node(
		        parser, (struct sql_node){ .kind = kind, .left = left, .right = right });
	}
	if (take_word(parser, "is")) {
		return parse_is_null(parser, left);
	}
	bool is_negated = take_word(parser, "not");
	uint16_t node = left;
	if (take_word(parser, "in")) {
		node = parse_in(parser, left);
	} else if (take_word(parser, "like")) {
		node = parse_like(parser, left);
	} else if (is_negated) {
		return fail(parser, "IN or LIKE");
	}
	return is_negated ? negate(parser, node) : node;
}

static uint16_t parse_not(struct parser *parser)
{
	bool is_negated = false;
	while (take_word(parser, "not")) {
		is_negated = !is_negated;
	}
	uint16_t node = parse_comparison(parser);
	return is_negated ? negate(parser, node) : node;
}

static uint16_t parse_and(struct parser *parser)
{
	uint16_t left = parse_not(parser);
	while (!parser->is_failed && take_word(parser, "and")) {
		uint16_t right = parse_not(parser);
		left = add_node(
		        parser, (struct sql_node){ .kind = SQL_AND, .left = left, .right = right });
	}
	return left;
}

static uint16_t parse_or(struct parser *parser)
{
	uint16_t left = parse_and(parser);
	while (!parser->is_failed && take_word(parser, "or")) {
		uint16_t right = parse_and(parser);
		left = add_node(
		        parser, (struct sql_node){ .kind = SQL_OR, .left = left, .right = right });
	}
	return left;
}

CLEANUP_DEFINE(struct sql_filter *, filter, sql_destroy)

struct sql_filter *sql_create(struct amqp_bytes expression, char *error, size_t error_size)
{
	if (expression.size > SQL_MAX_SIZE) {
		snprintf(error, error_size, "has %zu bytes, more than %d", expression.size,
		        SQL_MAX_SIZE);
		return NULL;
	}
	CLEANUP(cleanup_filter) struct sql_filter *filter = must_calloc(1, sizeof(*filter));
	filter->text = must_calloc(expression.size + 1, 1);
	filter->nodes = must_calloc(SQL_MAX_NODES, sizeof(*filter->nodes));
	filter->n_nodes = 1;
	struct parser parser = { .filter = filter, .error = error, .error_size = error_size };
	sql_lexer_init(&parser.lexer, expression);
	filter->root = parse_or(&parser);
	if (parser.lexer.token.kind != TOKEN_END) {
		fail(&parser, "an operator or the end");
	}
	if (parser.is_failed) {
		return NULL;
	}
	filter->nodes = must_resize(filter->nodes, filter->n_nodes, sizeof(*filter->nodes));
	return steal(filter);
}

void sql_destroy(struct sql_filter *filter)
{
	if (filter != NULL) {
		free(filter->text);
		free(filter->nodes);
		free(filter);
	}
}
