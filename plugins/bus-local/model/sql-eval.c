/* SPDX-License-Identifier: MIT */
/*
 * Three-valued: what touches a missing or incomparable value is unknown, and unknown is neither
 * true nor false. The depth is bounded by the number of nodes.
 */
#include "plugins/bus-local/model/sql.h"

#include <math.h>

#define UNKNOWN                         \
	(struct operand)                \
	{                               \
		.type = OPERAND_UNKNOWN \
	}

static struct operand evaluate(const struct sql_filter *filter, uint16_t at, struct view *view);

static bool is_true(const struct operand *operand)
{
	return operand->type == OPERAND_BOOLEAN && operand->boolean;
}

static bool is_false(const struct operand *operand)
{
	return operand->type == OPERAND_BOOLEAN && !operand->boolean;
}

static struct operand read_user(const struct sql_node *node, struct view *view)
{
	struct amqp_value value;
	return view_application_property(view, node->name, &value) ? operand_of(&value) : UNKNOWN;
}

static struct operand either(
        const struct sql_filter *filter, const struct sql_node *node, struct view *view)
{
	struct operand left = evaluate(filter, node->left, view);
	if (is_true(&left)) {
		return left;
	}
	struct operand right = evaluate(filter, node->right, view);
	if (is_true(&right)) {
		return right;
	}
	return is_false(&left) && is_false(&right) ? operand_boolean(false) : UNKNOWN;
}

static struct operand both(
        const struct sql_filter *filter, const struct sql_node *node, struct view *view)
{
	struct operand left = evaluate(filter, node->left, view);
	if (is_false(&left)) {
		return left;
	}
	struct operand right = evaluate(filter, node->right, view);
	if (is_false(&right)) {
		return right;
	}
	return is_true(&left) && is_true(&right) ? operand_boolean(true) : UNKNOWN;
}

static struct operand opposite(struct operand operand)
{
	return operand.type == OPERAND_BOOLEAN ? operand_boolean(!operand.boolean) : UNKNOWN;
}

static struct operand compare(
        enum sql_kind kind, const struct operand *left, const struct operand *right)
{
	int order = 0;
	if (!operand_compare(left, right, &order)) {
		return UNKNOWN;
	}
	switch (kind) {
	case SQL_EQUAL:
		return operand_boolean(order == 0);
	case SQL_NOT_EQUAL:
		return operand_boolean(order != 0);
	case SQL_LESS:
		return operand_boolean(order < 0);
	case SQL_LESS_EQUAL:
		return operand_boolean(order <= 0);
	case SQL_GREATER:
		return operand_boolean(order > 0);
	default:
		return operand_boolean(order >= 0);
	}
}

static struct operand calculate_integers(enum sql_kind kind, int64_t a, int64_t b)
{
	int64_t result = 0;
	bool is_over = true;
	if (kind == SQL_ADD) {
		is_over = __builtin_add_overflow(a, b, &result);
	} else if (kind == SQL_SUBTRACT) {
		is_over = __builtin_sub_overflow(a, b, &result);
	} else if (kind == SQL_MULTIPLY) {
		is_over = __builtin_mul_overflow(a, b, &result);
	} else if (b != 0 && !(a == INT64_MIN && b == -1)) {
		is_over = false;
		result = kind == SQL_DIVIDE ? a / b : a % b;
	}
	return is_over ? UNKNOWN : (struct operand){ .type = OPERAND_INTEGER, .integer = result };
}

static struct operand calculate_reals(enum sql_kind kind, double a, double b)
{
	double result = kind == SQL_ADD ? a + b
	        : kind == SQL_SUBTRACT  ? a - b
	        : kind == SQL_MULTIPLY  ? a * b
	        : kind == SQL_DIVIDE    ? a / b
	                                : fmod(a, b);
	return isfinite(result) ? (struct operand){ .type = OPERAND_REAL, .real = result }
	                        : UNKNOWN;
}

static bool to_real(const struct operand *operand, double *ret_real)
{
	if (operand->type == OPERAND_INTEGER) {
		*ret_real = (double)operand->integer;
		return true;
	}
	*ret_real = operand->real;
	return operand->type == OPERAND_REAL;
}

static struct operand calculate(
        enum sql_kind kind, const struct operand *left, const struct operand *right)
{
	double a = 0;
	double b = 0;
	if (left->type == OPERAND_INTEGER && right->type == OPERAND_INTEGER) {
		return calculate_integers(kind, left->integer, right->integer);
	}
	if (!to_real(left, &a) || !to_real(right, &b)) {
		return UNKNOWN;
	}
	return calculate_reals(kind, a, b);
}

static struct operand is_among(
        const struct sql_filter *filter, const struct sql_node *node, struct view *view)
{
	struct operand wanted = evaluate(filter, node->left, view);
	bool is_decided = wanted.type != OPERAND_UNKNOWN;
	for (uint16_t at = node->right; at != 0; at = filter->nodes[at].right) {
		struct operand element = evaluate(filter, filter->nodes[at].left, view);
		int order = 0;
		if (!operand_compare(&wanted, &element, &order)) {
			is_decided = false;
		} else if (order == 0) {
			return operand_boolean(true);
		}
	}
	return is_decided ? operand_boolean(false) : UNKNOWN;
}

static struct operand is_like(
        const struct sql_filter *filter, const struct sql_node *node, struct view *view)
{
	struct operand text = evaluate(filter, node->left, view);
	struct operand pattern = evaluate(filter, node->right, view);
	if (text.type != OPERAND_TEXT || pattern.type != OPERAND_TEXT) {
		return UNKNOWN;
	}
	return operand_boolean(sql_like(text.text, pattern.text, node->escape));
}

static bool exists(const struct sql_node *property, struct view *view)
{
	struct amqp_value ignored;
	if (property->kind == SQL_SYSTEM) {
		return view_property(view, property->system)->type != AMQP_NULL;
	}
	return view_application_property(view, property->name, &ignored);
}

/* A property of a type that cannot be compared is not null for that. */
static bool is_null(const struct sql_filter *filter, uint16_t at, struct view *view)
{
	const struct sql_node *node = &filter->nodes[at];
	struct amqp_value value = { .type = AMQP_NULL };
	if (node->kind == SQL_SYSTEM) {
		return view_property(view, node->system)->type == AMQP_NULL;
	}
	if (node->kind == SQL_USER) {
		return !view_application_property(view, node->name, &value) ||
		        value.type == AMQP_NULL;
	}
	return evaluate(filter, at, view).type == OPERAND_UNKNOWN;
}

static struct operand evaluate_two(
        const struct sql_filter *filter, const struct sql_node *node, struct view *view)
{
	struct operand left = evaluate(filter, node->left, view);
	struct operand right = evaluate(filter, node->right, view);
	return node->kind >= SQL_ADD ? calculate(node->kind, &left, &right)
	                             : compare(node->kind, &left, &right);
}

static struct operand evaluate(const struct sql_filter *filter, uint16_t at, struct view *view)
{
	const struct sql_node *node = &filter->nodes[at];
	switch (node->kind) {
	case SQL_CONSTANT:
		return node->constant;
	case SQL_USER:
		return read_user(node, view);
	case SQL_SYSTEM:
		return operand_of(view_property(view, node->system));
	case SQL_OR:
		return either(filter, node, view);
	case SQL_AND:
		return both(filter, node, view);
	case SQL_NOT:
		return opposite(evaluate(filter, node->left, view));
	case SQL_EQUAL:
	case SQL_NOT_EQUAL:
	case SQL_LESS:
	case SQL_LESS_EQUAL:
	case SQL_GREATER:
	case SQL_GREATER_EQUAL:
	case SQL_ADD:
	case SQL_SUBTRACT:
	case SQL_MULTIPLY:
	case SQL_DIVIDE:
	case SQL_REMAINDER:
		return evaluate_two(filter, node, view);
	case SQL_IN:
		return is_among(filter, node, view);
	case SQL_LIKE:
		return is_like(filter, node, view);
	case SQL_IS_NULL:
		return operand_boolean(is_null(filter, node->left, view));
	case SQL_EXISTS:
		return operand_boolean(exists(&filter->nodes[node->left], view));
	case SQL_ITEM:
		break;
	}
	return UNKNOWN;
}

bool sql_matches(const struct sql_filter *filter, struct view *view)
{
	struct operand result = evaluate(filter, filter->root, view);
	return is_true(&result);
}
