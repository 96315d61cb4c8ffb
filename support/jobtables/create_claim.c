/* SPDX-License-Identifier: MIT */
/*
 * The claim: read it, look at the job that it names, decide whether it is to be had. A job that is
 * not committed yet is waited for; at last it is kept from ever being committed. Most commands are
 * new: their claim is not read but inserted (create.c), and only if it is there does this begin.
 *
 *   claim_read ─► on_claim ─► FREE
 *                    └─► HELD: claim_judge ─► holder's row ─► on_holder ─► DUPLICATE, KEY_CONFLICT
 *                                                    ├─► FREE
 *                                                    └─► wait, or fence ─► UNREAD
 */
#include <stdlib.h>
#include <string.h>

#include "support/base/fault.h"
#include "support/base/memory.h"
#include "support/hash/hash.h"
#include "support/jobtables/creation.h"
#include "support/jobtables/reading.h"

#define MAX_WAITS 12u
#define WAIT_LEAST_MS 10u
#define WAIT_MORE_MS 60u

static bool is_by_key(const struct creation *creation)
{
	return creation->parts[PART_CLAIM].place.row[0] == 'k';
}

static uint64_t hash_of_claim(const struct creation *creation)
{
	const struct place *place = &creation->parts[PART_CLAIM].place;
	struct hash_key key = { 0 };
	key.k0 = hash_bytes(&key, place->partition, strlen(place->partition));
	return hash_bytes(&key, place->row, strlen(place->row));
}

static uint64_t *place_of_claim(const struct creation *creation)
{
	uint64_t hash = hash_of_claim(creation);
	return &creation->chain.backend->claims_met[(hash >> 32) % JOBTABLES_CLAIMS_MET];
}

bool claim_is_met(const struct creation *creation)
{
	return *place_of_claim(creation) == hash_of_claim(creation);
}

void claim_meet(struct creation *creation)
{
	*place_of_claim(creation) = hash_of_claim(creation);
}

static void take_claim(struct creation *creation, const struct tables_result *result)
{
	const json_t *row = result->row;
	known_set(&creation->claim_etag, result->etag);
	creation->claim = CLAIM_HELD;
	claim_meet(creation);
	known_set(&creation->holder_id, row_text(row, "job_id").data);
	known_set(&creation->holder_bucket, row_text(row, "tenant_bucket").data);
	known_set(&creation->holder_hash, row_text(row, "idempotency_hash").data);
}

static void on_claim(void *user, const struct tables_result *result)
{
	struct creation *creation = user;
	if (result->status == TABLES_MISSING) {
		creation->claim = CLAIM_FREE;
		known_set(&creation->claim_etag, NULL);
	} else if (result->status == TABLES_OK && result->etag != NULL) {
		take_claim(creation, result);
	} else {
		creation_fail(creation, result);
	}
	creation_close(creation);
}

void claim_read(struct creation *creation)
{
	const struct place *place = &creation->parts[PART_CLAIM].place;
	creation->n_open++;
	tables_get(creation->chain.backend->tables, place->table, place->partition, place->row,
	        on_claim, creation);
}

static void on_fenced(void *user, const struct tables_result *result)
{
	struct creation *creation = user;
	bool is_answered = result->status == TABLES_OK || result->status == TABLES_CHANGED ||
	        result->status == TABLES_MISSING;
	if (!is_answered) {
		creation_fail(creation, result);
	}
	creation->claim = CLAIM_UNREAD;
	creation_close(creation);
}

static void fence(struct creation *creation, const struct reading *reading)
{
	struct jobtables *backend = creation->chain.backend;
	struct rows rows = { 0 };
	struct place place = layout_job(&backend->layout, text_view(creation->holder_bucket),
	        text_view(creation->holder_id));
	struct entity *entity = rows_begin(&rows, TABLES_MERGE, &place, reading_etag(reading));
	entity_add_string(entity, "state", STATE_ABORTED);
	(void)rows_end(&rows);
	creation->n_open++;
	tables_write(
	        backend->tables, &rows.writes[0], &(struct tables_care){ 0 }, on_fenced, creation);
	rows_finish(&rows);
}

static void on_waited(void *user)
{
	struct creation *creation = user;
	creation->wait = NULL;
	creation->claim = CLAIM_UNREAD;
	creation_close(creation);
}

static void be_free(struct creation *creation)
{
	creation->claim = CLAIM_FREE;
}

static void wait_or_fence(struct creation *creation, const struct reading *reading)
{
	const struct lucius_host *host = creation->chain.backend->host;
	if (++creation->n_claim_waits > MAX_WAITS) {
		if (FAULT(claim_taken_without_fence)) {
			be_free(creation);
		} else {
			fence(creation, reading);
		}
		return;
	}
	uint32_t wait_ms = WAIT_LEAST_MS + backend_random(creation->chain.backend) % WAIT_MORE_MS;
	creation->n_open++;
	creation->wait = host->timer_start(host, wait_ms, on_waited, creation);
}

static void answer_duplicate(struct creation *creation, const struct reading *reading)
{
	char revision[REVISION_MAX + 1];
	bool is_other = is_by_key(creation) &&
	        !text_is(text_view(creation->holder_hash), creation->command->idempotency_hash);
	if (is_other) {
		creation_decide(creation, LUCIUS_KEY_CONFLICT, NULL);
		return;
	}
	const json_t *row = reading_row(reading);
	revision_write(revision, row_integer(row, "meta_change"), reading_etag(reading));
	struct lucius_job head = job_head(row, revision);
	chain_give(&creation->chain, &head);
	creation_decide(creation, LUCIUS_DUPLICATE, NULL);
}

static void on_holder(void *user, struct reading *reading)
{
	struct creation *creation = user;
	const json_t *row = reading_row(reading);
	enum tables_status status = reading_status(reading);
	if (status == TABLES_MISSING || (row != NULL && row_is(row, "state", STATE_ABORTED))) {
		be_free(creation);
	} else if (row == NULL) {
		creation_fail(creation,
		        &(struct tables_result){
		                .status = status, .sentence = reading_sentence(reading) });
	} else if (row_is(row, "state", STATE_PREPARING)) {
		wait_or_fence(creation, reading);
	} else if (!is_by_key(creation) && state_is_in_vain(row_text(row, "state"))) {
		be_free(creation);
	} else {
		answer_duplicate(creation, reading);
	}
	creation_close(creation);
}

void claim_judge(struct creation *creation)
{
	struct part *job = &creation->parts[PART_JOB];
	if (job->state == PART_DONE && strcmp(creation->holder_id, creation->job_id) == 0) {
		/* It names this job, whose row this creation has made: a lost answer was a success.
		 */
		creation->claim = CLAIM_WON;
		creation->parts[PART_CLAIM].state = PART_DONE;
		known_set(&creation->parts[PART_CLAIM].etag, creation->claim_etag);
		return;
	}
	struct reading_wish wish = { .job_id = text_view(creation->holder_id),
		.bucket = text_view(creation->holder_bucket) };
	creation->n_open++;
	reading_start(creation->chain.backend, &wish, on_holder, creation);
}
