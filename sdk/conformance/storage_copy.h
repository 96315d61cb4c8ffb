/* SPDX-License-Identifier: MIT */
/* Copies of what goes to a storage backend and comes back, as a daemon makes them. */
#ifndef SDK_CONFORMANCE_STORAGE_COPY_H
#define SDK_CONFORMANCE_STORAGE_COPY_H

#include <lucius/storage.h>

#include "sdk/conformance/arena.h"

struct lucius_job *copy_job(struct arena *arena, const struct lucius_job *job);
struct lucius_command *copy_command(struct arena *arena, const struct lucius_command *command);
struct lucius_listing *copy_listing(struct arena *arena, const struct lucius_listing *listing);

/* Copiers of the items that the operations give. */
void *copy_job_item(struct arena *arena, const void *item);
void *copy_found_item(struct arena *arena, const void *item);
void *copy_event_item(struct arena *arena, const void *item);
void *copy_report_item(struct arena *arena, const void *item);

#endif
