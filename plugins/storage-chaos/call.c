/* SPDX-License-Identifier: MIT */
/*
 * call_begin → (refused) | (delayed → on_delayed →) send → on_item… → on_done → end.
 * The faults are those that a caller must be able to live with; what is reported as not done was
 * not done, and what may have been done was.
 */
#include "call.h"

#include <stdlib.h>

/* xorshift64*: small, and the same on every machine for the same seed. */
static uint64_t draw(struct chaos *chaos)
{
	chaos->random ^= chaos->random >> 12;
	chaos->random ^= chaos->random << 25;
	chaos->random ^= chaos->random >> 27;
	return chaos->random * 0x2545f4914f6cdd1du;
}

static bool happens(struct chaos *chaos, int64_t permille)
{
	bool is_drawn = draw(chaos) >> 32 < (uint64_t)permille * 4294967296u / 1000;
	if (is_drawn) {
		chaos->host->record(chaos->host, chaos->faults, 1);
	}
	return is_drawn;
}

struct call *call_create(struct chaos *chaos, uint32_t operation, struct lucius_op op)
{
	struct call *call = chaos->is_stopped ? NULL : calloc(1, sizeof(*call));
	if (call == NULL) {
		lucius_fail(chaos->host, op, LUCIUS_UNAVAILABLE,
		        chaos->is_stopped ? "Storage chaos has stopped." : "There is no memory.");
		return NULL;
	}
	call->chaos = chaos;
	call->operation = operation;
	call->op = op;
	call->next = chaos->calls;
	if (chaos->calls != NULL) {
		chaos->calls->previous = call;
	}
	chaos->calls = call;
	return call;
}

static void end(struct call *call, uint32_t status, const char *sentence)
{
	struct chaos *chaos = call->chaos;
	struct call **at = call->previous != NULL ? &call->previous->next : &chaos->calls;
	*at = call->next;
	if (call->next != NULL) {
		call->next->previous = call->previous;
	}
	lucius_fail(chaos->host, call->op, status, sentence);
	free(call);
	if (chaos->calls == NULL && chaos->stop.id != 0) {
		lucius_finish(chaos->host, chaos->stop);
		chaos->stop.id = 0;
	}
}

static void on_item(void *user, const void *item)
{
	struct call *call = user;
	if (!call->is_unknown) {
		call->chaos->host->give(call->chaos->host, call->op, item);
	}
}

static void on_done(void *user, uint32_t status, const char *sentence)
{
	struct call *call = user;
	/* A name is given back with OK, whoever asked for that. */
	bool is_let_go = call->operation == LUCIUS_OP_STORAGE_OWN && status == LUCIUS_UNKNOWN;
	if (call->is_unknown) {
		end(call, LUCIUS_UNKNOWN, "Chaos: it was done, or not; nobody says which.");
	} else {
		end(call, is_let_go ? LUCIUS_OK : status, sentence);
	}
}

/* Who asked waits no longer. What the wrapped storage has begun is waited for: its arguments are
 * this call's and go with it. Only a name that is had would never end by itself. */
static void on_cancelled(void *user)
{
	struct call *call = user;
	if (call->delay != NULL) {
		call->chaos->host->timer_stop(call->chaos->host, call->delay);
		end(call, LUCIUS_UNAVAILABLE, "Chaos: it was given up before it was sent.");
	} else if (call->operation == LUCIUS_OP_STORAGE_OWN) {
		call->chaos->host->cancel(call->chaos->host, call->inner);
	}
}

static void send(struct call *call)
{
	const struct chaos *chaos = call->chaos;
	const struct lucius_question question = {
		.size = sizeof(question),
		.operation = call->operation,
		.asked = chaos->wrapped,
		.on_item = on_item,
		.on_done = on_done,
		.user = call,
	};
	call->inner = chaos->host->open(chaos->host, &question);
	call->ask(call, chaos->wrapped->self, call->inner);
}

static void on_delayed(void *user)
{
	struct call *call = user;
	call->delay = NULL;
	send(call);
}

/* True: the call has ended without the wrapped storage. */
static bool is_refused(struct call *call)
{
	const struct options *options = call->chaos->options;
	if (happens(call->chaos, options->unavailable_permille)) {
		end(call, LUCIUS_UNAVAILABLE, "Chaos: the storage is said to be away.");
		return true;
	}
	if (call->operation == LUCIUS_OP_STORAGE_SAVE &&
	        happens(call->chaos, options->conflict_permille)) {
		end(call, LUCIUS_CONFLICT, NULL);
		return true;
	}
	return false;
}

static void begin_faulty(struct call *call)
{
	struct chaos *chaos = call->chaos;
	const struct options *options = chaos->options;
	if (is_refused(call)) {
		return;
	}
	call->is_unknown = happens(chaos, options->unknown_permille);
	if (options->delay_ms != 0 && happens(chaos, options->delay_permille)) {
		uint64_t delay_ms = draw(chaos) % (uint64_t)options->delay_ms + 1;
		call->delay = chaos->host->timer_start(chaos->host, delay_ms, on_delayed, call);
	} else {
		send(call);
	}
}

void call_begin(struct call *call, ask_fn ask)
{
	const struct lucius_host *host = call->chaos->host;
	call->ask = ask;
	host->on_cancel(host, call->op, on_cancelled, call);
	/* A name that is had has no fate to draw: it is a stream. */
	if (call->operation == LUCIUS_OP_STORAGE_OWN) {
		send(call);
	} else {
		begin_faulty(call);
	}
}

void calls_stop(struct chaos *chaos)
{
	for (struct call *call = chaos->calls, *next; call != NULL; call = next) {
		next = call->next;
		on_cancelled(call);
	}
}
