/* SPDX-License-Identifier: MIT */
/*
 * The map, each line side by side; a repeat or a full tenant leaves at any of them through undo:
 *
 *   (slots, if no room is known) · (claim, if that is so or the command may be a repeat)
 *   job's row
 *   slot · claim · steps · index · listing; what was lost is tried again: another slot, the claim
 *   after it has been read
 *   commit
 *
 * The job's row is inserted once, never repeated: an insert that comes late must not bring back
 * what somebody has fenced away. All else may be sent twice: claim and slot know their own token.
 */
#include "support/jobtables/create.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/base/fault.h"
#include "support/base/memory.h"
#include "support/jobtables/creation.h"
#include "support/jobtables/reading.h"
#include "support/tables/table_key.h"

#define MAX_TURNS 200u

static void destroy(struct chain *chain)
{
	struct creation *creation = (struct creation *)chain;
	if (creation->wait != NULL) {
		chain->backend->host->timer_stop(chain->backend->host, creation->wait);
	}
	slots_forget_waiter(creation->tenant, &creation->waiter);
	slots_let_go(chain->backend->slots, creation->tenant);
	for (size_t i = 0; i < N_PARTS; i++) {
		place_finish(&creation->parts[i].place);
		free(creation->parts[i].etag);
	}
	rows_finish(&creation->job_rows);
	rows_finish(&creation->step_rows);
	rows_finish(&creation->last_rows);
	for (size_t i = 0; i < creation->n_row_etags; i++) {
		free(creation->row_etags[i]);
	}
	free(creation->row_etags);
	free(creation->claim_etag);
	free(creation->holder_id);
	free(creation->holder_bucket);
	free(creation->holder_hash);
	json_decref(creation->slot_rows);
	free(creation->looks);
	free(creation->job_id);
	free(creation->tenant_id);
	free(creation);
}

bool creation_is_decided(const struct creation *creation)
{
	return creation->outcome != LUCIUS_N_STATUSES;
}

void creation_decide(struct creation *creation, uint32_t outcome, const char *sentence)
{
	if (!creation_is_decided(creation)) {
		creation->outcome = outcome;
		(void)snprintf(creation->sentence, sizeof(creation->sentence), "%s",
		        sentence != NULL ? sentence : "");
	}
}

void creation_fail(struct creation *creation, const struct tables_result *result)
{
	uint32_t status = status_of_tables(result->status);
	/* Before the commit nothing has been accepted, whatever a request may have done. */
	bool is_telling =
	        status == LUCIUS_DENIED || status == LUCIUS_TOO_LARGE || status == LUCIUS_INTERNAL;
	creation_decide(creation, is_telling ? status : LUCIUS_UNAVAILABLE, result->sentence);
}

void creation_finish(struct creation *creation)
{
	room_give_back(creation);
	chain_answer(&creation->chain, creation->outcome,
	        creation->sentence[0] != '\0' ? creation->sentence : NULL);
	chain_end(&creation->chain);
}

void creation_close(struct creation *creation)
{
	creation->n_open--;
	creation_go(creation);
}

/* Gives the new job's head and remembers what is known of it. Etag: of the commit; NULL: the row
 * has changed since, and the job is not any more what the caller has. Then the revision is an old
 * one, so that his next change meets a conflict and loads the job. */
static void succeed(struct creation *creation, const char *etag)
{
	struct jobtables *backend = creation->chain.backend;
	const struct lucius_job *job = creation->command->job;
	char revision[REVISION_MAX + 1];
	struct lucius_job head = *job;
	revision_write(revision, 0, etag != NULL ? etag : creation->parts[PART_JOB].etag);
	head.size = (uint32_t)sizeof(head);
	head.revision = text_view(revision);
	head.fields = NULL;
	head.n_fields = 0;
	head.steps = NULL;
	head.n_steps = 0;
	head.events = NULL;
	head.n_events = 0;
	struct known_job *known = etag != NULL ? known_put(backend->known, job->job_id) : NULL;
	if (known != NULL) {
		known_set(&known->bucket, job->tenant_bucket.data);
		known_set(&known->etag, etag);
		known_set(&known->slot_row, creation->parts[PART_SLOT].place.row);
		known_set(&known->slot_etag, creation->parts[PART_SLOT].etag);
	}
	for (uint64_t i = 0; known != NULL && !backend->layout.is_ledger && i < job->n_steps; i++) {
		struct known_step *step = known_step_put(
		        known, job->steps[i]->step_index, creation->step_rows.drafts[i]->place.row);
		step->row_change = 0;
		known_set(&step->etag,
		        i + 1 < creation->n_row_etags ? creation->row_etags[i + 1] : NULL);
	}
	slots_taken(creation->tenant, creation->number, job->job_id, true);
	creation->has_number = false;
	chain_give(&creation->chain, &head);
	creation_decide(creation, LUCIUS_OK, NULL);
	creation_finish(creation);
}

/* Whether the commit has happened is in the row. */
static void on_looked_back(void *user, struct reading *reading)
{
	struct creation *creation = user;
	const json_t *row = reading_row(reading);
	bool is_aborted = reading_status(reading) == TABLES_MISSING ||
	        (row != NULL && row_is(row, "state", STATE_ABORTED));
	if (row_is_shown(row)) {
		bool is_as_created = row_integer(row, "meta_change") == 0;
		succeed(creation, is_as_created ? reading_etag(reading) : NULL);
	} else if (is_aborted) {
		creation->is_undone = true;
		creation_decide(creation, LUCIUS_UNAVAILABLE,
		        "The command took so long that another one has put it aside.");
		undo_start(creation);
	} else {
		creation_decide(creation, LUCIUS_UNKNOWN,
		        "The table service has not said whether the job was accepted.");
		creation_finish(creation);
	}
}

static void look_back(struct creation *creation)
{
	struct reading_wish wish = { .job_id = creation->command->job->job_id,
		.bucket = creation->command->job->tenant_bucket };
	reading_start(creation->chain.backend, &wish, on_looked_back, creation);
}

static void on_committed(void *user, const struct tables_result *result)
{
	struct creation *creation = user;
	if (result->status == TABLES_OK && result->etag != NULL) {
		succeed(creation, result->etag);
	} else if (!FAULT(commit_in_doubt_undone) &&
	        (result->status == TABLES_OK || result->status == TABLES_CHANGED ||
	                result->status == TABLES_MISSING || result->status == TABLES_UNKNOWN)) {
		look_back(creation);
	} else {
		creation_fail(creation, result);
		undo_start(creation);
	}
}

static void commit(struct creation *creation)
{
	const struct part *slot = &creation->parts[PART_SLOT];
	const struct part *job = &creation->parts[PART_JOB];
	const struct lucius_text state = creation->command->job->state;
	struct place place = place_copy(&job->place);
	const char *etag = FAULT(commit_by_any_etag) ? "*" : job->etag;
	struct entity *entity = rows_begin(&creation->last_rows, TABLES_MERGE, &place, etag);
	entity_add_text(entity, "state", state.data, state.size);
	entity_add_string(entity, "meta_slot", slot->place.row);
	entity_add_string(entity, "meta_slot_etag", slot->etag);
	entity_add_string(entity, "meta_write", creation->token);
	(void)rows_end(&creation->last_rows);
	struct tables_care care = { .token = creation->token };
	groups_write(creation->chain.backend->groups, &creation->last_rows.writes[0], &care,
	        on_committed, creation);
}

/* ETags of rows that were written together, from place `first` on. */
static void keep_etags(
        struct creation *creation, const struct tables_result *result, size_t first, size_t n)
{
	size_t n_all = first + n;
	if (creation->n_row_etags < n_all) {
		creation->row_etags =
		        must_resize(creation->row_etags, n_all, sizeof(*creation->row_etags));
		for (size_t i = creation->n_row_etags; i < n_all; i++) {
			creation->row_etags[i] = NULL;
		}
		creation->n_row_etags = n_all;
	}
	for (size_t i = 0; i < n; i++) {
		const char *etag = result->etags != NULL ? result->etags[i]
		        : n == 1                         ? result->etag
		                                         : NULL;
		known_set(&creation->row_etags[first + i], etag);
	}
}

static void on_job(void *user, const struct tables_result *result)
{
	struct creation *creation = user;
	struct part *job = &creation->parts[PART_JOB];
	if (result->status == TABLES_OK && result->etag != NULL) {
		job->state = PART_DONE;
		known_set(&job->etag, result->etag);
		keep_etags(creation, result, 0, creation->job_rows.n_writes);
	} else if (result->status == TABLES_EXISTS) {
		/* By another creation: of the same command, or by a bug. The claim will tell. */
		job->state = PART_ABSENT;
		creation->is_id_taken = true;
		creation->claim = creation->claim == CLAIM_UNTRIED ? CLAIM_UNREAD : creation->claim;
	} else {
		bool is_known = result->status == TABLES_UNAVAILABLE ||
		        result->status == TABLES_TOO_LARGE || result->status == TABLES_DENIED ||
		        result->status == TABLES_NO_TABLE || result->status == TABLES_REFUSED;
		job->state = is_known ? PART_ABSENT : PART_IN_DOUBT;
		creation_fail(creation, result);
	}
	creation_close(creation);
}

static void insert_job(struct creation *creation)
{
	struct jobtables *backend = creation->chain.backend;
	const struct rows *rows = &creation->job_rows;
	struct tables_care care = { .is_once = true };
	creation->n_open++;
	creation->parts[PART_JOB].state = PART_IN_DOUBT;
	if (rows->n_writes == 1) {
		groups_write(backend->groups, &rows->writes[0], &care, on_job, creation);
	} else {
		tables_transact(
		        backend->tables, rows->list, rows->n_writes, &care, on_job, creation);
	}
}

static void on_steps(void *user, const struct tables_result *result)
{
	struct creation *creation = user;
	if (result->status == TABLES_OK) {
		creation->steps_state = PART_DONE;
		keep_etags(creation, result, 1, creation->step_rows.n_writes);
	} else if (result->status == TABLES_EXISTS) {
		/* They were sent twice: nobody else writes rows of this job's steps. */
		creation->steps_state = PART_DONE;
	} else {
		creation_fail(creation, result);
	}
	creation_close(creation);
}

static void write_steps(struct creation *creation)
{
	struct jobtables *backend = creation->chain.backend;
	const struct rows *rows = &creation->step_rows;
	creation->steps_state = PART_IN_DOUBT;
	creation->n_open++;
	if (rows->n_writes == 1) {
		tables_write(backend->tables, &rows->writes[0], &(struct tables_care){ 0 },
		        on_steps, creation);
	} else {
		tables_transact(backend->tables, rows->list, rows->n_writes,
		        &(struct tables_care){ 0 }, on_steps, creation);
	}
}

static void on_claim(void *user, const struct tables_result *result)
{
	struct creation *creation = user;
	struct part *claim = &creation->parts[PART_CLAIM];
	claim->state = PART_ABSENT;
	if (result->status == TABLES_OK) {
		claim->state = PART_DONE;
		creation->claim = CLAIM_WON;
		claim_meet(creation);
		known_set(&claim->etag, result->etag);
	} else if (result->status == TABLES_EXISTS || result->status == TABLES_CHANGED ||
	        result->status == TABLES_MISSING) {
		creation->claim = CLAIM_UNREAD;
	} else {
		claim->state = PART_IN_DOUBT;
		creation_fail(creation, result);
	}
	creation_close(creation);
}

static void on_slot(void *user, const struct tables_result *result)
{
	struct creation *creation = user;
	struct part *slot = &creation->parts[PART_SLOT];
	slot->state = PART_ABSENT;
	if (result->status == TABLES_OK && result->etag != NULL) {
		slot->state = PART_DONE;
		known_set(&slot->etag, result->etag);
	} else if (result->status == TABLES_EXISTS) {
		slots_taken(
		        creation->tenant, creation->number, (struct lucius_text){ "", 0 }, false);
		creation->has_number = false;
		creation->is_looked = false;
		creation->n_mendings = 0;
	} else {
		slot->state = PART_IN_DOUBT;
		creation_fail(creation, result);
	}
	creation_close(creation);
}

static void on_pointer(
        struct creation *creation, struct part *part, const struct tables_result *result)
{
	part->state = PART_DONE;
	if (result->status != TABLES_OK) {
		part->state = PART_IN_DOUBT;
		creation_fail(creation, result);
	}
	creation_close(creation);
}

static void on_index(void *user, const struct tables_result *result)
{
	struct creation *creation = user;
	on_pointer(creation, &creation->parts[PART_INDEX], result);
}

static void on_listing(void *user, const struct tables_result *result)
{
	struct creation *creation = user;
	on_pointer(creation, &creation->parts[PART_LISTING], result);
}

/* What each of these rows says of the job. */
static void fill_pointer(
        const struct creation *creation, enum part_kind kind, struct entity *entity)
{
	const struct lucius_command *command = creation->command;
	const struct lucius_job *job = command->job;
	entity_add_text(entity, "job_id", job->job_id.data, job->job_id.size);
	entity_add_text(entity, "tenant_id", job->tenant_id.data, job->tenant_id.size);
	entity_add_text(entity, "tenant_bucket", job->tenant_bucket.data, job->tenant_bucket.size);
	if (kind == PART_CLAIM) {
		entity_add_text(entity, "idempotency_hash", command->idempotency_hash.data,
		        command->idempotency_hash.size);
	}
	if (kind == PART_SLOT) {
		entity_add_string(entity, "claim_key", creation->parts[PART_CLAIM].place.row);
		entity_add_string(entity, "meta_listing", creation->parts[PART_LISTING].place.row);
	}
	if (FAULT(state_kept_in_listing) && kind == PART_LISTING) {
		entity_add_text(entity, "state", job->state.data, job->state.size);
	}
	if (kind == PART_SLOT || kind == PART_CLAIM) {
		entity_add_string(entity, "meta_write", creation->token);
	}
}

static void write_part(struct creation *creation, enum part_kind kind, enum tables_verb verb,
        const char *etag, tables_done_fn on_done)
{
	struct rows rows = { 0 };
	struct place place = place_copy(&creation->parts[kind].place);
	fill_pointer(creation, kind, rows_begin(&rows, verb, &place, etag));
	creation->n_open++;
	if (!rows_end(&rows)) {
		creation_decide(creation, LUCIUS_TOO_LARGE, rows.fault);
		creation_close(creation);
	} else {
		bool has_token = kind == PART_SLOT || kind == PART_CLAIM;
		struct tables_care care = { .token = has_token ? creation->token : NULL };
		creation->parts[kind].state = PART_IN_DOUBT;
		groups_write(
		        creation->chain.backend->groups, &rows.writes[0], &care, on_done, creation);
	}
	rows_finish(&rows);
}

/* Starts what is missing before the commit; false: nothing is. */
static bool write_missing(struct creation *creation)
{
	const struct part *parts = creation->parts;
	unsigned n_open = creation->n_open;
	if (parts[PART_SLOT].state != PART_DONE) {
		write_part(creation, PART_SLOT, TABLES_INSERT, NULL, on_slot);
	}
	if (creation->claim != CLAIM_WON) {
		enum tables_verb verb = creation->claim_etag != NULL ? TABLES_MERGE : TABLES_INSERT;
		write_part(creation, PART_CLAIM, verb, creation->claim_etag, on_claim);
	}
	if (creation->step_rows.n_writes != 0 && creation->steps_state != PART_DONE) {
		write_steps(creation);
	}
	if (parts[PART_INDEX].place.row != NULL && parts[PART_INDEX].state != PART_DONE) {
		write_part(creation, PART_INDEX, TABLES_UPSERT, NULL, on_index);
	}
	if (parts[PART_LISTING].state != PART_DONE) {
		write_part(creation, PART_LISTING, TABLES_UPSERT, NULL, on_listing);
	}
	creation->is_written = creation->is_written || creation->n_open != n_open;
	return creation->n_open != n_open;
}

/* Begins all that can be begun. True: it is time to commit. */
static bool advance(struct creation *creation)
{
	bool is_at_hand = room_reserve(creation);
	if (creation->claim == CLAIM_UNTRIED && !is_at_hand) {
		creation->claim = CLAIM_UNREAD;
	}
	bool is_judged = creation->claim == CLAIM_FREE || creation->claim == CLAIM_WON;
	if (is_judged && creation->is_id_taken) {
		creation_decide(creation, LUCIUS_INTERNAL,
		        "The id of a new job is taken by another command's.");
		return false;
	}
	/* Whether the tenant is full is decided only when the command is known to be no repeat. */
	bool has_room = is_at_hand || ((is_judged || !creation->is_looked) && room_find(creation));
	if (creation->claim == CLAIM_UNREAD) {
		claim_read(creation);
	} else if (creation->claim == CLAIM_HELD) {
		claim_judge(creation);
	}
	bool is_inserted = creation->parts[PART_JOB].state == PART_DONE;
	bool is_open = is_judged || creation->claim == CLAIM_UNTRIED;
	if (has_room && is_open && !is_inserted && !creation->is_id_taken) {
		insert_job(creation);
	}
	bool has_row = is_inserted || FAULT(claim_before_row);
	bool is_ready = has_room && is_open && has_row && !creation_is_decided(creation);
	return is_ready && !write_missing(creation);
}

void creation_go(struct creation *creation)
{
	if (creation->n_open != 0) {
		return;
	}
	if (++creation->n_turns > MAX_TURNS) {
		creation_decide(creation, LUCIUS_UNAVAILABLE,
		        "Others keep taking what this command wants; try again.");
	}
	if (creation_is_decided(creation)) {
		undo_start(creation);
		return;
	}
	creation->n_open++;
	if (advance(creation)) {
		commit(creation);
	} else {
		creation_close(creation);
	}
}

/* Names the steps' rows, so that they can be asked for without a query. */
static void name_steps(struct entity *entity, const struct lucius_job *job)
{
	struct text keys = { 0 };
	for (uint64_t i = 0; i < job->n_steps; i++) {
		text_print(
		        &keys, "%s%04u:", i != 0 ? "," : "", (unsigned)job->steps[i]->step_index);
		table_key_add(&keys, job->steps[i]->step_id.data, job->steps[i]->step_id.size);
	}
	if (keys.size != 0) {
		entity_add_string(entity, "meta_steps", text_of(&keys));
	}
	text_finish(&keys);
}

static void build_job(struct creation *creation)
{
	const struct layout *layout = &creation->chain.backend->layout;
	const struct lucius_job *job = creation->command->job;
	struct place place = place_copy(&creation->parts[PART_JOB].place);
	struct entity *entity = rows_begin(&creation->job_rows, TABLES_INSERT, &place, NULL);
	job_entity_add(entity, job->fields, job->n_fields, "state");
	entity_add_string(entity, "state", STATE_PREPARING);
	entity_add_integer(entity, "meta_change", 0);
	entity_add_string(entity, "meta_claim", creation->parts[PART_CLAIM].place.row);
	entity_add_string(entity, "meta_listing", creation->parts[PART_LISTING].place.row);
	name_steps(entity, job);
	struct rows *step_rows = layout->is_ledger ? &creation->job_rows : &creation->step_rows;
	for (uint64_t i = 0; i < job->n_steps; i++) {
		const struct lucius_step *step = job->steps[i];
		place = layout_step(layout, job->job_id, step->step_index, step->step_id);
		/* Not upserted: one that comes late must not undo a change. */
		entity = rows_begin(step_rows, TABLES_INSERT, &place, NULL);
		job_entity_add(entity, step->fields, step->n_fields, NULL);
		entity_add_integer(entity, "meta_change", 0);
	}
	if (layout->is_ledger) {
		rows_add_events(&creation->job_rows, layout, job);
	}
}

static bool fits(struct creation *creation)
{
	const struct lucius_job *job = creation->command->job;
	if (job->n_steps > LAYOUT_MAX_STEPS) {
		(void)snprintf(creation->sentence, sizeof(creation->sentence),
		        "The job has %llu steps, the most is %u.", (unsigned long long)job->n_steps,
		        LAYOUT_MAX_STEPS);
		return false;
	}
	struct rows *both[] = { &creation->job_rows, &creation->step_rows };
	for (size_t i = 0; i < 2; i++) {
		if (both[i]->n_drafts != 0 && !rows_end(both[i])) {
			(void)snprintf(creation->sentence, sizeof(creation->sentence), "%s",
			        both[i]->fault);
			return false;
		}
	}
	return true;
}

static void find_places(struct creation *creation)
{
	const struct layout *layout = &creation->chain.backend->layout;
	const struct lucius_command *command = creation->command;
	const struct lucius_job *job = command->job;
	struct part *parts = creation->parts;
	parts[PART_JOB].place = layout_job(layout, job->tenant_bucket, job->job_id);
	parts[PART_CLAIM].place = layout_claim(
	        layout, job->tenant_id, command->idempotency_key, command->idempotency_hash);
	parts[PART_LISTING].place =
	        layout_listing(layout, job->tenant_id, job->created_at, job->job_id);
	if (!layout->is_ledger) {
		parts[PART_INDEX].place = layout_index(layout, job->job_id);
	}
}

void create_start(
        struct jobtables *backend, const struct lucius_command *command, struct lucius_op op)
{
	struct creation *creation = must_calloc(1, sizeof(*creation));
	chain_begin(backend, &creation->chain, op, destroy);
	creation->command = command;
	creation->job_id = must_copy(command->job->job_id.data, command->job->job_id.size);
	creation->tenant_id = must_copy(command->job->tenant_id.data, command->job->tenant_id.size);
	creation->tenant = slots_hold(backend->slots, command->job->tenant_id);
	creation->slot_rows = json_array();
	creation->outcome = LUCIUS_N_STATUSES;
	tables_token(creation->token);
	find_places(creation);
	build_job(creation);
	creation->claim = claim_is_met(creation) ? CLAIM_UNREAD : CLAIM_UNTRIED;
	if (fits(creation)) {
		creation_go(creation);
	} else {
		creation->outcome = LUCIUS_TOO_LARGE;
		creation_finish(creation);
	}
}
