/* SPDX-License-Identifier: MIT */
/* The backend's own mending, a page of rows at a time: slots, then jobs, then slots again. */
#ifndef SUPPORT_JOBTABLES_REPAIR_H
#define SUPPORT_JOBTABLES_REPAIR_H

#include <lucius/storage.h>

#include "support/jobtables/backend.h"

void repair_start(
        struct jobtables *backend, const struct lucius_repair *repair, struct lucius_op op);

#endif
