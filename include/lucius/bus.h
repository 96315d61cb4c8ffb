/* SPDX-License-Identifier: MIT */
/* A bus backend: publishes to topics and delivers from subscriptions with peek-lock. */
#ifndef LUCIUS_BUS_H
#define LUCIUS_BUS_H

#include <lucius/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

struct lucius_message {
	uint64_t size;
	struct lucius_text body;
	struct lucius_text message_id;
	struct lucius_text subject;
	struct lucius_text content_type;
	struct lucius_text correlation_id;
	const struct lucius_field *properties; /* application properties: STRING or INTEGER */
	uint64_t n_properties;
	uint64_t ttl_ms; /* from now; 0: the bus's own */
};

struct lucius_delivery {
	uint64_t size;
	uint64_t token; /* names the delivery to settle it; never 0, never used again */
	const struct lucius_message *message;
	uint32_t delivery_count; /* times it was given before; 0 the first time */
	uint32_t lock_ms; /* time left when it was handed over */
};

#define LUCIUS_SUBSCRIPTION_DEAD_LETTERS 1u /* its dead-letter queue instead */
struct lucius_subscription {
	uint32_t size;
	uint32_t credit; /* deliveries given and not settled, at most */
	uint64_t flags;
	struct lucius_text topic;
	struct lucius_text name;
};

#define LUCIUS_SETTLE_COMPLETE 1
#define LUCIUS_SETTLE_ABANDON 2 /* again soon, delivery count + 1 */
#define LUCIUS_SETTLE_DEAD_LETTER 3 /* with reason and description */
#define LUCIUS_SETTLE_RELEASE 4 /* again soon, as if it had not been given */
struct lucius_settlement {
	uint32_t size;
	uint32_t how;
	uint64_t token;
	struct lucius_text reason; /* dead letters: one word */
	struct lucius_text description; /* dead letters: a sentence */
};

/* What provision makes: the topics, and each subscription on the topic that it names. */
struct lucius_topology {
	uint64_t size;
	const struct lucius_text *topics;
	uint64_t n_topics;
	const struct lucius_subscription *const *subscriptions;
	uint64_t n_subscriptions;
};

#define LUCIUS_BUS_DURABLE 1u /* messages survive the process that published them */
#define LUCIUS_BUS_SHARED 2u /* other processes can reach it */
struct lucius_bus_info {
	uint32_t size;
	uint32_t traits;
	uint64_t max_message_size; /* bytes of an encoded message as known now; 0: not known */
};

/* UNAVAILABLE, UNKNOWN, DENIED, UNSUPPORTED and INTERNAL may come from each operation. */
struct lucius_bus {
	uint64_t size;
	/* Fills what it knows of info, whose size the caller has set. No I/O. */
	void (*info)(void *self, struct lucius_bus_info *info);
	/* OK: the bus has it. DUPLICATE: the bus holds that message id. UNROUTABLE: no such topic,
	 * or no subscription would get it. TOO_LARGE. After UNKNOWN the same id may be sent again.
	 */
	void (*publish)(void *self, struct lucius_text topic, const struct lucius_message *message,
	        struct lucius_op op);
	/* A stream without deadline: gives lucius_delivery until unsubscribed, renews the locks
	 * until they are settled, reconnects by itself. Finishes OK once drained; NOT_FOUND if
	 * there is no such subscription and it cannot be made. */
	void (*subscribe)(
	        void *self, const struct lucius_subscription *subscription, struct lucius_op op);
	/* OK. LOCK_LOST: it will be delivered again. */
	void (*settle)(void *self, const struct lucius_settlement *settlement, struct lucius_op op);
	/* No delivery is given from now on. OK, with the subscription, when all are settled. */
	void (*unsubscribe)(void *self, struct lucius_op subscription, struct lucius_op op);
	/* Optional: makes what is missing. OK; DENIED: the key may not manage. */
	void (*provision)(void *self, const struct lucius_topology *topology, struct lucius_op op);
	/* Optional: the topics that this process is going to publish to, told once it is started.
	 * Health names those that are missing, or denied, before the first message is lost on them.
	 * The topology holds for the call. */
	void (*expect)(void *self, const struct lucius_topology *topology);
};

#ifdef __cplusplus
}
#endif
#endif
