/* SPDX-License-Identifier: MIT */
/* Who gets the messages of a store: consumers with credit, the one that has waited longest first.
 */
#ifndef BUS_LOCAL_MODEL_CONSUMER_H
#define BUS_LOCAL_MODEL_CONSUMER_H

#include "plugins/bus-local/model/store.h"

/* Hands a message over. Peek-lock: the entry is locked and stays. Receive-and-delete: it is gone
 * when the call returns. It may not settle, publish, attach or detach. */
typedef void (*consumer_deliver_fn)(struct consumer *consumer, struct entry *entry);

struct consumer {
	consumer_deliver_fn deliver;
	bool is_destructive; /* receive-and-delete */
	bool keeps_locks; /* its locks last until it settles */
	/* From here on the model's own. */
	struct store *store; /* NULL: not attached */
	struct consumer *next;
	struct consumer *previous;
	struct consumer *next_waiting;
	struct consumer *previous_waiting;
	uint32_t credit;
	bool is_waiting;
	bool is_paused;
};

/* Attaches it without credit; deliver and the two flags are set by the caller. */
void consumer_attach(struct consumer *consumer, struct store *store);

/* Its locks stay what they are. Does nothing if it is not attached. */
void consumer_detach(struct consumer *consumer);

/* Sets the credit; hands over what is ready. */
void consumer_set_credit(struct consumer *consumer, uint32_t credit);

/* A paused consumer gets nothing, whatever its credit. */
void consumer_pause(struct consumer *consumer, bool is_paused);

/* The same as pausing, for use within deliver: hands nothing over. */
void consumer_hold(struct consumer *consumer);

/* Hands over ready messages as long as there is credit. */
void store_dispatch(struct store *store);

#endif
