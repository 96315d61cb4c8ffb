/* SPDX-License-Identifier: MIT */
/* What the two halves of a run share: run.c handles a directive, run_answer.c answers it. */
#ifndef CONSUMERS_RUNTIME_RUN_PRIVATE_H
#define CONSUMERS_RUNTIME_RUN_PRIVATE_H

#include "consumers/runtime/result.h"
#include "consumers/runtime/run.h"

#include <event2/event.h>

enum run_state {
	RUN_WAITING,
	RUN_HANDLING,
	RUN_SENDING,
};

struct run {
	TAILQ_ENTRY(run) link; /* in consumer.runs */
	struct consumer *consumer;
	struct directive directive;
	enum run_state state;
	int lane;
	struct held *held; /* owned */
	size_t n_held;
	struct seen_entry *entry; /* NULL for a repeat */
	char *input; /* owned, the body for the handler, until it is started */
	size_t input_size;
	struct amqp_buffer result; /* the body of the RESULT */
	char message_id[MESSAGE_ID_SIZE];
	enum servicebus_settlement settlement;
	const char *reason; /* of a dead letter, a literal */
	struct event *timer; /* end of the wait, next send */
	int backoff_ms;
	int64_t begin_ms;
	bool is_result_replaced;
};

/* Sends an ACK and does not wait for it. */
void run_send_ack(struct run *run);

/* Notes the result (taken over) and sends it until the broker has it; then settles and frees. */
void run_finish_with(struct run *run, struct result *result);

/* The same with the RESULT that is in run->result already. */
void run_send_result(struct run *run);

/* Settles all deliveries as run->settlement says. */
void run_settle_all(struct run *run, const char *description);

/* Calls fn once, after that time; ends what the timer was set to before. */
void run_set_timer(struct run *run, int after_ms, event_callback_fn fn);

void run_destroy(struct run *run);

#endif
