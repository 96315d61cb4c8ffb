/* SPDX-License-Identifier: MIT */
/* Sorts deliveries; see intake.h. */
#include "consumers/runtime/intake.h"

#include "consumers/common/clock.h"
#include "consumers/runtime/run.h"

#include <time.h>

static int64_t wall_clock_us(void)
{
	struct timespec now = { 0 };
	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static bool is_lease_over(const struct directive *directive)
{
	return directive->has_lease_end && directive->lease_end_us <= wall_clock_us();
}

static void dead_letter(
        struct held held, const char *reason, const char *description, uint64_t n_bytes)
{
	log_write(LOG_WARNING, "directive.invalid", description,
	        (const struct log_field[]){ { .name = "topic", .text = held.reader->topic },
	                { .name = "size", .number = (int64_t)n_bytes, .is_number = true }, { 0 } });
	run_settle(held, SERVICEBUS_DEAD_LETTER, reason, description);
}

/* Completes without running. */
static void pass_over(
        struct run_start *start, enum log_level level, const char *event, const char *sentence)
{
	run_log(level, event, sentence, &start->directive, NULL);
	run_settle(start->held, SERVICEBUS_COMPLETE, NULL, NULL);
	directive_finish(&start->directive);
}

static void take_known(
        struct consumer *consumer, struct run_start *start, const struct seen_entry *entry)
{
	struct run *run = seen_run(entry);
	if (run == NULL) {
		run_log(LOG_INFO, "directive.repeated",
		        "It was done before and is answered with the same RESULT.",
		        &start->directive, NULL);
		run_repeat(consumer, start, seen_result(entry));
		return;
	}
	run_log(LOG_INFO, "directive.joined", "It is being handled already.", &start->directive,
	        NULL);
	run_join(run, start->held);
	directive_finish(&start->directive);
}

static void take(struct consumer *consumer, struct run_start *start, uint32_t n_deliveries)
{
	const struct directive *directive = &start->directive;
	const struct seen_entry *entry = seen_find(consumer->seen, directive, clock_now_ms());
	if (directive->step_type != NULL &&
	        !options_has_step_type(consumer->options, directive->step_type)) {
		pass_over(start, LOG_DEBUG, "directive.skipped", "Its step type is another's.");
	} else if (entry != NULL) {
		take_known(consumer, start, entry);
	} else if (n_deliveries > consumer->options->max_deliveries) {
		run_exhaust(consumer, start, n_deliveries);
	} else if (is_lease_over(directive)) {
		pass_over(start, LOG_INFO, "directive.expired", "Its lease is over.");
	} else {
		run_begin(consumer, start);
	}
}

void intake_delivery(void *user, const struct servicebus_delivery *delivery)
{
	struct lane_reader *reader = user;
	struct consumer *consumer = reader->consumer;
	struct run_start start = {
		.held = { .token = delivery->token, .reader = reader },
		.body = delivery->body,
	};
	const char *reason = "it has no body that could be read";
	reader->n_held++;
	if (consumer->is_draining) {
		run_settle(start.held, SERVICEBUS_RELEASE, NULL, NULL);
		return;
	}
	if (!delivery->has_body || !directive_parse(delivery->body, &start.directive, &reason)) {
		dead_letter(start.held, "NotADirective", reason, delivery->body.size);
		return;
	}
	start.lane = start.directive.lane != LANE_NONE ? start.directive.lane : reader->lane;
	if (start.lane == LANE_NONE) {
		dead_letter(start.held, "NoLane",
		        "neither the directive nor its topic's name says which lane to answer on",
		        delivery->body.size);
		directive_finish(&start.directive);
		return;
	}
	/* On the wire the first delivery is number 0. */
	take(consumer, &start, delivery->delivery_count + 1);
}
