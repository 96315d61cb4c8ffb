/* SPDX-License-Identifier: MIT */
/* The running consumer: its connection, lanes, and all directives under way. */
#ifndef CONSUMERS_RUNTIME_CONSUMER_H
#define CONSUMERS_RUNTIME_CONSUMER_H

#include "consumers/runtime/log.h"
#include "consumers/runtime/options.h"
#include "consumers/runtime/process.h"
#include "consumers/runtime/seen.h"
#include "support/servicebus/client.h"

#include <sys/queue.h>

struct consumer;
struct event;
struct notify;
struct run;

/* One topic that is read. */
struct lane_reader {
	struct consumer *consumer;
	struct servicebus_receiver *receiver; /* NULL once it has stopped */
	const char *topic;
	int lane; /* of the topic's name, LANE_NONE if it has none */
	uint32_t n_held; /* deliveries that are not settled */
	uint32_t credit; /* as last set */
};

TAILQ_HEAD(run_queue, run);

struct consumer {
	struct event_base *base;
	const struct options *options;
	struct servicebus_client *client;
	struct process_table *processes;
	struct seen *seen;
	struct lane_reader *readers; /* owned */
	size_t n_readers;
	struct servicebus_sender *senders[LANE_MAX + 1]; /* by lane, made when first used */
	struct run_queue runs; /* all that are under way */
	uint32_t n_waiting; /* of them, for a handler's place */
	uint32_t n_handling; /* of them, in a handler */
	struct amqp_buffer body; /* scratch for replies */
	struct amqp_buffer message;
	char id_prefix[24]; /* of message ids, made up at start */
	uint64_t n_ids;
	struct event *term_event;
	struct event *int_event;
	struct event *drain_timer;
	struct notify *notify; /* owned */
	bool is_draining;
	bool is_forced; /* a second signal came, or the drain took too long */
};

/* Runs until a signal has drained it. Returns the exit status. */
int consumer_main(const struct options *options);

/* Gives each reader as much credit as there are free places; after each change of those. */
void consumer_update_credit(struct consumer *consumer);

/* The sender of the lane's replies; never NULL. */
struct servicebus_sender *consumer_sender(struct consumer *consumer, int lane);

/* Writes an id that was never used before. */
enum { MESSAGE_ID_SIZE = 48 };
void consumer_message_id(struct consumer *consumer, char ret_id[static MESSAGE_ID_SIZE]);

/* To be called when a handler has ended: a drain may be over then. */
void consumer_note_idle(struct consumer *consumer);

#endif
