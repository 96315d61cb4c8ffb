/* SPDX-License-Identifier: MIT */
/* Packed fields, views, cursors and times. */
#include "support/rows/cursor.h"
#include "support/rows/fields.h"
#include "support/rows/job_view.h"
#include "support/rows/time_text.h"

#include "tests/support/suite.h"

static struct lucius_field text_field(const char *name, const char *value)
{
	return (struct lucius_field){ name, value, (uint32_t)strlen(value), LUCIUS_FIELD_STRING };
}

static struct lucius_text text(const char *bytes)
{
	return (struct lucius_text){ bytes, strlen(bytes) };
}

static void check_value(struct lucius_text packed, const char *name, const char *expected)
{
	struct lucius_field field = { 0 };
	CHECK_INT(fields_find(packed, name, &field), expected != NULL);
	if (expected != NULL) {
		CHECK_TEXT(field.value, expected);
		CHECK_INT(field.value_size, strlen(expected));
	}
}

static void fields_come_back_as_they_were_packed(void)
{
	struct lucius_field fields[] = { text_field("state", "QUEUED"), text_field("x_y", "1"),
		{ "lane", "7", 1, LUCIUS_FIELD_INTEGER }, { "odd", "v", 1, 70000 } };
	struct bytes packed = { 0 };
	CHECK(fields_merge((struct lucius_text){ 0 }, fields, 4, &packed));
	struct lucius_text rest = bytes_text(&packed);
	CHECK_INT(fields_count(rest), 4);
	const char *long_name = NULL;
	CHECK(packed.size <= fields_size(fields, 4, &long_name));
	CHECK(long_name == NULL);
	for (size_t i = 0; i < 4; i++) {
		struct lucius_field field = { 0 };
		CHECK_INT(fields_next(&rest, &field), 1);
		CHECK_TEXT(field.name, fields[i].name);
		CHECK_TEXT(field.value, fields[i].value);
		CHECK_INT(field.type, fields[i].type);
	}
	bytes_finish(&packed);
}

static void changes_replace_remove_and_append(void)
{
	struct lucius_field before[] = { text_field("state", "QUEUED"), text_field("mine", "a"),
		text_field("doc_id", "d"), text_field("other", "b") };
	struct lucius_field changes[] = { text_field("mine", ""), text_field("doc_id", ""),
		text_field("state", "PAUSED"), text_field("other", "c"), text_field("fresh", "f"),
		text_field("lane", "3"), text_field("nothing", "") };
	struct bytes old = { 0 };
	struct bytes merged = { 0 };
	CHECK(fields_merge((struct lucius_text){ 0 }, before, 4, &old));
	CHECK(fields_merge(bytes_text(&old), changes, 7, &merged));
	struct lucius_text packed = bytes_text(&merged);
	CHECK_INT(fields_count(packed), 4);
	check_value(packed, "state", "PAUSED");
	check_value(packed, "other", "c");
	check_value(packed, "fresh", "f");
	check_value(packed, "lane", "3");
	check_value(packed, "mine", NULL);
	check_value(packed, "doc_id", NULL);
	bytes_finish(&old);
	bytes_finish(&merged);
}

static void of_two_changes_with_one_name_the_later_counts(void)
{
	struct lucius_field changes[] = { text_field("state", "a"), text_field("own", "a"),
		text_field("state", "b"), text_field("own", "b"), text_field("gone", "a"),
		text_field("gone", "") };
	struct bytes packed = { 0 };
	CHECK(fields_merge((struct lucius_text){ 0 }, changes, 6, &packed));
	CHECK_INT(fields_count(bytes_text(&packed)), 2);
	check_value(bytes_text(&packed), "state", "b");
	check_value(bytes_text(&packed), "own", "b");
	bytes_finish(&packed);
}

/* More than anybody's row has, named by the tests and by rows in turn. */
static void hundreds_of_changes_are_laid_over_each_other(void)
{
	enum { N = 300 };
	static char names[N][16];
	struct lucius_field changes[N + 2];
	for (int i = 0; i < N; i++) {
		(void)snprintf(names[i], sizeof(names[i]), "x%d", i);
		changes[i] = text_field(names[i], i % 3 == 0 ? "" : names[i]);
	}
	changes[N] = text_field("lane", "4");
	changes[N + 1] = text_field("x1", "again");
	struct lucius_field before[] = { text_field("x2", "old"), text_field("lane", "3"),
		text_field("x3", "old"), text_field("mode", "DEFAULT") };
	struct bytes old = { 0 };
	struct bytes merged = { 0 };
	CHECK(fields_merge((struct lucius_text){ 0 }, before, 4, &old));
	CHECK(fields_merge(bytes_text(&old), changes, N + 2, &merged));
	CHECK_INT(fields_count(bytes_text(&merged)), 200 + 2);
	check_value(bytes_text(&merged), "x1", "again");
	check_value(bytes_text(&merged), "x2", "x2");
	check_value(bytes_text(&merged), "x3", NULL);
	check_value(bytes_text(&merged), "x299", "x299");
	check_value(bytes_text(&merged), "lane", "4");
	check_value(bytes_text(&merged), "mode", "DEFAULT");
	bytes_finish(&old);
	bytes_finish(&merged);
}

static void a_cut_or_spoilt_run_is_refused(void)
{
	struct lucius_field fields[] = { text_field("state", "QUEUED"), text_field("own", "x") };
	struct bytes packed = { 0 };
	CHECK(fields_merge((struct lucius_text){ 0 }, fields, 2, &packed));
	size_t n_refused = 0;
	for (size_t size = 1; size < packed.size; size++) {
		struct lucius_text cut = { (const char *)packed.start, size };
		n_refused += fields_count(cut) == -1 ? 1 : 0;
	}
	/* One cut falls between the two fields. */
	CHECK_INT(n_refused, packed.size - 2);
	packed.start[0] = 254;
	CHECK_INT(fields_count(bytes_text(&packed)), -1);
	struct bytes into = { 0 };
	bytes_add(&into, "kept", 4);
	CHECK(!fields_merge(bytes_text(&packed), fields, 1, &into));
	CHECK_INT(into.size, 4);
	bytes_finish(&into);
	bytes_finish(&packed);
}

static void a_view_holds_the_job_and_its_steps(void)
{
	struct bytes job_row = { 0 };
	struct bytes step_row = { 0 };
	struct lucius_field job_fields[] = { text_field("state", "QUEUED") };
	struct lucius_field step_fields[] = { text_field("step_id", "ocr"), text_field("z", "1") };
	CHECK(fields_merge((struct lucius_text){ 0 }, job_fields, 1, &job_row));
	CHECK(fields_merge((struct lucius_text){ 0 }, step_fields, 2, &step_row));
	struct job_view view = { 0 };
	struct lucius_job head = { .state = text("QUEUED") };
	for (int round = 0; round < 2; round++) {
		CHECK(job_view_begin(&view, &head, bytes_text(&job_row)));
		for (uint32_t i = 0; i < 100; i++) {
			CHECK(job_view_add_step(&view, i, text("ocr"), bytes_text(&step_row)));
		}
		const struct lucius_job *job = job_view_job(&view);
		CHECK_INT(job->n_fields, 1);
		CHECK_INT(job->n_steps, 100);
		CHECK_INT(job->steps[99]->step_index, 99);
		CHECK_TEXT(job->steps[99]->fields[1].name, "z");
		CHECK_TEXT(job->fields[0].value, "QUEUED");
	}
	job_view_finish(&view);
	bytes_finish(&job_row);
	bytes_finish(&step_row);
}

static void a_cursor_is_good_for_its_store_and_scope_only(void)
{
	char cursor[CURSOR_SIZE];
	char position[CURSOR_POSITION_MAX + 1];
	cursor_write(cursor, 5, text("t1"), "1a");
	CHECK(cursor_read(text(cursor), 5, text("t1"), position));
	CHECK_TEXT(position, "1a");
	CHECK(!cursor_read(text(cursor), 6, text("t1"), position));
	CHECK(!cursor_read(text(cursor), 5, text("t2"), position));
	cursor[0] = '2';
	CHECK(!cursor_read(text(cursor), 5, text("t1"), position));
	CHECK(!cursor_read(text(""), 5, text("t1"), position));
	CHECK(!cursor_read(text("."), 5, text("t1"), position));
	CHECK(!cursor_read(text("rubbish"), 5, text("t1"), position));
}

static void times_are_read_to_the_microsecond(void)
{
	int64_t us = 0;
	CHECK(time_text_read(text("1970-01-01T00:00:00.000001Z"), &us));
	CHECK_INT(us, 1);
	CHECK(time_text_read(text("2024-02-29T12:34:56.123456Z"), &us));
	CHECK_INT(us, 1709210096123456);
	CHECK(time_text_read(text("2000-03-01T00:00:00+00:00"), &us));
	CHECK_INT(us, 951868800000000);
	CHECK(!time_text_read(text("2024-02-29 12:34:56Z"), &us));
	CHECK(!time_text_read(text("2024-02-29T12:34:56+01:00"), &us));
	CHECK(!time_text_read(text("2024-13-29T12:34:56Z"), &us));
	CHECK(!time_text_read(text(""), &us));
}

int main(int argc, char **argv)
{
	static const struct suite_test tests[] = {
		SUITE_TEST(fields_come_back_as_they_were_packed),
		SUITE_TEST(changes_replace_remove_and_append),
		SUITE_TEST(of_two_changes_with_one_name_the_later_counts),
		SUITE_TEST(hundreds_of_changes_are_laid_over_each_other),
		SUITE_TEST(a_cut_or_spoilt_run_is_refused),
		SUITE_TEST(a_view_holds_the_job_and_its_steps),
		SUITE_TEST(a_cursor_is_good_for_its_store_and_scope_only),
		SUITE_TEST(times_are_read_to_the_microsecond),
	};
	return suite_run("rows", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
