/* SPDX-License-Identifier: MIT */
/* A list's timer is left running when its first operation ends: it fires early and looks again. */
#include "core/op_deadline.h"

#include <stddef.h>

#include "core/loop.h"
#include "core/op_state.h"

static void on_due(void *user)
{
	struct deadline_list *list = user;
	uint64_t now_ms = loop_now_ms(list->loop);
	list->timer = NULL;
	while (list->first != NULL && list->first->due_ms <= now_ms) {
		op_expire(list->first);
	}
	if (list->first != NULL && list->timer == NULL) {
		list->timer = timer_start(list->loop, list->first->due_ms - now_ms, on_due, list);
	}
}

static void on_own_due(void *user)
{
	struct op *op = user;
	op->own_deadline = NULL;
	op_expire(op);
}

/* The list of that timeout, or one that nobody uses now; NULL: all are taken. */
static struct deadline_list *list_for(struct deadlines *deadlines, uint64_t timeout_ms)
{
	struct deadline_list *unused = NULL;
	for (size_t i = 0; i < N_DEADLINE_LISTS; i++) {
		struct deadline_list *list = &deadlines->lists[i];
		if (list->timeout_ms == timeout_ms) {
			return list;
		}
		if (unused == NULL && list->first == NULL) {
			unused = list;
		}
	}
	if (unused != NULL) {
		timer_stop(unused->timer);
		unused->timer = NULL;
		unused->timeout_ms = timeout_ms;
	}
	return unused;
}

void deadlines_add(struct deadlines *deadlines, struct op *op, uint64_t timeout_ms)
{
	struct deadline_list *list = list_for(deadlines, timeout_ms);
	if (list == NULL) {
		op->own_deadline = timer_start(deadlines->loop, timeout_ms, on_own_due, op);
		return;
	}
	op->due_ms = loop_now_ms(deadlines->loop) + timeout_ms;
	op->deadline = list;
	op->next_due = NULL;
	op->previous_due = list->last;
	if (list->last != NULL) {
		list->last->next_due = op;
	} else {
		list->first = op;
	}
	list->last = op;
	if (list->timer == NULL) {
		list->timer = timer_start(deadlines->loop, timeout_ms, on_due, list);
	}
}

void deadlines_remove(struct op *op)
{
	struct deadline_list *list = op->deadline;
	timer_stop(op->own_deadline);
	op->own_deadline = NULL;
	if (list == NULL) {
		return;
	}
	if (op->previous_due != NULL) {
		op->previous_due->next_due = op->next_due;
	} else {
		list->first = op->next_due;
	}
	if (op->next_due != NULL) {
		op->next_due->previous_due = op->previous_due;
	} else {
		list->last = op->previous_due;
	}
	op->deadline = NULL;
}

void deadlines_init(struct deadlines *deadlines, struct loop *loop)
{
	*deadlines = (struct deadlines){ .loop = loop };
	for (size_t i = 0; i < N_DEADLINE_LISTS; i++) {
		deadlines->lists[i].loop = loop;
	}
}

void deadlines_finish(struct deadlines *deadlines)
{
	for (size_t i = 0; i < N_DEADLINE_LISTS; i++) {
		timer_stop(deadlines->lists[i].timer);
		deadlines->lists[i].timer = NULL;
	}
}
