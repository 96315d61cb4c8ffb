/* SPDX-License-Identifier: MIT */
/*
 * Answers of the Table service: read as the answer to each kind of request, with rows, batches,
 * errors in JSON and XML, cut anywhere. Rows that come out are read as jobs' rows. The input is a
 * status ("202"), header lines, an empty line, the body.
 */
#include <stdlib.h>
#include <string.h>

#include "support/base/memory.h"
#include "support/jobtables/delta.h"
#include "support/jobtables/job_entity.h"
#include "support/tables/ask.h"
#include "tests/fuzz/fuzz.h"

#define N_WRITES 3

static void must(int condition)
{
	if (!condition) {
		abort();
	}
}

static void read_delta(struct lucius_text text)
{
	struct delta delta;
	if (delta_read(&delta, text.data, text.size)) {
		struct text again = { 0 };
		struct delta same;
		delta_write(&again, delta.change, &delta, NULL, 0);
		must(delta_read(&same, text_of(&again), again.size));
		must(same.change == delta.change && same.n_fields == delta.n_fields);
		delta_finish(&same);
		text_finish(&again);
		delta_finish(&delta);
	}
}

static void read_row(const json_t *row)
{
	struct bytes packed = { 0 };
	job_entity_pack(row, &packed);
	must(fields_count(bytes_text(&packed)) >= 0);
	must(fields_count(bytes_text(&packed)) <= (int64_t)json_object_size(row));
	bytes_finish(&packed);
	read_delta(row_text(row, "step_0000"));
	(void)row_is_shown(row);
	(void)row_integer(row, "meta_change");
}

static void check_result(const struct ask *ask, const struct tables_result *result)
{
	must(result->status == TABLES_OK || result->sentence != NULL);
	if (result->status != TABLES_OK) {
		must(ask->kind != ASK_TRANSACT || result->failed < N_WRITES);
		return;
	}
	for (size_t i = 0; ask->kind == ASK_TRANSACT && i < N_WRITES; i++) {
		must(result->etags != NULL &&
		        (result->etags[i] == NULL || strlen(result->etags[i]) < 100000));
	}
	if (ask->kind == ASK_GET) {
		must(json_is_object(result->row));
		read_row(result->row);
	}
	for (size_t i = 0; ask->kind == ASK_QUERY && i < json_array_size(result->rows); i++) {
		const json_t *row = json_array_get(result->rows, i);
		if (json_is_object(row)) {
			read_row(row);
		}
	}
}

static void read_as(enum ask_kind kind, const struct fetch_answer *answer)
{
	static char account[] = "account";
	static char endpoint[] = "https://account.table.core.windows.net";
	struct tables tables = { .storage = { .account = account, .endpoint = endpoint } };
	struct answer_holder holder = { 0 };
	struct tables_result result;
	struct ask ask = { .tables = &tables, .kind = kind, .n_writes = N_WRITES };
	answer_read(&ask, answer, &holder, &result);
	check_result(&ask, &result);
	answer_holder_finish(&holder);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static const enum ask_kind kinds[] = { ASK_WRITE, ASK_TRANSACT, ASK_GET, ASK_QUERY,
		ASK_MAKE_TABLE };
	char *text = must_copy(bytes, size);
	char *body = strstr(text, "\n\n");
	size_t head_size = body != NULL ? (size_t)(body - text) : 0;
	body = body != NULL ? body + 2 : text;
	/* Each with a NUL behind it, as the client gives them. */
	char *headers = must_copy(text, head_size);
	size_t body_size = size - (size_t)(body - text);
	char *own_body = must_copy(body, body_size);
	int status = (int)strtol(text, NULL, 10);
	struct fetch_answer answer = {
		.outcome = FETCH_ANSWERED,
		.status = status >= 100 && status <= 599 ? status : 200,
		.headers = headers,
		.body = own_body,
		.body_size = body_size,
	};
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		read_as(kinds[i], &answer);
	}
	read_delta((struct lucius_text){ own_body, body_size });
	free(own_body);
	free(headers);
	free(text);
	return 0;
}
