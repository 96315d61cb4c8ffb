/* SPDX-License-Identifier: MIT */
/*
 * The instance that both backends share: client, caches, readiness, and the chains that are under
 * way. A chain is one operation (or a piece of mending behind one): a struct that begins with
 * `struct chain`, finished once, gone when nothing of it is under way.
 */
#ifndef SUPPORT_JOBTABLES_BACKEND_H
#define SUPPORT_JOBTABLES_BACKEND_H

#include <stdbool.h>

#include <lucius/storage.h>

#include "support/azure/storage_connection.h"
#include "support/jobtables/known.h"
#include "support/jobtables/layout.h"
#include "support/jobtables/slots.h"
#include "support/rows/job_view.h"
#include "support/tables/group.h"
#include "support/tables/tables.h"

#define JOBTABLES_SENTENCE 700
#define JOBTABLES_CLAIMS_MET 16384u

struct claimant;
struct jobtables;
struct lagging;

struct chain {
	struct chain *next, *before;
	struct jobtables *backend;
	struct lucius_op op; /* 0: answered, or nobody asked */
	void (*destroy)(struct chain *chain); /* frees the struct around it */
};

enum service_state {
	SERVICE_UNTRIED, /* the tables have not been made yet */
	SERVICE_WELL,
	SERVICE_DOUBTFUL, /* a request has failed; it is being looked at */
	SERVICE_DOWN, /* nothing is asked until it answers again */
};

/* Where repair is, in turns. */
struct repair_place {
	bool is_under_way;
	bool is_at_jobs; /* else at slots */
	char *next; /* owned: of the page before; NULL: from the start */
};

struct jobtables {
	const struct lucius_host *host; /* borrowed */
	struct layout layout;
	struct azure_storage storage; /* owned */
	struct tables *tables; /* owned; NULL before create and after stop */
	struct groups *groups; /* owned */
	struct known *known; /* owned */
	struct lagging *lagging, *lagging_last; /* owned: jobs whose steps' rows are to follow */
	struct lucius_timer *lag; /* until the first of them is due; NULL: not running */
	struct slots *slots; /* owned */
	uint64_t surveyed_ms; /* when the newest survey of them began; 0: never */
	uint64_t *claims_met; /* owned: hashes of claims seen last, each in its place; a guess */
	struct chain *chains; /* owned */
	struct claimant *claimants; /* owned */
	unsigned n_suspended; /* of them: until they know, nothing else is asked */
	struct job_view view;
	struct repair_place repair;
	uint64_t salt; /* of cursors */

	enum service_state state;
	uint32_t down_status;
	char down_sentence[JOBTABLES_SENTENCE];
	struct lucius_timer *probe; /* NULL: not running */
	uint64_t probe_ms;
	unsigned n_making; /* tables that are being made, or the probe */
	unsigned n_unmade; /* of them, those that could not be */
	bool is_probing;
	struct lucius_op start; /* 0: answered */
	struct lucius_op stop; /* 0: not asked */
	struct lucius_timer *stop_bound;
	bool is_stopping;
};

/* What a backend is made of; borrowed for the call, names as long as the instance lives. */
struct jobtables_settings {
	const char *connection;
	const char *ca_file; /* may be NULL */
	struct layout layout;
	uint32_t max_connections; /* 0: the client's default */
};

/* Options to an instance, whose memory is zero; no I/O. Other than OK: a sentence in error. */
uint32_t jobtables_create(struct jobtables *backend, const struct lucius_host *host,
        const struct jobtables_settings *settings, char *error, size_t error_size);
void jobtables_destroy(struct jobtables *backend);
/* Makes the tables. */
void jobtables_start(struct jobtables *backend, struct lucius_op op);
void jobtables_stop(struct jobtables *backend, struct lucius_op op);
void jobtables_health(struct jobtables *backend, struct lucius_op op);

/* False: the operation has been answered, because the service is away or it comes after stop. */
bool backend_accepts(struct jobtables *backend, struct lucius_op op);
/* To be called when something that stop waits for has gone. */
void backend_check_stop(struct jobtables *backend);
uint32_t backend_random(struct jobtables *backend);

/* Op 0: nobody is waiting. */
void chain_begin(struct jobtables *backend, struct chain *chain, struct lucius_op op,
        void (*destroy)(struct chain *chain));
/* Answers, if that has not been done; the chain lives on. */
void chain_answer(struct chain *chain, uint32_t status, const char *sentence);
void chain_give(struct chain *chain, const void *item);
/* Takes it off the list and destroys it. It has been answered. */
void chain_end(struct chain *chain);

/* How a failure of the client ends an operation. */
uint32_t status_of_tables(enum tables_status status);

#endif
