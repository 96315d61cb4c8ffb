/* SPDX-License-Identifier: MIT */
/*
 * Life and readiness. The map of the service's state:
 *
 *   start ─► make_tables ─► on_made ─► WELL ─(a request fails)─► DOUBTFUL ─► probe
 *                 ▲            └─► DOWN ─► probe, after a while ─┐             │
 *                 └──────────────────────────────────────────────┴─────────────┘
 */
#include "support/jobtables/backend.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/base/fault.h"
#include "support/base/memory.h"
#include "support/jobtables/own.h"
#include "support/jobtables/step_rows.h"

#define MAX_KNOWN_JOBS 16384
#define MAX_KNOWN_TENANTS 4096
#define PROBE_FIRST_MS 200
#define PROBE_MAX_MS 1000
#define STOP_BOUND_MS 10000

uint32_t status_of_tables(enum tables_status status)
{
	switch (status) {
	case TABLES_OK:
		return LUCIUS_OK;
	case TABLES_EXISTS:
	case TABLES_CHANGED:
		return LUCIUS_CONFLICT;
	case TABLES_MISSING:
		return LUCIUS_NOT_FOUND;
	case TABLES_TOO_LARGE:
		return LUCIUS_TOO_LARGE;
	case TABLES_UNAVAILABLE:
	case TABLES_NO_TABLE:
		return LUCIUS_UNAVAILABLE;
	case TABLES_UNKNOWN:
		return LUCIUS_UNKNOWN;
	case TABLES_DENIED:
		return LUCIUS_DENIED;
	case TABLES_REFUSED:
		return LUCIUS_INTERNAL;
	}
	return LUCIUS_INTERNAL;
}

uint32_t backend_random(struct jobtables *backend)
{
	uint32_t random = 0;
	backend->host->random(backend->host, &random, sizeof(random));
	return random;
}

void chain_begin(struct jobtables *backend, struct chain *chain, struct lucius_op op,
        void (*destroy)(struct chain *chain))
{
	chain->backend = backend;
	chain->op = op;
	chain->destroy = destroy;
	chain->before = NULL;
	chain->next = backend->chains;
	if (chain->next != NULL) {
		chain->next->before = chain;
	}
	backend->chains = chain;
}

void chain_answer(struct chain *chain, uint32_t status, const char *sentence)
{
	struct lucius_op op = chain->op;
	chain->op.id = 0;
	if (op.id != 0) {
		chain->backend->host->finish(chain->backend->host, op, status, sentence);
	}
}

void chain_give(struct chain *chain, const void *item)
{
	if (chain->op.id != 0) {
		chain->backend->host->give(chain->backend->host, chain->op, item);
	}
}

void chain_end(struct chain *chain)
{
	struct jobtables *backend = chain->backend;
	*(chain->before != NULL ? &chain->before->next : &backend->chains) = chain->next;
	if (chain->next != NULL) {
		chain->next->before = chain->before;
	}
	chain->destroy(chain);
	backend_check_stop(backend);
}

static void answer_start(struct jobtables *backend, uint32_t status, const char *sentence)
{
	struct lucius_op op = backend->start;
	backend->start.id = 0;
	if (op.id != 0) {
		backend->host->finish(backend->host, op, status, sentence);
	}
}

static void be_well(struct jobtables *backend)
{
	bool was_down = backend->state == SERVICE_DOWN;
	if (backend->state != SERVICE_WELL && backend->state != SERVICE_DOUBTFUL) {
		lucius_log(
		        backend->host, LUCIUS_LOG_INFO, "tables.well", backend->storage.endpoint);
		backend->host->ready(backend->host, NULL);
	}
	backend->state = SERVICE_WELL;
	backend->probe_ms = PROBE_FIRST_MS;
	backend->down_sentence[0] = '\0';
	answer_start(backend, LUCIUS_OK, NULL);
	if (was_down) {
		tables_hurry(backend->tables);
		ownership_wake(backend);
	}
}

static void probe(void *user);

static void be_down(struct jobtables *backend)
{
	const struct lucius_host *host = backend->host;
	if (backend->state != SERVICE_DOWN) {
		lucius_log(host, LUCIUS_LOG_ERROR, "tables.down", backend->down_sentence);
	}
	backend->state = SERVICE_DOWN;
	host->ready(host, backend->down_sentence);
	answer_start(backend, backend->down_status, backend->down_sentence);
	if (!backend->is_stopping && backend->probe == NULL) {
		backend->probe = host->timer_start(host, backend->probe_ms, probe, backend);
		backend->probe_ms =
		        backend->probe_ms * 2 < PROBE_MAX_MS ? backend->probe_ms * 2 : PROBE_MAX_MS;
	}
}

static void note_fault(struct jobtables *backend, const struct tables_result *result)
{
	backend->n_unmade++;
	backend->down_status = result->status == TABLES_DENIED ? LUCIUS_DENIED : LUCIUS_UNAVAILABLE;
	(void)snprintf(backend->down_sentence, sizeof(backend->down_sentence), "%s",
	        result->sentence != NULL ? result->sentence : "The table service is away.");
}

static void on_made(void *user, const struct tables_result *result)
{
	struct jobtables *backend = user;
	if (result->status != TABLES_OK) {
		note_fault(backend, result);
	}
	if (--backend->n_making != 0) {
		return;
	}
	backend->is_probing = false;
	if (backend->n_unmade != 0) {
		be_down(backend);
	} else {
		be_well(backend);
	}
	backend_check_stop(backend);
}

/* Which also tells whether the service answers and takes the key. */
static void make_tables(struct jobtables *backend)
{
	const char *names[LAYOUT_N_TABLES] = { backend->layout.jobs, backend->layout.steps,
		backend->layout.claims, backend->layout.index, backend->layout.slots };
	size_t n_tables = backend->layout.is_ledger ? 1 : LAYOUT_N_TABLES;
	backend->is_probing = true;
	backend->n_unmade = 0;
	backend->n_making = (unsigned)n_tables;
	for (size_t i = 0; i < n_tables; i++) {
		tables_make_table(backend->tables, names[i], on_made, backend);
	}
}

static void probe(void *user)
{
	struct jobtables *backend = user;
	backend->probe = NULL;
	if (!backend->is_probing && !backend->is_stopping) {
		make_tables(backend);
	}
}

/* One request that failed is no outage: the next look decides. */
static void on_state(void *user, const char *sentence)
{
	struct jobtables *backend = user;
	bool is_new = sentence != NULL && backend->state == SERVICE_WELL;
	if (!is_new || backend->is_stopping) {
		return;
	}
	backend->state = SERVICE_DOUBTFUL;
	backend->down_status = LUCIUS_UNAVAILABLE;
	(void)snprintf(backend->down_sentence, sizeof(backend->down_sentence), "%s", sentence);
	if (backend->probe == NULL) {
		backend->probe = backend->host->timer_start(backend->host, 0, probe, backend);
	}
}

static uint64_t salt_of(const struct jobtables *backend)
{
	uint64_t salt = 0xcbf29ce484222325u;
	const char *texts[] = { backend->storage.endpoint, backend->layout.index };
	for (size_t k = 0; k < 2; k++) {
		for (const char *at = texts[k]; *at != '\0'; at++) {
			salt = (salt ^ (unsigned char)*at) * 0x100000001b3u;
		}
	}
	return salt;
}

static bool is_table_name(const char *name)
{
	size_t size = name != NULL ? strlen(name) : 0;
	size_t n_good = name != NULL
	        ? strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
	        : 0;
	return size >= 3 && size <= 63 && n_good == size && (name[0] < '0' || name[0] > '9') &&
	        strcasecmp(name, "tables") != 0;
}

/* A sentence in error if the names do not serve. */
static bool check_layout(const struct layout *layout, char *error, size_t error_size)
{
	const char *names[LAYOUT_N_TABLES] = { layout->jobs, layout->steps, layout->claims,
		layout->index, layout->slots };
	for (size_t i = 0; i < LAYOUT_N_TABLES; i++) {
		if (!is_table_name(names[i])) {
			(void)snprintf(error, error_size,
			        "\"%s\" is no name of a table: 3 to 63 letters and digits, a "
			        "letter "
			        "first.",
			        names[i] != NULL ? names[i] : "");
			return false;
		}
		for (size_t k = 0; k < i && !layout->is_ledger; k++) {
			if (strcasecmp(names[i], names[k]) == 0) {
				(void)snprintf(error, error_size,
				        "The table \"%s\" is named twice: each of the five needs a "
				        "name of its own.",
				        names[i]);
				return false;
			}
		}
	}
	return true;
}

uint32_t jobtables_create(struct jobtables *backend, const struct lucius_host *host,
        const struct jobtables_settings *settings, char *error, size_t error_size)
{
	char reason[400] = "";
	backend->host = host;
	backend->layout = settings->layout;
	if (!check_layout(&settings->layout, error, error_size)) {
		return LUCIUS_DENIED;
	}
	if (!azure_storage_parse(settings->connection, &backend->storage, reason, sizeof(reason))) {
		(void)snprintf(error, error_size, "LUCIUS_TABLE_CONNECTION: %s", reason);
		return LUCIUS_DENIED;
	}
	backend->tables = tables_create(&(struct tables_settings){
	        .base = host->event_base,
	        .storage = &backend->storage,
	        .ca_file = settings->ca_file,
	        .max_connections = settings->max_connections,
	        .on_state = on_state,
	        .user = backend,
	});
	if (backend->tables == NULL) {
		(void)snprintf(error, error_size, "The HTTP client cannot be set up.");
		return LUCIUS_INTERNAL;
	}
	backend->groups = groups_create(backend->tables);
	backend->known = known_create(FAULT(few_jobs_known) ? 2 : MAX_KNOWN_JOBS);
	backend->slots = slots_create(MAX_KNOWN_TENANTS);
	backend->claims_met = must_calloc(JOBTABLES_CLAIMS_MET, sizeof(*backend->claims_met));
	backend->salt = salt_of(backend);
	backend->down_status = LUCIUS_UNAVAILABLE;
	backend->probe_ms = PROBE_FIRST_MS;
	(void)snprintf(backend->down_sentence, sizeof(backend->down_sentence),
	        "\"%s\" has not answered yet.", backend->storage.endpoint);
	return LUCIUS_OK;
}

/* Nothing calls back any more; what waits is told so. */
static void drop_all(struct jobtables *backend)
{
	tables_destroy(backend->tables);
	groups_destroy(backend->groups);
	backend->tables = NULL;
	backend->groups = NULL;
	while (backend->chains != NULL) {
		chain_answer(backend->chains, LUCIUS_UNKNOWN,
		        "The storage was stopped before the table service answered.");
		struct chain *chain = backend->chains;
		backend->chains = chain->next;
		if (chain->next != NULL) {
			chain->next->before = NULL;
		}
		chain->destroy(chain);
	}
	step_rows_drop(backend);
	ownership_drop(backend);
}

void jobtables_destroy(struct jobtables *backend)
{
	if (backend->host == NULL) {
		return;
	}
	drop_all(backend);
	known_destroy(backend->known);
	slots_destroy(backend->slots);
	free(backend->claims_met);
	job_view_finish(&backend->view);
	azure_storage_finish(&backend->storage);
	free(backend->repair.next);
}

void jobtables_start(struct jobtables *backend, struct lucius_op op)
{
	backend->start = op;
	make_tables(backend);
}

static void finish_stop(struct jobtables *backend)
{
	struct lucius_op op = backend->stop;
	backend->stop.id = 0;
	if (backend->stop_bound != NULL) {
		backend->host->timer_stop(backend->host, backend->stop_bound);
		backend->stop_bound = NULL;
	}
	drop_all(backend);
	lucius_finish(backend->host, op);
}

static void on_idle(void *user)
{
	finish_stop(user);
}

void backend_check_stop(struct jobtables *backend)
{
	bool is_idle =
	        backend->chains == NULL && backend->claimants == NULL && !backend->is_probing;
	if (backend->stop.id != 0 && is_idle && backend->stop_bound != NULL) {
		/* In a turn of its own: who calls this still uses the client. */
		backend->host->timer_stop(backend->host, backend->stop_bound);
		backend->stop_bound = NULL;
		backend->host->post(backend->host, on_idle, backend);
	}
}

static void on_stop_bound(void *user)
{
	struct jobtables *backend = user;
	backend->stop_bound = NULL;
	finish_stop(backend);
}

void jobtables_stop(struct jobtables *backend, struct lucius_op op)
{
	step_rows_flush(backend);
	backend->is_stopping = true;
	if (backend->probe != NULL) {
		backend->host->timer_stop(backend->host, backend->probe);
		backend->probe = NULL;
	}
	answer_start(backend, LUCIUS_UNAVAILABLE, "The storage was stopped before it had started.");
	backend->stop = op;
	backend->stop_bound =
	        backend->host->timer_start(backend->host, STOP_BOUND_MS, on_stop_bound, backend);
	ownership_stop(backend);
	backend_check_stop(backend);
}

void jobtables_health(struct jobtables *backend, struct lucius_op op)
{
	if (backend->state == SERVICE_WELL || backend->state == SERVICE_DOUBTFUL) {
		lucius_finish(backend->host, op);
		return;
	}
	struct lucius_text missing = { backend->storage.endpoint,
		strlen(backend->storage.endpoint) };
	backend->host->give(backend->host, op, &missing);
	lucius_fail(backend->host, op, LUCIUS_UNAVAILABLE, backend->down_sentence);
}

bool backend_accepts(struct jobtables *backend, struct lucius_op op)
{
	if (backend->is_stopping) {
		lucius_fail(backend->host, op, LUCIUS_UNAVAILABLE, "The storage has been stopped.");
		return false;
	}
	if (backend->state == SERVICE_UNTRIED || backend->state == SERVICE_DOWN) {
		lucius_fail(backend->host, op, LUCIUS_UNAVAILABLE, backend->down_sentence);
		return false;
	}
	if (backend->n_suspended != 0) {
		lucius_fail(backend->host, op, LUCIUS_UNAVAILABLE,
		        "This process could not renew what it owns in time; it looks whether it "
		        "still does.");
		return false;
	}
	return true;
}
