/* SPDX-License-Identifier: MIT */
/*
 * Room for one more job of the tenant: a number that is believed free. If none is, the slots are
 * read; if all are taken, those whose jobs may never have been committed are looked at, waited for,
 * and at last freed. Only then the tenant is full.
 *
 *   room_find ─► read slots, by pages ─► on_slots ─► reserve
 *                    ▲                        └─► full: look at the doubtful ones ─► on_mended
 *                    └── one was freed, or after a wait for a young one ─────────────┘
 */
#include <stdlib.h>
#include <string.h>

#include "support/base/cleanup.h"
#include "support/base/memory.h"
#include "support/jobtables/creation.h"
#include "support/jobtables/mend.h"
#include "support/jobtables/survey.h"
#include "support/tables/table_key.h"

#define MAX_WAITS 25u
#define WAIT_MS 60u

bool room_reserve(struct creation *creation)
{
	struct jobtables *backend = creation->chain.backend;
	if (!creation->has_number) {
		creation->has_number =
		        slots_reserve(creation->tenant, creation->command->max_inflight,
		                backend_random(backend), &creation->number);
		if (creation->has_number) {
			struct part *slot = &creation->parts[PART_SLOT];
			place_finish(&slot->place);
			slot->place = layout_slot(
			        &backend->layout, text_view(creation->tenant_id), creation->number);
		}
	}
	return creation->has_number;
}

void room_give_back(struct creation *creation)
{
	struct part *slot = &creation->parts[PART_SLOT];
	if (creation->has_number && slot->state == PART_ABSENT) {
		slots_freed(creation->tenant, creation->number);
	} else if (creation->has_number) {
		slots_taken(creation->tenant, creation->number, text_view(creation->job_id), false);
	}
	creation->has_number = false;
}

static void query_slots(struct creation *creation, const char *next);

static void on_slots(void *user, const struct tables_result *result)
{
	struct creation *creation = user;
	if (result->status != TABLES_OK) {
		creation_fail(creation, result);
		slots_read_end(creation->tenant, NULL);
		creation_close(creation);
		return;
	}
	for (size_t i = 0; i < json_array_size(result->rows); i++) {
		json_t *row = json_array_get(result->rows, i);
		uint32_t number = 0;
		if (layout_slot_number(row_text(row, "RowKey").data, &number)) {
			slots_read_row(creation->tenant, number, row_text(row, "job_id"));
			(void)json_array_append(creation->slot_rows, row);
		}
	}
	if (result->next != NULL) {
		query_slots(creation, result->next);
		return;
	}
	creation->is_looked = true;
	slots_read_end(creation->tenant, creation->slot_rows);
	creation_close(creation);
}

static void on_others_read(void *user, json_t *rows)
{
	struct creation *creation = user;
	if (rows != NULL) {
		creation->is_looked = true;
		json_decref(creation->slot_rows);
		creation->slot_rows = json_copy(rows);
	}
	creation_close(creation);
}

static void query_slots(struct creation *creation, const char *next)
{
	struct jobtables *backend = creation->chain.backend;
	struct text filter = { 0 };
	CLEANUP_FREE char *partition =
	        layout_slot_partition(&backend->layout, text_view(creation->tenant_id));
	text_add_string(&filter, "PartitionKey eq ");
	table_key_add_quoted(&filter, partition);
	tables_query(backend->tables,
	        &(struct tables_query){
	                .table = backend->layout.slots, .filter = text_of(&filter), .next = next },
	        on_slots, creation);
	text_finish(&filter);
}

static void read_slots(struct creation *creation)
{
	(void)json_array_clear(creation->slot_rows);
	creation->waiter = (struct slots_waiter){ .fn = on_others_read, .user = creation };
	creation->n_open++;
	if (slots_read_begin(creation->tenant, &creation->waiter)) {
		query_slots(creation, NULL);
	}
}

static void on_mended(void *user, enum mend_verdict verdict)
{
	const struct slot_look *look = user;
	struct creation *creation = look->creation;
	switch (verdict) {
	case MEND_HELD:
		slots_sure(creation->tenant, look->number, text_view(look->job_id));
		break;
	case MEND_YOUNG:
		creation->n_young++;
		break;
	case MEND_FREED:
		creation->is_freed = true;
		break;
	case MEND_FAILED:
		break;
	}
	creation_close(creation);
}

static const json_t *row_of(const struct creation *creation, uint32_t wanted)
{
	for (size_t i = 0; i < json_array_size(creation->slot_rows); i++) {
		const json_t *row = json_array_get(creation->slot_rows, i);
		uint32_t number = 0;
		if (layout_slot_number(row_text(row, "RowKey").data, &number) && number == wanted) {
			return row;
		}
	}
	return NULL;
}

/* False: there is none to be looked at. */
static bool look_at_doubtful(struct creation *creation)
{
	uint32_t number = 0;
	size_t n_looks = 0;
	creation->n_young = 0;
	creation->is_freed = false;
	if (creation->looks == NULL) {
		creation->looks = must_calloc(CREATION_MAX_LOOKS, sizeof(*creation->looks));
	}
	uint32_t from = 0;
	while (n_looks < CREATION_MAX_LOOKS && slots_doubtful(creation->tenant, from, &number)) {
		const json_t *row = row_of(creation, number);
		from = number + 1;
		if (row == NULL || row_text(row, "job_id").size > KNOWN_JOB_ID_MAX) {
			continue;
		}
		struct slot_look *look = &creation->looks[n_looks++];
		*look = (struct slot_look){ .creation = creation, .number = number };
		memcpy(look->job_id, row_text(row, "job_id").data, row_text(row, "job_id").size);
		creation->n_open++;
		mend_slot(creation->chain.backend, row, creation->n_slot_waits >= MAX_WAITS, 0,
		        on_mended, look);
	}
	creation->n_mendings++;
	return n_looks != 0;
}

static void on_waited(void *user)
{
	struct creation *creation = user;
	creation->wait = NULL;
	creation_close(creation);
}

static void wait_for_young(struct creation *creation)
{
	const struct lucius_host *host = creation->chain.backend->host;
	creation->n_slot_waits++;
	creation->is_looked = false;
	creation->n_mendings = 0;
	creation->n_open++;
	creation->wait = host->timer_start(host, WAIT_MS, on_waited, creation);
}

bool room_find(struct creation *creation)
{
	if (room_reserve(creation)) {
		return true;
	}
	if (!creation->is_looked || !slots_are_known(creation->tenant)) {
		survey_start(creation->chain.backend, creation->command->max_inflight);
		read_slots(creation);
	} else if (creation->n_mendings == 0) {
		if (!look_at_doubtful(creation)) {
			creation_decide(creation, LUCIUS_TENANT_FULL, NULL);
		}
	} else if (creation->is_freed) {
		creation->is_looked = false;
		creation->n_mendings = 0;
		read_slots(creation);
	} else if (creation->n_young != 0 && creation->n_slot_waits <= MAX_WAITS) {
		wait_for_young(creation);
	} else {
		creation_decide(creation, LUCIUS_TENANT_FULL, NULL);
	}
	return false;
}
