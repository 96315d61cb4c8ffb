/* SPDX-License-Identifier: MIT */
/* A row by itself: what it takes as a value, and how its name is spelled for each source. */
#include "core/option_names.h"
#include "core/option_value.h"
#include "tests/support/suite.h"

static void values_are_taken_or_refused_by_their_type(void)
{
	static const struct {
		uint32_t type;
		const char *text;
		int64_t integer; /* -1: refused */
	} cases[] = {
		{ LUCIUS_OPTION_INTEGER, "0", 0 },
		{ LUCIUS_OPTION_INTEGER, "10", 10 },
		{ LUCIUS_OPTION_INTEGER, "007", 7 },
		{ LUCIUS_OPTION_INTEGER, "11", -1 },
		{ LUCIUS_OPTION_INTEGER, "-1", -1 },
		{ LUCIUS_OPTION_INTEGER, "", -1 },
		{ LUCIUS_OPTION_INTEGER, "-", -1 },
		{ LUCIUS_OPTION_INTEGER, "+5", -1 },
		{ LUCIUS_OPTION_INTEGER, " 5", -1 },
		{ LUCIUS_OPTION_INTEGER, "5 ", -1 },
		{ LUCIUS_OPTION_INTEGER, "5s", -1 },
		{ LUCIUS_OPTION_INTEGER, "5.0", -1 },
		{ LUCIUS_OPTION_INTEGER, "0x5", -1 },
		{ LUCIUS_OPTION_INTEGER, "99999999999999999999", -1 },
		{ LUCIUS_OPTION_BOOLEAN, "true", 1 },
		{ LUCIUS_OPTION_BOOLEAN, "False", 0 },
		{ LUCIUS_OPTION_BOOLEAN, "1", 1 },
		{ LUCIUS_OPTION_BOOLEAN, "no", 0 },
		{ LUCIUS_OPTION_BOOLEAN, "ON", 1 },
		{ LUCIUS_OPTION_BOOLEAN, "off", 0 },
		{ LUCIUS_OPTION_BOOLEAN, "2", -1 },
		{ LUCIUS_OPTION_BOOLEAN, "", -1 },
		{ LUCIUS_OPTION_BOOLEAN, "truee", -1 },
		{ LUCIUS_OPTION_CHOICE, "b", 0 },
		{ LUCIUS_OPTION_CHOICE, "abc", 0 },
		{ LUCIUS_OPTION_CHOICE, "", -1 },
		{ LUCIUS_OPTION_CHOICE, "a", -1 },
		{ LUCIUS_OPTION_CHOICE, "abc|b", -1 },
		{ LUCIUS_OPTION_CHOICE, "B", -1 },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct lucius_option row = {
			.name = "x", .type = cases[i].type, .choices = "abc|b", .min = 0, .max = 10
		};
		struct option_value value = { 0 };
		char accepted[128] = "";
		bool is_taken =
		        option_value_parse(&row, cases[i].text, &value, accepted, sizeof(accepted));
		if (is_taken != (cases[i].integer >= 0)) {
			fprintf(stderr, "'%s' of type %u\n", cases[i].text, cases[i].type);
		}
		CHECK_INT(is_taken, cases[i].integer >= 0);
		CHECK(!is_taken || value.integer == cases[i].integer);
		CHECK(is_taken || accepted[0] != '\0');
	}
}

static void a_name_is_spelled_for_each_source_by_one_rule(void)
{
	static const struct {
		const char *name;
		const char *env;
		const char *flag;
		const char *path;
		const char *key;
	} cases[] = {
		{ "servicebus-reply-prefix", "LUCIUS_SERVICEBUS_REPLY_PREFIX",
		        "--servicebus-reply-prefix", "servicebus.reply_prefix",
		        "Lucius:ServiceBus:ReplyPrefix" },
		{ "max-attempts", "LUCIUS_MAX_ATTEMPTS", "--max-attempts", "max_attempts",
		        "Lucius:MaxAttempts" },
		{ "ledger-table", "LUCIUS_LEDGER_TABLE", "--ledger-table", "ledger.table",
		        "Lucius:Ledger:Table" },
		{ "temporal-task-queue", "LUCIUS_TEMPORAL_TASK_QUEUE", "--temporal-task-queue",
		        "temporal.task_queue", "Lucius:Temporal:TaskQueue" },
		{ "jobs-table", "LUCIUS_JOBS_TABLE", "--jobs-table", "jobs_table",
		        "Lucius:JobsTable" },
		{ "role", "LUCIUS_ROLE", "--role", "role", "Lucius:Role" },
		{ "bus", "LUCIUS_BUS", "--bus", "bus", "Lucius:Bus" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct lucius_option row = { .name = cases[i].name };
		struct option_names names;
		option_names_of(&row, &names);
		CHECK_TEXT(names.env, cases[i].env);
		CHECK_TEXT(names.flag, cases[i].flag);
		CHECK_TEXT(names.path, cases[i].path);
		CHECK_TEXT(names.key, cases[i].key);
	}
}

int main(int argc, char **argv)
{
	static const struct suite_test tests[] = {
		SUITE_TEST(values_are_taken_or_refused_by_their_type),
		SUITE_TEST(a_name_is_spelled_for_each_source_by_one_rule),
	};
	return suite_run("option_rows", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
