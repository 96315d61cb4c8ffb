/* SPDX-License-Identifier: MIT */
/*
 * Deadlines of operations. Callers use few distinct timeouts, and operations with the same one
 * are due in the order in which they began: a list and a timer a timeout, not a timer an operation.
 */
#ifndef CORE_OP_DEADLINE_H
#define CORE_OP_DEADLINE_H

#include <stdint.h>

struct loop;
struct op;
struct timer;

enum { N_DEADLINE_LISTS = 8 };

struct deadline_list {
	struct loop *loop;
	uint64_t timeout_ms;
	struct op *first;
	struct op *last;
	struct timer *timer; /* due no later than the first */
};

struct deadlines {
	struct loop *loop;
	struct deadline_list lists[N_DEADLINE_LISTS];
};

void deadlines_init(struct deadlines *deadlines, struct loop *loop);
void deadlines_finish(struct deadlines *deadlines);
/* op_expire will be called once the time is over. */
void deadlines_add(struct deadlines *deadlines, struct op *op, uint64_t timeout_ms);
/* Harmless if the operation has none. */
void deadlines_remove(struct op *op);

#endif
