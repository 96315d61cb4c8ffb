/* SPDX-License-Identifier: MIT */
/*
 * What an operation is inside the runtime: for op.c, its deadlines, the host table and the backend
 * functions. Everybody else has core/op.h.
 */
#ifndef CORE_OP_STATE_H
#define CORE_OP_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/arena.h"
#include "core/op.h"
#include "core/op_contract.h"

struct backend;
struct deadline_list;
struct op_item;

/* Of the caller's side: waits, has an answer that is on its way, has been told (or has gone). */
enum op_answer { OP_WAITING, OP_ANSWERING, OP_ANSWERED };

/* Slots are never freed, so that a handle of any age can be looked up. */
struct op {
	uint32_t index;
	uint32_t generation; /* never 0; a new one each time the slot is used */
	struct op *next_free;

	bool is_running; /* the answering side has not finished it */
	bool is_queued; /* on_ready is deferred */
	bool is_busy; /* on_ready is running */
	bool is_hook_due;
	bool is_spoilt; /* an item was none: it cannot end well */
	enum op_answer answer;
	uint32_t status;
	const char *sentence; /* in results; may be NULL */

	const struct op_contract *contract;
	struct backend *home; /* whose loop and deadlines it uses; never NULL */
	struct backend *answerer; /* NULL: the core */
	struct backend *asker; /* NULL: the core */
	struct op_caller caller;

	struct arena arguments;
	struct arena results;
	struct op_item *items;
	struct op_item **last_item;
	lucius_fn on_cancel;
	void *on_cancel_user;

	uint64_t due_ms;
	struct deadline_list *deadline; /* NULL: in none */
	struct op *previous_due;
	struct op *next_due;
	struct timer *own_deadline; /* for a timeout that no list was free for */
};

struct op_opening {
	uint32_t operation; /* a known one */
	struct backend *home;
	struct backend *answerer;
	struct backend *asker;
};

/* A running operation; the caller is copied and may be NULL. Never NULL. */
struct op *op_open(const struct op_opening *opening, const struct op_caller *caller);
struct lucius_op op_handle(const struct op *op);
/* Ends it in the answering side's place, with a sentence. */
void op_refuse(struct op *op, uint32_t status, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
/* Answers the caller that nobody waits any more; runs the hook. */
void op_expire(struct op *op);

/* The answering side's calls; answerer NULL is the core. They abort on what is not its own. */
void op_give_by(struct backend *answerer, struct lucius_op handle, const void *item);
void op_finish_by(
        struct backend *answerer, struct lucius_op handle, uint32_t status, const char *sentence);
void op_on_cancel_by(struct backend *answerer, struct lucius_op handle, lucius_fn fn, void *user);

/* Nobody is called any more of what this backend has asked. */
void op_forget_all_of(struct backend *asker);
/* The name of an operation that is open on the backend, its stop aside; NULL: there is none. */
const char *op_open_on(const struct backend *answerer);

#endif
