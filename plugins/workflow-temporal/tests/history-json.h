/* SPDX-License-Identifier: MIT */
/* Histories as `temporal workflow show --output json` exports them, as messages. */
#ifndef WORKFLOW_TEMPORAL_TESTS_HISTORY_JSON_H
#define WORKFLOW_TEMPORAL_TESTS_HISTORY_JSON_H

#include "messages.pb-c.h"
#include "plugins/workflow-temporal/pool.h"

/* All in the pool. NULL: the file is no such export, which standard error says. */
Wire__History *history_json_load(struct pool *pool, const char *path);

#endif
