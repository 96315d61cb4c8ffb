/* SPDX-License-Identifier: MIT */
/*
 * The life of an operation. Its two sides end on their own: the answering one by `finish`, the
 * caller's by an answer that is delivered from the loop; the slot is free when both have.
 */
#include "core/op.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/instance.h"
#include "core/item_check.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/metrics.h"
#include "core/op_state.h"
#include "support/base/memory.h"

enum { CHUNK = 256, DEFAULT_TIMEOUT_MS = 30000 };

struct op_item {
	struct op_item *next;
	void *thing;
	struct arena arena; /* it lies in here itself; empty: in the operation's results */
};

static struct op **chunks; /* owned for ever, as the operations in them */
static size_t n_chunks;
static struct op *free_ops;

static void grow(void)
{
	struct op *chunk = must_calloc(CHUNK, sizeof(*chunk));
	chunks = must_resize(chunks, n_chunks + 1, sizeof(struct op *));
	chunks[n_chunks] = chunk;
	for (size_t i = CHUNK; i-- > 0;) {
		chunk[i].index = (uint32_t)(n_chunks * CHUNK + i);
		chunk[i].generation = 1;
		chunk[i].next_free = free_ops;
		free_ops = &chunk[i];
	}
	n_chunks++;
}

struct lucius_op op_handle(const struct op *op)
{
	return (struct lucius_op){ (uint64_t)op->generation << 32 | op->index };
}

static struct op *find(struct lucius_op handle)
{
	uint32_t index = (uint32_t)handle.id;
	if (index / CHUNK >= n_chunks) {
		return NULL;
	}
	struct op *op = &chunks[index / CHUNK][index % CHUNK];
	return op->generation == handle.id >> 32 && op->contract != NULL ? op : NULL;
}

static void drop_items(struct op *op)
{
	while (op->items != NULL) {
		struct op_item *item = op->items;
		op->items = item->next;
		struct arena arena = item->arena;
		arena_finish(&arena);
	}
	op->last_item = &op->items;
}

static void release_if_over(struct op *op)
{
	if (op->is_running || op->answer != OP_ANSWERED || op->is_queued || op->is_busy) {
		return;
	}
	drop_items(op);
	arena_finish(&op->arguments);
	arena_finish(&op->results);
	op->contract = NULL;
	op->generation += op->generation != UINT32_MAX ? 1 : 2;
	op->next_free = free_ops;
	free_ops = op;
}

static void deliver_items(struct op *op)
{
	while (op->items != NULL) {
		struct op_item *item = op->items;
		op->items = item->next;
		if (op->items == NULL) {
			op->last_item = &op->items;
		}
		if (op->caller.on_item != NULL) {
			op->caller.on_item(op->caller.user, item->thing);
		}
		struct arena arena = item->arena;
		arena_finish(&arena);
	}
}

static void deliver_answer(struct op *op)
{
	op->answer = OP_ANSWERED;
	if (op->caller.on_done != NULL) {
		op->caller.on_done(op->caller.user, op->status, op->sentence);
	}
}

static void run_hook(struct op *op)
{
	lucius_fn on_cancel = op->on_cancel;
	op->is_hook_due = false;
	op->on_cancel = NULL;
	if (on_cancel != NULL) {
		on_cancel(op->on_cancel_user);
	}
}

static void on_ready(void *user)
{
	struct op *op = user;
	op->is_queued = false;
	op->is_busy = true;
	deliver_items(op);
	if (op->answer == OP_ANSWERING) {
		deliver_answer(op);
	}
	if (op->is_hook_due) {
		run_hook(op);
	}
	op->is_busy = false;
	release_if_over(op);
}

static void queue(struct op *op)
{
	if (!op->is_queued) {
		op->is_queued = true;
		loop_defer(op->home->parts.loop, on_ready, op);
	}
}

/* Sentence: lies in the results already, or is NULL. */
static void answer(struct op *op, uint32_t status, const char *sentence)
{
	op->answer = OP_ANSWERING;
	op->status = status;
	op->sentence = sentence;
	deadlines_remove(op);
	queue(op);
}

static void give_up(struct op *op, const char *sentence)
{
	if (op->answer != OP_WAITING) {
		return;
	}
	drop_items(op);
	arena_finish(&op->results);
	op->is_hook_due = op->on_cancel != NULL;
	const char *copy =
	        sentence != NULL ? arena_copy(&op->results, sentence, strlen(sentence)) : NULL;
	answer(op, LUCIUS_UNKNOWN, copy);
}

void op_expire(struct op *op)
{
	char sentence[128];
	const char *whom = op->answerer != NULL ? op->answerer->title : "the core";
	metric_record(op->home->expired, 1);
	(void)snprintf(sentence, sizeof(sentence), "%s has not ended '%s' in time", whom,
	        op->contract->name);
	give_up(op, sentence);
}

void op_cancel(struct lucius_op handle)
{
	struct op *op = find(handle);
	if (op != NULL) {
		give_up(op, "cancelled");
	}
}

void op_forget(struct lucius_op handle)
{
	struct op *op = find(handle);
	if (op != NULL) {
		op->caller = (struct op_caller){ 0 };
		give_up(op, NULL);
	}
}

struct op *op_open(const struct op_opening *opening, const struct op_caller *caller)
{
	if (free_ops == NULL) {
		grow();
	}
	struct op *op = free_ops;
	free_ops = op->next_free;
	op->is_running = true;
	op->is_hook_due = false;
	op->answer = OP_WAITING;
	op->contract = op_contract(opening->operation);
	op->home = opening->home;
	op->answerer = opening->answerer;
	op->asker = opening->asker;
	op->caller = caller != NULL ? *caller : (struct op_caller){ 0 };
	op->last_item = &op->items;
	op->on_cancel = NULL;
	if (op->answerer != NULL) {
		op->answerer->n_open++;
	}
	uint64_t timeout_ms = op->caller.timeout_ms;
	if (timeout_ms == 0) {
		timeout_ms = op->contract->is_stream ? OP_NO_DEADLINE : DEFAULT_TIMEOUT_MS;
	}
	if (timeout_ms != OP_NO_DEADLINE) {
		deadlines_add(&op->home->deadlines, op, timeout_ms);
	}
	return op;
}

static struct op *find_own(struct backend *answerer, struct lucius_op handle, const char *verb)
{
	struct op *op = find(handle);
	if (op != NULL && op->is_running && op->answerer == answerer) {
		return op;
	}
	char fact[160];
	(void)snprintf(fact, sizeof(fact), "%s of %s", verb,
	        op != NULL && op->answerer != answerer
	                ? "an operation that is another's"
	                : "an operation that is finished already or never was");
	instance_abort(answerer, fact);
}

static void drop_item(struct op *op, const char *fault)
{
	LOG(LUCIUS_LOG_ERROR, "plugin.odd_item", "an item was given that is none; it is dropped",
	        LOG_STRING("backend", op->answerer != NULL ? op->answerer->title : "core"),
	        LOG_STRING("operation", op->contract->name), LOG_STRING("fault", fault));
}

void op_give_by(struct backend *answerer, struct lucius_op handle, const void *thing)
{
	struct op *op = find_own(answerer, handle, "give");
	if (op->contract->copy == NULL || thing == NULL) {
		drop_item(op, thing == NULL ? "it is NULL" : "the operation gives nothing");
		return;
	}
	const char *fault = item_fault(op->contract->copy, thing);
	if (fault != NULL) {
		drop_item(op, fault);
		op->is_spoilt = true;
		return;
	}
	if (op->answer != OP_WAITING || op->caller.on_item == NULL) {
		return;
	}
	struct arena own = { 0 };
	struct arena *arena = op->contract->is_stream ? &own : &op->results;
	struct op_item *item = arena_zalloc(arena, sizeof(*item));
	item->thing = op->contract->copy(arena, thing);
	item->arena = own;
	*op->last_item = item;
	op->last_item = &item->next;
	if (op->contract->is_stream) {
		queue(op);
	}
}

static uint32_t checked_status(const struct op *op, uint32_t status)
{
	if (status < LUCIUS_N_STATUSES && (op->contract->may_give >> status & 1) != 0) {
		return status;
	}
	LOG(LUCIUS_LOG_ERROR, "plugin.odd_status",
	        "an operation ended with a status that it may not give; it counts as INTERNAL",
	        LOG_STRING("backend", op->answerer != NULL ? op->answerer->title : "core"),
	        LOG_STRING("operation", op->contract->name),
	        LOG_STRING("status", status_name(status)), LOG_INTEGER("number", status));
	return LUCIUS_INTERNAL;
}

static void end(struct op *op, uint32_t status, const char *sentence)
{
	op->is_running = false;
	op->on_cancel = NULL;
	if (op->answerer != NULL) {
		op->answerer->n_open--;
	}
	if (op->answer == OP_WAITING) {
		size_t size = sentence != NULL ? strlen(sentence) : 0;
		answer(op, status,
		        sentence != NULL ? arena_copy(&op->results, sentence, size) : NULL);
		return;
	}
	if (!op->contract->is_stream) {
		metric_record(op->home->late, 1);
	}
	release_if_over(op);
}

void op_finish_by(
        struct backend *answerer, struct lucius_op handle, uint32_t status, const char *sentence)
{
	struct op *op = find_own(answerer, handle, "finish");
	if (op->is_spoilt) {
		end(op, LUCIUS_INTERNAL,
		        "the backend gave rows that are none; see plugin.odd_item");
		return;
	}
	end(op, checked_status(op, status), sentence);
}

void op_refuse(struct op *op, uint32_t status, const char *format, ...)
{
	char sentence[512];
	va_list arguments;
	va_start(arguments, format);
	(void)vsnprintf(sentence, sizeof(sentence), format, arguments);
	va_end(arguments);
	end(op, status, sentence);
}

void op_on_cancel_by(struct backend *answerer, struct lucius_op handle, lucius_fn fn, void *user)
{
	struct op *op = find_own(answerer, handle, "on_cancel");
	op->on_cancel = fn;
	op->on_cancel_user = user;
	if (op->answer != OP_WAITING && fn != NULL) {
		op->is_hook_due = true;
		queue(op);
	}
}

void op_give(struct lucius_op handle, const void *item)
{
	op_give_by(NULL, handle, item);
}

void op_finish(struct lucius_op handle, uint32_t status, const char *sentence)
{
	op_finish_by(NULL, handle, status, sentence);
}

void op_forget_all_of(struct backend *asker)
{
	for (size_t i = 0; i < n_chunks * CHUNK; i++) {
		struct op *op = &chunks[i / CHUNK][i % CHUNK];
		if (op->contract != NULL && op->asker == asker) {
			op_forget(op_handle(op));
		}
	}
}

const char *op_open_on(const struct backend *answerer)
{
	const char *name = NULL;
	for (size_t i = 0; i < n_chunks * CHUNK; i++) {
		const struct op *op = &chunks[i / CHUNK][i % CHUNK];
		if (op->contract == NULL || !op->is_running || op->answerer != answerer) {
			continue;
		}
		if (op->contract != op_contract(LUCIUS_OP_STOP)) {
			return op->contract->name;
		}
		name = op->contract->name;
	}
	return name;
}

const char *status_name(uint32_t status)
{
	static const char *const names[LUCIUS_N_STATUSES] = { "OK", "DUPLICATE", "NOT_FOUND",
		"CONFLICT", "KEY_CONFLICT", "TENANT_FULL", "LOCK_LOST", "UNROUTABLE", "TOO_LARGE",
		"UNAVAILABLE", "UNKNOWN", "DENIED", "UNSUPPORTED", "INTERNAL" };
	return status < LUCIUS_N_STATUSES ? names[status] : "no status";
}
