/* SPDX-License-Identifier: MIT */
/* Changing a job: one compare-and-swap of its row, with steps and events in the same write. */
#ifndef SUPPORT_JOBTABLES_SAVE_H
#define SUPPORT_JOBTABLES_SAVE_H

#include <lucius/storage.h>

#include "support/jobtables/backend.h"

void save_start(struct jobtables *backend, const struct lucius_job *job, struct lucius_op op);

#endif
