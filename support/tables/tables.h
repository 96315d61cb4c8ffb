/* SPDX-License-Identifier: MIT */
/*
 * A client of Azure Table Storage (and what speaks its REST dialect): single rows, transactions
 * within a partition, queries, tables. One thread; callbacks come in a later turn of the loop,
 * exactly once, and what they get is borrowed for the call.
 */
#ifndef SUPPORT_TABLES_TABLES_H
#define SUPPORT_TABLES_TABLES_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "support/tables/batch.h"

struct azure_storage;
struct event_base;
struct tables;

enum tables_status {
	TABLES_OK,
	TABLES_EXISTS, /* insert: there is such a row */
	TABLES_MISSING, /* there is no such row */
	TABLES_CHANGED, /* the ETag is not the row's */
	TABLES_TOO_LARGE, /* a limit of the service; the sentence is the service's */
	TABLES_UNAVAILABLE, /* nothing was done */
	TABLES_UNKNOWN, /* a write whose answer got lost: it may have been done */
	TABLES_DENIED, /* key, SAS or account */
	TABLES_NO_TABLE, /* nothing was done: the table is not there */
	TABLES_REFUSED, /* the service does not understand the request: our bug */
};

/* Sentence: NULL: the service answers; else why it does not, as a person wants to read it. */
typedef void (*tables_state_fn)(void *user, const char *sentence);

struct tables_settings {
	struct event_base *base; /* borrowed */
	const struct azure_storage *storage; /* copied */
	const char *ca_file; /* may be NULL */
	uint32_t max_connections; /* 0: 16 */
	uint32_t timeout_ms; /* of one request with all its repeats; 0: 20 s */
	tables_state_fn on_state; /* when it changes; may be NULL */
	void *user;
};

/* NULL: libcurl cannot be set up. */
struct tables *tables_create(const struct tables_settings *settings);
/* Drops what is under way without calling back; takes NULL. */
void tables_destroy(struct tables *tables);

struct tables_result {
	enum tables_status status;
	const char *sentence; /* NULL if there is nothing to say */
	const char *etag; /* get, and a write of one row; may be NULL */
	const char *const *etags; /* transact: one a write, each may be NULL; NULL: they are not
	                             known although all was done */
	size_t failed; /* transact: the write that the status is about */
	const json_t *row; /* get */
	const json_t *rows; /* query: an array */
	const char *next; /* query: what to go on with; NULL: that was all */
	/* The request was sent more than once: CHANGED, EXISTS and MISSING may be about our own
	 * earlier sending. Never set where a token has settled it. */
	bool is_repeated;
};
typedef void (*tables_done_fn)(void *user, const struct tables_result *result);

/* How a write is to be treated when its answer gets lost. */
struct tables_care {
	/* Never sent twice: a lost answer is UNKNOWN at once. */
	bool is_once;
	bool is_urgent; /* sent before all that waits for a connection */
	/* What the first write has put into the property `meta_write`: after a repeat its row is
	 * read, and holding the token means that the write was done. NULL: nothing is read. */
	const char *token;
};

/* The entity and all texts are copied. */
void tables_write(struct tables *tables, const struct tables_write *write,
        const struct tables_care *care, tables_done_fn on_done, void *user);
/* All or nothing; 1 to BATCH_MAX_WRITES writes of different rows of one partition of one table. */
void tables_transact(struct tables *tables, const struct tables_write *const *writes,
        size_t n_writes, const struct tables_care *care, tables_done_fn on_done, void *user);

/* Reads the row of a write that was sent twice and ended with a conflict: OK if it holds the token,
 * else EXISTS (an insert), CHANGED or MISSING; UNKNOWN if it cannot be read. */
void tables_settle(struct tables *tables, const struct tables_write *write, const char *token,
        tables_done_fn on_done, void *user);

void tables_get(struct tables *tables, const char *table, const char *partition, const char *row,
        tables_done_fn on_done, void *user);

/* As tables_get, sent before all that waits for a connection. */
void tables_get_urgently(struct tables *tables, const char *table, const char *partition,
        const char *row, tables_done_fn on_done, void *user);

struct tables_query {
	const char *table;
	const char *filter; /* NULL: all rows */
	const char *select; /* "a,b"; NULL: all properties */
	uint32_t top; /* rows of a page; 0: as many as the service gives */
	const char *next; /* of the page before; NULL: from the start */
};
/* A page may be empty and have another one after it. Rows have their ETag as `odata.etag`. */
void tables_query(struct tables *tables, const struct tables_query *query, tables_done_fn on_done,
        void *user);

/* OK also if it is there. */
void tables_make_table(
        struct tables *tables, const char *table, tables_done_fn on_done, void *user);

/* The service answers again after it was away: requests that pause before their next attempt go on
 * at once. */
void tables_hurry(struct tables *tables);

/* "https://account.table.core.windows.net"; borrowed. */
const char *tables_endpoint(const struct tables *tables);
/* How many requests are under way. */
size_t tables_n_open(const struct tables *tables);
/* 32 hexadecimal digits that nobody else makes. */
#define TABLES_TOKEN_SIZE 33
void tables_token(char token[TABLES_TOKEN_SIZE]);

#endif
