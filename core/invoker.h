/* SPDX-License-Identifier: MIT */
/*
 * The invoker's side of the three activities (SPEC 5): attempt, publish, outcome. JSON in, JSON
 * out, whether the worker is in this process or comes over the internal API.
 */
#ifndef CORE_INVOKER_H
#define CORE_INVOKER_H

#include <stddef.h>
#include <stdint.h>

struct backend;
struct invoker;
struct ledger;
struct loop;
struct signals;

enum invoker_call { INVOKER_ATTEMPT, INVOKER_PUBLISH, INVOKER_OUTCOME };

/* Borrowed for the callback. Body: `{"status": "ok"}` for 200, else problem+json with `status`. */
struct invoker_answer {
	unsigned status; /* 200, 404, 409, 422 or 503 */
	const char *body;
	size_t size;
};
typedef void (*invoker_done_fn)(void *user, const struct invoker_answer *answer);

struct invoker_parts {
	struct loop *loop;
	struct ledger *ledger;
	struct backend *bus;
	const struct signals *signals;
	uint32_t n_lanes;
};

struct invoker *invoker_create(const struct invoker_parts *parts);
/* Tells the bus which topics directives go to. */
void invoker_expect(const struct invoker *invoker);
/* No call may be under way. Takes NULL. */
void invoker_destroy(struct invoker *invoker);
/* Done is called once, later. The body is the request of SPEC 5 and is not needed after the call.
 */
void invoker_handle(struct invoker *invoker, enum invoker_call call, const char *body, size_t size,
        invoker_done_fn done, void *user);
size_t invoker_n_open(const struct invoker *invoker);

#endif
