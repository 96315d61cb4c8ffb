/* SPDX-License-Identifier: MIT */
/* The chain of one directive; see run.h. */
#include "consumers/runtime/run.h"

#include "consumers/common/clock.h"
#include "consumers/common/text.h"
#include "consumers/runtime/reply.h"
#include "support/base/cleanup.h"
#include "support/base/memory.h"

#include <event2/event.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

enum {
	/* A directive that finds no place for so long is left to consumers that are less busy. */
	WAIT_MS = 5000,
	FIRST_BACKOFF_MS = 500,
	LONGEST_BACKOFF_MS = 30000,
};

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

static void send_result(struct run *run);

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

static void run_destroy(struct run *run)
{
	TAILQ_REMOVE(&run->consumer->runs, run, link);
	if (run->timer != NULL) {
		event_free(run->timer);
	}
	amqp_buffer_finish(&run->result);
	directive_finish(&run->directive);
	free(run->held);
	free(run->input);
	free(run);
}

static void settle_all(struct run *run, const char *description)
{
	for (size_t i = 0; i < run->n_held; i++) {
		run_settle(run->held[i], run->settlement, run->reason, description);
	}
}

static struct run *run_create(struct consumer *consumer, const struct run_start *start)
{
	struct run *run = must_calloc(1, sizeof(*run));
	run->consumer = consumer;
	run->directive = start->directive;
	run->lane = start->lane;
	run->settlement = SERVICEBUS_COMPLETE;
	run->begin_ms = clock_now_ms();
	TAILQ_INSERT_TAIL(&consumer->runs, run, link);
	run_join(run, start->held);
	consumer_message_id(consumer, run->message_id);
	return run;
}

void run_join(struct run *run, struct held held)
{
	run->held = must_resize(run->held, run->n_held + 1, sizeof(run->held[0]));
	run->held[run->n_held++] = held;
}

static void set_timer(struct run *run, int after_ms, event_callback_fn fn)
{
	if (run->timer != NULL) {
		event_free(run->timer);
	}
	run->timer = event_new(run->consumer->base, -1, 0, fn, run);
	struct timeval after = { after_ms / 1000, (after_ms % 1000) * 1000L };
	if (run->timer == NULL || event_add(run->timer, &after) != 0) {
		text_abort_no_memory();
	}
}

/* Sending: the RESULT until the broker has it, then the settlement. */

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
static void finish_with(struct run *run, struct result *result)
{
	log_finished(run, result);
	note_result(run, result);
	result_finish(result);
	send_result(run);
}

static void on_send_again(evutil_socket_t fd, short what, void *user)
{
	(void)fd;
	(void)what;
	send_result(user);
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
	set_timer(run, run->backoff_ms, on_send_again);
}

/* What cannot be answered at all is kept where a person finds it. */
static void give_up(struct run *run, const char *sentence)
{
	run_log(LOG_ERROR, "reply.refused", sentence, &run->directive, NULL);
	run->settlement = SERVICEBUS_DEAD_LETTER;
	run->reason = "ReplyRefused";
	settle_all(run, sentence);
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
	finish_with(run, &result);
}

static void on_result_sent(void *user, enum servicebus_outcome outcome, const char *sentence)
{
	struct run *run = user;
	switch (outcome) {
	case SERVICEBUS_DONE:
		settle_all(run, run->reason != NULL ? "It was delivered too often." : NULL);
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

static void send_result(struct run *run)
{
	struct consumer *consumer = run->consumer;
	run->state = RUN_SENDING;
	struct reply reply = { "RESULT", run->message_id, run->lane,
		amqp_buffer_bytes(&run->result) };
	encode(run, &reply);
	servicebus_send(consumer_sender(consumer, run->lane), amqp_buffer_bytes(&consumer->message),
	        on_result_sent, run);
}

/* Handling: the ACK on its way, the handler in its process. */

static void on_ack_sent(void *user, enum servicebus_outcome outcome, const char *sentence)
{
	(void)user;
	if (outcome != SERVICEBUS_DONE) {
		/* The RESULT counts without it. */
		log_write(LOG_WARNING, "reply.ack_unsent", sentence, NULL);
	}
}

static void send_ack(struct run *run)
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

static void on_handler_done(void *user, const struct process_end *end)
{
	struct run *run = user;
	struct consumer *consumer = run->consumer;
	struct result result = result_of_process(end);
	consumer->n_handling--;
	finish_with(run, &result);
	run_start_waiting(consumer);
	consumer_update_credit(consumer);
	consumer_note_idle(consumer);
}

static int64_t time_left_ms(const struct run *run)
{
	if (!run->directive.has_lease_end) {
		return run->consumer->options->usual_lease_seconds * 1000;
	}
	struct timespec now = { 0 };
	clock_gettime(CLOCK_REALTIME, &now);
	int64_t now_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
	int64_t left_ms = run->directive.lease_end_us / 1000 - now_ms;
	/* More than a day is nobody's lease and would not fit every timer. */
	return left_ms < 86400000 ? left_ms : 86400000;
}

static void start_handler(struct run *run)
{
	struct consumer *consumer = run->consumer;
	if (run->timer != NULL) {
		event_free(run->timer);
		run->timer = NULL;
	}
	run->state = RUN_HANDLING;
	run->begin_ms = clock_now_ms();
	consumer->n_handling++;
	send_ack(run);
	run_log(LOG_DEBUG, "directive.started", NULL, &run->directive, NULL);
	struct process_request request = {
		.argv = consumer->options->handler,
		.input = steal(run->input),
		.input_size = run->input_size,
		.timeout_ms = time_left_ms(run),
		.done = on_handler_done,
		.user = run,
	};
	process_start(consumer->processes, &request);
}

static void answer_noop(struct run *run)
{
	struct result result = { .status = RESULT_SUCCEEDED };
	send_ack(run);
	finish_with(run, &result);
}

/* Waiting: for one of the handlers under way to end. */

static void give_back(struct run *run)
{
	struct consumer *consumer = run->consumer;
	run_log(LOG_DEBUG, "directive.given_back", NULL, &run->directive, NULL);
	consumer->n_waiting--;
	seen_remove(consumer->seen, run->entry);
	run->settlement = SERVICEBUS_RELEASE;
	settle_all(run, NULL);
	run_destroy(run);
}

static void on_waited(evutil_socket_t fd, short what, void *user)
{
	(void)fd;
	(void)what;
	give_back(user);
}

static bool has_place(const struct consumer *consumer)
{
	return consumer->n_handling < consumer->options->concurrency;
}

void run_begin(struct consumer *consumer, const struct run_start *start)
{
	struct run *run = run_create(consumer, start);
	run->entry = seen_add(consumer->seen, &run->directive, run);
	if (consumer->options->handler == NULL) {
		answer_noop(run);
		return;
	}
	run->input = must_copy(start->body.start, start->body.size);
	run->input_size = start->body.size;
	if (has_place(consumer)) {
		start_handler(run);
	} else {
		consumer->n_waiting++;
		set_timer(run, WAIT_MS, on_waited);
	}
	consumer_update_credit(consumer);
}

void run_start_waiting(struct consumer *consumer)
{
	struct run *run = TAILQ_FIRST(&consumer->runs);
	while (run != NULL && consumer->n_waiting > 0 && has_place(consumer)) {
		struct run *next = TAILQ_NEXT(run, link);
		if (run->state == RUN_WAITING) {
			consumer->n_waiting--;
			start_handler(run);
		}
		run = next;
	}
}

void run_give_back_waiting(struct consumer *consumer)
{
	struct run *run = TAILQ_FIRST(&consumer->runs);
	while (run != NULL) {
		struct run *next = TAILQ_NEXT(run, link);
		if (run->state == RUN_WAITING) {
			give_back(run);
		}
		run = next;
	}
}

void run_repeat(struct consumer *consumer, const struct run_start *start, struct amqp_bytes result)
{
	struct run *run = run_create(consumer, start);
	amqp_buffer_append(&run->result, result.start, result.size);
	send_result(run);
}

void run_exhaust(struct consumer *consumer, const struct run_start *start, uint32_t n_deliveries)
{
	struct run *run = run_create(consumer, start);
	CLEANUP_FREE char *message =
	        text_format("The directive was delivered %" PRIu32
	                    " times without coming to an end; %" PRIu32 " is the limit.",
	                n_deliveries, consumer->options->max_deliveries);
	struct result result = result_failure(RESULT_FAILED_FINAL, "DELIVERIES_EXHAUSTED", message);
	run->entry = seen_add(consumer->seen, &run->directive, run);
	run->settlement = SERVICEBUS_DEAD_LETTER;
	run->reason = "DeliveriesExhausted";
	finish_with(run, &result);
}

void run_destroy_all(struct consumer *consumer)
{
	struct run *run = TAILQ_FIRST(&consumer->runs);
	while (run != NULL) {
		struct run *next = TAILQ_NEXT(run, link);
		run_destroy(run);
		run = next;
	}
}
