/* SPDX-License-Identifier: MIT */
/* Numbers compare as numbers whatever their width; texts compare byte by byte. */
#include "plugins/bus-local/model/operand.h"

#include <math.h>

struct operand operand_boolean(bool value)
{
	return (struct operand){ .type = OPERAND_BOOLEAN, .boolean = value };
}

static struct operand real(double value)
{
	return (struct operand){ .type = OPERAND_REAL, .real = value };
}

struct operand operand_of(const struct amqp_value *value)
{
	int64_t integer = 0;
	if (value->type == AMQP_STRING || value->type == AMQP_SYMBOL) {
		return (struct operand){ .type = OPERAND_TEXT, .text = value->bytes };
	}
	if (value->type == AMQP_BOOLEAN) {
		return operand_boolean(value->boolean);
	}
	if (amqp_value_to_int(value, &integer)) {
		return (struct operand){ .type = OPERAND_INTEGER, .integer = integer };
	}
	if (value->type == AMQP_UNSIGNED) {
		return real((double)value->unsigned_);
	}
	if (value->type == AMQP_FLOATING) {
		return real(value->floating);
	}
	return (struct operand){ .type = OPERAND_UNKNOWN };
}

static int sign(int number)
{
	return (number > 0) - (number < 0);
}

static int compare_texts(struct amqp_bytes a, struct amqp_bytes b)
{
	size_t size = a.size < b.size ? a.size : b.size;
	int order = size != 0 ? memcmp(a.start, b.start, size) : 0;
	return order != 0 ? sign(order) : (a.size > b.size) - (a.size < b.size);
}

static bool is_number(const struct operand *operand)
{
	return operand->type == OPERAND_INTEGER || operand->type == OPERAND_REAL;
}

static double as_real(const struct operand *operand)
{
	return operand->type == OPERAND_REAL ? operand->real : (double)operand->integer;
}

bool operand_compare(const struct operand *a, const struct operand *b, int *ret_order)
{
	if (is_number(a) && is_number(b)) {
		if (a->type == OPERAND_INTEGER && b->type == OPERAND_INTEGER) {
			*ret_order = (a->integer > b->integer) - (a->integer < b->integer);
			return true;
		}
		double x = as_real(a);
		double y = as_real(b);
		*ret_order = (x > y) - (x < y);
		return !isnan(x) && !isnan(y);
	}
	if (a->type != b->type) {
		return false;
	}
	if (a->type == OPERAND_TEXT) {
		*ret_order = compare_texts(a->text, b->text);
		return true;
	}
	*ret_order = (int)a->boolean - (int)b->boolean;
	return a->type == OPERAND_BOOLEAN;
}
