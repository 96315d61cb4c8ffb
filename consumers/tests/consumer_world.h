/* SPDX-License-Identifier: MIT */
/* The real lucius-consumer as a child of the test, and a broker of the test that it talks to. */
#ifndef CONSUMERS_TESTS_CONSUMER_WORLD_H
#define CONSUMERS_TESTS_CONSUMER_WORLD_H

#include "support/servicebus/tests/fake_broker.h"

#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

enum { WORLD_MAX_REPLIES = 64, WORLD_MAX_ARGUMENTS = 16 };

struct world_reply {
	char topic[64];
	char message_id[64];
	json_t *body;
	unsigned n_settled_before; /* settlements that the broker had seen by then */
};

struct consumer_world {
	struct event_base *base;
	struct fake_broker broker;
	struct world_reply replies[WORLD_MAX_REPLIES];
	unsigned n_replies;
	pid_t pid; /* of the consumer, 0 once it has ended */
	int exit_status;
	char directory[64]; /* for what handlers write; removed at the end */
	const char *topic; /* SERVICEBUS_TOPIC */
};

/* The path of lucius-consumer; set by main. */
extern const char *world_program;

void world_open(struct consumer_world *world);

/* Starts the consumer; arguments end with NULL. */
void world_start(struct consumer_world *world, const char *const arguments[]);

/* The same with `/bin/sh -c script` as handler; W is the directory in the script's environment. */
void world_start_script(struct consumer_world *world, const char *script);

/* Runs the loop until the question is answered with true; false after 20 s. */
bool world_wait(struct consumer_world *world, bool (*is_so)(struct consumer_world *world));

/* True once there are n replies, n settlements. */
bool world_wait_replies(struct consumer_world *world, unsigned n_replies);
bool world_wait_settled(struct consumer_world *world, unsigned n_settled);

/* True once the handler has made the file. */
bool world_wait_file(struct consumer_world *world, const char *name);

/* True once the consumer has ended; exit_status is then set (128 + signal). */
bool world_wait_end(struct consumer_world *world);

/* Whether the file is there; its size in bytes, 0 if not. */
long world_file_size(const struct consumer_world *world, const char *name);
void world_make_file(const struct consumer_world *world, const char *name);

/* A text member of a reply's body, or of its `error`; NULL if it is missing. */
const char *world_text(const struct consumer_world *world, unsigned reply, const char *name);
const char *world_error(const struct consumer_world *world, unsigned reply, const char *name);

/* Kills what runs and frees all. */
void world_close(struct consumer_world *world);

#endif
