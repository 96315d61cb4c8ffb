/* SPDX-License-Identifier: MIT */
/*
 * Requests to the Table service, signed or with a SAS, and what becomes of them:
 *
 *   send ─► on_answer ─► finish
 *             │   ▲ └──► send again (an answer that makes no sense)
 *             └──► settle: read the row of a write that was sent twice ─► on_settled ─► finish
 */
#include "support/tables/tables.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "support/azure/shared_key.h"
#include "support/base/cleanup.h"
#include "support/base/memory.h"
#include "support/tables/ask.h"
#include "support/tables/entity.h"
#include "support/tables/table_key.h"

#define MAX_ROUNDS 3
#define MAKE_TABLE_TIMEOUT_MS 3000u /* also what tells whether the service is there */
#define MAX_HEADERS 12

void tables_token(char token[TABLES_TOKEN_SIZE])
{
	unsigned char bytes[16];
	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes)) {
		abort();
	}
	for (size_t i = 0; i < sizeof(bytes); i++) {
		(void)snprintf(token + i * 2, 3, "%02x", bytes[i]);
	}
}

static char *copy_text(const char *text)
{
	return text != NULL ? must_copy(text, strlen(text)) : NULL;
}

static struct ask *ask_create(
        struct tables *tables, enum ask_kind kind, tables_done_fn on_done, void *user)
{
	struct ask *ask = must_calloc(1, sizeof(*ask));
	ask->tables = tables;
	ask->kind = kind;
	ask->method = "GET";
	ask->on_done = on_done;
	ask->user = user;
	ask->next = tables->asks;
	if (ask->next != NULL) {
		ask->next->before = ask;
	}
	tables->asks = ask;
	tables->n_open++;
	return ask;
}

static void ask_destroy(struct ask *ask)
{
	struct tables *tables = ask->tables;
	if (ask->before != NULL) {
		ask->before->next = ask->next;
	} else {
		tables->asks = ask->next;
	}
	if (ask->next != NULL) {
		ask->next->before = ask->before;
	}
	tables->n_open--;
	free(ask->url);
	free(ask->content_type);
	free(ask->etag);
	free(ask->body);
	free((void *)(uintptr_t)ask->care.token);
	free(ask->marker_table);
	free(ask->marker_partition);
	free(ask->marker_row);
	free(ask);
}

static void say_state(struct tables *tables, const char *sentence)
{
	bool is_same = sentence == NULL
	        ? tables->not_well == NULL
	        : tables->not_well != NULL && strcmp(sentence, tables->not_well) == 0;
	if (is_same) {
		return;
	}
	free(tables->not_well);
	tables->not_well = copy_text(sentence);
	if (tables->settings.on_state != NULL) {
		tables->settings.on_state(tables->settings.user, tables->not_well);
	}
}

static void note_state(struct tables *tables, const struct fetch_answer *answer,
        const struct tables_result *result)
{
	bool is_away = answer->outcome != FETCH_ANSWERED || result->status == TABLES_DENIED ||
	        result->status == TABLES_NO_TABLE;
	if (is_away) {
		say_state(tables, result->sentence);
	} else if (answer->status < 500) {
		say_state(tables, NULL);
	}
}

static void finish(struct ask *ask, const struct tables_result *result)
{
	tables_done_fn on_done = ask->on_done;
	void *user = ask->user;
	ask_destroy(ask);
	on_done(user, result);
}

/* Headers in the making: texts that must live until the request is copied. */
struct headers {
	const char *list[MAX_HEADERS];
	char *owned[MAX_HEADERS];
	size_t n_headers;
	size_t n_owned;
};

static void add_header(struct headers *headers, const char *header)
{
	headers->list[headers->n_headers++] = header;
}

static void add_owned(struct headers *headers, char *header)
{
	headers->owned[headers->n_owned++] = header;
	add_header(headers, header);
}

static void headers_finish(struct headers *headers)
{
	for (size_t i = 0; i < headers->n_owned; i++) {
		free(headers->owned[i]);
	}
}

/* The path as it goes over the wire, without the query. */
static char *path_of(const struct ask *ask)
{
	const char *path = strchr(strstr(ask->url, "://") + 3, '/');
	return path != NULL ? must_copy(path, strcspn(path, "?")) : must_copy("/", 1);
}

static void add_signature(const struct ask *ask, struct headers *headers)
{
	const struct azure_storage *storage = &ask->tables->storage;
	char date[AZURE_DATE_SIZE];
	azure_date_write(date, (int64_t)time(NULL));
	add_owned(headers, must_print("x-ms-date: %s", date));
	if (storage->key == NULL) {
		return;
	}
	CLEANUP_FREE char *path = path_of(ask);
	const char *type = ask->content_type != NULL ? ask->content_type : "";
	CLEANUP_FREE char *value =
	        azure_shared_key(storage, &(struct azure_signed){ ask->method, type, date, path });
	add_owned(headers, must_print("Authorization: %s", value));
}

static void fill_headers(const struct ask *ask, struct headers *headers)
{
	char id[TABLES_TOKEN_SIZE];
	tables_token(id);
	add_header(headers, "x-ms-version: 2019-02-02");
	add_header(headers, "DataServiceVersion: 3.0");
	add_header(headers, "MaxDataServiceVersion: 3.0;NetFx");
	add_header(headers, "Accept: application/json;odata=minimalmetadata");
	add_owned(headers, must_print("x-ms-client-request-id: %s", id));
	if (ask->content_type != NULL) {
		add_header(headers, "Prefer: return-no-content");
		add_owned(headers, must_print("Content-Type: %s", ask->content_type));
	}
	if (ask->etag != NULL) {
		add_owned(headers, must_print("If-Match: %s", ask->etag));
	}
	add_signature(ask, headers);
}

static void on_answer(void *user, const struct fetch_answer *answer);

static void send(struct ask *ask)
{
	struct headers headers = { 0 };
	fill_headers(ask, &headers);
	ask->n_rounds++;
	(void)fetch_client_ask(ask->tables->fetch,
	        &(struct fetch_request){
	                .method = ask->method,
	                .url = ask->url,
	                .headers = headers.list,
	                .n_headers = headers.n_headers,
	                .body = ask->body,
	                .body_size = ask->body_size,
	                .timeout_ms = ask->kind == ASK_MAKE_TABLE
	                        ? MAKE_TABLE_TIMEOUT_MS
	                        : ask->tables->settings.timeout_ms,
	                .is_repeatable = !ask->care.is_once,
	                .is_urgent = ask->care.is_urgent,
	        },
	        on_answer, ask);
	headers_finish(&headers);
}

/* The row that a write was sent twice for has been read. */
static void on_settled(void *user, const struct tables_result *read)
{
	struct ask *ask = user;
	struct tables_result result = { .status = TABLES_UNKNOWN, .sentence = read->sentence };
	if (read->status == TABLES_OK) {
		const char *token = entity_text(read->row, "meta_write");
		bool is_ours = token != NULL && strcmp(token, ask->care.token) == 0;
		result.status = is_ours ? TABLES_OK : TABLES_CHANGED;
		result.etag = is_ours ? read->etag : NULL;
		if (!is_ours && strcmp(ask->method, "POST") == 0) {
			result.status = TABLES_EXISTS;
		}
	} else if (read->status == TABLES_MISSING) {
		result.status = TABLES_MISSING;
	}
	finish(ask, &result);
}

static bool is_conflict(enum tables_status status)
{
	return status == TABLES_EXISTS || status == TABLES_CHANGED || status == TABLES_MISSING;
}

struct place_of_row {
	const char *table;
	const char *partition;
	const char *row;
};
static void get(struct tables *tables, const struct place_of_row *place, bool is_urgent,
        tables_done_fn on_done, void *user);

static void on_answer(void *user, const struct fetch_answer *answer)
{
	struct ask *ask = user;
	struct answer_holder holder = { 0 };
	struct tables_result result;
	answer_read(ask, answer, &holder, &result);
	note_state(ask->tables, answer, &result);
	bool is_senseless = answer->outcome == FETCH_ANSWERED && answer->status / 100 == 2 &&
	        result.status == TABLES_UNKNOWN;
	if (is_senseless && !ask->care.is_once && ask->n_rounds < MAX_ROUNDS) {
		ask->was_sent = true;
		send(ask);
	} else if (is_conflict(result.status) && result.is_repeated && ask->care.token != NULL) {
		get(ask->tables,
		        &(struct place_of_row){
		                ask->marker_table, ask->marker_partition, ask->marker_row },
		        ask->care.is_urgent, on_settled, ask);
	} else {
		finish(ask, &result);
	}
	answer_holder_finish(&holder);
}

/* The URL of the endpoint with what comes behind its slash, and the SAS. */
static char *make_url(const struct tables *tables, const char *rest)
{
	const char *sas = tables->storage.signature;
	const char *joint = strchr(rest, '?') != NULL ? "&" : "?";
	return must_print("%s/%s%s%s", tables->storage.endpoint, rest, sas != NULL ? joint : "",
	        sas != NULL ? sas : "");
}

static void set_care(
        struct ask *ask, const struct tables_care *care, const struct tables_write *first)
{
	ask->care.is_once = care->is_once;
	ask->care.is_urgent = care->is_urgent;
	ask->care.token = copy_text(care->token);
	ask->marker_table = copy_text(first->table);
	ask->marker_partition = copy_text(first->partition);
	ask->marker_row = copy_text(first->row);
}

void tables_settle(struct tables *tables, const struct tables_write *write, const char *token,
        tables_done_fn on_done, void *user)
{
	struct ask *ask = ask_create(tables, ASK_WRITE, on_done, user);
	ask->method = batch_method(write->verb);
	set_care(ask, &(struct tables_care){ .token = token }, write);
	tables_get(tables, write->table, write->partition, write->row, on_settled, ask);
}

void tables_write(struct tables *tables, const struct tables_write *write,
        const struct tables_care *care, tables_done_fn on_done, void *user)
{
	struct ask *ask = ask_create(tables, ASK_WRITE, on_done, user);
	struct text address = { 0 };
	batch_add_address(&address, write);
	ask->method = batch_method(write->verb);
	ask->url = make_url(tables, text_of(&address));
	text_finish(&address);
	ask->etag = copy_text(write->etag);
	ask->n_writes = 1;
	if (write->entity != NULL) {
		ask->content_type = copy_text("application/json");
		ask->body = must_copy(write->entity, write->entity_size);
		ask->body_size = write->entity_size;
	}
	set_care(ask, care, write);
	send(ask);
}

void tables_transact(struct tables *tables, const struct tables_write *const *writes,
        size_t n_writes, const struct tables_care *care, tables_done_fn on_done, void *user)
{
	struct ask *ask = ask_create(tables, ASK_TRANSACT, on_done, user);
	struct text body = { 0 };
	char id[TABLES_TOKEN_SIZE];
	tables_token(id);
	batch_build(&body, id, tables->storage.endpoint, writes, n_writes);
	ask->method = "POST";
	ask->url = make_url(tables, "$batch");
	ask->content_type = must_print("multipart/mixed; boundary=batch_%s", id);
	ask->body_size = body.size;
	ask->body = steal(body.start);
	ask->n_writes = n_writes;
	set_care(ask, care, writes[0]);
	send(ask);
}

static void get(struct tables *tables, const struct place_of_row *place, bool is_urgent,
        tables_done_fn on_done, void *user)
{
	struct ask *ask = ask_create(tables, ASK_GET, on_done, user);
	struct text address = { 0 };
	text_add_string(&address, place->table);
	table_key_add_address(&address, place->partition, place->row);
	ask->url = make_url(tables, text_of(&address));
	ask->care.is_urgent = is_urgent;
	text_finish(&address);
	send(ask);
}

void tables_get(struct tables *tables, const char *table, const char *partition, const char *row,
        tables_done_fn on_done, void *user)
{
	get(tables, &(struct place_of_row){ table, partition, row }, false, on_done, user);
}

void tables_get_urgently(struct tables *tables, const char *table, const char *partition,
        const char *row, tables_done_fn on_done, void *user)
{
	get(tables, &(struct place_of_row){ table, partition, row }, true, on_done, user);
}

void tables_query(
        struct tables *tables, const struct tables_query *query, tables_done_fn on_done, void *user)
{
	struct ask *ask = ask_create(tables, ASK_QUERY, on_done, user);
	struct text rest = { 0 };
	text_print(&rest, "%s()?$top=%u", query->table, query->top != 0 ? query->top : 1000);
	if (query->filter != NULL) {
		text_add_string(&rest, "&$filter=");
		text_add_percent(&rest, query->filter);
	}
	if (query->select != NULL) {
		text_add_string(&rest, "&$select=");
		text_add_percent(&rest, query->select);
	}
	text_add_string(&rest, query->next != NULL ? query->next : "");
	ask->url = make_url(tables, text_of(&rest));
	text_finish(&rest);
	send(ask);
}

void tables_make_table(struct tables *tables, const char *table, tables_done_fn on_done, void *user)
{
	struct ask *ask = ask_create(tables, ASK_MAKE_TABLE, on_done, user);
	ask->method = "POST";
	ask->url = make_url(tables, "Tables");
	ask->content_type = copy_text("application/json");
	ask->body = must_print("{\"TableName\":\"%s\"}", table);
	ask->body_size = strlen(ask->body);
	send(ask);
}

static void copy_storage(struct azure_storage *copy, const struct azure_storage *storage)
{
	*copy = (struct azure_storage){
		.account = copy_text(storage->account),
		.endpoint = copy_text(storage->endpoint),
		.key_size = storage->key_size,
		.signature = copy_text(storage->signature),
	};
	if (storage->key != NULL) {
		copy->key = (unsigned char *)must_copy(storage->key, storage->key_size);
	}
}

struct tables *tables_create(const struct tables_settings *settings)
{
	struct tables *tables = must_calloc(1, sizeof(*tables));
	tables->settings = *settings;
	copy_storage(&tables->storage, settings->storage);
	tables->fetch = fetch_client_create(&(struct fetch_settings){
	        .base = settings->base,
	        .user_agent = "lucius",
	        .ca_file = settings->ca_file,
	        .max_connections = settings->max_connections,
	        .max_waiting = 65536,
	});
	if (tables->fetch == NULL) {
		tables_destroy(tables);
		return NULL;
	}
	return tables;
}

void tables_destroy(struct tables *tables)
{
	if (tables == NULL) {
		return;
	}
	fetch_client_destroy(tables->fetch);
	while (tables->asks != NULL) {
		ask_destroy(tables->asks);
	}
	azure_storage_finish(&tables->storage);
	free(tables->not_well);
	free(tables);
}

void tables_hurry(struct tables *tables)
{
	fetch_client_hurry(tables->fetch);
}

const char *tables_endpoint(const struct tables *tables)
{
	return tables->storage.endpoint;
}

size_t tables_n_open(const struct tables *tables)
{
	return tables->n_open;
}
