/* SPDX-License-Identifier: MIT */
/*
 * Writes of single rows, gathered: while a write to a partition is under way, further ones of the
 * same partition wait and then go together as one transaction. Each gets its own outcome.
 */
#ifndef SUPPORT_TABLES_GROUP_H
#define SUPPORT_TABLES_GROUP_H

#include "support/tables/tables.h"

struct groups;

/* Tables: borrowed, must outlive it. */
struct groups *groups_create(struct tables *tables);
/* Drops what waits without calling back; after tables_destroy or when nothing is under way. */
void groups_destroy(struct groups *groups);

/* As tables_write. */
void groups_write(struct groups *groups, const struct tables_write *write,
        const struct tables_care *care, tables_done_fn on_done, void *user);

#endif
