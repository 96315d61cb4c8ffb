/* SPDX-License-Identifier: MIT */
/*
 * Owning names, on the loop: each claimant tries again and again, to have its name or to keep it.
 * An owner counts on its name for six tenths of a lease from the moment at which it began to renew;
 * who waits takes over after the renewals have stood still for seven tenths, or at once if the
 * owner's lock is gone (names.c).
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend.h"
#include "support/base/memory.h"

#define TICKS_OF_LEASE 15 /* tries of who waits, in a lease */
#define TICKS_OF_RENEWAL 3
#define LEASE_MIN_MS 300

struct claimant {
	struct claimant *next;
	struct backend *backend;
	struct lucius_op op; /* 0: answered */
	struct lucius_timer *tick; /* NULL: not running */
	struct attempt attempt;
	char *name; /* owned; what the attempt points to */
	char *owner;
	uint64_t lease_ms;
	uint64_t asked_ms; /* when the newest try began */
	uint64_t renewed_ms; /* when the newest one that succeeded began */
	uint64_t seen_ms; /* since when the holder and beat in the attempt have been there */
	char seen_holder[sizeof(((struct attempt *)0)->holder)];
	int64_t seen_beat;
	bool is_trying;
	bool has_it;
	bool is_over; /* it lets go as soon as the try under way has come back */
};

static uint64_t now_ms(const struct claimant *claimant)
{
	return claimant->backend->host->now_ms(claimant->backend->host);
}

static void finish(struct claimant *claimant, uint32_t status, const char *sentence)
{
	struct lucius_op op = claimant->op;
	claimant->op.id = 0;
	if (op.id != 0) {
		claimant->backend->host->finish(claimant->backend->host, op, status, sentence);
	}
}

static void stop_tick(struct claimant *claimant)
{
	if (claimant->tick != NULL) {
		claimant->backend->host->timer_stop(claimant->backend->host, claimant->tick);
		claimant->tick = NULL;
	}
}

static void destroy(struct claimant *claimant)
{
	struct backend *backend = claimant->backend;
	struct claimant **at = &backend->claimants;
	while (*at != claimant) {
		at = &(*at)->next;
	}
	*at = claimant->next;
	stop_tick(claimant);
	if (claimant->attempt.lock_fd >= 0) {
		/* The lock goes with it. */
		(void)close(claimant->attempt.lock_fd);
	}
	free(claimant->name);
	free(claimant->owner);
	free(claimant);
	backend_check_stop(backend);
}

static void on_dropped(struct request *request)
{
	struct claimant *claimant = request->user;
	request_destroy(request);
	finish(claimant, LUCIUS_OK, NULL);
	destroy(claimant);
}

static void push(struct claimant *claimant, enum request_kind kind, request_done_fn on_done)
{
	struct request *request = request_create(kind, (struct lucius_op){ 0 });
	request->attempt = &claimant->attempt;
	request->on_done = on_done;
	request->user = claimant;
	claimant->is_trying = true;
	backend_push(claimant->backend, request);
}

/* Gives the name back. If the database does not take that, the lease runs out by itself. */
static void let_go(struct claimant *claimant)
{
	stop_tick(claimant);
	claimant->is_over = true;
	if (!claimant->is_trying) {
		push(claimant, REQUEST_DROP_NAME, on_dropped);
	}
}

static void on_cancelled(void *user)
{
	let_go(user);
}

static void lose(struct claimant *claimant)
{
	char sentence[SENTENCE_SIZE];
	(void)snprintf(sentence, sizeof(sentence),
	        "The name \"%s\" is lost: it was not renewed in time, or \"%s\" has it.",
	        claimant->name, claimant->seen_holder);
	finish(claimant, LUCIUS_CONFLICT, sentence);
	let_go(claimant);
}

/* Remembers who has the name and since when nothing has moved. */
static void look(struct claimant *claimant)
{
	const struct attempt *attempt = &claimant->attempt;
	if (attempt->beat != claimant->seen_beat ||
	        strcmp(attempt->holder, claimant->seen_holder) != 0) {
		claimant->seen_beat = attempt->beat;
		memcpy(claimant->seen_holder, attempt->holder, sizeof(claimant->seen_holder));
		claimant->seen_ms = now_ms(claimant);
	}
}

static void on_tick(void *user);

static void start_tick(struct claimant *claimant)
{
	const struct lucius_host *host = claimant->backend->host;
	uint64_t after_ms = claimant->lease_ms / TICKS_OF_LEASE;
	claimant->tick = host->timer_start(host, after_ms > 0 ? after_ms : 1, on_tick, claimant);
}

static void on_tried(struct request *request)
{
	struct claimant *claimant = request->user;
	bool is_answered = request->status == LUCIUS_OK;
	request_destroy(request);
	claimant->is_trying = false;
	if (claimant->is_over) {
		let_go(claimant);
		return;
	}
	if (!is_answered) {
		return;
	}
	look(claimant);
	if (claimant->attempt.is_had) {
		claimant->renewed_ms = claimant->asked_ms;
	}
	if (claimant->has_it && !claimant->attempt.is_had) {
		lose(claimant);
	} else if (!claimant->has_it && claimant->attempt.is_had) {
		struct lucius_text name = claimant->attempt.name;
		claimant->has_it = true;
		claimant->backend->host->give(claimant->backend->host, claimant->op, &name);
	}
}

static void try_name(struct claimant *claimant)
{
	claimant->asked_ms = now_ms(claimant);
	claimant->attempt.is_waited_for_long =
	        claimant->asked_ms - claimant->seen_ms >= claimant->lease_ms * 7 / 10;
	push(claimant, REQUEST_TRY_NAME, on_tried);
}

static void on_tick(void *user)
{
	struct claimant *claimant = user;
	claimant->tick = NULL;
	uint64_t since_ms = now_ms(claimant) - claimant->renewed_ms;
	if (claimant->has_it && since_ms >= claimant->lease_ms * 6 / 10) {
		lose(claimant);
		return;
	}
	start_tick(claimant);
	uint64_t renewal_ms = claimant->lease_ms / TICKS_OF_LEASE * TICKS_OF_RENEWAL;
	if (!claimant->is_trying && (!claimant->has_it || since_ms >= renewal_ms)) {
		try_name(claimant);
	}
}

/* Each claimant opens the lock file for itself: a lock belongs to the opening. */
static int open_lock_file(const struct backend *backend)
{
	char path[4096];
	int size = snprintf(path, sizeof(path), "%s-owners", backend->options->file);
	return size > 0 && (size_t)size < sizeof(path)
	        ? open(path, O_CREAT | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0600)
	        : -1;
}

void ownership_ask(
        struct backend *backend, const struct lucius_ownership *asked, struct lucius_op op)
{
	struct claimant *claimant = must_calloc(1, sizeof(*claimant));
	claimant->backend = backend;
	claimant->op = op;
	claimant->lease_ms = asked->lease_ms > LEASE_MIN_MS ? asked->lease_ms : LEASE_MIN_MS;
	claimant->name = must_copy(asked->name.data, asked->name.size);
	claimant->owner = must_copy(asked->owner.data, asked->owner.size);
	claimant->attempt.name = (struct lucius_text){ claimant->name, asked->name.size };
	claimant->attempt.owner = (struct lucius_text){ claimant->owner, asked->owner.size };
	claimant->attempt.lock_fd = open_lock_file(backend);
	claimant->seen_ms = now_ms(claimant);
	claimant->next = backend->claimants;
	backend->claimants = claimant;
	backend->host->on_cancel(backend->host, op, on_cancelled, claimant);
	start_tick(claimant);
	try_name(claimant);
}

void ownership_stop(struct backend *backend)
{
	/* Each goes when its name has been given back. */
	for (struct claimant *at = backend->claimants; at != NULL; at = at->next) {
		let_go(at);
	}
}
