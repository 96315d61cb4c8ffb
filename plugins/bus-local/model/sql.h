/* SPDX-License-Identifier: MIT */
/*
 * SQL filters of subscription rules, as "Subscription Rule SQL Filter Syntax" documents them:
 * comparisons, AND, OR, NOT, IN, LIKE, IS NULL, EXISTS, arithmetic, user. and sys. properties.
 * Functions, @variables and rule actions are not among them.
 */
#ifndef BUS_LOCAL_MODEL_SQL_H
#define BUS_LOCAL_MODEL_SQL_H

#include "plugins/bus-local/model/operand.h"
#include "plugins/bus-local/model/view.h"

/* The length that Service Bus takes. */
#define SQL_MAX_SIZE 1024
#define SQL_MAX_NODES 512
#define SQL_MAX_NESTING 32

enum sql_kind {
	SQL_CONSTANT,
	SQL_USER, /* a property that the sender has set */
	SQL_SYSTEM /* one of AMQP's own */,
	SQL_OR,
	SQL_AND,
	SQL_NOT,
	SQL_EQUAL,
	SQL_NOT_EQUAL,
	SQL_LESS,
	SQL_LESS_EQUAL,
	SQL_GREATER,
	SQL_GREATER_EQUAL,
	SQL_ADD,
	SQL_SUBTRACT,
	SQL_MULTIPLY,
	SQL_DIVIDE,
	SQL_REMAINDER,
	SQL_IN, /* left: what is looked for; right: the first SQL_ITEM */
	SQL_ITEM, /* left: an element; right: the next item, or 0 */
	SQL_LIKE, /* left: text, right: pattern */
	SQL_IS_NULL,
	SQL_EXISTS,
};

struct sql_node {
	enum sql_kind kind;
	uint16_t left; /* index of a node; 0: none */
	uint16_t right;
	char escape; /* SQL_LIKE; 0: none */
	enum amqp_property system; /* SQL_SYSTEM */
	struct amqp_bytes name; /* SQL_USER; lies in the filter's own text */
	struct operand constant; /* SQL_CONSTANT; its text lies there too */
};

struct sql_filter {
	char *text; /* owned: names and strings of the nodes */
	size_t text_size; /* used of it */
	struct sql_node *nodes; /* owned; number 0 is no node */
	uint16_t n_nodes;
	uint16_t root;
};

/* Owned. NULL with a sentence if the expression cannot be taken. */
struct sql_filter *sql_create(struct amqp_bytes expression, char *error, size_t error_size);
void sql_destroy(struct sql_filter *filter);

/* True only if the expression is true: what cannot be decided does not match. */
bool sql_matches(const struct sql_filter *filter, struct view *view);

/* SQL's LIKE: % for any run of bytes, _ for one character. */
bool sql_like(struct amqp_bytes text, struct amqp_bytes pattern, char escape);

#endif
