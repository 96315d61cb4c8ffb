/* SPDX-License-Identifier: MIT */
/* Brings the consumer up, keeps its credit right, and drains it; see consumer.h. */
#include "consumers/runtime/consumer.h"

#include "consumers/common/text.h"
#include "consumers/runtime/intake.h"
#include "consumers/runtime/notify.h"
#include "consumers/runtime/run.h"
#include "support/base/cleanup.h"
#include "support/base/memory.h"

#include <event2/event.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/random.h>
#include <sysexits.h>

enum {
	/* What is done is remembered longer than a lock can live and a lease usually does. */
	SEEN_MAX_DONE = 50000,
	SEEN_MAX_AGE_MS = 60 * 60 * 1000,
	/* For the last replies and settlements, once no handler runs any more. */
	DRAIN_SECONDS = 30,
};

struct servicebus_sender *consumer_sender(struct consumer *consumer, int lane)
{
	struct servicebus_sender **sender = &consumer->senders[lane];
	if (*sender == NULL) {
		CLEANUP_FREE char *topic =
		        text_format("%s%d", consumer->options->reply_prefix, lane);
		*sender = servicebus_sender(consumer->client, topic);
	}
	return *sender;
}

void consumer_message_id(struct consumer *consumer, char ret_id[static MESSAGE_ID_SIZE])
{
	(void)snprintf(
	        ret_id, MESSAGE_ID_SIZE, "%s-%" PRIu64, consumer->id_prefix, ++consumer->n_ids);
}

/*
 * A reader may hold what it holds already and fill every free place. All readers together may so
 * get more than there are places for: the rest waits shortly, and is given back.
 */
void consumer_update_credit(struct consumer *consumer)
{
	const struct options *options = consumer->options;
	uint32_t n_busy = consumer->n_handling + consumer->n_waiting;
	uint32_t n_free = options->concurrency > n_busy ? options->concurrency - n_busy : 0;
	if (options->handler == NULL || consumer->is_draining) {
		return;
	}
	for (size_t i = 0; i < consumer->n_readers; i++) {
		struct lane_reader *reader = &consumer->readers[i];
		uint32_t credit = reader->n_held + n_free;
		if (reader->receiver != NULL && credit != reader->credit) {
			reader->credit = credit;
			servicebus_receiver_set_credit(reader->receiver, credit);
		}
	}
}

static void on_log(void *user, int level, const char *event, const char *sentence)
{
	(void)user;
	enum log_level levels[] = { LOG_DEBUG, LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };
	log_write(levels[level >= 0 && level <= SERVICEBUS_LOG_ERROR ? level : 0], event, sentence,
	        NULL);
}

static void on_state(void *user, const char *sentence)
{
	const struct consumer *consumer = user;
	bool is_trouble = sentence != NULL && !consumer->is_draining;
	log_write(is_trouble ? LOG_WARNING : LOG_DEBUG,
	        sentence == NULL ? "bus.ready" : "bus.unavailable", sentence, NULL);
}

static void on_refused(void *user, enum servicebus_outcome outcome, const char *sentence)
{
	const struct lane_reader *reader = user;
	(void)outcome;
	log_write(LOG_ERROR, "bus.refused", sentence,
	        (const struct log_field[]){ { .name = "topic", .text = reader->topic },
	                { .name = "subscription", .text = reader->consumer->options->subscription },
	                { 0 } });
}

static int create_client(struct consumer *consumer)
{
	char error[512] = "";
	struct servicebus_settings settings = {
		.connection = &consumer->options->connection,
		.ca_file = consumer->options->ca_file,
		/* Each directive has two replies. */
		.max_waiting_sends = 4 * 5000,
		.on_log = on_log,
		.on_state = on_state,
		.user = consumer,
	};
	if (!servicebus_client_create(
	            consumer->base, &settings, &consumer->client, error, sizeof(error))) {
		log_write(LOG_ERROR, "consumer.failed", error, NULL);
		return EX_CONFIG;
	}
	return 0;
}

static void read_topic(struct consumer *consumer, struct lane_reader *reader, const char *topic)
{
	*reader = (struct lane_reader){
		.consumer = consumer,
		.topic = topic,
		.lane = topics_lane(topic),
		.credit = consumer->options->concurrency,
	};
	struct servicebus_receiver_settings settings = {
		.topic = topic,
		.subscription = consumer->options->subscription,
		.credit = reader->credit,
		.on_delivery = intake_delivery,
		.on_refused = on_refused,
		.user = reader,
	};
	reader->receiver = servicebus_receiver(consumer->client, &settings);
}

static void on_client_stopped(void *user)
{
	struct consumer *consumer = user;
	(void)event_base_loopbreak(consumer->base);
}

static void on_reader_stopped(void *user)
{
	struct lane_reader *stopped = user;
	struct consumer *consumer = stopped->consumer;
	stopped->receiver = NULL;
	for (size_t i = 0; i < consumer->n_readers; i++) {
		if (consumer->readers[i].receiver != NULL) {
			return;
		}
	}
	servicebus_client_stop(consumer->client, DRAIN_SECONDS * 1000, on_client_stopped, consumer);
}

static void on_drain_timeout(evutil_socket_t fd, short what, void *user)
{
	struct consumer *consumer = user;
	(void)fd;
	(void)what;
	log_write(LOG_WARNING, "consumer.forced",
	        "The broker did not take the last replies in time; their directives will be "
	        "delivered again.",
	        NULL);
	consumer->is_forced = true;
	(void)event_base_loopbreak(consumer->base);
}

void consumer_note_idle(struct consumer *consumer)
{
	if (consumer->is_draining && consumer->n_handling == 0) {
		struct timeval bound = { .tv_sec = DRAIN_SECONDS };
		(void)event_add(consumer->drain_timer, &bound);
	}
}

/* Handlers under way go on to their end; what has not begun goes back to the broker. */
static void drain(struct consumer *consumer)
{
	log_write(LOG_INFO, "consumer.draining", NULL,
	        (const struct log_field[]){
	                { .name = "handlers", .number = consumer->n_handling, .is_number = true },
	                { 0 } });
	consumer->is_draining = true;
	notify_stopping(consumer->notify);
	run_give_back_waiting(consumer);
	for (size_t i = 0; i < consumer->n_readers; i++) {
		servicebus_receiver_stop(
		        consumer->readers[i].receiver, on_reader_stopped, &consumer->readers[i]);
	}
	consumer_note_idle(consumer);
}

static void on_signal(evutil_socket_t signal_number, short what, void *user)
{
	struct consumer *consumer = user;
	(void)signal_number;
	(void)what;
	if (!consumer->is_draining) {
		drain(consumer);
		return;
	}
	log_write(LOG_WARNING, "consumer.forced", "A second signal ends it at once.", NULL);
	consumer->is_forced = true;
	(void)event_base_loopbreak(consumer->base);
}

static void watch_signals(struct consumer *consumer)
{
	consumer->term_event = evsignal_new(consumer->base, SIGTERM, on_signal, consumer);
	consumer->int_event = evsignal_new(consumer->base, SIGINT, on_signal, consumer);
	consumer->drain_timer = evtimer_new(consumer->base, on_drain_timeout, consumer);
	if (consumer->term_event == NULL || consumer->int_event == NULL ||
	        consumer->drain_timer == NULL || event_add(consumer->term_event, NULL) != 0 ||
	        event_add(consumer->int_event, NULL) != 0) {
		text_abort_no_memory();
	}
}

static void make_id_prefix(struct consumer *consumer)
{
	uint64_t number = 0;
	if (getrandom(&number, sizeof(number), 0) != (ssize_t)sizeof(number)) {
		number = (uint64_t)getpid();
	}
	(void)snprintf(consumer->id_prefix, sizeof(consumer->id_prefix), "%016" PRIx64, number);
}

static void log_started(const struct consumer *consumer)
{
	const struct options *options = consumer->options;
	char *lanes = text_copy("");
	for (size_t i = 0; i < consumer->n_readers; i++) {
		const struct lane_reader *reader = &consumer->readers[i];
		char *longer = reader->lane == LANE_NONE
		        ? text_format("%s%s?", lanes, i > 0 ? "," : "")
		        : text_format("%s%s%d", lanes, i > 0 ? "," : "", reader->lane);
		free(lanes);
		lanes = longer;
	}
	log_write(LOG_INFO, "consumer.started", NULL,
	        (const struct log_field[]){ { .name = "lanes", .text = lanes },
	                { .name = "host", .text = options->connection.host },
	                { .name = "subscription", .text = options->subscription },
	                { .name = "step_type", .text = options->step_types },
	                { .name = "handler",
	                        .text = options->handler != NULL ? options->handler[0] : "noop" },
	                { .name = "concurrency",
	                        .number = options->concurrency,
	                        .is_number = true },
	                { 0 } });
	free(lanes);
}

static int start(struct consumer *consumer)
{
	const struct options *options = consumer->options;
	TAILQ_INIT(&consumer->runs);
	consumer->base = event_base_new();
	if (consumer->base == NULL) {
		text_abort_no_memory();
	}
	consumer->notify = notify_create(consumer->base);
	make_id_prefix(consumer);
	watch_signals(consumer);
	consumer->processes = process_table_create(consumer->base);
	consumer->seen = seen_create(
	        &(struct seen_limits){ .max_done = SEEN_MAX_DONE, .max_age_ms = SEEN_MAX_AGE_MS });
	int status = create_client(consumer);
	if (status != 0) {
		return status;
	}
	consumer->n_readers = options->topics.n_topics;
	consumer->readers = must_calloc(consumer->n_readers, sizeof(consumer->readers[0]));
	for (size_t i = 0; i < consumer->n_readers; i++) {
		read_topic(consumer, &consumer->readers[i], options->topics.names[i]);
	}
	log_started(consumer);
	servicebus_client_start(consumer->client);
	notify_ready(consumer->notify);
	return 0;
}

/* A signal more must not cut the cleaning up short. */
static void block_signals(void)
{
	sigset_t signals;
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	(void)sigprocmask(SIG_BLOCK, &signals, NULL);
}

static void finish(struct consumer *consumer)
{
	block_signals();
	process_table_destroy(consumer->processes);
	servicebus_client_destroy(consumer->client);
	run_destroy_all(consumer);
	seen_destroy(consumer->seen);
	event_free(consumer->term_event);
	event_free(consumer->int_event);
	event_free(consumer->drain_timer);
	notify_destroy(consumer->notify);
	event_base_free(consumer->base);
	amqp_buffer_finish(&consumer->body);
	amqp_buffer_finish(&consumer->message);
	free(consumer->readers);
}

int consumer_main(const struct options *options)
{
	struct consumer *consumer = must_calloc(1, sizeof(*consumer));
	consumer->options = options;
	int status = start(consumer);
	if (status == 0) {
		(void)event_base_dispatch(consumer->base);
		status = consumer->is_forced ? EXIT_FAILURE : 0;
		log_write(LOG_INFO, "consumer.stopped", NULL, NULL);
	}
	finish(consumer);
	free(consumer);
	return status;
}
