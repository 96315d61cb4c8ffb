/* SPDX-License-Identifier: MIT */
/*
 * Removing what belongs to a job that never was, or whose time is over: its claim if that names
 * it, its index and listing, its steps (and events), then what the caller wants last. Each part may
 * be gone already, so that a removal which was cut is done again from the start.
 */
#ifndef SUPPORT_JOBTABLES_REMOVAL_H
#define SUPPORT_JOBTABLES_REMOVAL_H

#include "support/jobtables/backend.h"

/* Is_done: all is gone that had to go. */
typedef void (*removal_fn)(void *user, bool is_done);

/* Copied. */
struct removal_wish {
	struct lucius_text job_id;
	struct lucius_text tenant_id;
	const char *claim_row; /* NULL: none is known */
	const char *listing_row; /* NULL: none is known */
	const struct place *last; /* the row that goes last: slot or job; NULL: none */
	const char *last_etag;
};
void removal_start(
        struct jobtables *backend, const struct removal_wish *wish, removal_fn on_done, void *user);

#endif
