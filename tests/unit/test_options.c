/* SPDX-License-Identifier: MIT */
/* The options together: sources, precedence, unknown names, secrets, changes while running. */
#include "core/options.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/option_print.h"
#include "core/option_rows.h"
#include "core/option_value.h"
#include "core/settings.h"
#include "support/base/memory.h"
#include "tests/support/fake_storage.h"
#include "tests/support/suite.h"

enum { N_VARIABLES = 8 };

static const struct option_known known[] = {
	{ "storage-table",
	        { .name = "table-connection",
	                .summary = "A secret.",
	                .type = LUCIUS_OPTION_TEXT,
	                .flags = LUCIUS_OPTION_SECRET } },
	{ "bus-local",
	        { .name = "bus-listen",
	                .default_value = "127.0.0.1:5672",
	                .summary = "An address.",
	                .type = LUCIUS_OPTION_TEXT } },
	{ "bus-local",
	        { .name = "bus-key-file", .summary = "A file.", .type = LUCIUS_OPTION_TEXT } },
	{ "bus-local",
	        { .name = "bus-key",
	                .summary = "A secret.",
	                .type = LUCIUS_OPTION_TEXT,
	                .flags = LUCIUS_OPTION_SECRET } },
};

struct world {
	struct options *options;
	struct settings settings;
	struct option_givens arguments;
	char *environment[N_VARIABLES + 1];
	unsigned n_variables;
	char path[64]; /* of the file */
	unsigned n_errors;
	unsigned n_warnings;
	unsigned n_learned;
	char said[4096]; /* all sentences */
};

static struct world world;

static void on_report(void *user, bool is_error, const char *sentence)
{
	(void)user;
	world.n_errors += is_error ? 1 : 0;
	world.n_warnings += is_error ? 0 : 1;
	size_t size = strlen(world.said);
	(void)snprintf(world.said + size, sizeof(world.said) - size, "%s\n", sentence);
}

static void learn(void *user, struct options *options)
{
	(void)user;
	world.n_learned++;
	options_learn(options, &fake_plugin);
}

static void write_file(const char *text)
{
	FILE *file = fopen(world.path, "w");
	if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0) {
		abort();
	}
}

static void begin(void)
{
	world = (struct world){ 0 };
	(void)snprintf(world.path, sizeof(world.path), "/tmp/test-options-%ld", (long)getpid());
	write_file("");
	(void)option_givens_add(&world.arguments, "--config", world.path, "the test");
	const struct options_parts parts = {
		.arguments = &world.arguments,
		.environment = world.environment,
		.known = known,
		.n_known = sizeof(known) / sizeof(known[0]),
		.report = on_report,
		.learn = learn,
	};
	world.options = options_create(&parts);
}

static void set(const char *variable)
{
	if (world.n_variables == N_VARIABLES) {
		abort();
	}
	world.environment[world.n_variables++] = must_copy(variable, strlen(variable));
}

static void argue(const char *flag, const char *value)
{
	(void)option_givens_add(&world.arguments, flag, value, "the command line");
}

/* As the daemon does it. Returns 0, or -1 after a report. */
static int resolve(void)
{
	if (options_add_core(world.options, &world.settings) == NULL ||
	        options_read_file(world.options) != 0) {
		return -1;
	}
	return options_resolve(world.options, false);
}

static void end(void)
{
	options_destroy(world.options);
	option_givens_finish(&world.arguments);
	for (unsigned i = 0; i < world.n_variables; i++) {
		free(world.environment[i]);
	}
	(void)unlink(world.path);
}

static void check_said(const char *part)
{
	CHECK(strstr(world.said, part) != NULL);
	if (strstr(world.said, part) == NULL) {
		fprintf(stderr, "expected '%s' in '%s'\n", part, world.said);
	}
}

static void every_row_of_the_core_is_sound_and_has_a_default_that_it_takes(void)
{
	begin();
	for (uint32_t i = 0; i < n_option_rows; i++) {
		const char *fault = option_row_fault(&option_rows[i], sizeof(struct settings));
		if (fault != NULL) {
			fprintf(stderr, "%s: %s\n", option_rows[i].name, fault);
		}
		CHECK(fault == NULL);
	}
	CHECK_INT(resolve(), 0);
	CHECK_INT(world.settings.max_attempts, 3);
	CHECK_INT(world.settings.temporal_enabled, 1);
	CHECK_TEXT(world.settings.servicebus_reply_prefix, "global-bus-replies-p");
	CHECK(world.settings.bus_backend == NULL);
	CHECK_TEXT(world.said, "");
	end();
}

static void the_stronger_source_wins(void)
{
	begin();
	write_file("max_attempts = 4;\nlease_minutes = 4;\nsweep_seconds = 4;\n"
	           "retention_days = 4;\n");
	struct option_givens remote = { 0 };
	(void)option_givens_add(&remote, "Lucius:MaxAttempts", "5", "remote");
	(void)option_givens_add(&remote, "Lucius:LeaseMinutes", "5", "remote");
	(void)option_givens_add(&remote, "Lucius:SweepSeconds", "5", "remote");
	options_swap_remote(world.options, &remote);
	option_givens_finish(&remote);
	set("LUCIUS_MAX_ATTEMPTS=6");
	set("LUCIUS_LEASE_MINUTES=6");
	argue("--max-attempts", "7");
	CHECK_INT(resolve(), 0);
	CHECK_INT(world.settings.max_attempts, 7);
	CHECK_INT(world.settings.lease_minutes, 6);
	CHECK_INT(world.settings.sweep_seconds, 5);
	CHECK_INT(world.settings.retention_days, 4);
	CHECK_INT(world.settings.reply_dlq_seconds, 600);
	end();
}

/* One key with that mark, as a source gives it. */
static void give_remote(const char *key, const char *value, bool is_hidden, bool is_failed)
{
	struct option_givens remote = { 0 };
	struct option_given *given = option_givens_add(&remote, key, value, "the key");
	given->is_hidden = is_hidden;
	given->is_failed = is_failed;
	options_swap_remote(world.options, &remote);
	option_givens_finish(&remote);
}

static void a_value_that_a_source_cannot_give_stops_unless_something_stronger_is_given(void)
{
	begin();
	CHECK_INT(resolve(), 0);
	give_remote("Lucius:MaxAttempts", "the vault is away", false, true);
	CHECK_INT(options_resolve(world.options, false), -1);
	CHECK(strstr(world.said,
	              "LUCIUS_MAX_ATTEMPTS: the key gives no value: the vault is away") != NULL);
	argue("--max-attempts", "7");
	CHECK_INT(options_resolve(world.options, false), 0);
	CHECK_INT(world.settings.max_attempts, 7);
	end();
}

static void a_value_that_a_source_hides_is_shown_nowhere(void)
{
	begin();
	CHECK_INT(resolve(), 0);
	give_remote("Lucius:LogLevel", "sesame", true, false);
	CHECK_INT(options_resolve(world.options, true), -1);
	give_remote("Lucius:ServiceBus:ReplyPrefix", "sesame", true, false);
	CHECK_INT(options_resolve(world.options, true), 0);
	CHECK(strstr(world.said, "LUCIUS_SERVICEBUS_REPLY_PREFIX is now '******'") != NULL);
	CHECK(strstr(world.said, "sesame") == NULL);
	end();
}

static void what_leads_to_the_source_cannot_come_from_it(void)
{
	begin();
	CHECK_INT(resolve(), 0);
	options_close_source(world.options, "config-appconfig");
	give_remote("Lucius:PluginsDir", "/elsewhere", false, false);
	CHECK_INT(options_resolve(world.options, false), 0);
	CHECK(strcmp(world.settings.plugins_dir, "/elsewhere") != 0);
	(void)options_check_names(world.options);
	CHECK(strstr(world.said, "what leads to the source cannot come from it") != NULL);
	end();
}

static void note_key(void *user, const char *key)
{
	unsigned *seen = user;
	seen[0] += strcmp(key, "Lucius:MaxAttempts") == 0 ? 1 : 0;
	seen[1] += strcmp(key, "Lucius:Table:Connection") == 0 ||
	                strcmp(key, "Lucius:Invoker:Token") == 0
	        ? 1
	        : 0;
}

static void keys_of_secrets_are_not_open(void)
{
	unsigned seen[2] = { 0 };
	begin();
	CHECK_INT(resolve(), 0);
	options_each_open_key(world.options, note_key, seen);
	CHECK(seen[0] != 0);
	CHECK_INT(seen[1], 0);
	end();
}

static void an_empty_value_counts_as_unset(void)
{
	begin();
	write_file("max_attempts = 4;\nlease_minutes = \"\";\n");
	set("LUCIUS_MAX_ATTEMPTS=");
	CHECK_INT(resolve(), 0);
	CHECK_INT(world.settings.max_attempts, 4);
	CHECK_INT(world.settings.lease_minutes, 15);
	end();
}

static void a_wrong_value_is_named_with_its_origin_and_what_is_accepted(void)
{
	begin();
	set("LUCIUS_SHUTDOWN_SECONDS=30s");
	CHECK_INT(resolve(), -1);
	check_said("LUCIUS_SHUTDOWN_SECONDS: '30s' from the environment variable "
	           "LUCIUS_SHUTDOWN_SECONDS is not taken; accepted is a whole number of seconds "
	           "from 1 to 3600");
	end();
	begin();
	write_file("\n\nhttp = {\n\tmax_depth = \"deep\";\n};\n");
	CHECK_INT(resolve(), -1);
	check_said("LUCIUS_HTTP_MAX_DEPTH: 'deep' from ");
	check_said(":4 is not taken");
	end();
	begin();
	argue("--log-level", "loud");
	CHECK_INT(resolve(), -1);
	check_said("accepted is one of debug|info|warning|error");
	end();
}

static void a_truth_value_has_four_pairs_of_words_in_any_case(void)
{
	static const char *const words[][2] = { { "false", "TRUE" }, { "0", "1" }, { "No", "yes" },
		{ "off", "on" } };
	for (size_t i = 0; i < 8; i++) {
		char variable[80];
		begin();
		(void)snprintf(variable, sizeof(variable), "LUCIUS_TEMPORAL_ENABLED=%s",
		        words[i / 2][i % 2]);
		set(variable);
		CHECK_INT(resolve(), 0);
		CHECK_INT(world.settings.temporal_enabled, i % 2);
		end();
	}
	begin();
	set("LUCIUS_TEMPORAL_ENABLED=maybe");
	CHECK_INT(resolve(), -1);
	check_said("accepted is true or false (1/0, yes/no, on/off)");
	end();
}

static void all_wrong_values_are_named_not_the_first_only(void)
{
	begin();
	set("LUCIUS_MAX_ATTEMPTS=x");
	set("LUCIUS_LEASE_MINUTES=x");
	CHECK_INT(resolve(), -1);
	CHECK_INT(world.n_errors, 2);
	end();
}

static void the_file_takes_all_types_of_libconfig(void)
{
	begin();
	write_file("role = [ \"worker\", \"invoker\" ];\n"
	           "temporal = { enabled = false; address = \"localhost:7233\"; };\n"
	           "http: { max_body_bytes = 2097152L; };\n"
	           "protocols_file = ( { a = 1; b = [ 1, 2 ]; } );\n");
	CHECK_INT(resolve(), 0);
	CHECK_TEXT(world.settings.role, "worker,invoker");
	CHECK_INT(world.settings.temporal_enabled, 0);
	CHECK_INT(world.settings.http_max_body_bytes, 2097152);
	CHECK_TEXT(world.settings.protocols_file, "[{\"a\":1,\"b\":[1,2]}]");
	end();
}

static void a_file_that_does_not_parse_is_named_with_its_line(void)
{
	begin();
	write_file("max_attempts = 4;\nlease_minutes = = 3;\n");
	CHECK_INT(resolve(), -1);
	check_said(":2: syntax error");
	end();
	begin();
	(void)unlink(world.path);
	CHECK_INT(resolve(), -1);
	check_said("No such file");
	end();
}

static void an_unknown_name_is_answered_with_the_nearest_one(void)
{
	begin();
	write_file("max_atempts = 4;\nservicebus = { lanse = 4; };\nqqqqqqqq = 1;\n");
	argue("--rloe", "worker");
	set("LUCIUS_TABLE_CONECTION=x");
	set("LUCIUS_INVOKER_SERVICE_HOST=10.0.0.1");
	CHECK_INT(resolve(), 0);
	CHECK_INT(options_check_names(world.options), -1);
	CHECK_INT(world.n_errors, 4);
	CHECK_INT(world.n_warnings, 2);
	check_said("max_atempts is no option; is max_attempts meant?");
	check_said("servicebus.lanse is no option; is servicebus.lanes meant?");
	check_said("qqqqqqqq is no option; --help");
	check_said("--rloe is no option; is --role meant?");
	check_said("LUCIUS_TABLE_CONECTION is no option; is LUCIUS_TABLE_CONNECTION meant?");
	CHECK_INT(world.n_learned, 1);
	end();
}

static void names_of_plugins_that_are_not_loaded_are_known(void)
{
	begin();
	write_file("bus = { listen = \"off\"; };\ntable = { connection_file = \"/x\"; };\n");
	set("LUCIUS_TABLE_CONNECTION_FILE=/x");
	CHECK_INT(resolve(), 0);
	CHECK_INT(options_check_names(world.options), 0);
	CHECK_INT(world.n_learned, 0);
	CHECK_TEXT(world.said, "");
	end();
	begin();
	write_file("fake_number = 3;\n");
	CHECK_INT(resolve(), 0);
	CHECK_INT(options_check_names(world.options), 0);
	CHECK_INT(world.n_learned, 1);
	end();
}

static void a_secret_may_stand_in_a_file_of_its_own(void)
{
	begin();
	char variable[128];
	write_file("");
	char secret[80];
	(void)snprintf(secret, sizeof(secret), "%s.secret", world.path);
	FILE *file = fopen(secret, "w");
	CHECK(file != NULL && fputs("s3cret\n", file) > 0 && fclose(file) == 0);
	(void)snprintf(variable, sizeof(variable), "LUCIUS_INVOKER_TOKEN_FILE=%s", secret);
	set(variable);
	CHECK_INT(resolve(), 0);
	CHECK_TEXT(world.settings.invoker_token, "s3cret");
	set("LUCIUS_INVOKER_TOKEN=other");
	CHECK_INT(options_resolve(world.options, false), -1);
	check_said("LUCIUS_INVOKER_TOKEN is given twice");
	CHECK_TEXT(world.settings.invoker_token, "s3cret");
	(void)unlink(secret);
	end();
	begin();
	set("LUCIUS_INVOKER_TOKEN_FILE=/nowhere/at/all");
	CHECK_INT(resolve(), -1);
	check_said("'/nowhere/at/all'");
	end();
}

static void a_secret_that_everybody_can_read_is_a_warning(void)
{
	begin();
	write_file("table = { connection = \"x\"; };\n");
	CHECK_INT(chmod(world.path, 0600), 0);
	argue("--invoker-token", "x");
	CHECK_INT(resolve(), 0);
	CHECK_INT(options_check_names(world.options), 0);
	CHECK_INT(world.n_warnings, 1);
	check_said("--invoker-token: a secret on the command line");
	CHECK_INT(chmod(world.path, 0644), 0);
	CHECK_INT(options_read_file(world.options), 0);
	CHECK_INT(options_check_names(world.options), 0);
	check_said("table.connection: a secret in a file that every user");
	end();
}

static void an_option_that_ends_in_file_is_not_the_file_of_another(void)
{
	begin();
	set("LUCIUS_BUS_KEY=k");
	set("LUCIUS_BUS_KEY_FILE=/does/not/exist");
	struct option_entry entry;
	CHECK_INT(resolve(), 0);
	CHECK_INT(options_find(world.options, &known[3].row, &entry), 1);
	CHECK_TEXT(entry.text, "k");
	end();
}

static char *printed(void (*print)(struct options *options, FILE *output))
{
	char *text = NULL;
	size_t size = 0;
	FILE *output = open_memstream(&text, &size);
	print(world.options, output);
	if (fclose(output) != 0) {
		abort();
	}
	return text;
}

static void secrets_are_masked_but_for_the_shell(void)
{
	begin();
	set("LUCIUS_INVOKER_TOKEN=it's");
	set("LUCIUS_TABLE_CONNECTION=AccountKey=abc");
	CHECK_INT(resolve(), 0);
	CLEANUP_FREE char *check = printed(option_print_check);
	CLEANUP_FREE char *env = printed(option_print_env);
	CHECK(strstr(check, "it's") == NULL && strstr(check, "abc") == NULL);
	CHECK(strstr(check, "LUCIUS_INVOKER_TOKEN = ****** (the environment variable") != NULL);
	CHECK(strstr(check, "LUCIUS_TABLE_CONNECTION = ******") != NULL);
	CHECK(strstr(check, "LUCIUS_MAX_ATTEMPTS = 3 (the default)") != NULL);
	CHECK(strstr(env, "export LUCIUS_INVOKER_TOKEN='it'\\''s'\n") != NULL);
	CHECK(strstr(env, "export LUCIUS_TABLE_CONNECTION='AccountKey=abc'\n") != NULL);
	CHECK(strstr(env, "LUCIUS_API_TOKENS_FILE") == NULL);
	end();
}

static void a_plugin_s_struct_is_filled_and_the_same_plugin_has_one_set(void)
{
	begin();
	set("LUCIUS_FAKE_NUMBER=9");
	CHECK_INT(resolve(), 0);
	struct option_set *added = options_add_plugin(world.options, &fake_plugin);
	CHECK(added != NULL);
	const struct fake_options *values = added->values;
	CHECK_INT(values->number, 9);
	CHECK_TEXT(values->text, "some");
	CHECK(options_add_plugin(world.options, &fake_plugin) == added);
	end();
	begin();
	set("LUCIUS_FAKE_NUMBER=11");
	CHECK_INT(resolve(), 0);
	CHECK(options_add_plugin(world.options, &fake_plugin) == NULL);
	check_said("LUCIUS_FAKE_NUMBER: '11'");
	end();
}

static void live_options_change_in_place_and_others_ask_for_a_restart_once(void)
{
	begin();
	write_file("max_attempts = 4;\nhttp = { max_depth = 32; };\n");
	CHECK_INT(resolve(), 0);
	world.said[0] = '\0';
	write_file("max_attempts = 5;\nhttp = { max_depth = 33; };\n");
	for (int i = 0; i < 2; i++) {
		CHECK_INT(options_read_file(world.options), 0);
		CHECK_INT(options_resolve(world.options, true), 0);
		CHECK_INT(options_first(world.options)->is_changed, i == 0);
	}
	CHECK_INT(world.settings.max_attempts, 5);
	CHECK_INT(world.settings.http_max_depth, 32);
	check_said("LUCIUS_HTTP_MAX_DEPTH is now '33'");
	check_said("after a restart");
	CHECK_INT(world.n_warnings, 2);
	end();
}

static void a_change_that_is_wrong_changes_nothing(void)
{
	begin();
	write_file("max_attempts = 4;\n");
	CHECK_INT(resolve(), 0);
	write_file("max_attempts = 5;\nlease_minutes = 0;\n");
	CHECK_INT(options_read_file(world.options), 0);
	CHECK_INT(options_resolve(world.options, true), -1);
	CHECK_INT(world.settings.max_attempts, 4);
	CHECK_INT(world.settings.lease_minutes, 15);
	end();
}

static void what_is_chosen_stays_chosen_until_it_is_given(void)
{
	begin();
	CHECK_INT(resolve(), 0);
	options_choose(world.options, "bus-backend", "local", "chosen");
	CHECK_TEXT(world.settings.bus_backend, "local");
	CHECK_INT(options_resolve(world.options, true), 0);
	CHECK_TEXT(world.settings.bus_backend, "local");
	CHECK_INT(world.n_warnings, 0);
	CHECK_INT(options_is_given(world.options, "table-connection"), 0);
	set("LUCIUS_TABLE_CONNECTION_FILE=/x");
	CHECK_INT(options_is_given(world.options, "table-connection"), 1);
	end();
}

int main(int argc, char **argv)
{
	static const struct suite_test tests[] = {
		SUITE_TEST(every_row_of_the_core_is_sound_and_has_a_default_that_it_takes),
		SUITE_TEST(the_stronger_source_wins),
		SUITE_TEST(
		        a_value_that_a_source_cannot_give_stops_unless_something_stronger_is_given),
		SUITE_TEST(a_value_that_a_source_hides_is_shown_nowhere),
		SUITE_TEST(what_leads_to_the_source_cannot_come_from_it),
		SUITE_TEST(keys_of_secrets_are_not_open),
		SUITE_TEST(an_empty_value_counts_as_unset),
		SUITE_TEST(a_wrong_value_is_named_with_its_origin_and_what_is_accepted),
		SUITE_TEST(a_truth_value_has_four_pairs_of_words_in_any_case),
		SUITE_TEST(all_wrong_values_are_named_not_the_first_only),
		SUITE_TEST(the_file_takes_all_types_of_libconfig),
		SUITE_TEST(a_file_that_does_not_parse_is_named_with_its_line),
		SUITE_TEST(an_unknown_name_is_answered_with_the_nearest_one),
		SUITE_TEST(names_of_plugins_that_are_not_loaded_are_known),
		SUITE_TEST(a_secret_may_stand_in_a_file_of_its_own),
		SUITE_TEST(a_secret_that_everybody_can_read_is_a_warning),
		SUITE_TEST(an_option_that_ends_in_file_is_not_the_file_of_another),
		SUITE_TEST(secrets_are_masked_but_for_the_shell),
		SUITE_TEST(a_plugin_s_struct_is_filled_and_the_same_plugin_has_one_set),
		SUITE_TEST(live_options_change_in_place_and_others_ask_for_a_restart_once),
		SUITE_TEST(a_change_that_is_wrong_changes_nothing),
		SUITE_TEST(what_is_chosen_stays_chosen_until_it_is_given),
	};
	return suite_run("options", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
