/* SPDX-License-Identifier: MIT */
/* Sources that are hard to read: secrets in odd files, odd values in the file, required options. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/loader.h"
#include "core/option_print.h"
#include "core/options.h"
#include "core/settings.h"
#include "support/base/memory.h"
#include "tests/support/fake_storage.h"
#include "tests/support/refusals.h"
#include "tests/support/suite.h"

static const struct option_known known[] = {
	{ "storage-table",
	        { .name = "table-connection",
	                .summary = "A secret.",
	                .type = LUCIUS_OPTION_TEXT,
	                .flags = LUCIUS_OPTION_SECRET } },
};

static struct {
	struct options *options;
	struct settings settings;
	struct option_givens arguments;
	char *environment[4];
	char folder[64];
	char path[96]; /* of the configuration file */
	unsigned n_errors, n_said;
	char said[4096];
} world;

static void on_report(void *user, bool is_error, const char *sentence)
{
	(void)user;
	world.n_errors += is_error ? 1 : 0;
	world.n_said++;
	(void)snprintf(world.said, sizeof(world.said), "%s", sentence);
}

static void write_file(const char *path, const void *bytes, size_t size)
{
	FILE *file = fopen(path, "w");
	if (file == NULL || fwrite(bytes, 1, size, file) != size || fclose(file) != 0) {
		abort();
	}
}

static void begin(const char *conf)
{
	memset(&world, 0, sizeof(world));
	(void)snprintf(world.folder, sizeof(world.folder), "%s/option-sources-XXXXXX", P_tmpdir);
	if (mkdtemp(world.folder) == NULL) {
		abort();
	}
	(void)snprintf(world.path, sizeof(world.path), "%s/lucius.conf", world.folder);
	write_file(world.path, conf, strlen(conf));
	(void)option_givens_add(&world.arguments, "--config", world.path, "the test");
	const struct options_parts parts = { .arguments = &world.arguments,
		.environment = world.environment,
		.known = known,
		.n_known = 1,
		.report = on_report };
	world.options = options_create(&parts);
}

static int resolve(void)
{
	return options_add_core(world.options, &world.settings) == NULL ||
	                options_read_file(world.options) != 0 ||
	                options_resolve(world.options, false) != 0
	        ? -1
	        : 0;
}

static void end(void)
{
	options_destroy(world.options);
	option_givens_finish(&world.arguments);
	for (size_t i = 0; i < 4; i++) {
		free(world.environment[i]);
	}
	(void)unlink(world.path);
	(void)rmdir(world.folder);
}

static void check_said(const char *words)
{
	if (strstr(world.said, words) == NULL) {
		CHECK_TEXT(world.said, words);
	}
}

static const struct lucius_option secret = { .name = "table-connection",
	.summary = "A secret.",
	.type = LUCIUS_OPTION_TEXT,
	.flags = LUCIUS_OPTION_SECRET };

/* The secret in a file of these bytes. */
static int find_secret(const void *bytes, size_t size, struct option_entry *ret_entry)
{
	char path[128];
	(void)snprintf(path, sizeof(path), "%s/secret", world.folder);
	write_file(path, bytes, size);
	world.environment[0] = must_print("LUCIUS_TABLE_CONNECTION_FILE=%s", path);
	int result = options_find(world.options, &secret, ret_entry);
	(void)unlink(path);
	return result;
}

static void a_secret_s_file_holds_one_text(void)
{
	char *large = must_calloc(1, 65538);
	memset(large, 'x', 65537);
	const struct {
		const void *bytes;
		size_t size;
		const char *words;
	} cases[] = { { "", 0, "is empty; it must hold" },
		{ "\r\n\n", 3, "is empty; it must hold" }, { "a\0b", 3, "is not text" },
		{ large, 65537, "is too large" } };
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct option_entry entry;
		begin("");
		CHECK_INT(resolve(), 0);
		CHECK_INT(find_secret(cases[i].bytes, cases[i].size, &entry), -1);
		check_said(cases[i].words);
		end();
	}
	large[65536] = '\0';
	struct option_entry entry;
	begin("");
	CHECK_INT(resolve(), 0);
	CHECK_INT(find_secret(large, 65536, &entry), 1);
	CHECK_INT(strlen(entry.text), 65536);
	end();
	free(large);
}

static void a_read_that_is_interrupted_goes_on_and_one_that_fails_is_told(void)
{
	struct option_entry entry;
	begin("");
	CHECK_INT(resolve(), 0);
	refuse("read", EINTR);
	CHECK_INT(find_secret("word\n", 5, &entry), 1);
	CHECK(refuse_end());
	CHECK_TEXT(entry.text, "word");
	end();
	begin("");
	CHECK_INT(resolve(), 0);
	refuse_nth("read", 2, 1, EIO);
	CHECK_INT(find_secret("word\n", 5, &entry), -1);
	CHECK(refuse_end());
	check_said("Input/output error");
	end();
}

static void a_required_option_that_nobody_gives_is_named_with_all_its_names(void)
{
	struct lucius_option row = { .name = "fake-key",
		.summary = "A key.",
		.type = LUCIUS_OPTION_TEXT,
		.flags = LUCIUS_OPTION_REQUIRED,
		.offset = offsetof(struct fake_options, text),
		.member_size = sizeof(const char *) };
	struct lucius_plugin plugin = fake_plugin;
	plugin.options = &row;
	plugin.n_options = 1;
	begin("");
	CHECK_INT(resolve(), 0);
	CHECK(options_add_plugin(world.options, &plugin) == NULL);
	check_said("storage-fake needs LUCIUS_FAKE_KEY (--fake-key, or `fake_key` in the "
	           "configuration file): A key.");
	end();
	begin("");
	CHECK_INT(resolve(), 0);
	row.default_value = "there";
	CHECK(options_add_plugin(world.options, &plugin) != NULL);
	end();
}

static void values_of_odd_types_are_read_as_what_they_say(void)
{
	static const struct {
		const char *conf;
		bool is_taken;
	} cases[] = {
		{ "max_attempts = 4.5;\n", false },
		{ "max_attempts = 1e999;\n", false },
		{ "max_attempts = 4L;\n", true },
		{ "max_attempts = [4];\n", true },
		{ "max_attempts = [\"4\", \"5\"];\n", false },
		{ "max_attempts = (4, \"\xff\", true, 2.5);\n", false },
		{ "log_level = \"debug\";\n", true },
		{ "http = { listen = { a = 1; }; };\n", true },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		begin(cases[i].conf);
		CHECK_INT(resolve() == 0, cases[i].is_taken);
		CHECK_INT(world.n_errors, cases[i].is_taken ? 0 : 1);
		end();
	}
}

static void a_file_that_includes_another_names_the_one_that_is_wrong(void)
{
	char other[128];
	begin("");
	(void)snprintf(other, sizeof(other), "%s/other.conf", world.folder);
	char *conf = must_print("@include \"%s\"\n", other);
	write_file(world.path, conf, strlen(conf));
	write_file(other, "max_attempts = 0;\n", 18);
	CHECK_INT(resolve(), -1);
	check_said("other.conf:1");
	(void)unlink(other);
	end();
	begin("");
	(void)snprintf(other, sizeof(other), "%s/other.conf", world.folder);
	free(conf);
	conf = must_print("@include \"%s\"\n", other);
	write_file(world.path, conf, strlen(conf));
	write_file(other, "max_attempts = ;\n", 17);
	CHECK_INT(resolve(), -1);
	check_said("other.conf:1");
	(void)unlink(other);
	end();
	free(conf);
}

static void a_file_that_cannot_be_opened_is_told(void)
{
	begin("");
	(void)unlink(world.path);
	CHECK_INT(resolve(), -1);
	check_said("No such file or directory");
	(void)mkdir(world.path, 0700);
	CHECK_INT(resolve(), -1);
	check_said("Is a directory");
	(void)rmdir(world.path);
	end();
	begin("");
	write_file(world.path, "max_attempts = 4;\0", 18);
	CHECK_INT(resolve(), -1);
	check_said("holds a NUL");
	end();
}

static void a_file_of_any_size_is_read_whole(void)
{
	char *conf = must_calloc(1, 9001);
	begin("");
	for (size_t size = 4094; size < 9000; size += size == 4098 ? 4092 : 1) {
		memset(conf, '#', size);
		memcpy(conf + size - 19, "\nmax_attempts = 4;\n", 19);
		write_file(world.path, conf, size);
		world.settings.max_attempts = 0;
		options_destroy(world.options);
		const struct options_parts parts = { .arguments = &world.arguments,
			.environment = world.environment,
			.report = on_report };
		world.options = options_create(&parts);
		CHECK_INT(resolve(), 0);
		CHECK_INT(world.settings.max_attempts, 4);
	}
	end();
	free(conf);
}

static void what_is_no_option_cannot_be_chosen(void)
{
	begin("");
	CHECK_INT(resolve(), 0);
	options_choose(world.options, "nothing", "x", "for no reason");
	CHECK(!options_is_given(world.options, "nothing"));
	CHECK(!options_is_given(world.options, "max-attempts"));
	end();
}

/* The file as it is now, read as on SIGHUP; how many sentences were said of it. */
static unsigned reload(const char *conf)
{
	world.n_said = 0;
	write_file(world.path, conf, strlen(conf));
	CHECK_INT(options_read_file(world.options), 0);
	CHECK_INT(options_resolve(world.options, true), 0);
	return world.n_said;
}

static void what_needs_a_restart_is_said_once_also_where_it_is_taken_away(void)
{
	begin("bus = { backend = \"one\"; };\ninvoker = { token = \"first\"; };\n");
	CHECK_INT(resolve(), 0);
	CHECK_INT(reload("invoker = { token = \"first\"; };\n"), 1);
	check_said(
	        "LUCIUS_BUS_BACKEND is now '' (from the default); it is taken up after a restart");
	CHECK_INT(reload("invoker = { token = \"first\"; };\n"), 0);
	CHECK_INT(reload("invoker = { token = \"second\"; };\n"), 1);
	check_said("LUCIUS_INVOKER_TOKEN is now '******'");
	CHECK_INT(reload("bus = { backend = \"one\"; };\ninvoker = { token = \"first\"; };\n"), 0);
	/* As it was, and taken away once more: that is news. */
	CHECK_INT(reload("invoker = { token = \"first\"; };\n"), 1);
	CHECK_TEXT(world.settings.bus_backend, "one");
	end();
}

static void live_values_that_go_or_are_hidden_are_said_without_being_shown(void)
{
	begin("protocols = \"{}\";\n");
	CHECK_INT(resolve(), 0);
	CHECK_INT(reload(""), 1);
	check_said("LUCIUS_PROTOCOLS is now '' (from the default)");
	CHECK_TEXT(world.settings.protocols, NULL);
	struct option_givens remote = { 0 };
	struct option_given *given =
	        option_givens_add(&remote, "Lucius:Protocols", "{\"secret\":1}", "the vault");
	given->is_hidden = true;
	options_swap_remote(world.options, &remote);
	CHECK_INT(reload(""), 1);
	check_said("LUCIUS_PROTOCOLS is now '******' (from the vault)");
	option_givens_finish(&remote);
	end();
}

static void what_is_not_seen_at_the_edge_of_a_value_is_said_once(void)
{
	static const struct {
		const char *value;
		bool is_said;
	} cases[] = { { "a b", false }, { " a", true }, { "a\n", true }, { "\ta\r", true },
		{ "\xef\xbb\xbf"
		  "a",
		        true },
		{ "a\xc2\xa0", true }, { "a\xe2\x80\x8b", true }, { " ", true },
		{ "\xc2\xa0", true }, { "{ \"a\": 1 }\n", false }, { "\n {}", false },
		{ "\xef\xbb\xbf{}", true }, { "{}\xc2\xa0", true }, { "\xa0", false },
		{ "\xc3\xa0", false } };
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		begin("");
		world.environment[0] = must_print("LUCIUS_HEALTH_LISTEN=%s", cases[i].value);
		CHECK_INT(resolve(), 0);
		CHECK_INT(world.n_said, cases[i].is_said ? 1 : 0);
		CHECK_INT(options_resolve(world.options, false), 0);
		CHECK_INT(options_resolve(world.options, true), 0);
		CHECK_INT(world.n_said, cases[i].is_said ? 1 : 0);
		CHECK_INT(world.n_errors, 0);
		CHECK_TEXT(world.settings.health_listen, cases[i].value);
		end();
	}
}

/* What a source says of the row that no set has, or NULL for nothing; how often it was said. */
static unsigned say_of_table(const char *value, bool is_failed)
{
	struct option_givens remote = { 0 };
	if (value != NULL) {
		struct option_given *given =
		        option_givens_add(&remote, "Lucius:Table:Connection", value, "the source");
		given->is_failed = is_failed;
	}
	options_swap_remote(world.options, &remote);
	option_givens_finish(&remote);
	world.n_said = 0;
	options_say_unused(world.options);
	return world.n_said;
}

static void an_option_of_a_plugin_that_is_not_in_use_is_said_when_it_changes(void)
{
	begin("");
	CHECK_INT(resolve(), 0);
	CHECK_INT(say_of_table("at the start", false), 0);
	CHECK_INT(say_of_table("at the start", false), 0);
	CHECK_INT(say_of_table("another", false), 1);
	CHECK_TEXT(world.said,
	        "LUCIUS_TABLE_CONNECTION is now '******' (from the source), for a plugin that is "
	        "not in use; whether it will be is seen at a restart");
	CHECK_INT(say_of_table("another", false), 0);
	CHECK_INT(say_of_table(NULL, false), 1);
	check_said("LUCIUS_TABLE_CONNECTION is now '' (from nobody any more)");
	CHECK_INT(say_of_table(NULL, false), 0);
	CHECK_INT(say_of_table("the vault is away", true), 1);
	CHECK_INT(say_of_table("at the start", false), 0);
	CHECK_INT(say_of_table("another", false), 1);
	/* The file of the secret counts as well, and what is stronger hides what is weaker. */
	world.environment[0] = must_print("LUCIUS_TABLE_CONNECTION_FILE=/there");
	CHECK_INT(say_of_table("another", false), 1);
	check_said("(from the environment variable LUCIUS_TABLE_CONNECTION_FILE)");
	CHECK_INT(say_of_table("a third", false), 0);
	end();
}

static void of_many_unknown_keys_some_are_said(void)
{
	struct option_givens remote = { 0 };
	char key[40];
	begin("");
	CHECK_INT(resolve(), 0);
	for (int i = 0; i < 21; i++) {
		(void)snprintf(key, sizeof(key), "Lucius:Qqqqqqqqqqqqqq%d", i);
		(void)option_givens_add(&remote, key, "x", "the source");
	}
	options_swap_remote(world.options, &remote);
	world.n_said = 0;
	CHECK_INT(options_check_names(world.options), 0);
	CHECK_INT(world.n_said, 21);
	CHECK_TEXT(world.said, "1 more keys of the source are no options");
	end();
}

static void names_of_each_source_are_looked_for_in_its_own_spelling(void)
{
	char *long_name = must_calloc(1, 400);
	memset(long_name, 'X', 399);
	memcpy(long_name, "LUCIUS_", 7);
	begin("");
	world.environment[0] = long_name; /* too long to be any */
	world.environment[1] = must_print("OTHER=1");
	world.environment[2] = must_print("LUCIUS_TABLE_CONNECTION_FILE=/no/such/file");
	(void)option_givens_add(&world.arguments, "--table-connection-file", "x", "the test");
	CHECK_INT(resolve(), 0);
	struct option_givens remote = { 0 };
	(void)option_givens_add(&remote, "Lucius:Table:ConnectionFile", "x", "the source");
	(void)option_givens_add(&remote, "Lucius:MaxAttempt", "x", "the source");
	(void)option_givens_add(&remote, "Lucius:PluginsDir", "x", "the source");
	(void)option_givens_add(&remote, "Other:Thing", "x", "the source");
	options_swap_remote(world.options, &remote);
	world.n_said = 0;
	CHECK_INT(options_check_names(world.options), 0);
	CHECK_INT(world.n_said, 2); /* the wrong name, and the one that leads to the source */
	check_said("the source is not taken: what leads to the source cannot come from it");
	option_givens_finish(&remote);
	end();
	const struct option_givens nothing = { 0 };
	const struct options_parts parts = { .arguments = &nothing, .report = on_report };
	begin("");
	struct options *bare = options_create(&parts);
	struct settings settings;
	CHECK(options_add_core(bare, &settings) != NULL);
	CHECK_INT(options_check_names(bare), 0);
	options_destroy(bare);
	options_destroy(NULL);
	end();
}

/* Plugins' files and folders */

static void a_path_that_is_too_long_or_cannot_be_looked_at_is_no_plugin(void)
{
	char error[1024] = "";
	char *dir = must_calloc(1, 5000);
	memset(dir, 'd', 4999);
	CHECK(loader_load(dir, LUCIUS_KIND_BUS, "x", error, sizeof(error)) == NULL);
	CHECK(strstr(error, "the path of 'bus-x' is too long") != NULL);
	free(dir);
	begin("");
	char path[128];
	(void)snprintf(path, sizeof(path), "%s/bus-x.so", world.folder);
	write_file(path, "x", 1);
	for (unsigned nth = 1; nth <= 2; nth++) {
		refuse_nth("lstat64", nth, 1, EACCES);
		CHECK(loader_load(world.folder, LUCIUS_KIND_BUS, "x", error, sizeof(error)) ==
		        NULL);
		CHECK(refuse_end());
		CHECK(strstr(error, "Permission denied") != NULL);
	}
	char name[200];
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	CHECK(loader_load(world.folder, LUCIUS_KIND_BUS, name, error, sizeof(error)) == NULL);
	CHECK(strstr(error, "is no name of a plugin") != NULL);
	(void)unlink(path);
	end();
}

static void count_file(void *user, uint32_t kind, const char *name)
{
	unsigned *n = user;
	CHECK_INT(kind, LUCIUS_KIND_BUS);
	CHECK_TEXT(name, "y");
	++*n;
}

static void a_folder_gives_what_is_named_as_a_plugin(void)
{
	static const char *const names[] = { "bus-y.so", "bus.so", "odd-y.so", "bus-y.txt", ".so" };
	unsigned n = 0;
	char path[128];
	begin("");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", world.folder, names[i]);
		write_file(path, "", 0);
	}
	CHECK_INT(loader_each(world.folder, count_file, &n), 0);
	CHECK_INT(n, 1);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", world.folder, names[i]);
		(void)unlink(path);
	}
	CHECK_INT(loader_each("/no/such/dir", count_file, &n), -1);
	end();
}

static void the_name_of_a_file_says_what_it_is(void)
{
	static const char *const wrong[] = { "bus.so", "odd-x.so", "bus-x", "bus-.so", "bus-x.so.1",
		"so", "", "a/b/c",
		"bus-0123456789012345678901234567890123456789012345678901234567890123456789"
		"012345678901234567890123456789012345678901234567890123456789.so" };
	struct loader_place place;
	char error[512];
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		CHECK(!loader_place_of(wrong[i], &place, error, sizeof(error)));
		CHECK(strstr(error, "is no name of a plugin file") != NULL);
	}
	CHECK(loader_place_of("/a/b/storage-x-y.so", &place, error, sizeof(error)));
	CHECK_TEXT(place.dir, "/a/b/");
	CHECK_TEXT(place.name, "x-y");
	CHECK_INT(place.kind, LUCIUS_KIND_STORAGE);
	CHECK(loader_place_of("config-z.so", &place, error, sizeof(error)));
	CHECK_TEXT(place.dir, ".");
	CHECK_TEXT(loader_kind_name(99), "unknown");
}

int main(int argc, char **argv)
{
	static const struct suite_test tests[] = {
		SUITE_TEST(a_secret_s_file_holds_one_text),
		SUITE_TEST(a_read_that_is_interrupted_goes_on_and_one_that_fails_is_told),
		SUITE_TEST(a_required_option_that_nobody_gives_is_named_with_all_its_names),
		SUITE_TEST(values_of_odd_types_are_read_as_what_they_say),
		SUITE_TEST(a_file_that_includes_another_names_the_one_that_is_wrong),
		SUITE_TEST(a_file_that_cannot_be_opened_is_told),
		SUITE_TEST(a_file_of_any_size_is_read_whole),
		SUITE_TEST(what_is_no_option_cannot_be_chosen),
		SUITE_TEST(what_needs_a_restart_is_said_once_also_where_it_is_taken_away),
		SUITE_TEST(live_values_that_go_or_are_hidden_are_said_without_being_shown),
		SUITE_TEST(what_is_not_seen_at_the_edge_of_a_value_is_said_once),
		SUITE_TEST(an_option_of_a_plugin_that_is_not_in_use_is_said_when_it_changes),
		SUITE_TEST(of_many_unknown_keys_some_are_said),
		SUITE_TEST(names_of_each_source_are_looked_for_in_its_own_spelling),
		SUITE_TEST(a_path_that_is_too_long_or_cannot_be_looked_at_is_no_plugin),
		SUITE_TEST(a_folder_gives_what_is_named_as_a_plugin),
		SUITE_TEST(the_name_of_a_file_says_what_it_is),
	};
	return suite_run("option_sources", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
