/* SPDX-License-Identifier: MIT */
/* The operations of include/lucius/storage.h for an instance that begins with a struct jobtables:
 * what a plugin puts into its tables. */
#ifndef SUPPORT_JOBTABLES_OPERATIONS_H
#define SUPPORT_JOBTABLES_OPERATIONS_H

#include <lucius/storage.h>

void operation_start(void *self, struct lucius_op op);
void operation_stop(void *self, struct lucius_op op);
void operation_destroy(void *self);
void operation_health(void *self, struct lucius_op op);

void operation_info(void *self, struct lucius_storage_info *info);
void operation_create(void *self, const struct lucius_command *command, struct lucius_op op);
void operation_load(void *self, struct lucius_text job_id, struct lucius_op op);
void operation_save(void *self, const struct lucius_job *job, struct lucius_op op);
void operation_release(void *self, const struct lucius_job *job, struct lucius_op op);
void operation_scan(void *self, struct lucius_text cursor, uint32_t limit, struct lucius_op op);
void operation_repair(void *self, const struct lucius_repair *repair, struct lucius_op op);
void operation_own(void *self, const struct lucius_ownership *ownership, struct lucius_op op);
void operation_list(void *self, const struct lucius_listing *listing, struct lucius_op op);
void operation_events(void *self, struct lucius_text job_id, struct lucius_op op);

#endif
