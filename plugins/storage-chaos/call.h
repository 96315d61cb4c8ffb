/* SPDX-License-Identifier: MIT */
/* One operation on its way through: what was asked, what is asked of the wrapped storage, and what
 * goes wrong with it. */
#ifndef CALL_H
#define CALL_H

#include <stdbool.h>

#include <lucius/storage.h>

struct options {
	const char *storage;
	int64_t seed; /* 0: another one each time */
	int64_t unavailable_permille;
	int64_t unknown_permille;
	int64_t conflict_permille;
	int64_t delay_permille;
	int64_t delay_ms; /* at most */
};

struct call;

struct chaos {
	const struct lucius_host *host; /* borrowed, as all of these */
	const struct options *options;
	const struct lucius_backend *wrapped;
	const struct lucius_storage *storage; /* of the wrapped */
	struct lucius_metric *faults;
	uint64_t random; /* state of the generator; never 0 */
	struct call *calls; /* owned; all that are open */
	struct lucius_op stop; /* 0: not asked, or answered */
	bool is_stopped;
};

/* Asks the wrapped storage with its own operation. */
typedef void (*ask_fn)(struct call *call, void *wrapped, struct lucius_op op);

struct call {
	struct call *next;
	struct call *previous;
	struct chaos *chaos;
	struct lucius_op op; /* the daemon's */
	struct lucius_op inner; /* 0: not asked yet */
	struct lucius_timer *delay; /* NULL: none */
	uint32_t operation; /* LUCIUS_OP_STORAGE_… */
	ask_fn ask;
	bool is_unknown; /* it will be done, and nobody told so */
	/* The arguments, as far as the operation has them; good until it is finished. */
	const void *thing; /* command, job, repair, ownership, listing */
	struct lucius_text text; /* job id, cursor */
	uint32_t limit;
};

/* A call for the operation, in the list; NULL: it has been refused. */
struct call *call_create(struct chaos *chaos, uint32_t operation, struct lucius_op op);
/* Draws its fate and sends it on its way; takes it over. */
void call_begin(struct call *call, ask_fn ask);
/* Ends all that are open, now or as soon as the wrapped storage has let go of them. */
void calls_stop(struct chaos *chaos);

#endif
