/* SPDX-License-Identifier: MIT */
/* Keys of rows, fields as properties, changes that a job's row carries, and the range of slots. */
#include <stdlib.h>

#include "support/base/cleanup.h"
#include "support/jobtables/delta.h"
#include "support/jobtables/job_entity.h"
#include "support/jobtables/layout.h"
#include "support/jobtables/slots.h"
#include "support/jobtables/step_rows.h"
#include "tests/support/suite.h"

static const struct layout tables = { false, "jobs", "steps", "claims", "index", "slots" };
static const struct layout ledger = { true, "all", "all", "all", "all", "all" };

static void check_place(
        struct place place, const char *table, const char *partition, const char *row)
{
	CHECK_TEXT(place.table, table);
	CHECK_TEXT(place.partition, partition);
	CHECK_TEXT(place.row, row);
	place_finish(&place);
}

static void rows_lie_where_other_programs_look_for_them(void)
{
	struct lucius_text tenant = text_view("t/1");
	struct lucius_text bucket = text_view("t/1#202611");
	struct lucius_text id = text_view("00ff");
	struct lucius_text none = text_view("");
	struct lucius_text at = text_view("2026-11-24T00:00:00.000001Z");
	check_place(layout_job(&tables, bucket, id), "jobs", "t~2F1~23202611", "00ff");
	check_place(layout_step(&tables, id, 7, text_view("ocr")), "steps", "00ff", "0007:ocr");
	check_place(
	        layout_claim(&tables, tenant, none, text_view("ab")), "claims", "t~2F1", "h:ab");
	check_place(layout_claim(&tables, tenant, text_view("k:1"), text_view("ab")), "claims",
	        "t~2F1", "k:k~3A1");
	check_place(layout_slot(&tables, tenant, 42), "slots", "t~2F1", "slot:0042");
	check_place(layout_index(&tables, id), "index", "00ff", "00ff");
	check_place(layout_listing(&tables, tenant, at, id), "index", "T:t~2F1",
	        "9998204521599999998:00ff");
	check_place(layout_job(&ledger, bucket, id), "all", "00ff", "JOB");
	check_place(layout_step(&ledger, id, 7, text_view("ocr")), "all", "00ff", "STEP:0007:ocr");
	check_place(layout_event(&ledger, id, 12), "all", "00ff", "EVENT:000012");
	check_place(layout_claim(&ledger, tenant, none, text_view("ab")), "all", "I:t~2F1", "h:ab");
	check_place(layout_slot(&ledger, tenant, 42), "all", "S:t~2F1", "slot:0042");
	check_place(layout_listing(&ledger, tenant, at, id), "all", "T:t~2F1",
	        "9998204521599999998:00ff");
	check_place(layout_name(&ledger, text_view("local")), "all", "O:local", "OWNER");
}

static void keys_that_are_none_of_ours_are_refused(void)
{
	static const char *const slots[] = { "slot:", "slot:123", "slot:12345", "slot:12x4", "s" };
	static const char *const steps[] = { "000:ocr", "0001ocr", "x001:ocr", "", "0001" };
	uint32_t number = 0;
	const char *step_id = NULL;
	for (size_t i = 0; i < sizeof(slots) / sizeof(slots[0]); i++) {
		CHECK(!layout_slot_number(slots[i], &number));
		CHECK(!layout_step_parts(&tables, steps[i], &number, &step_id));
		CHECK(!layout_step_parts(&ledger, steps[i], &number, &step_id));
	}
	CHECK(layout_step_parts(&ledger, "STEP:0003:sis", &number, &step_id));
	CHECK_INT(number, 3);
	CHECK_TEXT(step_id, "sis");
}

static struct lucius_field field(const char *name, const char *value, uint32_t type)
{
	return (struct lucius_field){ name, value, (uint32_t)strlen(value), type };
}

static void check_field(
        const struct lucius_field *fields, size_t n, const char *name, const char *value)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(fields[i].name, name) == 0) {
			CHECK_TEXT(fields[i].value, value);
			return;
		}
	}
	CHECK_TEXT("(no such field)", value);
}

static void changes_lie_over_those_before_them(void)
{
	const struct lucius_field first[] = { field("state", "INITIATED", LUCIUS_FIELD_STRING),
		field("attempt_no", "1", LUCIUS_FIELD_INTEGER),
		field("lease_id", "a;b=c:s1=", LUCIUS_FIELD_STRING) };
	const struct lucius_field later[] = { field("state", "SUCCEEDED", LUCIUS_FIELD_STRING),
		field("result_ref", "{\"uri\":\"x\"}", LUCIUS_FIELD_JSON),
		field("lease_id", "", LUCIUS_FIELD_STRING) };
	struct text text = { 0 };
	struct text merged = { 0 };
	struct delta delta;
	delta_write(&text, 4, NULL, first, 3);
	CHECK_TEXT(text_of(&text), "4;state:s9=INITIATED;attempt_no:i1=1;lease_id:s9=a;b=c:s1=;");
	CHECK(delta_read(&delta, text_of(&text), text.size));
	delta_write(&merged, 5, &delta, later, 3);
	delta_finish(&delta);
	CHECK(delta_read(&delta, text_of(&merged), merged.size));
	CHECK_INT(delta.change, 5);
	CHECK_INT(delta.n_fields, 4);
	check_field(delta.fields, delta.n_fields, "state", "SUCCEEDED");
	check_field(delta.fields, delta.n_fields, "attempt_no", "1");
	check_field(delta.fields, delta.n_fields, "result_ref", "{\"uri\":\"x\"}");
	/* What was removed has to be removed in the step's row too. */
	check_field(delta.fields, delta.n_fields, "lease_id", "");
	delta_finish(&delta);
	text_finish(&text);
	text_finish(&merged);
}

static void changes_that_are_cut_are_none(void)
{
	static const char whole[] = "12;state:s10=PROCESSING;payload:j8={\"a\":[]};";
	struct delta delta;
	for (size_t size = 0; size < sizeof(whole) - 1; size++) {
		bool is_between = whole[size] != '\0' && size != 0 && whole[size - 1] == ';' &&
		        (size == 3 || strncmp(whole + size, "payload", 7) == 0);
		CHECK_INT(delta_read(&delta, whole, size), is_between);
		delta_finish(&delta);
	}
	CHECK(delta_read(&delta, whole, sizeof(whole) - 1));
	delta_finish(&delta);
}

/* Writes the field as a property and reads it again. */
static void check_type(const char *value, uint32_t type)
{
	struct entity entity = { 0 };
	struct lucius_field given = field("f", value, type);
	struct lucius_field kept = { 0 };
	struct bytes packed = { 0 };
	entity_begin(&entity, "p", "r");
	job_entity_add(&entity, &given, 1, NULL);
	CHECK(entity_end(&entity));
	json_t *row = json_loads(text_of(&entity.json), 0, NULL);
	job_entity_pack(row, &packed);
	CHECK(fields_find(bytes_text(&packed), "f", &kept));
	CHECK_TEXT(kept.value, value);
	CHECK_INT(kept.type, type);
	CHECK_INT(fields_count(bytes_text(&packed)), 1);
	json_decref(row);
	bytes_finish(&packed);
	entity_finish(&entity);
}

static void fields_keep_their_types(void)
{
	check_type("plain", LUCIUS_FIELD_STRING);
	check_type("{\"a\":1}", LUCIUS_FIELD_JSON);
	check_type("[1]", LUCIUS_FIELD_JSON);
	check_type("{no json", LUCIUS_FIELD_STRING);
	check_type("{\"a\":1}", LUCIUS_FIELD_STRING);
	check_type("1.5", LUCIUS_FIELD_JSON);
	check_type("true", LUCIUS_FIELD_JSON);
	check_type("42", LUCIUS_FIELD_STRING);
	check_type("42", LUCIUS_FIELD_INTEGER);
	check_type("2147483648", LUCIUS_FIELD_INTEGER);
	check_type("-9223372036854775808", LUCIUS_FIELD_INTEGER);
}

/* A merge leaves the mark of an earlier value behind: it must not count for the next one. */
static void a_mark_counts_for_its_own_value_only(void)
{
	struct bytes packed = { 0 };
	struct lucius_field kept = { 0 };
	json_t *row =
	        json_pack("{s:s, s:s}", "f", "{\"b\":2}", "meta_type_f", "text:0000000000000001");
	job_entity_pack(row, &packed);
	CHECK(fields_find(bytes_text(&packed), "f", &kept));
	CHECK_INT(kept.type, LUCIUS_FIELD_JSON);
	json_decref(row);
	bytes_finish(&packed);
}

static struct tenant_slots *tenant_with(struct slots *slots, const uint32_t *taken, size_t n)
{
	struct slots_waiter waiter = { 0 };
	struct tenant_slots *tenant = slots_hold(slots, text_view("t1"));
	json_t *rows = json_array();
	CHECK(slots_read_begin(tenant, &waiter));
	for (size_t i = 0; i < n; i++) {
		slots_read_row(tenant, taken[i], text_view("some job"));
	}
	slots_read_end(tenant, rows);
	json_decref(rows);
	return tenant;
}

/* How many numbers can be had, each below the bound. */
static size_t count_free(const uint32_t *taken, size_t n, uint32_t limit, uint32_t bound)
{
	struct slots *slots = slots_create(4);
	struct tenant_slots *tenant = tenant_with(slots, taken, n);
	uint32_t number = 0;
	size_t n_had = 0;
	while (slots_reserve(tenant, limit, (uint32_t)(n_had * 7), &number)) {
		CHECK(number < bound);
		n_had++;
	}
	slots_let_go(slots, tenant);
	slots_destroy(slots);
	return n_had;
}

static void no_more_numbers_are_had_than_the_limit_leaves(void)
{
	CHECK_INT(count_free(NULL, 0, 3, 3), 3);
	CHECK_INT(count_free((const uint32_t[]){ 1 }, 1, 3, 3), 2);
	CHECK_INT(count_free((const uint32_t[]){ 0, 1, 2 }, 3, 3, 0), 0);
	CHECK_INT(count_free(NULL, 0, 0, 0), 0);
	CHECK_INT(count_free(NULL, 0, 20000, 10000), 10000);
}

/* Of an older, higher limit; the others may be had by somebody else at the same time. */
static void rows_above_a_lowered_limit_narrow_the_range(void)
{
	CHECK_INT(count_free((const uint32_t[]){ 1, 2 }, 2, 2, 0), 0);
	CHECK_INT(count_free((const uint32_t[]){ 2, 5 }, 2, 3, 1), 1);
	CHECK_INT(count_free((const uint32_t[]){ 7, 8, 9 }, 3, 5, 2), 2);
	CHECK_INT(count_free((const uint32_t[]){ 7, 8, 9 }, 3, 2, 0), 0);
}

static void nothing_is_had_before_the_rows_were_read(void)
{
	struct slots *slots = slots_create(4);
	struct tenant_slots *tenant = slots_hold(slots, text_view("t1"));
	uint32_t number = 0;
	CHECK(!slots_reserve(tenant, 5, 0, &number));
	slots_let_go(slots, tenant);
	tenant = tenant_with(slots, NULL, 0);
	CHECK(slots_reserve(tenant, 3, 0, &number));
	slots_let_go(slots, tenant);
	/* By a lower limit what was read before says too little. */
	CHECK(slots_are_known(tenant));
	CHECK(!slots_reserve(tenant, 2, 0, &number));
	CHECK(!slots_are_known(tenant));
	slots_destroy(slots);
}

static struct tenant_slots *unread_tenant(struct slots *slots, uint32_t limit, bool is_clear)
{
	struct tenant_slots *tenant = slots_hold(slots, text_view("t1"));
	CHECK(slots_survey_begin(slots, limit));
	slots_survey_end(slots, is_clear);
	return tenant;
}

static void an_unread_tenant_has_numbers_while_nobody_has_rows_above_the_limit(void)
{
	struct slots *slots = slots_create(4);
	struct tenant_slots *tenant = unread_tenant(slots, 3, false);
	uint32_t number = 0;
	CHECK(!slots_reserve(tenant, 3, 0, &number));
	slots_let_go(slots, tenant);
	tenant = unread_tenant(slots, 3, true);
	for (uint32_t i = 0; i < 3; i++) {
		CHECK(slots_reserve(tenant, 3, i, &number));
	}
	CHECK(!slots_reserve(tenant, 3, 0, &number));
	CHECK(!slots_are_known(tenant));
	slots_met(slots, 2);
	slots_freed(tenant, 1);
	CHECK(slots_reserve(tenant, 3, 0, &number));
	slots_freed(tenant, 1);
	slots_met(slots, 3);
	CHECK(!slots_reserve(tenant, 3, 0, &number));
	slots_let_go(slots, tenant);
	slots_destroy(slots);
}

static void an_unread_tenant_is_read_by_a_lower_limit_and_after_a_collision(void)
{
	struct slots *slots = slots_create(4);
	struct tenant_slots *tenant = unread_tenant(slots, 3, true);
	uint32_t number = 0;
	CHECK(!slots_survey_begin(slots, 3));
	CHECK(slots_reserve(tenant, 4, 0, &number));
	CHECK(!slots_reserve(tenant, 3, 0, &number));
	slots_met(slots, 4);
	CHECK(!slots_survey_begin(slots, 3));
	CHECK(slots_survey_begin(slots, 4));
	slots_survey_end(slots, true);
	CHECK(slots_reserve(tenant, 4, 1, &number));
	slots_taken(tenant, number, (struct lucius_text){ "", 0 }, false);
	CHECK(!slots_reserve(tenant, 4, 0, &number));
	slots_let_go(slots, tenant);
	slots_destroy(slots);
}

static void what_changes_during_a_reading_is_not_overwritten(void)
{
	struct slots *slots = slots_create(4);
	struct tenant_slots *tenant = tenant_with(slots, (const uint32_t[]){ 0, 1 }, 2);
	struct slots_waiter waiter = { 0 };
	uint32_t number = 9;
	json_t *rows = json_array();
	CHECK(slots_read_begin(tenant, &waiter));
	/* The row of 0 was read, then deleted; 1 is gone; 2 is made after the reading. */
	slots_read_row(tenant, 0, text_view("some job"));
	slots_freed(tenant, 0);
	slots_taken(tenant, 2, text_view("mine"), true);
	slots_read_end(tenant, rows);
	json_decref(rows);
	CHECK(slots_reserve(tenant, 3, 0, &number));
	CHECK_INT(number, 0);
	CHECK(slots_reserve(tenant, 3, 0, &number));
	CHECK_INT(number, 1);
	CHECK(!slots_reserve(tenant, 3, 0, &number));
	CHECK(!slots_doubtful(tenant, 0, &number));
	slots_let_go(slots, tenant);
	slots_destroy(slots);
}

/* What the row carries for a step would be lost by a save that does not know of it. */
static void a_row_is_not_known_while_it_carries_steps_that_are_not(void)
{
	struct jobtables backend = { .layout = tables, .known = known_create(4) };
	json_t *row = json_pack("{s:s, s:s, s:s, s:s}", "job_id", "j1", "tenant_bucket", "t#202603",
	        "meta_change", "7", "step_0001", "7;state:s9=INITIATED;");
	step_rows_learn(&backend, row, "W/\"7\"", NULL);
	const struct known_job *known = known_find(backend.known, text_view("j1"));
	CHECK(known != NULL && known->etag == NULL);
	(void)known_step_put(known_put(backend.known, text_view("j1")), 1, "0001:sis");
	step_rows_learn(&backend, row, "W/\"7\"", NULL);
	known = known_find(backend.known, text_view("j1"));
	CHECK(known->etag != NULL && known->n_steps == 1);
	CHECK_INT(known->steps[0].change, 7);
	json_object_set_new(row, "step_0001", json_string(""));
	step_rows_learn(&backend, row, "W/\"8\"", NULL);
	CHECK(known->etag != NULL && known->steps[0].delta == NULL);
	json_decref(row);
	known_destroy(backend.known);
}

int main(int argc, char **argv)
{
	static const struct suite_test tests[] = {
		SUITE_TEST(rows_lie_where_other_programs_look_for_them),
		SUITE_TEST(keys_that_are_none_of_ours_are_refused),
		SUITE_TEST(changes_lie_over_those_before_them),
		SUITE_TEST(changes_that_are_cut_are_none),
		SUITE_TEST(fields_keep_their_types),
		SUITE_TEST(a_mark_counts_for_its_own_value_only),
		SUITE_TEST(no_more_numbers_are_had_than_the_limit_leaves),
		SUITE_TEST(rows_above_a_lowered_limit_narrow_the_range),
		SUITE_TEST(nothing_is_had_before_the_rows_were_read),
		SUITE_TEST(an_unread_tenant_has_numbers_while_nobody_has_rows_above_the_limit),
		SUITE_TEST(an_unread_tenant_is_read_by_a_lower_limit_and_after_a_collision),
		SUITE_TEST(what_changes_during_a_reading_is_not_overwritten),
		SUITE_TEST(a_row_is_not_known_while_it_carries_steps_that_are_not),
	};
	return suite_run("jobtables", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
