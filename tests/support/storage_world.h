/* SPDX-License-Identifier: MIT */
/* One backend of the fake storage on a simulated loop, and a caller that remembers what it is told.
 */
#ifndef TESTS_SUPPORT_STORAGE_WORLD_H
#define TESTS_SUPPORT_STORAGE_WORLD_H

#include "core/backend.h"
#include "core/loop.h"
#include "tests/support/fake_storage.h"

struct world {
	struct loop *loop;
	struct backend *storage;
	unsigned n_items;
	unsigned n_done;
	uint32_t status;
	char sentence[256];
	char last_item[64]; /* the job id, or the text */
	struct lucius_op to_forget; /* by on_item */
};

extern struct world world;

void world_begin_with(size_t max_operations);
void world_begin(void);
void world_end(void);
void world_turn(void);
void world_on_job(void *user, const void *item);
void world_on_text(void *user, const void *item);
void world_on_done(void *user, uint32_t status, const char *sentence);
struct lucius_text world_text(const char *string);
struct lucius_op world_load(const char *job_id, uint64_t timeout_ms);
struct lucius_op world_own(void);
void world_give_job(struct lucius_op op, const char *job_id);
void world_finish(struct lucius_op op, uint32_t status, const char *sentence);

#endif
