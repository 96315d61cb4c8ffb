/* SPDX-License-Identifier: MIT */
/*
 * Operations: what the core asks of a backend, or a backend of the core, and its answer. Finished
 * exactly once; the caller's continuation never runs inside the call that started the operation;
 * deadline and cancel answer the caller at once and let the operation live until it is finished.
 */
#ifndef CORE_OP_H
#define CORE_OP_H

#include <stddef.h>
#include <stdint.h>

#include <lucius/plugin.h>

struct backend;

/* Who asked, and how long he waits. */
struct op_caller {
	lucius_item_fn
	        on_item; /* may be NULL: items are dropped; items are borrowed for the call */
	lucius_done_fn on_done; /* may be NULL */
	void *user;
	uint64_t timeout_ms; /* 0: the default (30 s); OP_NO_DEADLINE: none */
};
#define OP_NO_DEADLINE UINT64_MAX

/* Gives up waiting: on_done says UNKNOWN ("cancelled"), later. Harmless if it has ended. */
void op_cancel(struct lucius_op op);
/* As op_cancel, but nobody is called any more: for callers that go away. */
void op_forget(struct lucius_op op);

/* The core as the answering side (LUCIUS_OP_DEFINITION_RUN). */
void op_give(struct lucius_op op, const void *item);
void op_finish(struct lucius_op op, uint32_t status, const char *sentence);

/* "OK", "UNAVAILABLE", …; static storage. */
const char *status_name(uint32_t status);

#endif
