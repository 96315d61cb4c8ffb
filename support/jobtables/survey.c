/* SPDX-License-Identifier: MIT */
/*
 * The map: survey_start ─► slots of that number and above, of all tenants, by pages ─► on_rows
 *                                                            └─► one is there, or that was all
 */
#include "support/jobtables/survey.h"

#include <stdlib.h>

#include "support/base/memory.h"
#include "support/jobtables/backend.h"

#define AGAIN_MS 60000u /* after a survey that has failed, or found one */

struct survey {
	struct chain chain;
	char *filter; /* owned */
};

static void destroy(struct chain *chain)
{
	free(((struct survey *)chain)->filter);
	free(chain);
}

static void finish(struct survey *survey, bool is_clear)
{
	slots_survey_end(survey->chain.backend->slots, is_clear);
	chain_end(&survey->chain);
}

static void query(struct survey *survey, const char *next);

static void on_rows(void *user, const struct tables_result *result)
{
	struct survey *survey = user;
	bool is_clear = result->status == TABLES_OK && json_array_size(result->rows) == 0;
	if (is_clear && result->next != NULL) {
		query(survey, result->next);
	} else {
		finish(survey, is_clear);
	}
}

static void query(struct survey *survey, const char *next)
{
	struct jobtables *backend = survey->chain.backend;
	tables_query(backend->tables,
	        &(struct tables_query){
	                .table = backend->layout.slots,
	                .filter = survey->filter,
	                .select = "PartitionKey,RowKey",
	                .top = 1,
	                .next = next,
	        },
	        on_rows, survey);
}

void survey_start(struct jobtables *backend, uint32_t limit)
{
	uint64_t now_ms = backend->host->now_ms(backend->host);
	bool is_soon = backend->surveyed_ms != 0 && now_ms - backend->surveyed_ms < AGAIN_MS;
	if (is_soon || !slots_survey_begin(backend->slots, limit)) {
		return;
	}
	backend->surveyed_ms = now_ms;
	if (limit >= LAYOUT_MAX_SLOTS) {
		slots_survey_end(backend->slots, true); /* there are no such numbers */
		return;
	}
	struct survey *survey = must_calloc(1, sizeof(*survey));
	chain_begin(backend, &survey->chain, (struct lucius_op){ 0 }, destroy);
	survey->filter = must_print("%sRowKey ge 'slot:%04u'",
	        backend->layout.is_ledger ? "PartitionKey gt 'S:' and PartitionKey lt 'S;' and "
	                                  : "",
	        (unsigned)limit);
	query(survey, NULL);
}
