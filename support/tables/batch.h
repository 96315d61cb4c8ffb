/* SPDX-License-Identifier: MIT */
/* Entity group transactions: several writes of one partition as one multipart request. */
#ifndef SUPPORT_TABLES_BATCH_H
#define SUPPORT_TABLES_BATCH_H

#include <stdbool.h>
#include <stddef.h>

#include "support/tables/text.h"

#define BATCH_MAX_WRITES 100
#define BATCH_MAX_BYTES (3500u << 10) /* of a body; the service takes 4 MiB */

enum tables_verb {
	TABLES_INSERT,
	TABLES_MERGE, /* by its ETag */
	TABLES_UPSERT, /* insert, or merge whatever is there */
	TABLES_REPLACE, /* by its ETag */
	TABLES_DELETE, /* by its ETag */
};

/* One write of one row; texts are borrowed. */
struct tables_write {
	enum tables_verb verb;
	const char *table;
	const char *partition;
	const char *row;
	const char *etag; /* merge, replace, delete; "*": any */
	const char *entity; /* JSON; NULL for a delete */
	size_t entity_size;
};

/* Appends the table (with the row's keys unless it is an insert) as a URL has it. */
void batch_add_address(struct text *url, const struct tables_write *write);
/* "POST", "PATCH", … */
const char *batch_method(enum tables_verb verb);

/* Appends the body. Id: makes the boundaries; endpoint: what URLs begin with. */
void batch_build(struct text *body, const char *id, const char *endpoint,
        const struct tables_write *const *writes, size_t n_writes);

/* What came of one write. Borrowed from the answer's text. */
struct batch_part {
	int status;
	const char *etag; /* may be NULL */
	size_t etag_size;
	const char *body;
	size_t body_size;
};

/*
 * Reads the answer to n_writes writes into parts. Returns n_writes if all have been done; 1 and
 * *ret_failed if none has: parts[0] is the error and *ret_failed the write that it is about. 0: the
 * answer is cut or makes no sense.
 */
size_t batch_parse(const char *content_type, const char *body, size_t body_size,
        struct batch_part *parts, size_t n_writes, size_t *ret_failed);

#endif
