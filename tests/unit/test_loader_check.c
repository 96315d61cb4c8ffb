/* SPDX-License-Identifier: MIT */
/* Descriptors and option rows that lack one thing each, and the sentence that says which. */
#include "core/loader_check.h"

#include <lucius/bus.h>
#include <lucius/config.h>
#include <lucius/storage.h>
#include <lucius/workflow.h>
#include <stdlib.h>

#include "core/option_value.h"
#include "tests/support/suite.h"

/* Whatever a member points to is never called: only whether it is set counts. */
static void (*const something)(void) = abort;

/* The tables with all members set, each as bytes so that one can be taken away. */
static union {
	struct lucius_storage storage;
	struct lucius_bus bus;
	struct lucius_workflow workflow;
	struct lucius_config config;
	char bytes[256];
} table;
static struct lucius_life life;
static struct lucius_option rows[2];
static struct lucius_plugin plugin;
static char fault[512];

struct values {
	const char *text;
	int64_t number;
	uint32_t boolean;
};

static void fill_table(uint64_t size)
{
	memset(&table, 0, sizeof(table));
	for (size_t at = sizeof(uint64_t); at < size; at += sizeof(something)) {
		memcpy(table.bytes + at, &something, sizeof(something));
	}
	memcpy(table.bytes, &size, sizeof(size));
}

static uint64_t size_of(uint32_t kind)
{
	static const uint64_t sizes[] = { 0, sizeof(struct lucius_storage),
		sizeof(struct lucius_bus), sizeof(struct lucius_workflow),
		sizeof(struct lucius_config) };
	return sizes[kind];
}

/* A good descriptor of the kind. */
static void begin(uint32_t kind)
{
	fill_table(size_of(kind));
	life = (struct lucius_life){ .size = sizeof(life) };
	rows[0] = (struct lucius_option){ .name = "good-text",
		.summary = "A text.",
		.type = LUCIUS_OPTION_TEXT,
		LUCIUS_MEMBER(struct values, text) };
	rows[1] = (struct lucius_option){ .name = "good-number",
		.default_value = "5",
		.summary = "A number.",
		.min = -7,
		.max = 7,
		.type = LUCIUS_OPTION_INTEGER,
		LUCIUS_MEMBER(struct values, number) };
	plugin = (struct lucius_plugin){ .prefix = LUCIUS_PREFIX(kind, "good"),
		.life = &life,
		.options = rows,
		.n_options = 2,
		.option_size = sizeof(rows[0]),
		.options_size = sizeof(struct values),
		.storage = kind == LUCIUS_KIND_STORAGE ? &table.storage : NULL,
		.bus = kind == LUCIUS_KIND_BUS ? &table.bus : NULL,
		.workflow = kind == LUCIUS_KIND_WORKFLOW ? &table.workflow : NULL,
		.config = kind == LUCIUS_KIND_CONFIG ? &table.config : NULL };
}

static bool is_taken(uint32_t kind)
{
	fault[0] = '\0';
	return loader_check(&plugin, kind, "good", fault, sizeof(fault));
}

static void check_refused(uint32_t kind, const char *part)
{
	CHECK(!is_taken(kind));
	if (strstr(fault, part) == NULL) {
		CHECK_TEXT(fault, part);
	}
}

static void a_good_descriptor_of_each_kind_is_taken(void)
{
	for (uint32_t kind = LUCIUS_KIND_STORAGE; kind <= LUCIUS_KIND_CONFIG; kind++) {
		begin(kind);
		CHECK(is_taken(kind));
		CHECK_TEXT(fault, "");
		plugin.n_options = 0;
		plugin.options = NULL;
		CHECK(is_taken(kind));
	}
}

#define MEMBER(structure, kind, member)                           \
	{                                                         \
		kind, #member, offsetof(struct structure, member) \
	}

static const struct {
	uint32_t kind;
	const char *name;
	size_t offset;
} required[] = {
	MEMBER(lucius_storage, LUCIUS_KIND_STORAGE, create),
	MEMBER(lucius_storage, LUCIUS_KIND_STORAGE, load),
	MEMBER(lucius_storage, LUCIUS_KIND_STORAGE, save),
	MEMBER(lucius_storage, LUCIUS_KIND_STORAGE, release),
	MEMBER(lucius_storage, LUCIUS_KIND_STORAGE, scan),
	MEMBER(lucius_storage, LUCIUS_KIND_STORAGE, repair),
	MEMBER(lucius_storage, LUCIUS_KIND_STORAGE, own),
	MEMBER(lucius_bus, LUCIUS_KIND_BUS, publish),
	MEMBER(lucius_bus, LUCIUS_KIND_BUS, subscribe),
	MEMBER(lucius_bus, LUCIUS_KIND_BUS, settle),
	MEMBER(lucius_bus, LUCIUS_KIND_BUS, unsubscribe),
	MEMBER(lucius_workflow, LUCIUS_KIND_WORKFLOW, start),
	MEMBER(lucius_workflow, LUCIUS_KIND_WORKFLOW, signal),
	MEMBER(lucius_workflow, LUCIUS_KIND_WORKFLOW, cancel),
	MEMBER(lucius_workflow, LUCIUS_KIND_WORKFLOW, describe),
	MEMBER(lucius_workflow, LUCIUS_KIND_WORKFLOW, work),
	MEMBER(lucius_config, LUCIUS_KIND_CONFIG, load),
};

static void every_member_that_a_kind_must_have_is_named_where_it_lacks(void)
{
	for (size_t i = 0; i < sizeof(required) / sizeof(required[0]); i++) {
		char words[64];
		const uint64_t size = required[i].offset;
		(void)snprintf(words, sizeof(words), "lacks '%s'", required[i].name);
		begin(required[i].kind);
		memset(table.bytes + required[i].offset, 0, sizeof(something));
		check_refused(required[i].kind, words);
		/* A table of another time that ends before the member lacks it as well. */
		begin(required[i].kind);
		memcpy(table.bytes, &size, sizeof(size));
		check_refused(required[i].kind, words);
	}
}

static void a_descriptor_without_the_table_of_its_kind_is_refused(void)
{
	static const char *const names[] = { "", "lacks 'storage'", "lacks 'bus'",
		"lacks 'workflow'", "lacks 'config'" };
	for (uint32_t kind = LUCIUS_KIND_STORAGE; kind <= LUCIUS_KIND_CONFIG; kind++) {
		begin(kind);
		plugin.storage = NULL;
		plugin.bus = NULL;
		plugin.workflow = NULL;
		plugin.config = NULL;
		check_refused(kind, names[kind]);
	}
	begin(LUCIUS_KIND_CONFIG);
	plugin.prefix.kind = 77;
	check_refused(77, "lacks 'a kind'");
}

static void a_table_of_life_that_is_cut_is_none(void)
{
	begin(LUCIUS_KIND_BUS);
	life.size = sizeof(uint32_t);
	check_refused(LUCIUS_KIND_BUS, "no table of its life");
}

static void rows_that_cannot_be_walked_through_are_refused_as_a_whole(void)
{
	begin(LUCIUS_KIND_BUS);
	plugin.options = NULL;
	check_refused(LUCIUS_KIND_BUS, "its option rows are none: 2 of");
	begin(LUCIUS_KIND_BUS);
	plugin.n_options = 1025;
	check_refused(LUCIUS_KIND_BUS, "its option rows are none: 1025 of");
	begin(LUCIUS_KIND_BUS);
	plugin.option_size = sizeof(rows[0]) - 1;
	check_refused(LUCIUS_KIND_BUS, "its option rows are none: 2 of");
	begin(LUCIUS_KIND_BUS);
	rows[1].name = rows[0].name;
	check_refused(LUCIUS_KIND_BUS, "number 1 ('good-text') is not sound: it is there twice");
	begin(LUCIUS_KIND_BUS);
	rows[1].name = NULL;
	check_refused(LUCIUS_KIND_BUS, "number 1 ('') is not sound: its name");
}

static void check_row(struct lucius_option row, const char *said)
{
	CHECK_TEXT(option_row_fault(&row, sizeof(struct values)), said);
}

static void names_of_options_are_words_in_lower_case(void)
{
	static const char said[] = "its name is not lower-case letters, digits and hyphens";
	static const char longest[] =
	        "abcdefghijklmnopqrstuvwxyz-0123456789-abcdefghijklmnopqrstuvwxyz";
	static const char *const wrong[] = { NULL, "", "1st", "-a", "{a", "a-", "Upper", "a_b",
		"abcdefghijklmnopqrstuvwxyz-0123456789-abcdefghijklmnopqrstuvwxyzX" };
	begin(LUCIUS_KIND_BUS);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct lucius_option row = rows[0];
		row.name = wrong[i];
		check_row(row, said);
	}
	rows[0].name = longest;
	CHECK_INT(strlen(longest), 64);
	check_row(rows[0], NULL);
}

static void each_thing_that_a_row_lacks_has_a_sentence(void)
{
	begin(LUCIUS_KIND_BUS);
	struct lucius_option row = rows[0];
	row.summary = NULL;
	check_row(row, "it has no summary");
	row = rows[0];
	row.type = 99;
	check_row(row, "its type is not known");
	row = rows[0];
	row.member_size = 1;
	check_row(row, "its member is not of the size of its type");
	row = rows[0];
	row.offset = sizeof(struct values);
	check_row(row, "its member lies outside of the option struct");
	row = rows[0];
	row.type = LUCIUS_OPTION_CHOICE;
	check_row(row, "it has no choices");
	row.choices = "";
	check_row(row, "it has no choices");
	row.choices = "a|b";
	check_row(row, NULL);
	row = rows[1];
	row.min = row.max + 1;
	check_row(row, "its least value is above its largest");
	row = rows[1];
	row.flags = LUCIUS_OPTION_SECRET;
	check_row(row, "it is a secret and not a text");
	row = rows[0];
	row.flags = LUCIUS_OPTION_SECRET;
	check_row(row, NULL);
	row = rows[1];
	row.default_value = NULL;
	check_row(row, "it is a number without a default");
	row.flags = LUCIUS_OPTION_REQUIRED;
	check_row(row, NULL);
	row = rows[1];
	row.default_value = "8";
	check_row(row, "its default is not a value that it takes");
}

static void what_a_row_takes_is_described(void)
{
	static const struct {
		int64_t min, max;
		const char *unit, *said;
	} cases[] = {
		{ INT64_MIN, INT64_MAX, NULL, "a whole number" },
		{ 3, INT64_MAX, "seconds", "a whole number of seconds, 3 or more" },
		{ 3, 5, NULL, "a whole number from 3 to 5" },
		{ INT64_MIN, 5, NULL, "a whole number from -9223372036854775808 to 5" },
	};
	char text[128];
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct lucius_option row = { .type = LUCIUS_OPTION_INTEGER,
			.min = cases[i].min,
			.max = cases[i].max,
			.unit = cases[i].unit };
		option_value_describe(&row, text, sizeof(text));
		CHECK_TEXT(text, cases[i].said);
	}
	const struct lucius_option choice = { .type = LUCIUS_OPTION_CHOICE, .choices = "a|bc" };
	option_value_describe(&choice, text, sizeof(text));
	CHECK_TEXT(text, "one of a|bc");
}

static void only_one_of_the_choices_is_a_choice(void)
{
	static const struct {
		const char *choices, *text;
		bool is_taken;
	} cases[] = { { "a|bc|d", "a", true }, { "a|bc|d", "bc", true }, { "a|bc|d", "d", true },
		{ "a|bc|d", "b", false }, { "a|bc|d", "x", false }, { "a|bc|d", "", false },
		{ NULL, "a", false } };
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct lucius_option row = { .type = LUCIUS_OPTION_CHOICE,
			.choices = cases[i].choices };
		struct option_value value;
		char accepted[64];
		CHECK_INT(
		        option_value_parse(&row, cases[i].text, &value, accepted, sizeof(accepted)),
		        cases[i].is_taken);
	}
}

static void defaults_fill_the_struct_and_what_is_required_must_be_given(void)
{
	char error[128] = "";
	begin(LUCIUS_KIND_BUS);
	rows[0].default_value = "some";
	struct values *values = option_defaults(&plugin, error, sizeof(error));
	CHECK(values != NULL);
	CHECK_TEXT(values != NULL ? values->text : NULL, "some");
	CHECK_INT(values != NULL ? values->number : 0, 5);
	free(values);
	rows[1].default_value = "not a number";
	values = option_defaults(&plugin, error, sizeof(error));
	CHECK_INT(values != NULL ? values->number : -1, 0);
	free(values);
	rows[0].flags = LUCIUS_OPTION_REQUIRED;
	values = option_defaults(&plugin, error, sizeof(error));
	CHECK_TEXT(values != NULL ? values->text : NULL, "some");
	free(values);
	rows[0].default_value = NULL;
	CHECK(option_defaults(&plugin, error, sizeof(error)) == NULL);
	CHECK_TEXT(error, "'good' needs the option 'good-text'");
}

int main(int argc, char **argv)
{
	static const struct suite_test tests[] = {
		SUITE_TEST(a_good_descriptor_of_each_kind_is_taken),
		SUITE_TEST(every_member_that_a_kind_must_have_is_named_where_it_lacks),
		SUITE_TEST(a_descriptor_without_the_table_of_its_kind_is_refused),
		SUITE_TEST(a_table_of_life_that_is_cut_is_none),
		SUITE_TEST(rows_that_cannot_be_walked_through_are_refused_as_a_whole),
		SUITE_TEST(names_of_options_are_words_in_lower_case),
		SUITE_TEST(each_thing_that_a_row_lacks_has_a_sentence),
		SUITE_TEST(what_a_row_takes_is_described),
		SUITE_TEST(only_one_of_the_choices_is_a_choice),
		SUITE_TEST(defaults_fill_the_struct_and_what_is_required_must_be_given),
	};
	return suite_run("loader_check", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
