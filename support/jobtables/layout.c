/* SPDX-License-Identifier: MIT */
/* Keys of rows. What comes from outside is escaped, so that a colon always parts. */
#include "support/jobtables/layout.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "support/base/cleanup.h"
#include "support/base/fault.h"
#include "support/base/memory.h"
#include "support/rows/time_text.h"
#include "support/tables/table_key.h"

#define LISTING_TOP UINT64_C(9999999999999999999) /* 10^19 - 1 */

void place_finish(struct place *place)
{
	free(place->partition);
	free(place->row);
	*place = (struct place){ 0 };
}

struct place place_copy(const struct place *place)
{
	return (struct place){
		.table = place->table,
		.partition = must_copy(place->partition, strlen(place->partition)),
		.row = must_copy(place->row, strlen(place->row)),
	};
}

static char *escape(struct lucius_text text)
{
	return table_key_escape(text.size != 0 ? text.data : "", text.size);
}

/* "<prefix><escaped text>"; owned. */
static char *prefixed(const char *prefix, struct lucius_text text)
{
	CLEANUP_FREE char *escaped = escape(text);
	return must_print("%s%s", prefix, escaped);
}

struct place layout_job(
        const struct layout *layout, struct lucius_text bucket, struct lucius_text job_id)
{
	return (struct place){
		.table = layout->jobs,
		.partition = escape(layout->is_ledger ? job_id : bucket),
		.row = layout->is_ledger ? must_copy("JOB", 3) : escape(job_id),
	};
}

struct place layout_step(const struct layout *layout, struct lucius_text job_id,
        uint32_t step_index, struct lucius_text step_id)
{
	CLEANUP_FREE char *id = escape(step_id);
	return (struct place){
		.table = layout->steps,
		.partition = escape(job_id),
		.row = must_print(
		        "%s%04" PRIu32 ":%s", layout->is_ledger ? "STEP:" : "", step_index, id),
	};
}

struct place layout_event(const struct layout *layout, struct lucius_text job_id, uint32_t seq)
{
	return (struct place){
		.table = layout->jobs,
		.partition = escape(job_id),
		.row = must_print("EVENT:%06" PRIu32, seq),
	};
}

struct place layout_claim(const struct layout *layout, struct lucius_text tenant_id,
        struct lucius_text key, struct lucius_text hash)
{
	return (struct place){
		.table = layout->claims,
		.partition = prefixed(layout->is_ledger ? "I:" : "", tenant_id),
		.row = key.size != 0 ? prefixed("k:", key) : prefixed("h:", hash),
	};
}

char *layout_slot_partition(const struct layout *layout, struct lucius_text tenant_id)
{
	return prefixed(layout_slot_prefix(layout), tenant_id);
}

struct place layout_slot(const struct layout *layout, struct lucius_text tenant_id, uint32_t number)
{
	return (struct place){
		.table = layout->slots,
		.partition = layout_slot_partition(layout, tenant_id),
		.row = must_print("slot:%04" PRIu32, number),
	};
}

struct place layout_index(const struct layout *layout, struct lucius_text job_id)
{
	return (struct place){
		.table = layout->index,
		.partition = escape(job_id),
		.row = escape(job_id),
	};
}

char *layout_listing_partition(struct lucius_text tenant_id)
{
	return prefixed("T:", tenant_id);
}

struct place layout_listing(const struct layout *layout, struct lucius_text tenant_id,
        struct lucius_text created_at, struct lucius_text job_id)
{
	int64_t created_us = 0;
	if (!time_text_read(created_at, &created_us) || created_us < 0) {
		created_us = 0;
	}
	if (FAULT(listing_to_the_second)) {
		created_us -= created_us % 1000000;
	}
	CLEANUP_FREE char *id = escape(job_id);
	return (struct place){
		.table = layout->index,
		.partition = layout_listing_partition(tenant_id),
		.row = must_print("%019" PRIu64 ":%s", LISTING_TOP - (uint64_t)created_us, id),
	};
}

struct place layout_name(const struct layout *layout, struct lucius_text name)
{
	return (struct place){
		.table = layout->index,
		.partition = prefixed("O:", name),
		.row = must_copy("OWNER", 5),
	};
}

const char *layout_slot_prefix(const struct layout *layout)
{
	return layout->is_ledger ? "S:" : "";
}

/* Begins with n digits; false: it does not. */
static bool read_digits(const char *text, size_t n, uint32_t *ret_number)
{
	uint32_t number = 0;
	for (size_t i = 0; i < n; i++) {
		if (text[i] < '0' || text[i] > '9') {
			return false;
		}
		number = number * 10 + (uint32_t)(text[i] - '0');
	}
	*ret_number = number;
	return true;
}

bool layout_slot_number(const char *row, uint32_t *ret_number)
{
	return strncmp(row, "slot:", 5) == 0 && strlen(row) == 9 &&
	        read_digits(row + 5, 4, ret_number);
}

bool layout_step_parts(const struct layout *layout, const char *row, uint32_t *ret_step_index,
        const char **ret_step_id)
{
	if (layout->is_ledger) {
		if (strncmp(row, "STEP:", 5) != 0) {
			return false;
		}
		row += 5;
	}
	if (!read_digits(row, 4, ret_step_index) || row[4] != ':') {
		return false;
	}
	*ret_step_id = row + 5;
	return true;
}

bool layout_event_seq(const char *row, uint32_t *ret_seq)
{
	return strncmp(row, "EVENT:", 6) == 0 && strlen(row) >= 12 && strlen(row) <= 15 &&
	        read_digits(row + 6, strlen(row) - 6, ret_seq);
}
