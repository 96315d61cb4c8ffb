/* SPDX-License-Identifier: MIT */
/* A client of gRPC and its peer on one loop, with the calls of a test and their answers. */
#ifndef SUPPORT_GRPC_TESTS_WORLD_H
#define SUPPORT_GRPC_TESTS_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "support/grpc/grpc.h"
#include "support/grpc/tests/peer.h"

#define N_CALLS 32

/* One call of a test and its answer. */
struct made {
	struct grpc_call *call;
	bool is_answered;
	unsigned n_answers;
	enum grpc_status status;
	bool is_sent;
	char sentence[200];
	char message[16]; /* how it begins */
	size_t size;
	uint8_t details[16];
	size_t details_size;
};

struct world {
	struct event_base *base;
	struct peer peer;
	struct grpc_client *client;
	struct grpc_settings settings;
	struct made made[N_CALLS];
	size_t n_made;
	unsigned n_states; /* times that it has told */
	char state[200]; /* "" is connected */
	bool is_timed_out;
};

/* The peer listens; the settings are for the test to change before it starts the client. */
void world_init(struct world *world);
void world_start(struct world *world);
void world_finish(struct world *world);

/* The request is "hello". A timeout of 0: the default, and the call is impatient. */
struct made *world_call_with(struct world *world, const char *path, uint32_t timeout_ms);
struct made *world_call(struct world *world, const char *path);
/* Calls and waits. */
const struct made *world_answered(struct world *world, const char *path);
/* For a call that a test makes itself. */
void world_on_answer(void *user, const struct grpc_answer *answer);

typedef bool (*condition_fn)(const struct world *world);
/* Runs the loop until the condition holds; a failed check if that takes too long. */
void world_wait(struct world *world, condition_fn holds, const char *what);
#define WAIT(world, condition) world_wait((world), (condition), #condition)
/* Lets so much time pass in which nothing is waited for. */
void world_turn(struct world *world, unsigned ms);

bool all_are_answered(const struct world *world);
bool last_is_answered(const struct world *world);
bool all_are_held(const struct world *world);
bool unreachable_is_told(const struct world *world);

#endif
