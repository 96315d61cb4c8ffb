/* SPDX-License-Identifier: MIT */
/*
 * Reading ahead in a scan: while the daemon works on a page, the reader fetches the one that it
 * will ask for next. It is given only if nothing at all has been committed meanwhile. All on the
 * reader's thread.
 */
#ifndef STORAGE_SQLITE_AHEAD_H
#define STORAGE_SQLITE_AHEAD_H

#include <stdbool.h>
#include <stdint.h>

#include "request.h"

/* All zeros is one that has nothing. */
struct ahead {
	struct result page; /* owned */
	int64_t position; /* of the page that is here or wanted, as asked with this limit */
	uint32_t limit;
	int64_t version; /* of the database that it was read from */
	bool is_wanted;
	bool is_here;
	bool is_off; /* until the next scan begins: others write */
};

/* Within a transaction: does the scan, from what is here or from the database. */
void ahead_scan(struct ahead *ahead, struct database *database, struct request *request);
/* Outside of any: fetches what is wanted. If that fails, so will the request that asks for it. */
void ahead_fetch(struct ahead *ahead, struct database *database);
void ahead_drop(struct ahead *ahead);

#endif
