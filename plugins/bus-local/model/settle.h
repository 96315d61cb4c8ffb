/* SPDX-License-Identifier: MIT */
/* What becomes of a locked message. */
#ifndef BUS_LOCAL_MODEL_SETTLE_H
#define BUS_LOCAL_MODEL_SETTLE_H

#include "plugins/bus-local/model/store.h"

enum settle_verb {
	SETTLE_COMPLETE,
	SETTLE_ABANDON, /* ready again, delivery count + 1 */
	SETTLE_RELEASE, /* ready again, as if it had not been delivered */
	SETTLE_DEFER, /* to be had by its sequence number only */
	SETTLE_DEAD_LETTER, /* with reason and description, which may be empty */
};

struct settlement {
	enum settle_verb verb;
	struct amqp_bytes reason;
	struct amqp_bytes description;
	/* Map entries: application properties to be changed; n counts keys and values together. */
	struct amqp_bytes changes;
	uint32_t n_changes;
};

/* Hands over what is ready after it; the entry may be gone. */
void settle(struct entry *locked, const struct settlement *settlement);

/* The lock lasts lock_ms of the store from now; the new end is entry->locked_until_ms. */
void renew(struct entry *locked);

/* The alarm of every entry: the end of its lock or of its time to live. */
void on_entry_alarm(struct alarm *alarm);

#endif
