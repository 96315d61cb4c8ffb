/* SPDX-License-Identifier: MIT */
/* Giving back the slot of a job that has ended. */
#ifndef SUPPORT_JOBTABLES_RELEASE_H
#define SUPPORT_JOBTABLES_RELEASE_H

#include <lucius/storage.h>

#include "support/jobtables/backend.h"

void release_start(struct jobtables *backend, const struct lucius_job *job, struct lucius_op op);

#endif
