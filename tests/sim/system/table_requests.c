/* SPDX-License-Identifier: MIT */
/*
 * The way of requests between the real backends `table` and `ledger` and the model of the service,
 * in the place of the client in support/tables: they are throttled, lost, done though the answer is
 * lost, sent twice, or late.
 */
#include "tests/sim/system/table_service.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/loop.h"
#include "support/base/memory.h"
#include "tests/sim/system/table_ask.h"

enum { GIVE_UP_MS = 20000 };

/* The world whose clients the plugins make. */
static struct world *asking_world;

void table_requests_start(struct world *world)
{
	asking_world = world;
}

static void free_ask(void *user)
{
	struct ask *ask = user;
	for (size_t i = 0; i < ask->n_writes; i++) {
		free((void *)(uintptr_t)ask->writes[i].table);
		free((void *)(uintptr_t)ask->writes[i].partition);
		free((void *)(uintptr_t)ask->writes[i].row);
		free((void *)(uintptr_t)ask->writes[i].etag);
		free((void *)(uintptr_t)ask->writes[i].entity);
		free(ask->etags[i]);
	}
	if (ask->n_writes == 0) {
		free(ask->etags[0]);
	}
	free(ask->token);
	free(ask->table);
	free(ask->partition);
	free(ask->key);
	free(ask->filter);
	free(ask->next_page);
	free(ask->next_answer);
	json_decref(ask->found);
	free(ask);
}

static void unlink_ask(struct ask *ask)
{
	if (ask->link != NULL) {
		*ask->link = ask->next;
		if (ask->next != NULL) {
			ask->next->link = ask->link;
		}
		ask->link = NULL;
		ask->tables->n_open--;
	}
}

static void call_back(struct ask *ask)
{
	const char *etags[MAX_WRITES];
	for (size_t i = 0; i < ask->n_writes; i++) {
		etags[i] = ask->etags[i];
	}
	const struct tables_result result = {
		.status = ask->status,
		.sentence = ask->status == TABLES_OK ? NULL : "the table model says so",
		.etag = ask->etags[0],
		.etags = ask->kind == ASK_WRITES && ask->fate != FATE_TWICE ? etags : NULL,
		.failed = ask->failed,
		.row = ask->kind == ASK_GET ? ask->found : NULL,
		.rows = ask->kind == ASK_QUERY ? ask->found : NULL,
		.next = ask->next_answer,
		.is_repeated = ask->is_repeated,
	};
	unlink_ask(ask);
	ask->on_done(ask->user, &result);
}

static void come_back(struct world *world, void *user)
{
	struct ask *ask = user;
	struct process *process = ask->process;
	if (ask->link != NULL && process->stalled_until_ms > world->now_ms) {
		world_at_with(
		        world, process->stalled_until_ms - world->now_ms, come_back, ask, free_ask);
		return;
	}
	if (ask->link != NULL) {
		process_enter(process);
		if (ask->link != NULL) {
			call_back(ask);
		}
		process_run(process);
	}
	free_ask(ask);
}

static void arrive_late(struct world *world, void *user)
{
	struct ask *ask = user;
	(void)world;
	world_say(world, NULL, "tables: a request arrives late");
	table_service_execute(ask);
	free_ask(ask);
}

/* The client has given up; the request is on its way all the same. */
static void give_up(struct world *world, void *user)
{
	struct ask *ask = user;
	struct ask *late = must_calloc(1, sizeof(*late));
	*late = *ask;
	late->link = NULL;
	/* What it is about goes with the late one. */
	ask->n_writes = 0;
	ask->token = ask->table = ask->partition = ask->key = ask->filter = ask->next_page = NULL;
	ask->kind = ASK_WRITES;
	ask->status = TABLES_UNKNOWN;
	world_at_with(world, world_within(world, 40000), arrive_late, late, free_ask);
	come_back(world, ask);
}

static void arrive(struct world *world, void *user)
{
	struct ask *ask = user;
	if (ask->fate == FATE_REFUSED) {
		ask->status = ask->kind == ASK_SETTLE ? TABLES_UNKNOWN : TABLES_UNAVAILABLE;
	} else {
		table_service_execute(ask);
	}
	if (ask->fate == FATE_LOST) {
		ask->status = TABLES_UNKNOWN;
	}
	world_at_with(world, world_latency(world, world->climate.storage_is_slow), come_back, ask,
	        free_ask);
}

static void at_once(void *user)
{
	struct ask *ask = user;
	if (ask->process->is_zombie) {
		ask->status = TABLES_UNKNOWN; /* so that it stops there */
	} else {
		table_service_execute(ask);
	}
	if (ask->link != NULL) {
		call_back(ask);
	}
	free_ask(ask);
}

static enum fate choose_fate(struct world *world, const struct ask *ask)
{
	bool is_write = ask->kind == ASK_WRITES;
	if (world_fails(world, world->climate.storage_refuses)) {
		return FATE_REFUSED;
	}
	if (is_write && world_fails(world, world->climate.storage_loses_answer)) {
		if (world_is(world, 20)) {
			return FATE_LATE;
		}
		return ask->is_once ? FATE_LOST : FATE_TWICE;
	}
	return FATE_DONE;
}

static struct ask *make(
        struct tables *tables, enum ask_kind kind, tables_done_fn on_done, void *user)
{
	struct ask *ask = must_calloc(1, sizeof(*ask));
	ask->tables = tables;
	ask->process = tables->process;
	ask->world = tables->process->world;
	ask->kind = kind;
	ask->on_done = on_done;
	ask->user = user;
	ask->link = &tables->asks;
	ask->next = tables->asks;
	if (ask->next != NULL) {
		ask->next->link = &ask->next;
	}
	tables->asks = ask;
	tables->n_open++;
	return ask;
}

static void send(struct ask *ask)
{
	struct world *world = ask->world;
	if (ask->process->is_zombie || ask->process->is_spectator) {
		loop_defer(ask->process->loop, at_once, ask);
		return;
	}
	ask->fate = choose_fate(world, ask);
	if (ask->fate == FATE_LATE) {
		world_at_with(world, GIVE_UP_MS, give_up, ask, free_ask);
		return;
	}
	world_at_with(
	        world, world_latency(world, world->climate.storage_is_slow), arrive, ask, free_ask);
}

/* Who waits is told that nothing was done; the requests go on by themselves. */
void table_requests_drop(struct process *process)
{
	struct tables *tables = process->tables_client;
	while (tables != NULL && tables->asks != NULL) {
		struct ask *ask = tables->asks;
		const struct tables_result result = { .status = TABLES_UNKNOWN,
			.sentence = "gone" };
		unlink_ask(ask);
		ask->on_done(ask->user, &result);
	}
}

static char *copy(const char *text)
{
	return text != NULL ? must_copy(text, strlen(text)) : NULL;
}

static void add_write(struct ask *ask, const struct tables_write *write)
{
	ask->writes[ask->n_writes++] = (struct tables_write){
		.verb = write->verb,
		.table = copy(write->table),
		.partition = copy(write->partition),
		.row = copy(write->row),
		.etag = copy(write->etag),
		.entity =
		        write->entity != NULL ? must_copy(write->entity, write->entity_size) : NULL,
		.entity_size = write->entity_size,
	};
}

/* The client's interface, for the plugins */

#define EXPORTED __attribute__((visibility("default")))

EXPORTED struct tables *tables_create(const struct tables_settings *settings)
{
	struct tables *tables = must_calloc(1, sizeof(*tables));
	tables->process = process_of_base(asking_world, settings->base);
	tables->life = tables->process->life;
	tables->process->tables_client = tables;
	return tables;
}

EXPORTED void tables_destroy(struct tables *tables)
{
	while (tables != NULL && tables->asks != NULL) {
		unlink_ask(tables->asks);
	}
	if (tables != NULL && tables->process->tables_client == tables) {
		tables->process->tables_client = NULL;
	}
	free(tables);
}

EXPORTED void tables_write(struct tables *tables, const struct tables_write *write,
        const struct tables_care *care, tables_done_fn on_done, void *user)
{
	tables_transact(tables, &write, 1, care, on_done, user);
}

EXPORTED void tables_transact(struct tables *tables, const struct tables_write *const *writes,
        size_t n_writes, const struct tables_care *care, tables_done_fn on_done, void *user)
{
	struct ask *ask = make(tables, ASK_WRITES, on_done, user);
	for (size_t i = 0; i < n_writes; i++) {
		add_write(ask, writes[i]);
	}
	ask->is_once = care != NULL && care->is_once;
	ask->token = care != NULL ? copy(care->token) : NULL;
	send(ask);
}

EXPORTED void tables_settle(struct tables *tables, const struct tables_write *write,
        const char *token, tables_done_fn on_done, void *user)
{
	struct ask *ask = make(tables, ASK_SETTLE, on_done, user);
	add_write(ask, write);
	ask->token = copy(token);
	send(ask);
}

EXPORTED void tables_get(struct tables *tables, const char *table, const char *partition,
        const char *row, tables_done_fn on_done, void *user)
{
	struct ask *ask = make(tables, ASK_GET, on_done, user);
	ask->table = copy(table);
	ask->partition = copy(partition);
	ask->key = copy(row);
	send(ask);
}

/* The model has no line in which others wait. */
EXPORTED void tables_get_urgently(struct tables *tables, const char *table, const char *partition,
        const char *row, tables_done_fn on_done, void *user)
{
	tables_get(tables, table, partition, row, on_done, user);
}

EXPORTED void tables_query(
        struct tables *tables, const struct tables_query *query, tables_done_fn on_done, void *user)
{
	struct ask *ask = make(tables, ASK_QUERY, on_done, user);
	ask->table = copy(query->table);
	ask->filter = copy(query->filter);
	ask->next_page = copy(query->next);
	ask->top = query->top;
	send(ask);
}

EXPORTED void tables_make_table(
        struct tables *tables, const char *table, tables_done_fn on_done, void *user)
{
	(void)table;
	send(make(tables, ASK_TABLE, on_done, user));
}

/* What fails here fails at once: nobody pauses. */
EXPORTED void tables_hurry(struct tables *tables)
{
	(void)tables;
}

EXPORTED const char *tables_endpoint(const struct tables *tables)
{
	(void)tables;
	return "sim://tables";
}

EXPORTED size_t tables_n_open(const struct tables *tables)
{
	return tables->n_open;
}

EXPORTED void tables_token(char token[TABLES_TOKEN_SIZE])
{
	(void)snprintf(token, TABLES_TOKEN_SIZE, "%016" PRIx64 "%016" PRIx64,
	        sim_random_next(&asking_world->token_random),
	        sim_random_next(&asking_world->token_random));
}
