/* SPDX-License-Identifier: MIT */
/* Reading many jobs in pages: scan over the slots, list over a tenant's jobs. */
#ifndef STORAGE_MEMORY_PAGES_H
#define STORAGE_MEMORY_PAGES_H

#include <lucius/storage.h>

#include "plugins/storage-memory/store.h"

/* Called for each thing on the page, in order; borrowed for the call. */
typedef void (*found_fn)(void *user, const struct lucius_found *found);

/* OK; INTERNAL: the cursor is none of ours, store->sentence says so. */
uint32_t pages_scan(struct store *store, struct lucius_text cursor, uint32_t limit,
        found_fn on_found, void *user);
/* OK; CONFLICT: the cursor is none of ours. */
uint32_t pages_list(
        struct store *store, const struct lucius_listing *listing, found_fn on_found, void *user);

#endif
