/* SPDX-License-Identifier: MIT */
/* What the files of the client share: one request under way, and reading its answer. */
#ifndef SUPPORT_TABLES_ASK_H
#define SUPPORT_TABLES_ASK_H

#include "support/azure/storage_connection.h"
#include "support/http/fetch.h"
#include "support/tables/tables.h"

struct ask;

struct tables {
	struct azure_storage storage; /* owned */
	struct fetch_client *fetch; /* owned */
	struct tables_settings settings; /* its storage and ca_file are not used any more */
	struct ask *asks; /* under way; owned */
	size_t n_open;
	char *not_well; /* owned: the last sentence of on_state; NULL: all is well */
};

enum ask_kind { ASK_WRITE, ASK_TRANSACT, ASK_GET, ASK_QUERY, ASK_MAKE_TABLE };

struct ask {
	struct ask *next, *before;
	struct tables *tables;
	enum ask_kind kind;
	const char *method; /* static */
	char *url; /* owned, as the next ones */
	char *content_type; /* NULL: no body */
	char *etag; /* If-Match; NULL: none */
	char *body;
	size_t body_size;
	size_t n_writes;
	struct tables_care care; /* its token is owned */
	char *marker_table, *marker_partition, *marker_row; /* the row that settles; owned */
	unsigned n_rounds; /* sent by this layer, not counting what the HTTP client repeats */
	bool was_sent; /* an earlier round may have had its effect */
	tables_done_fn on_done;
	void *user;
};

/* Fills result from the answer; the texts that it needs are put into the holder. */
struct answer_holder {
	json_t *json; /* owned */
	struct text sentence, next;
	char *etag; /* owned */
	char **etags; /* owned, each of them too */
	size_t n_etags;
};
void answer_read(const struct ask *ask, const struct fetch_answer *answer,
        struct answer_holder *holder, struct tables_result *result);
void answer_holder_finish(struct answer_holder *holder);

#endif
