/* SPDX-License-Identifier: MIT */
/*
 * A client of Azure Service Bus, or of a broker that speaks its dialect: one connection for any
 * number of senders and receivers, which come back by themselves after every loss. Everything runs
 * on one loop; every callback comes from the loop and never within a call of the owner.
 */
#ifndef SUPPORT_SERVICEBUS_CLIENT_H
#define SUPPORT_SERVICEBUS_CLIENT_H

#include "support/amqp/message.h"
#include "support/azure/connection_string.h"

struct event_base;
struct servicebus_client;
struct servicebus_sender;
struct servicebus_receiver;

enum servicebus_outcome {
	SERVICEBUS_DONE,
	SERVICEBUS_REJECTED, /* the broker refuses this message, now and later */
	SERVICEBUS_TOO_LARGE, /* the sentence has both sizes */
	SERVICEBUS_NOT_FOUND, /* no such topic or subscription */
	SERVICEBUS_DENIED, /* the key may not do this */
	SERVICEBUS_LOCK_LOST, /* settle: the message will be delivered again */
	SERVICEBUS_UNAVAILABLE, /* nothing was done, the same again may help */
	SERVICEBUS_UNKNOWN, /* it may have been done: the link was lost meanwhile */
};
/* Sentence: "" for DONE; borrowed for the call. */
typedef void (*servicebus_done_fn)(
        void *user, enum servicebus_outcome outcome, const char *sentence);

#define SERVICEBUS_LOG_DEBUG 1
#define SERVICEBUS_LOG_INFO 2
#define SERVICEBUS_LOG_WARNING 3
#define SERVICEBUS_LOG_ERROR 4

/* Zero takes the default in brackets. */
struct servicebus_settings {
	const struct azure_servicebus *connection; /* copied */
	const char *container_id; /* copied [made up] */
	const char *ca_file; /* trusted besides the system's; may be NULL */
	bool has_no_cbs; /* the broker has no $cbs node and no $management */
	uint32_t token_seconds; /* life of the tokens that we sign [3600] */
	uint32_t connect_timeout_ms; /* until the connection is open [20000] */
	uint32_t operation_timeout_ms; /* a send, a settle, an attach, a request [30000] */
	uint32_t backoff_first_ms; /* [500] */
	uint32_t backoff_max_ms; /* [30000] */
	/* What lived so long worked: its normal end is no reason to wait longer [2000]. */
	uint32_t worked_ms;
	uint32_t busy_ms; /* what a broker that says that it is busy is left alone for [2000] */
	uint32_t idle_timeout_ms; /* a silent peer is dead after twice this [30000] */
	uint32_t quiet_link_ms; /* a receiver silent for so long is asked whether it lives [300000]
	                         */
	uint32_t max_waiting_sends; /* a sender; more are UNAVAILABLE at once [10000] */
	/* Event: dotted name. Both may be NULL. */
	void (*on_log)(void *user, int level, const char *event, const char *sentence);
	/* Ready (NULL), or why not; told when it changes. */
	void (*on_state)(void *user, const char *sentence);
	void *user;
};

/* Owned; connects when `start` is called. False: one sentence in error (an unreadable CA file). */
bool servicebus_client_create(struct event_base *base, const struct servicebus_settings *settings,
        struct servicebus_client **ret_client, char *error, size_t error_size);
void servicebus_client_start(struct servicebus_client *client);

/*
 * Stops taking deliveries, lets what was given be settled and what was sent be answered, and
 * closes; on_stopped comes when all that is done, or after timeout_ms. Deliveries that are still
 * not settled then are released, sends that are not answered are UNKNOWN or UNAVAILABLE. The
 * receivers' and senders' handles are gone after on_stopped.
 */
void servicebus_client_stop(struct servicebus_client *client, uint32_t timeout_ms,
        void (*on_stopped)(void *user), void *user);

/* At once; whatever is open ends without a callback. Safe within callbacks; takes NULL. */
void servicebus_client_destroy(struct servicebus_client *client);

/* True if the connection is up. Else one sentence in `sentence`. */
bool servicebus_client_is_ready(
        const struct servicebus_client *client, char *sentence, size_t sentence_size);
/* Calls fn for each entity that the broker refuses, with its address: it says that it does not
 * exist, or denies it to us. */
void servicebus_client_each_refused(const struct servicebus_client *client,
        void (*fn)(void *user, const char *address, bool is_missing), void *user);
/* The smallest limit that a topic has told us; 0: none known yet. */
uint64_t servicebus_client_max_message_size(const struct servicebus_client *client);

struct servicebus_counts {
	uint64_t n_sent;
	uint64_t n_received;
	uint64_t n_settled;
	uint64_t n_renewals;
	uint64_t n_locks_lost;
	uint64_t n_reconnects;
	uint64_t n_detaches;
	uint32_t n_unsettled; /* deliveries given and not settled, now */
	uint32_t n_credits; /* now */
};
struct servicebus_counts servicebus_client_counts(const struct servicebus_client *client);

/* Losses of links by the condition that the broker gave. */
#define SERVICEBUS_MAX_CONDITIONS 16
struct servicebus_detaches {
	char condition[64]; /* "none": it gave none; "other": all that found no place */
	uint64_t n;
};
/* The n-th, in the order of their first loss, which never changes; NULL: there are no more. */
const struct servicebus_detaches *servicebus_client_detaches(
        const struct servicebus_client *client, size_t n);

/* Attaches as soon as it can. The handle lives until the client is stopped or destroyed; asking
 * twice for a topic gives the same one. */
struct servicebus_sender *servicebus_sender(struct servicebus_client *client, const char *topic);

/*
 * Sends an encoded message (amqp_message_write), which is copied. DONE: the broker has it. After
 * UNKNOWN the same message id may be sent again. Waits at most the operation time-out for a link,
 * as long again for the answer. `done` is called exactly once.
 */
void servicebus_send(struct servicebus_sender *sender, struct amqp_bytes encoded,
        servicebus_done_fn done, void *user);

/* A message with its lock; all of it is borrowed for the call but the token. */
struct servicebus_delivery {
	uint64_t token; /* names it to settle it; never 0, never used again by this client */
	uint32_t delivery_count;
	uint32_t lock_ms; /* time left; 0: the broker locks nothing */
	const struct amqp_message *message;
	const struct amqp_properties *properties;
	bool has_body; /* the body is bytes or text */
	struct amqp_bytes body;
};

struct servicebus_receiver_settings {
	const char *topic;
	const char *subscription; /* "": the topic is a queue */
	bool is_dead_letters; /* its dead-letter queue instead */
	uint32_t credit; /* deliveries given and not settled, at most */
	/* May settle within the call. */
	void (*on_delivery)(void *user, const struct servicebus_delivery *delivery);
	/* May be NULL. The link is up, for the first time or again. */
	void (*on_attached)(void *user);
	/* May be NULL. There is no such entity (or the key may not read it: DENIED); it is tried
	 * again at the longest back-off until the receiver is stopped. Not called twice in a row.
	 */
	void (*on_refused)(void *user, enum servicebus_outcome outcome, const char *sentence);
	void *user;
};
/* Attaches as soon as it can, and again after each loss. The locks of its deliveries are renewed
 * until they are settled. */
struct servicebus_receiver *servicebus_receiver(
        struct servicebus_client *client, const struct servicebus_receiver_settings *settings);

/* topic/Subscriptions/name…; borrowed, as long as the receiver lives. */
const char *servicebus_receiver_address(const struct servicebus_receiver *receiver);

/* Changes the credit; 0 pauses: what is on its way still comes. */
void servicebus_receiver_set_credit(struct servicebus_receiver *receiver, uint32_t credit);

/*
 * No delivery is given from now on; what still comes is released. on_stopped comes once when all
 * that were given are settled and the link is closed; the handle is gone then.
 */
void servicebus_receiver_stop(
        struct servicebus_receiver *receiver, void (*on_stopped)(void *user), void *user);

enum servicebus_settlement {
	SERVICEBUS_COMPLETE,
	SERVICEBUS_ABANDON, /* again soon, delivery count + 1 */
	SERVICEBUS_DEAD_LETTER,
	SERVICEBUS_RELEASE, /* again soon, as if it had not been given */
};
/* Reason and description are for dead letters: one word, a sentence; else no bytes. */
struct servicebus_settle {
	uint64_t token;
	enum servicebus_settlement how;
	struct amqp_bytes reason;
	struct amqp_bytes description;
	servicebus_done_fn done;
	void *user;
};
/* DONE once the broker has confirmed it. A token that is not known, or settled already: LOCK_LOST.
 * Works across a reconnect, as long as the lock lives. */
void servicebus_settle(struct servicebus_client *client, const struct servicebus_settle *settle);

#endif
