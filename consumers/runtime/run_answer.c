/* SPDX-License-Identifier: MIT */
/*
 * The second half of a run: ACK, RESULT until the broker has it, then the settlement. See run.h.
 */
#include "consumers/runtime/run_private.h"

#include "consumers/common/clock.h"
#include "consumers/runtime/reply.h"

#include <string.h>

enum { FIRST_BACKOFF_MS = 500, LONGEST_BACKOFF_MS = 30000 };

static void on_settled(void *user, enum servicebus_outcome outcome, const char *sentence)
{
	struct lane_reader *reader = user;
	reader->n_held--;
	if (outcome != SERVICEBUS_DONE) {
		/* It will come again, and is answered from memory then. */
		log_write(LOG_INFO, "directive.unsettled", sentence,
		        (const struct log_field[]){
		                { .name = "topic", .text = reader->topic }, { 0 } });
	}
	consumer_update_credit(reader->consumer);
}

void run_settle(struct held held, enum servicebus_settlement how, const char *reason,
        const char *description)
{
	struct servicebus_settle settle = {
		.token = held.token,
		.how = how,
		.reason = amqp_text(reason),
		.description = amqp_text(description),
		.done = on_settled,
		.user = held.reader,
	};
	servicebus_settle(held.reader->consumer->client, &settle);
}

void run_settle_all(struct run *run, const char *description)
{
	for (size_t i = 0; i < run->n_held; i++) {
		run_settle(run->held[i], run->settlement, run->reason, description);
	}
}

static void note_result(struct run *run, const struct result *result)
{
	reply_result_body(&run->result, &run->directive, result);
	if (run->entry != NULL) {
		seen_finish(run->consumer->seen, run->entry, amqp_buffer_bytes(&run->result),
		        clock_now_ms());
		run->entry = NULL;
	}
}

static void log_finished(const struct run *run, const struct result *result)
{
	enum log_level level = LOG_INFO;
	if (result->status != RESULT_SUCCEEDED) {
		level = LOG_WARNING;
	} else if (run->consumer->options->handler == NULL) {
		level = LOG_DEBUG;
	}
	run_log(level, "directive.finished", result->message, &run->directive,
	        (const struct log_field[]){
	                { .name = "status", .text = result_status_name(result->status) },
	                { .name = "error_code", .text = result->code },
	                { .name = "lane", .number = run->lane, .is_number = true },
	                { .name = "duration_ms",
	                        .number = clock_now_ms() - run->begin_ms,
	                        .is_number = true },
	                { 0 } });
}

/* Takes the result over. */
void run_finish_with(struct run *run, struct result *result)
{
	log_finished(run, result);
	note_result(run, result);
	result_finish(result);
	run_send_result(run);
}

static void on_send_again(evutil_socket_t fd, short what, void *user)
{
	(void)fd;
	(void)what;
	run_send_result(user);
}

static void send_later(struct run *run, const char *sentence)
{
	int backoff_ms = run->backoff_ms == 0 ? FIRST_BACKOFF_MS : run->backoff_ms * 2;
	run->backoff_ms = backoff_ms < LONGEST_BACKOFF_MS ? backoff_ms : LONGEST_BACKOFF_MS;
	run_log(LOG_WARNING, "reply.unsent", sentence, &run->directive,
	        (const struct log_field[]){
	                { .name = "lane", .number = run->lane, .is_number = true },
	                { .name = "retry_ms", .number = run->backoff_ms, .is_number = true },
	                { 0 } });
	run_set_timer(run, run->backoff_ms, on_send_again);
}

/* What cannot be answered at all is kept where a person finds it. */
static void give_up(struct run *run, const char *sentence)
{
	run_log(LOG_ERROR, "reply.refused", sentence, &run->directive, NULL);
	run->settlement = SERVICEBUS_DEAD_LETTER;
	run->reason = "ReplyRefused";
	run_settle_all(run, sentence);
	run_destroy(run);
}

static void replace_result(struct run *run, const char *sentence)
{
	if (run->is_result_replaced) {
		give_up(run, sentence);
		return;
	}
	struct result result = result_failure(RESULT_FAILED_FINAL, "RESULT_TOO_LARGE", sentence);
	run->is_result_replaced = true;
	amqp_buffer_clear(&run->result);
	consumer_message_id(run->consumer, run->message_id);
	run_finish_with(run, &result);
}

static void on_result_sent(void *user, enum servicebus_outcome outcome, const char *sentence)
{
	struct run *run = user;
	switch (outcome) {
	case SERVICEBUS_DONE:
		run_settle_all(run, run->reason != NULL ? "It was delivered too often." : NULL);
		run_destroy(run);
		return;
	case SERVICEBUS_TOO_LARGE:
		replace_result(run, sentence);
		return;
	case SERVICEBUS_REJECTED:
		give_up(run, sentence);
		return;
	case SERVICEBUS_NOT_FOUND:
	case SERVICEBUS_DENIED:
	case SERVICEBUS_LOCK_LOST:
	case SERVICEBUS_UNAVAILABLE:
	case SERVICEBUS_UNKNOWN:
		break;
	}
	send_later(run, sentence);
}

static void encode(struct run *run, const struct reply *reply)
{
	amqp_buffer_clear(&run->consumer->message);
	reply_message(&run->consumer->message, &run->directive, reply);
}

void run_send_result(struct run *run)
{
	struct consumer *consumer = run->consumer;
	run->state = RUN_SENDING;
	struct reply reply = { "RESULT", run->message_id, run->lane,
		amqp_buffer_bytes(&run->result) };
	encode(run, &reply);
	servicebus_send(consumer_sender(consumer, run->lane), amqp_buffer_bytes(&consumer->message),
	        on_result_sent, run);
}

static void on_ack_sent(void *user, enum servicebus_outcome outcome, const char *sentence)
{
	(void)user;
	if (outcome != SERVICEBUS_DONE) {
		/* The RESULT counts without it. */
		log_write(LOG_WARNING, "reply.ack_unsent", sentence, NULL);
	}
}

void run_send_ack(struct run *run)
{
	struct consumer *consumer = run->consumer;
	char message_id[MESSAGE_ID_SIZE];
	consumer_message_id(consumer, message_id);
	amqp_buffer_clear(&consumer->body);
	reply_ack_body(&consumer->body, &run->directive);
	struct reply reply = { "ACK", message_id, run->lane, amqp_buffer_bytes(&consumer->body) };
	encode(run, &reply);
	servicebus_send(consumer_sender(consumer, run->lane), amqp_buffer_bytes(&consumer->message),
	        on_ack_sent, NULL);
}
