/* SPDX-License-Identifier: MIT */
/*
 * The stages of a backend's life as operations. What a backend wraps goes through each with it:
 * before it when starting, after it when stopping.
 */
#include <stdlib.h>
#include <string.h>

#include "core/instance.h"
#include "support/base/memory.h"

typedef void (*stage_fn)(void *self, struct lucius_op op);

static stage_fn stage_of(const struct backend *backend, uint32_t operation)
{
	const struct lucius_life *life = backend->plugin->life;
	switch (operation) {
	case LUCIUS_OP_START:
		return LUCIUS_HAS(life, start) ? life->start : NULL;
	case LUCIUS_OP_LISTEN:
		return LUCIUS_HAS(life, listen) ? life->listen : NULL;
	case LUCIUS_OP_STOP:
		return LUCIUS_HAS(life, stop) ? life->stop : NULL;
	default:
		return LUCIUS_HAS(life, health) ? life->health : NULL;
	}
}

static struct lucius_op ask_one(
        struct backend *backend, uint32_t operation, const struct op_caller *caller)
{
	struct lucius_op handle;
	stage_fn stage = stage_of(backend, operation);
	struct op *op = backend_ask(backend, operation, true, caller, &handle);
	if (operation == LUCIUS_OP_STOP) {
		backend->stage = BACKEND_STOPPING;
	}
	if (op == NULL) {
		return handle;
	}
	if (stage != NULL) {
		stage(backend->self, handle);
		backend_left(backend, operation);
	} else {
		op_finish_by(backend, handle, LUCIUS_OK, NULL);
	}
	return handle;
}

/*
 * One stage of a backend and of all that it wraps, one after the other; the first that does not
 * end well says how the whole has, but the rest goes on: stop must reach everybody.
 * ask_next → on_one_done → … → finish.
 */
struct stage_chain {
	struct backend *backend;
	uint32_t operation;
	struct lucius_op whole;
	uint64_t timeout_ms;
	size_t n_done;
	uint32_t status;
	char *sentence; /* owned */
};

static void ask_next(struct stage_chain *chain);

static void finish(struct stage_chain *chain)
{
	op_finish(chain->whole, chain->status, chain->sentence);
	free(chain->sentence);
	free(chain);
}

static void on_one_done(void *user, uint32_t status, const char *sentence)
{
	struct stage_chain *chain = user;
	chain->n_done++;
	if (status != LUCIUS_OK && chain->status == LUCIUS_OK) {
		chain->status = status;
		chain->sentence = sentence != NULL ? must_copy(sentence, strlen(sentence)) : NULL;
	}
	ask_next(chain);
}

static void ask_next(struct stage_chain *chain)
{
	struct backend *backend = chain->backend;
	const struct op_caller caller = {
		.on_done = on_one_done, .user = chain, .timeout_ms = chain->timeout_ms
	};
	size_t place = chain->n_done;
	if (place > backend->n_wrapped) {
		finish(chain);
		return;
	}
	if (chain->operation == LUCIUS_OP_STOP) {
		place = place == 0 ? backend->n_wrapped : place - 1;
	}
	if (place == backend->n_wrapped) {
		ask_one(backend, chain->operation, &caller);
	} else if (chain->operation == LUCIUS_OP_START) {
		backend_start(backend->wrapped[place], &caller);
	} else if (chain->operation == LUCIUS_OP_LISTEN) {
		backend_listen(backend->wrapped[place], &caller);
	} else {
		backend_stop(backend->wrapped[place], &caller);
	}
}

static struct lucius_op run_stage(
        struct backend *backend, uint32_t operation, const struct op_caller *caller)
{
	if (backend->n_wrapped == 0) {
		return ask_one(backend, operation, caller);
	}
	struct stage_chain *chain = must_calloc(1, sizeof(*chain));
	const struct op_opening opening = { .operation = operation, .home = backend };
	chain->backend = backend;
	chain->operation = operation;
	chain->timeout_ms = caller != NULL ? caller->timeout_ms : 0;
	struct lucius_op whole = op_handle(op_open(&opening, caller));
	chain->whole = whole;
	ask_next(chain);
	return whole;
}

struct lucius_op backend_start(struct backend *backend, const struct op_caller *caller)
{
	return run_stage(backend, LUCIUS_OP_START, caller);
}

struct lucius_op backend_listen(struct backend *backend, const struct op_caller *caller)
{
	return run_stage(backend, LUCIUS_OP_LISTEN, caller);
}

struct lucius_op backend_stop(struct backend *backend, const struct op_caller *caller)
{
	return run_stage(backend, LUCIUS_OP_STOP, caller);
}

static const char *why_not_ready(const struct backend *backend)
{
	const char *why = backend->not_ready;
	for (size_t i = 0; why == NULL && i < backend->n_wrapped; i++) {
		why = why_not_ready(backend->wrapped[i]);
	}
	return why;
}

struct lucius_op backend_health(struct backend *backend, const struct op_caller *caller)
{
	if (stage_of(backend, LUCIUS_OP_HEALTH) != NULL) {
		return ask_one(backend, LUCIUS_OP_HEALTH, caller);
	}
	struct lucius_op handle;
	const char *why = why_not_ready(backend);
	(void)backend_ask(backend, LUCIUS_OP_HEALTH, true, caller, &handle);
	op_finish_by(backend, handle, why != NULL ? LUCIUS_UNAVAILABLE : LUCIUS_OK, why);
	return handle;
}

void backend_reconfigure(struct backend *backend)
{
	for (size_t i = 0; i < backend->n_wrapped; i++) {
		backend_reconfigure(backend->wrapped[i]);
	}
	if (LUCIUS_HAS(backend->plugin->life, reconfigure)) {
		backend->plugin->life->reconfigure(backend->self);
	}
}
