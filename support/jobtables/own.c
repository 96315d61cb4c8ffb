/* SPDX-License-Identifier: MIT */
/*
 * A name is a row that its owner writes anew again and again. Who waits looks at it, and takes it
 * by its ETag when that has stood still for seven tenths of a lease and for several looks; the
 * owner counts on the name for six tenths from the moment at which it began to renew. So nobody's
 * clock has to agree with another's. All of it goes before what waits for a connection: a long line
 * must not look like a death.
 *
 *   on_tick ─► look: read ─► on_looked ─► (free, or stood still) take ─► on_taken ─► it is had
 *   on_tick ─► renew ─► on_taken ─► (412) lost
 *     └─► it is late: suspended ─► look ─► on_looked ─► (still ours) take, or lost
 */
#include "support/jobtables/own.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/base/fault.h"
#include "support/base/memory.h"
#include "support/jobtables/backend.h"
#include "support/jobtables/job_entity.h"
#include "support/jobtables/rows.h"

#define TICKS_OF_LEASE 15 /* looks of who waits, in a lease */
#define TICKS_OF_RENEWAL 3
#define LEASE_MIN_MS 300
#define LOOKS_LEAST 5 /* at a row that stands still, before it is taken over */

struct claimant {
	struct claimant *next;
	struct jobtables *backend;
	struct lucius_op op; /* 0: answered */
	struct lucius_timer *tick; /* NULL: not running */
	struct place place; /* owned */
	char *name, *owner; /* owned */
	char *etag; /* owned: of the row as it was seen or written last; NULL: there is none */
	char *holder; /* owned: whom the row names; NULL: nobody */
	char token[TABLES_TOKEN_SIZE];
	int64_t beat; /* times that this claimant has written the row */
	uint64_t lease_ms;
	uint64_t asked_ms; /* when the newest request began */
	uint64_t renewed_ms; /* when the newest one began that wrote the row */
	uint64_t seen_ms; /* since when the ETag has been the same */
	unsigned n_looks; /* that saw the same ETag */
	bool is_asking;
	bool has_it;
	bool is_suspended; /* it may not be the owner any more: nothing else is asked meanwhile */
	bool is_in_doubt; /* whether the newest writing was done is not known */
	bool is_over; /* it lets go as soon as the request under way has come back */
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

static void suspend(struct claimant *claimant, bool is_suspended)
{
	if (claimant->is_suspended != is_suspended) {
		claimant->is_suspended = is_suspended;
		claimant->backend->n_suspended += is_suspended ? 1u : (unsigned)-1;
	}
}

static void destroy(struct claimant *claimant)
{
	suspend(claimant, false);
	struct claimant **at = &claimant->backend->claimants;
	while (*at != claimant) {
		at = &(*at)->next;
	}
	*at = claimant->next;
	stop_tick(claimant);
	place_finish(&claimant->place);
	free(claimant->name);
	free(claimant->owner);
	free(claimant->etag);
	free(claimant->holder);
	free(claimant);
}

static void on_deleted(void *user, const struct tables_result *result)
{
	struct claimant *claimant = user;
	struct jobtables *backend = claimant->backend;
	/* If the row stays, the lease runs out by itself. */
	(void)result;
	finish(claimant, LUCIUS_OK, NULL);
	destroy(claimant);
	backend_check_stop(backend);
}

static void let_go(struct claimant *claimant)
{
	stop_tick(claimant);
	claimant->is_over = true;
	if (claimant->is_asking) {
		return;
	}
	if (!claimant->has_it || claimant->etag == NULL) {
		on_deleted(claimant, NULL);
		return;
	}
	claimant->is_asking = true;
	tables_write(claimant->backend->tables,
	        &(struct tables_write){
	                .verb = TABLES_DELETE,
	                .table = claimant->place.table,
	                .partition = claimant->place.partition,
	                .row = claimant->place.row,
	                .etag = claimant->etag,
	        },
	        &(struct tables_care){ 0 }, on_deleted, claimant);
}

static void on_cancelled(void *user)
{
	struct claimant *claimant = user;
	if (!claimant->is_over) {
		let_go(claimant);
	}
}

static void lose(struct claimant *claimant)
{
	char sentence[JOBTABLES_SENTENCE];
	(void)snprintf(sentence, sizeof(sentence),
	        "The name \"%s\" is lost: it was not renewed in time, and \"%s\" has it.",
	        claimant->name, claimant->holder != NULL ? claimant->holder : "somebody else");
	finish(claimant, LUCIUS_CONFLICT, sentence);
	let_go(claimant);
}

/* So much of the lease has gone since the row was last written that somebody else may be about to
 * take it, or has. */
static bool is_late(const struct claimant *claimant)
{
	return now_ms(claimant) - claimant->renewed_ms >= claimant->lease_ms * 6 / 10 &&
	        !FAULT(owner_never_doubts);
}

/* An answer that this process saw late, because it or the network stood still, says what was so
 * when it was asked: the row is looked at once more. */
static void have(struct claimant *claimant, const char *etag)
{
	known_set(&claimant->etag, etag);
	claimant->renewed_ms = claimant->asked_ms;
	if (is_late(claimant)) {
		claimant->is_in_doubt = true;
		return;
	}
	suspend(claimant, false);
	if (!claimant->has_it) {
		struct lucius_text name = text_view(claimant->name);
		claimant->has_it = true;
		claimant->backend->host->give(claimant->backend->host, claimant->op, &name);
	}
}

/* True: the claimant is to go, and has begun to. */
static bool has_come_back(struct claimant *claimant)
{
	bool is_over = claimant->is_over;
	claimant->is_asking = false;
	if (is_over) {
		let_go(claimant);
	}
	return is_over;
}

static void on_taken(void *user, const struct tables_result *result)
{
	struct claimant *claimant = user;
	bool is_taken = result->status == TABLES_OK && result->etag != NULL;
	if (is_taken) {
		/* For letting go too: the row is ours. */
		known_set(&claimant->etag, result->etag);
		claimant->has_it = claimant->has_it || claimant->is_over;
	}
	if (has_come_back(claimant)) {
		return;
	}
	bool is_others = result->status == TABLES_CHANGED || result->status == TABLES_EXISTS ||
	        result->status == TABLES_MISSING;
	claimant->is_in_doubt = result->status == TABLES_UNKNOWN;
	if (is_taken) {
		have(claimant, result->etag);
	} else if (claimant->has_it && is_others) {
		known_set(&claimant->etag, NULL);
		lose(claimant);
	}
}

/* Writes the row: by its ETag, or anew if there is none. */
static void take(struct claimant *claimant)
{
	struct rows rows = { 0 };
	struct place place = place_copy(&claimant->place);
	enum tables_verb verb = claimant->etag != NULL ? TABLES_MERGE : TABLES_INSERT;
	struct entity *entity = rows_begin(&rows, verb, &place, claimant->etag);
	tables_token(claimant->token);
	entity_add_string(entity, "name", claimant->name);
	entity_add_string(entity, "owner", claimant->owner);
	entity_add_integer(entity, "beat", ++claimant->beat);
	entity_add_integer(entity, "lease_ms", (int64_t)claimant->lease_ms);
	entity_add_string(entity, "meta_write", claimant->token);
	(void)rows_end(&rows);
	struct tables_care care = { .is_urgent = true, .token = claimant->token };
	claimant->is_asking = true;
	claimant->asked_ms = now_ms(claimant);
	tables_write(claimant->backend->tables, &rows.writes[0], &care, on_taken, claimant);
	rows_finish(&rows);
}

/* Remembers since when the row has stood still. */
static void look(struct claimant *claimant, const struct tables_result *result)
{
	bool is_same = claimant->etag != NULL && result->etag != NULL &&
	        strcmp(claimant->etag, result->etag) == 0;
	if (is_same) {
		claimant->n_looks++;
		return;
	}
	claimant->n_looks = 1;
	claimant->seen_ms = now_ms(claimant);
	known_set(&claimant->etag, result->etag);
	known_set(&claimant->holder, entity_text(result->row, "owner"));
}

static void on_looked(void *user, const struct tables_result *result)
{
	struct claimant *claimant = user;
	if (has_come_back(claimant)) {
		return;
	}
	bool is_answered = result->status == TABLES_OK || result->status == TABLES_MISSING;
	bool is_own = result->status == TABLES_OK && row_is(result->row, "owner", claimant->owner);
	if (is_answered && claimant->has_it && !is_own) {
		known_set(&claimant->etag, NULL);
		known_set(&claimant->holder, entity_text(result->row, "owner"));
		lose(claimant);
	} else if (result->status == TABLES_MISSING) {
		known_set(&claimant->etag, NULL);
		take(claimant);
	} else if (result->status == TABLES_OK) {
		look(claimant, result);
		bool is_still = claimant->n_looks >= LOOKS_LEAST &&
		        now_ms(claimant) - claimant->seen_ms >= claimant->lease_ms * 7 / 10;
		if (is_own || is_still) {
			take(claimant);
		}
	}
}

/* Those of one process stand in line; the list has the youngest first. */
static bool is_in_line(const struct claimant *claimant)
{
	for (const struct claimant *at = claimant->next; at != NULL; at = at->next) {
		if (!at->is_over && strcmp(at->name, claimant->name) == 0) {
			return true;
		}
	}
	return false;
}

static void ask(struct claimant *claimant)
{
	if (is_in_line(claimant)) {
		return;
	}
	if (claimant->has_it && !claimant->is_in_doubt) {
		take(claimant);
		return;
	}
	claimant->is_asking = true;
	claimant->asked_ms = now_ms(claimant);
	tables_get_urgently(claimant->backend->tables, claimant->place.table,
	        claimant->place.partition, claimant->place.row, on_looked, claimant);
}

static void on_tick(void *user);

static void start_tick(struct claimant *claimant)
{
	const struct lucius_host *host = claimant->backend->host;
	claimant->tick =
	        host->timer_start(host, claimant->lease_ms / TICKS_OF_LEASE, on_tick, claimant);
}

static void on_tick(void *user)
{
	struct claimant *claimant = user;
	claimant->tick = NULL;
	uint64_t since_ms = now_ms(claimant) - claimant->renewed_ms;
	if (claimant->has_it && is_late(claimant)) {
		suspend(claimant, true);
		claimant->is_in_doubt = true;
	}
	start_tick(claimant);
	uint64_t renewal_ms = claimant->lease_ms / TICKS_OF_LEASE * TICKS_OF_RENEWAL;
	if (!claimant->is_asking && (!claimant->has_it || since_ms >= renewal_ms)) {
		ask(claimant);
	}
}

void ownership_ask(
        struct jobtables *backend, const struct lucius_ownership *asked, struct lucius_op op)
{
	struct claimant *claimant = must_calloc(1, sizeof(*claimant));
	claimant->backend = backend;
	claimant->op = op;
	claimant->lease_ms = asked->lease_ms > LEASE_MIN_MS ? asked->lease_ms : LEASE_MIN_MS;
	claimant->name = must_copy(asked->name.data, asked->name.size);
	claimant->owner = must_copy(asked->owner.data, asked->owner.size);
	claimant->place = layout_name(&backend->layout, asked->name);
	claimant->next = backend->claimants;
	backend->claimants = claimant;
	backend->host->on_cancel(backend->host, op, on_cancelled, claimant);
	start_tick(claimant);
	ask(claimant);
}

void ownership_wake(struct jobtables *backend)
{
	for (struct claimant *at = backend->claimants; at != NULL; at = at->next) {
		bool is_waiting = !at->has_it || at->is_suspended;
		if (is_waiting && !at->is_asking && !at->is_over) {
			ask(at);
		}
	}
}

void ownership_stop(struct jobtables *backend)
{
	struct claimant *claimant = backend->claimants;
	while (claimant != NULL) {
		struct claimant *next = claimant->next;
		if (!claimant->is_over) {
			let_go(claimant);
		}
		claimant = next;
	}
}

void ownership_drop(struct jobtables *backend)
{
	while (backend->claimants != NULL) {
		finish(backend->claimants, LUCIUS_OK, NULL);
		destroy(backend->claimants);
	}
}
