/* SPDX-License-Identifier: MIT */
/*
 * A model of the Table service, in the place of the client in support/tables: rows with ETags,
 * transactions of one partition, pages; requests that are throttled, lost, done though the answer
 * is lost, sent twice, or late. The real backends `table` and `ledger` run on it.
 */
#include "tests/sim/system/table_service.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/loop.h"
#include "support/base/cleanup.h"
#include "support/base/memory.h"
#include "support/tables/tables.h"

enum { MAX_WRITES = 100, GIVE_UP_MS = 20000, PAGE = 1000 };

struct row {
	struct row *next;
	char *table, *partition, *key; /* owned */
	json_t *entity; /* owned */
	uint64_t etag;
};

struct table_service {
	struct row *rows; /* in the order of table, partition, key */
	uint64_t n_etags;
};

/* A client's instance, in one process. */
struct tables {
	struct process *process;
	unsigned life;
	struct ask *asks;
	size_t n_open;
};

enum ask_kind { ASK_WRITES, ASK_GET, ASK_QUERY, ASK_TABLE, ASK_SETTLE };
enum fate { FATE_DONE, FATE_REFUSED, FATE_LOST, FATE_TWICE, FATE_LATE };

struct ask {
	struct ask *next, **link; /* link NULL: nobody waits */
	struct tables *tables;
	struct world *world;
	struct process *process;
	enum ask_kind kind;
	enum fate fate;
	size_t n_writes;
	struct tables_write writes[MAX_WRITES]; /* texts owned */
	bool is_once;
	char *token; /* owned */
	char *table, *partition, *key, *filter, *next_page; /* owned */
	uint32_t top;
	tables_done_fn on_done;
	void *user;
	/* The answer. */
	enum tables_status status;
	size_t failed;
	bool is_repeated;
	json_t *found; /* owned: a row or an array */
	char *next_answer; /* owned */
	char *etags[MAX_WRITES]; /* owned */
};

static struct world *service_world;

void table_service_start(struct world *world)
{
	service_world = world;
	world->tables = must_calloc(1, sizeof(*world->tables));
}

static void free_row(struct row *row)
{
	free(row->table);
	free(row->partition);
	free(row->key);
	json_decref(row->entity);
	free(row);
}

void table_service_finish(struct world *world)
{
	while (world->tables != NULL && world->tables->rows != NULL) {
		struct row *row = world->tables->rows;
		world->tables->rows = row->next;
		free_row(row);
	}
	free(world->tables);
}

/* Rows */

static int compare(const struct row *row, const char *table, const char *partition, const char *key)
{
	int order = strcmp(row->table, table);
	order = order != 0 ? order : strcmp(row->partition, partition);
	return order != 0 ? order : strcmp(row->key, key);
}

/* The row, or where it would stand. */
static struct row **place_of(
        struct table_service *service, const char *table, const char *partition, const char *key)
{
	struct row **at = &service->rows;
	while (*at != NULL && compare(*at, table, partition, key) < 0) {
		at = &(*at)->next;
	}
	return at;
}

static struct row *find(
        struct table_service *service, const char *table, const char *partition, const char *key)
{
	struct row *row = *place_of(service, table, partition, key);
	return row != NULL && compare(row, table, partition, key) == 0 ? row : NULL;
}

static char *print_etag(uint64_t etag)
{
	return must_print("W/\"%" PRIu64 "\"", etag);
}

static bool is_newest(const struct row *row, const char *etag)
{
	char *mine CLEANUP_FREE = print_etag(row->etag);
	return etag == NULL || strcmp(etag, "*") == 0 || strcmp(etag, mine) == 0;
}

static enum tables_status check(struct table_service *service, const struct tables_write *write)
{
	const struct row *row = find(service, write->table, write->partition, write->row);
	switch (write->verb) {
	case TABLES_INSERT:
		return row != NULL ? TABLES_EXISTS : TABLES_OK;
	case TABLES_UPSERT:
		return TABLES_OK;
	case TABLES_MERGE:
	case TABLES_REPLACE:
	case TABLES_DELETE:
		break;
	}
	if (row == NULL) {
		return TABLES_MISSING;
	}
	return is_newest(row, write->etag) ? TABLES_OK : TABLES_CHANGED;
}

static struct row *make_row(struct table_service *service, const struct tables_write *write)
{
	struct row **place = place_of(service, write->table, write->partition, write->row);
	struct row *row = must_calloc(1, sizeof(*row));
	row->table = must_copy(write->table, strlen(write->table));
	row->partition = must_copy(write->partition, strlen(write->partition));
	row->key = must_copy(write->row, strlen(write->row));
	row->entity = json_object();
	row->next = *place;
	*place = row;
	return row;
}

static void delete_row(struct table_service *service, const struct tables_write *write)
{
	struct row **place = place_of(service, write->table, write->partition, write->row);
	struct row *row = *place;
	*place = row->next;
	free_row(row);
}

static char *apply(struct table_service *service, const struct tables_write *write)
{
	struct row *row = find(service, write->table, write->partition, write->row);
	if (write->verb == TABLES_DELETE) {
		delete_row(service, write);
		return NULL;
	}
	row = row != NULL ? row : make_row(service, write);
	json_t *entity = json_loadb(write->entity, write->entity_size, 0, NULL);
	if (write->verb == TABLES_REPLACE) {
		json_object_clear(row->entity);
	}
	json_object_update(row->entity, entity);
	json_decref(entity);
	row->etag = ++service->n_etags;
	return print_etag(row->etag);
}

/* A job's row is written, or a slot goes: the watchers hear of it. */
struct news {
	char job_id[33];
	bool is_slot;
};

static void read_news(
        struct table_service *service, const struct tables_write *write, struct news *ret_news)
{
	const struct row *row = find(service, write->table, write->partition, write->row);
	bool is_job = strcmp(write->row, "JOB") == 0;
	*ret_news = (struct news){ .job_id = "" };
	if (is_job || strcmp(write->table, "jobs") == 0) {
		(void)snprintf(ret_news->job_id, sizeof(ret_news->job_id), "%s",
		        is_job ? write->partition : write->row);
	} else if (strncmp(write->row, "slot:", 5) == 0 && write->verb == TABLES_DELETE &&
	        row != NULL) {
		const char *id = json_string_value(json_object_get(row->entity, "job_id"));
		(void)snprintf(
		        ret_news->job_id, sizeof(ret_news->job_id), "%s", id != NULL ? id : "");
		ret_news->is_slot = true;
	}
}

/* A creation that met with trouble may have left a second slot, which goes without harm. */
static bool has_slot(const struct table_service *service, const char *job_id)
{
	for (const struct row *row = service->rows; row != NULL; row = row->next) {
		const char *id = strncmp(row->key, "slot:", 5) == 0
		        ? json_string_value(json_object_get(row->entity, "job_id"))
		        : NULL;
		if (id != NULL && strcmp(id, job_id) == 0) {
			return true;
		}
	}
	return false;
}

static void tell_news(struct ask *ask, const struct news *news)
{
	bool is_nothing = news->is_slot && has_slot(ask->world->tables, news->job_id);
	if (news->job_id[0] == '\0' || is_nothing) {
		return;
	}
	if (news->is_slot) {
		if (watch_find(ask->world, news->job_id) != NULL) {
			watch_released(ask->world, ask->process, news->job_id);
		}
	} else {
		watch_written(ask->world, ask->process, news->job_id);
	}
}

static void say_write(const struct ask *ask, const struct tables_write *write)
{
	static const char *const verbs[] = { "insert", "merge", "upsert", "replace", "delete" };
	static const char *const fates[] = { "", "", ", answer lost", ", sent twice", ", late" };
	const char *id = write->entity != NULL ? strstr(write->entity, "\"job_id\":") : NULL;
	world_say(ask->world, NULL, "tables: luciusd %u %s %s %s/%s%s%s %.46s%s%s",
	        ask->process->index, verbs[write->verb], write->table, write->partition, write->row,
	        write->etag != NULL ? " by " : "", write->etag != NULL ? write->etag : "",
	        id != NULL ? id : "", fates[ask->fate],
	        ask->status == TABLES_OK ? "" : ": refused");
}

static void execute_writes(struct ask *ask)
{
	struct table_service *service = ask->world->tables;
	struct news news[MAX_WRITES];
	for (size_t i = 0; i < ask->n_writes; i++) {
		ask->status = check(service, &ask->writes[i]);
		ask->failed = i;
		say_write(ask, &ask->writes[i]);
		if (ask->status != TABLES_OK) {
			return;
		}
	}
	for (size_t i = 0; i < ask->n_writes; i++) {
		read_news(service, &ask->writes[i], &news[i]);
		free(ask->etags[i]);
		ask->etags[i] = apply(service, &ask->writes[i]);
	}
	for (size_t i = 0; i < ask->n_writes; i++) {
		tell_news(ask, &news[i]);
	}
}

/* Sent twice: the second finds what the first has done; a token tells. */
static void execute_again(struct ask *ask)
{
	execute_writes(ask);
	enum tables_status first = ask->status;
	if (first != TABLES_OK) {
		return;
	}
	execute_writes(ask);
	if (ask->status != TABLES_OK && ask->token != NULL) {
		ask->status = TABLES_OK;
	} else if (ask->status != TABLES_OK) {
		ask->is_repeated = true;
	}
}

static json_t *show(const struct row *row)
{
	char *etag CLEANUP_FREE = print_etag(row->etag);
	json_t *shown = json_copy(row->entity);
	json_object_set_new(shown, "odata.etag", json_string(etag));
	json_object_set_new(shown, "PartitionKey", json_string(row->partition));
	json_object_set_new(shown, "RowKey", json_string(row->key));
	return shown;
}

static void execute_get(struct ask *ask)
{
	const struct row *row = find(ask->world->tables, ask->table, ask->partition, ask->key);
	ask->status = row != NULL ? TABLES_OK : TABLES_MISSING;
	if (row != NULL) {
		ask->found = show(row);
		ask->etags[0] = print_etag(row->etag);
	}
}

/* One comparison of the filter; moves on behind it. */
static bool holds(const struct row *row, const char **at)
{
	char name[32], operator[8];
	char value[1024];
	size_t size = 0;
	int read = 0;
	if (sscanf(*at, "%31s %7s '%n", name, operator, & read) != 2 || read == 0) {
		fprintf(stderr, "filter of the table model: %s\n", *at);
		abort();
	}
	const char *text = *at + read;
	for (; *text != '\0' && size + 1 < sizeof(value); text++) {
		if (*text == '\'' && text[1] != '\'') {
			break;
		}
		text += *text == '\'' ? 1 : 0;
		value[size++] = *text;
	}
	value[size] = '\0';
	text += *text == '\'' ? 1 : 0;
	*at = strncmp(text, " and ", 5) == 0 ? text + 5 : text;
	int order = strcmp(strcmp(name, "RowKey") == 0 ? row->key : row->partition, value);
	return (strcmp(operator, "eq") == 0 && order == 0) ||
	        (strcmp(operator, "ge") == 0 && order >= 0) ||
	        (strcmp(operator, "gt") == 0 && order > 0) ||
	        (strcmp(operator, "le") == 0 && order <= 0) ||
	        (strcmp(operator, "lt") == 0 && order < 0);
}

static bool fits(const struct row *row, const struct ask *ask)
{
	const char *at = ask->filter != NULL ? ask->filter : "";
	if (strcmp(row->table, ask->table) != 0) {
		return false;
	}
	while (*at != '\0') {
		if (!holds(row, &at)) {
			return false;
		}
	}
	return true;
}

static bool is_behind(const struct row *row, const char *next_page)
{
	char *mine CLEANUP_FREE = must_print("%s\x01%s", row->partition, row->key);
	return next_page == NULL || strcmp(mine, next_page) > 0;
}

/* Now and then a page ends early, as it may at the service. */
static void execute_query(struct ask *ask)
{
	uint32_t most = ask->top != 0 && ask->top < PAGE ? ask->top : PAGE;
	if (world_fails(ask->world, 20)) {
		most = (uint32_t)world_within(ask->world, 3);
	}
	ask->found = json_array();
	ask->status = TABLES_OK;
	for (const struct row *row = ask->world->tables->rows; row != NULL; row = row->next) {
		if (!fits(row, ask) || !is_behind(row, ask->next_page)) {
			continue;
		}
		if (json_array_size(ask->found) >= most) {
			if (ask->next_answer == NULL && ask->next_page != NULL) {
				ask->next_answer =
				        must_copy(ask->next_page, strlen(ask->next_page));
			}
			ask->next_answer =
			        ask->next_answer != NULL ? ask->next_answer : must_copy("\x01", 1);
			return;
		}
		free(ask->next_answer);
		ask->next_answer = must_print("%s\x01%s", row->partition, row->key);
		json_array_append_new(ask->found, show(row));
	}
	free(steal(ask->next_answer));
}

static void execute_settle(struct ask *ask)
{
	const struct tables_write *write = &ask->writes[0];
	const struct row *row =
	        find(ask->world->tables, write->table, write->partition, write->row);
	const char *token =
	        row != NULL ? json_string_value(json_object_get(row->entity, "meta_write")) : NULL;
	if (token != NULL && ask->token != NULL && strcmp(token, ask->token) == 0) {
		ask->status = TABLES_OK;
		ask->etags[0] = print_etag(row->etag);
	} else if (write->verb == TABLES_INSERT) {
		ask->status = TABLES_EXISTS;
	} else {
		ask->status = row != NULL ? TABLES_CHANGED : TABLES_MISSING;
	}
}

static void execute(struct ask *ask)
{
	struct process *running = ask->world->running;
	switch (ask->kind) {
	case ASK_WRITES:
		if (ask->fate == FATE_TWICE) {
			execute_again(ask);
		} else {
			execute_writes(ask);
		}
		break;
	case ASK_GET:
		ask->process->scanned_ms = ask->world->now_ms;
		execute_get(ask);
		break;
	case ASK_QUERY:
		ask->process->scanned_ms = ask->process->last_scan_ms = ask->world->now_ms;
		execute_query(ask);
		break;
	case ASK_SETTLE:
		execute_settle(ask);
		break;
	case ASK_TABLE:
		ask->status = TABLES_OK;
		break;
	}
	ask->world->running = running;
}

/* Requests on their way */

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
	execute(ask);
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
		execute(ask);
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
		execute(ask);
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
void table_service_drop(struct process *process)
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
	tables->process = process_of_base(service_world, settings->base);
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
	        sim_random_next(&service_world->token_random),
	        sim_random_next(&service_world->token_random));
}
