/* SPDX-License-Identifier: MIT */
/* The first half of a run: waiting for a place, and the handler. See run.h for the whole. */
#include "consumers/runtime/run_private.h"

#include "consumers/common/clock.h"
#include "consumers/common/text.h"
#include "support/base/cleanup.h"
#include "support/base/memory.h"

#include <event2/event.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

/* A directive that finds no place for so long is left to consumers that are less busy. */
enum { WAIT_MS = 2000 };
/* Beyond a month an end says nothing, and would not fit every timer. */
#define LONGEST_LEASE_MS (INT64_C(30) * 24 * 3600 * 1000)

void run_set_timer(struct run *run, int after_ms, event_callback_fn fn)
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

void run_destroy(struct run *run)
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

/* Handling: the ACK on its way, the handler in its process. */

static void on_handler_done(void *user, const struct process_end *end)
{
	struct run *run = user;
	struct consumer *consumer = run->consumer;
	struct result result = result_of_process(end);
	consumer->n_handling--;
	run_finish_with(run, &result);
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
	return left_ms < LONGEST_LEASE_MS ? left_ms : LONGEST_LEASE_MS;
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
	run_send_ack(run);
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
	run_send_ack(run);
	run_finish_with(run, &result);
}

/* Waiting: for one of the handlers under way to end. */

static void give_back(struct run *run)
{
	struct consumer *consumer = run->consumer;
	run_log(LOG_DEBUG, "directive.given_back", NULL, &run->directive, NULL);
	consumer->n_waiting--;
	seen_remove(consumer->seen, run->entry);
	run->settlement = SERVICEBUS_RELEASE;
	run_settle_all(run, NULL);
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
		run_set_timer(run, WAIT_MS, on_waited);
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
	run_send_result(run);
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
	run_finish_with(run, &result);
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
