/* SPDX-License-Identifier: MIT */
/* What each operation promises: its name, the outcomes that it may give, what its items are. */
#ifndef CORE_OP_CONTRACT_H
#define CORE_OP_CONTRACT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/copy.h"

struct op_contract {
	const char *name; /* "load" */
	uint32_t may_give; /* a bit a status, the failures too */
	/* Items go out as they are given, each freed behind; else all together with the end. */
	bool is_stream;
	copy_fn copy; /* of an item; NULL: the operation gives none */
};

/* NULL: there is no such operation. */
const struct op_contract *op_contract(uint32_t operation);

#endif
