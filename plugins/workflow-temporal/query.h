/* SPDX-License-Identifier: MIT */
/* Queries: where a run stands, for people and for Temporal's tools. */
#ifndef WORKFLOW_TEMPORAL_QUERY_H
#define WORKFLOW_TEMPORAL_QUERY_H

#include "messages.pb-c.h"
#include "plugins/workflow-temporal/replay.h"

/* The answer; in the pool. With a replay that came to nothing it says why. */
Wire__QueryResult *query_answer(struct pool *pool, const struct replay *replay,
        const struct lucius_definition *definition, const Wire__Query *query);
/* What the first task must record: the member `pinned` of where the run stands; empty: nothing. */
struct lucius_text query_pinned(
        struct pool *pool, const struct replay *replay, const struct lucius_definition *definition);

#endif
