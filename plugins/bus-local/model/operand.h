/* SPDX-License-Identifier: MIT */
/* A value that a filter compares. */
#ifndef BUS_LOCAL_MODEL_OPERAND_H
#define BUS_LOCAL_MODEL_OPERAND_H

#include "support/amqp/decode.h"

enum operand_type {
	OPERAND_UNKNOWN, /* missing, null, or of a type that cannot be compared */
	OPERAND_TEXT,
	OPERAND_INTEGER,
	OPERAND_REAL,
	OPERAND_BOOLEAN,
};

struct operand {
	enum operand_type type;
	union {
		struct amqp_bytes text; /* borrowed */
		int64_t integer;
		double real;
		bool boolean;
	};
};

struct operand operand_of(const struct amqp_value *value);
struct operand operand_boolean(bool value);

/* Less, equal, greater: -1, 0, 1. False: the two cannot be compared. */
bool operand_compare(const struct operand *a, const struct operand *b, int *ret_order);

#endif
