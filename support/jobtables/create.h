/* SPDX-License-Identifier: MIT */
/* Accepting a command: rows, claim and slot, committed by one compare-and-swap of the job's row. */
#ifndef SUPPORT_JOBTABLES_CREATE_H
#define SUPPORT_JOBTABLES_CREATE_H

#include <lucius/storage.h>

#include "support/jobtables/backend.h"

void create_start(
        struct jobtables *backend, const struct lucius_command *command, struct lucius_op op);

#endif
