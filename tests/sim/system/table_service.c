/* SPDX-License-Identifier: MIT */
/*
 * A model of the Table service: rows with ETags, transactions of one partition, pages, and what a
 * request does to them when it arrives. How requests travel is in table_requests.c.
 */
#include "tests/sim/system/table_service.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/base/cleanup.h"
#include "support/base/memory.h"
#include "tests/sim/system/table_ask.h"

enum { PAGE = 1000 };

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

void table_service_start(struct world *world)
{
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
		uint32_t fewer = (uint32_t)world_within(ask->world, 3);
		most = fewer < most ? fewer : most;
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

void table_service_execute(struct ask *ask)
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
