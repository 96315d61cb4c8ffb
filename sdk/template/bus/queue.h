/* SPDX-License-Identifier: MIT */
/*
 * What you replace: queues in memory, one a subscription. A message that was given stays in its
 * queue, locked, until it is settled.
 */
#ifndef QUEUE_H
#define QUEUE_H

#include <stdbool.h>

#include <lucius/bus.h>

struct reader;

struct mail {
	struct mail *next;
	uint64_t token; /* 0: nobody has it */
	struct reader *reader; /* who has it; borrowed */
	uint64_t ends_ms; /* when it is of no use any more; 0: never */
	uint32_t delivery_count;
	struct lucius_message message; /* its texts are owned */
};

struct queue {
	struct queue *next;
	char *topic; /* owned, as the name */
	char *name;
	bool is_dead; /* the dead letters of that subscription */
	struct mail *first; /* owned; the oldest */
	struct reader *readers; /* owned by plugin.c */
};

struct queues {
	struct queue *first; /* owned */
};

void queues_finish(struct queues *queues);
/* NULL: there is none. */
struct queue *queues_find(
        struct queues *queues, struct lucius_text topic, struct lucius_text name, bool is_dead);
/* The same, made if it is not there. */
struct queue *queues_get(
        struct queues *queues, struct lucius_text topic, struct lucius_text name, bool is_dead);
/* OK: a copy is in each queue of the topic. DUPLICATE, UNROUTABLE. */
uint32_t queues_put(struct queues *queues, struct lucius_text topic,
        const struct lucius_message *message, uint64_t now_ms);
/* The message that was given under that token, and its queue; NULL: none. */
struct mail *queues_find_token(struct queues *queues, uint64_t token, struct queue **ret_queue);

/* The next that nobody has; those whose time is over go. NULL: none. */
struct mail *queue_next(struct queue *queue, uint64_t now_ms);
/* Puts a message behind the others; takes it over. */
void queue_add(struct queue *queue, struct mail *mail);
/* Takes it out of the queue; the caller owns it. */
void queue_remove(struct queue *queue, struct mail *mail);
void mail_destroy(struct mail *mail);
/* Adds a property; an empty value adds none. */
void mail_set(struct mail *mail, const char *name, struct lucius_text value);

#endif
