/* SPDX-License-Identifier: MIT */
/*
 * One directive from its delivery to its settlement:
 *
 *   begin -> (wait for a place) -> ACK sent, handler started -> on_handler_done -> RESULT sent
 *         -> on_result_sent -> settled
 *
 * The RESULT is out before the directive is completed, so that a crash between the two leads to a
 * repeat and never to silence.
 */
#ifndef CONSUMERS_RUNTIME_RUN_H
#define CONSUMERS_RUNTIME_RUN_H

#include "consumers/runtime/consumer.h"

/* A delivery that a run has to settle. */
struct held {
	uint64_t token;
	struct lane_reader *reader;
};

/* What is known of a delivery when a run is begun with it. */
struct run_start {
	struct held held;
	struct directive directive; /* taken over */
	struct amqp_bytes body; /* borrowed: the message's */
	int lane; /* of the answer */
};

/* Acknowledges and handles, at once or as soon as there is a place. */
void run_begin(struct consumer *consumer, const struct run_start *start);

/* Answers once more with a RESULT that was given before (borrowed). */
void run_repeat(struct consumer *consumer, const struct run_start *start, struct amqp_bytes result);

/* Gives up: FAILED_FINAL, and the directive goes to the dead letters. */
void run_exhaust(struct consumer *consumer, const struct run_start *start, uint32_t n_deliveries);

/* Adds a second delivery of the same directive to a run under way. */
void run_join(struct run *run, struct held held);

/* Starts those that wait, as far as there are places. */
void run_start_waiting(struct consumer *consumer);

/* Gives those that wait back to the broker. */
void run_give_back_waiting(struct consumer *consumer);

/* Frees all without a word to the broker. */
void run_destroy_all(struct consumer *consumer);

/* Settles a delivery; reason and description for dead letters, else NULL. */
void run_settle(struct held held, enum servicebus_settlement how, const char *reason,
        const char *description);

/* A log line with the directive's fields; event and sentence as in log_write. */
void run_log(enum log_level level, const char *event, const char *sentence,
        const struct directive *directive, const struct log_field *more);

#endif
