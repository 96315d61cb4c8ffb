/* SPDX-License-Identifier: MIT */
/* Reading operations: one job, its events, the holders of slots, a tenant's jobs. */
#ifndef SUPPORT_JOBTABLES_LOAD_H
#define SUPPORT_JOBTABLES_LOAD_H

#include <lucius/storage.h>

#include "support/jobtables/backend.h"

void load_start(struct jobtables *backend, struct lucius_text job_id, struct lucius_op op);
/* Of a ledger. */
void events_start(struct jobtables *backend, struct lucius_text job_id, struct lucius_op op);
void scan_start(
        struct jobtables *backend, struct lucius_text cursor, uint32_t limit, struct lucius_op op);
void list_start(
        struct jobtables *backend, const struct lucius_listing *listing, struct lucius_op op);

#endif
