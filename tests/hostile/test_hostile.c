/* SPDX-License-Identifier: MIT */
/*
 * Plugin files that misbehave: what cannot be loaded is refused with a sentence, what breaks the
 * rule of finishing once ends the process with its name, the rest is contained.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/backend.h"
#include "core/loader.h"
#include "core/loop.h"
#include "core/metrics.h"
#include "tests/support/child.h"
#include "tests/support/suite.h"

static char dir[512]; /* of the plugins */
static char error[1024];

static const struct lucius_plugin *load_from(const char *from, const char *name)
{
	error[0] = '\0';
	return loader_load(from, LUCIUS_KIND_STORAGE, name, error, sizeof(error));
}

struct answer {
	unsigned n_done;
	uint32_t status;
};

static void on_done(void *user, uint32_t status, const char *sentence)
{
	struct answer *answer = user;
	(void)sentence;
	answer->n_done++;
	answer->status = status;
}

static void on_item(void *user, const void *item)
{
	(void)user;
	(void)item;
}

static struct loop *loop;
static struct backend *backend;
static struct answer answer;

/* Makes a backend of the plugin and asks it to load something. */
static void ask(const char *name)
{
	const struct op_caller caller = {
		.on_item = on_item, .on_done = on_done, .user = &answer, .timeout_ms = 1000
	};
	const struct backend_parts parts = {
		.loop = loop, .plugin = load_from(dir, name), .plugins_dir = dir
	};
	answer = (struct answer){ 0 };
	backend = parts.plugin != NULL ? backend_create(&parts, error, sizeof(error)) : NULL;
	if (backend == NULL) {
		fprintf(stderr, "%s: %s\n", name, error);
		abort();
	}
	storage_load(backend, (struct lucius_text){ "x", 1 }, &caller);
}

static void begin(const char *name)
{
	loop = loop_create_simulated(1, 0);
	ask(name);
	loop_advance(loop, 0);
}

static void end(void)
{
	CHECK_INT(backend_destroy(backend), 0);
	loop_destroy(loop);
}

static void check_error_has(const char *part)
{
	const char *found = strstr(error, part);
	CHECK(found != NULL);
	if (found == NULL) {
		fprintf(stderr, "expected '%s' in '%s'\n", part, error);
	}
}

static void what_cannot_be_a_plugin_is_refused_with_a_sentence(void)
{
	static const struct {
		const char *name;
		const char *said;
	} cases[] = {
		{ "nosymbol", "undefined symbol: lucius_plugin" },
		{ "magic", "magic number 0x4c554331 but with 0x12345678" },
		{ "major", "plugin ABI 2.0 and this daemon has 1.0" },
		{ "minor", "plugin ABI 1.9, newer than this daemon's 1.0; use a newer daemon" },
		{ "cut", "it is broken: rebuild it" },
		{ "kind", "of the kind 'bus' (2) and its file name says 'storage'; rename" },
		{ "oddkind", "of the kind 'unknown' (77)" },
		{ "name", "calls itself 'other' and its file name says 'name'; rename" },
		{ "noname", "calls itself '(nothing)'" },
		{ "nolife", "no table of its life" },
		{ "short", "lacks 'own', which it must have; see <lucius/storage.h>" },
		{ "option",
		        "option number 0 ('hostile-text') is not sound: its type is not known" },
		{ "default", "its default is not a value that it takes" },
		{ "missing", "there is no plugin 'storage-missing': '" },
		{ "../storage-good", "is no name of a plugin" },
		{ "", "is no name of a plugin" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		CHECK(load_from(dir, cases[i].name) == NULL);
		check_error_has(cases[i].said);
	}
}

static void the_same_file_gives_the_same_descriptor(void)
{
	const struct lucius_plugin *plugin = load_from(dir, "good");
	CHECK(plugin != NULL);
	CHECK(load_from(dir, "good") == plugin);
}

/* A directory with one file, which is removed again. */
static void write_odd_file(const char *name, const void *bytes, size_t size, mode_t mode,
        char *ret_path, size_t path_size)
{
	(void)snprintf(ret_path, path_size, "%s/storage-%s.so", dir, name);
	FILE *file = fopen(ret_path, "w");
	if (file == NULL || fwrite(bytes, 1, size, file) != size || fclose(file) != 0 ||
	        chmod(ret_path, mode) != 0) {
		abort();
	}
}

static void garbage_is_refused_with_what_the_linker_says(void)
{
	char path[600];
	static const char *const contents[] = { "", "garbage", "\177ELF and then nothing" };
	for (size_t i = 0; i < sizeof(contents) / sizeof(contents[0]); i++) {
		write_odd_file(
		        "garbage", contents[i], strlen(contents[i]), 0755, path, sizeof(path));
		CHECK(load_from(dir, "garbage") == NULL);
		CHECK(strstr(error, "cannot be loaded") != NULL);
		(void)unlink(path);
	}
}

static void what_others_may_write_is_not_even_opened(void)
{
	char path[600];
	write_odd_file("open", "garbage", 7, 0757, path, sizeof(path));
	CHECK(load_from(dir, "open") == NULL);
	CHECK(strstr(error, "may be written by others; `chmod o-w") != NULL);
	(void)unlink(path);

	char open_dir[600];
	(void)snprintf(open_dir, sizeof(open_dir), "%s/open-dir", dir);
	(void)mkdir(open_dir, 0755);
	CHECK_INT(chmod(open_dir, 0777), 0);
	(void)snprintf(path, sizeof(path), "%.550s/storage-good.so", open_dir);
	char good[600];
	(void)snprintf(good, sizeof(good), "%s/storage-good.so", dir);
	CHECK_INT(link(good, path), 0);
	CHECK(load_from(open_dir, "good") == NULL);
	CHECK(strstr(error, "open-dir' may be written by others") != NULL);
	(void)unlink(path);
	(void)rmdir(open_dir);
}

static void a_create_that_fails_is_followed_by_destroy_and_leaves_a_sentence(void)
{
	(void)unsetenv("HOSTILE_DESTROYED");
	loop = loop_create_simulated(1, 0);
	const struct backend_parts parts = { .loop = loop, .plugin = load_from(dir, "create") };
	CHECK(parts.plugin != NULL);
	CHECK(backend_create(&parts, error, sizeof(error)) == NULL);
	CHECK(strstr(error, "storage-create cannot be used: xxx") == error);
	CHECK_TEXT(getenv("HOSTILE_DESTROYED"), "create");
	loop_destroy(loop);
}

static void an_operation_that_is_never_finished_does_not_keep_its_caller(void)
{
	begin("never");
	CHECK_INT(answer.n_done, 0);
	loop_advance(loop, 1000);
	CHECK_INT(answer.n_done, 1);
	CHECK_INT(answer.status, LUCIUS_UNKNOWN);
	CHECK_INT(backend_destroy(backend), -1);
	CHECK_TEXT(backend_open_operation(backend), "load");
	/* The backend is left as it is, for good: the daemon would end here, naming it. */
}

static void a_late_finish_is_counted_and_else_without_effect(void)
{
	begin("late");
	loop_advance(loop, 1000);
	CHECK_INT(answer.status, LUCIUS_UNKNOWN);
	loop_advance(loop, 59000);
	CHECK_INT(answer.n_done, 1);
	struct metric *late = metrics_series(LUCIUS_METRIC_COUNTER, "lucius_operations_late_total",
	        "", "backend", "storage-late");
	CHECK_INT((int64_t)metric_value(late), 1);
	end();
}

static void a_status_that_it_may_not_give_counts_as_internal(void)
{
	static const char *const names[] = { "status", "outcome" };
	for (size_t i = 0; i < 2; i++) {
		begin(names[i]);
		CHECK_INT(answer.n_done, 1);
		CHECK_INT(answer.status, LUCIUS_INTERNAL);
		end();
	}
}

static void an_item_that_is_none_is_dropped(void)
{
	begin("nullitem");
	CHECK_INT(answer.n_done, 1);
	CHECK_INT(answer.status, LUCIUS_OK);
	end();
}

static struct {
	const char *name;
	void (*then)(void);
} asked;

static void ask_in_child(void)
{
	begin(asked.name);
	asked.then();
}

/* The signal that ended a child in which the plugin was asked; said: its standard error. */
static int signal_after(const char *name, void (*then)(void), char *said, size_t said_size)
{
	asked.name = name;
	asked.then = then;
	return child_signal(ask_in_child, said, said_size);
}

static void do_nothing(void)
{
}

static int signal_of(const char *name, char *said, size_t said_size)
{
	return signal_after(name, do_nothing, said, said_size);
}

static void destroy_and_wait(void)
{
	(void)backend_destroy(backend);
	loop_advance(loop, 60000);
}

static void rows_that_are_none_are_an_internal_error_with_the_plugins_name(void)
{
	static const char *const names[] = { "garbage-size", "garbage-noid", "garbage-nostate",
		"garbage-nofields", "garbage-toomany", "garbage-noname", "garbage-novalue",
		"garbage-oddtype", "garbage-nosteps", "garbage-nostep" };
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char said[4096];
		char field[80];
		CHECK_INT(signal_of(names[i], said, sizeof(said)), 0);
		(void)snprintf(field, sizeof(field), "\"backend\":\"storage-%s\"", names[i]);
		CHECK(strstr(said, "\"event\":\"plugin.odd_item\"") != NULL);
		CHECK(strstr(said, field) != NULL);
		begin(names[i]);
		CHECK_INT(answer.n_done, 1);
		CHECK_INT(answer.status, LUCIUS_INTERNAL);
		end();
	}
}

static void who_holds_the_loop_up_is_named(void)
{
	char said[4096];
	CHECK_INT(signal_of("block", said, sizeof(said)), 0);
	CHECK(strstr(said, "\"event\":\"plugin.slow\"") != NULL);
	CHECK(strstr(said, "\"backend\":\"storage-block\"") != NULL);
	CHECK(strstr(said, "\"operation\":\"load\"") != NULL);
}

static void who_finishes_after_it_was_destroyed_ends_the_process_and_is_named(void)
{
	char said[4096];
	CHECK_INT(signal_after("afterdestroy", destroy_and_wait, said, sizeof(said)), SIGABRT);
	CHECK(strstr(said, "storage-afterdestroy: finish of an operation") != NULL);
}

static void who_finishes_what_is_not_its_own_ends_the_process_and_is_named(void)
{
	static const char *const names[] = { "twice", "foreign", "unknown", "giveafter" };
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char said[4096];
		char start[64];
		CHECK_INT(signal_of(names[i], said, sizeof(said)), SIGABRT);
		(void)snprintf(start, sizeof(start), "storage-%s: ", names[i]);
		CHECK(strstr(said, start) != NULL);
		CHECK(strstr(said, "\"event\":\"plugin.broken\"") != NULL);
	}
}

static void a_wrapper_goes_through_life_with_what_it_wraps(void)
{
	const struct op_caller caller = { .on_done = on_done, .user = &answer };
	begin("wrapper");
	CHECK_INT(answer.status, LUCIUS_OK);
	CHECK_INT(answer.n_done, 1);
	backend_start(backend, &caller);
	CHECK_INT(answer.n_done, 1);
	loop_advance(loop, 0);
	CHECK_INT(answer.n_done, 2);
	backend_health(backend, &caller);
	backend_stop(backend, &caller);
	loop_advance(loop, 0);
	CHECK_INT(answer.n_done, 4);
	CHECK_INT(answer.status, LUCIUS_OK);
	(void)unsetenv("HOSTILE_DESTROYED");
	end();
	CHECK_TEXT(getenv("HOSTILE_DESTROYED"), "good");
}

static void a_wrapper_is_told_at_its_own_deadline_and_what_it_wraps_stays_open(void)
{
	begin("wrapnever");
	loop_advance(loop, 500);
	CHECK_INT(answer.n_done, 1);
	CHECK_INT(answer.status, LUCIUS_UNKNOWN);
	CHECK_INT(backend_n_open(backend), 1);
	CHECK_TEXT(backend_title(backend_find_open(backend)), "storage-never");
	/* The wrapper can go, what it wraps cannot. */
	CHECK_INT(backend_destroy(backend), -1);
	CHECK_INT(backend_destroy(backend), -1);
}

static char sentence_of_stage[64];

static void on_stage(void *user, uint32_t status, const char *sentence)
{
	on_done(user, status, sentence);
	(void)snprintf(sentence_of_stage, sizeof(sentence_of_stage), "%s",
	        sentence != NULL ? sentence : "none");
}

static void a_stage_that_fails_beneath_a_wrapper_is_the_wrapper_s_failure(void)
{
	static const struct {
		const char *name;
		uint32_t status;
		const char *sentence;
	} cases[] = { { "wrapfailing", LUCIUS_UNAVAILABLE, "not today" },
		{ "wrapspeechless", LUCIUS_DENIED, "none" } };
	const struct op_caller caller = { .on_done = on_stage, .user = &answer };
	for (size_t i = 0; i < 2; i++) {
		begin(cases[i].name);
		backend_start(backend, &caller);
		loop_advance(loop, 0);
		CHECK_INT(answer.status, cases[i].status);
		CHECK_TEXT(sentence_of_stage, cases[i].sentence);
		answer.status = LUCIUS_OK;
		backend_listen(backend, NULL);
		loop_advance(loop, 0);
		(void)unsetenv("HOSTILE_RECONFIGURED");
		backend_reconfigure(backend);
		CHECK_TEXT(getenv("HOSTILE_RECONFIGURED"), cases[i].name + strlen("wrap"));
		/* The stop of the wrapper goes well, and that beneath it is told all the same. */
		backend_stop(backend, &caller);
		loop_advance(loop, 0);
		CHECK_INT(answer.status, cases[i].status);
		end();
	}
}

static void a_backend_that_has_stopped_does_not_start_again_unnoticed(void)
{
	const struct op_caller caller = { .on_done = on_stage, .user = &answer };
	begin("failing");
	backend_stop(backend, &caller);
	backend_start(backend, &caller);
	loop_advance(loop, 0);
	CHECK_INT(answer.n_done, 3);
	CHECK_INT(answer.status, LUCIUS_UNAVAILABLE);
	end();
}

/* The options of what is wrapped are its own, or wrong. */
static const char *wrong_options; /* NULL: there are none, and the defaults serve */

static const void *options_of(
        void *user, const struct lucius_plugin *plugin, char *why, size_t why_size)
{
	(void)user;
	CHECK_TEXT(plugin->prefix.name, "good");
	(void)snprintf(why, why_size, "%s", wrong_options != NULL ? wrong_options : "");
	return NULL;
}

static void options_of_what_is_wrapped_are_asked_for_and_may_be_wrong(void)
{
	loop = loop_create_simulated(1, 0);
	const struct backend_parts parts = { .loop = loop,
		.plugin = load_from(dir, "wrapper"),
		.plugins_dir = dir,
		.options_of = options_of };
	wrong_options = "they are wrong";
	CHECK(backend_create(&parts, error, sizeof(error)) == NULL);
	check_error_has("cannot be used: nothing to wrap");
	wrong_options = NULL;
	backend = backend_create(&parts, error, sizeof(error));
	CHECK(backend != NULL);
	end();
	/* Nor is there anything to wrap where nobody knows a directory. */
	loop = loop_create_simulated(1, 0);
	const struct backend_parts nowhere = { .loop = loop, .plugin = parts.plugin };
	CHECK(backend_create(&nowhere, error, sizeof(error)) == NULL);
	check_error_has("cannot be used: nothing to wrap");
	loop_destroy(loop);
}

static void a_plugin_of_another_user_is_not_loaded(void)
{
	char odd_dir[600];
	char path[700];
	if (geteuid() != 0) {
		printf("(needs root: a file of another user)\n");
		return;
	}
	(void)snprintf(odd_dir, sizeof(odd_dir), "%s/odd-dir", dir);
	(void)mkdir(odd_dir, 0755);
	(void)snprintf(path, sizeof(path), "%s/storage-owned.so", odd_dir);
	FILE *file = fopen(path, "w");
	CHECK(file != NULL && fclose(file) == 0);
	CHECK_INT(chown(path, 4711, 4711), 0);
	CHECK(load_from(odd_dir, "owned") == NULL);
	check_error_has("is owned by user 4711, neither by root");
	(void)unlink(path);
	(void)rmdir(odd_dir);
}

static void who_wraps_itself_or_nothing_is_not_created(void)
{
	static const char *const names[] = { "wrapself", "wrapnone" };
	loop = loop_create_simulated(1, 0);
	for (size_t i = 0; i < 2; i++) {
		const struct backend_parts parts = {
			.loop = loop, .plugin = load_from(dir, names[i]), .plugins_dir = dir
		};
		CHECK(parts.plugin != NULL);
		CHECK(backend_create(&parts, error, sizeof(error)) == NULL);
		check_error_has("cannot be used: nothing to wrap");
	}
	loop_destroy(loop);
}

int main(int argc, char **argv)
{
	static const struct suite_test tests[] = {
		SUITE_TEST(what_cannot_be_a_plugin_is_refused_with_a_sentence),
		SUITE_TEST(the_same_file_gives_the_same_descriptor),
		SUITE_TEST(garbage_is_refused_with_what_the_linker_says),
		SUITE_TEST(what_others_may_write_is_not_even_opened),
		SUITE_TEST(a_create_that_fails_is_followed_by_destroy_and_leaves_a_sentence),
		SUITE_TEST(an_operation_that_is_never_finished_does_not_keep_its_caller),
		SUITE_TEST(a_late_finish_is_counted_and_else_without_effect),
		SUITE_TEST(a_status_that_it_may_not_give_counts_as_internal),
		SUITE_TEST(an_item_that_is_none_is_dropped),
		SUITE_TEST(a_wrapper_goes_through_life_with_what_it_wraps),
		SUITE_TEST(a_wrapper_is_told_at_its_own_deadline_and_what_it_wraps_stays_open),
		SUITE_TEST(a_stage_that_fails_beneath_a_wrapper_is_the_wrapper_s_failure),
		SUITE_TEST(a_backend_that_has_stopped_does_not_start_again_unnoticed),
		SUITE_TEST(options_of_what_is_wrapped_are_asked_for_and_may_be_wrong),
		SUITE_TEST(a_plugin_of_another_user_is_not_loaded),
		SUITE_TEST(who_wraps_itself_or_nothing_is_not_created),
		SUITE_TEST(who_finishes_what_is_not_its_own_ends_the_process_and_is_named),
		SUITE_TEST(who_finishes_after_it_was_destroyed_ends_the_process_and_is_named),
		SUITE_TEST(rows_that_are_none_are_an_internal_error_with_the_plugins_name),
		SUITE_TEST(who_holds_the_loop_up_is_named),
	};
	const char *given = getenv("HOSTILE_DIR");
	if (given == NULL) {
		fprintf(stderr, "HOSTILE_DIR is the directory that the plugins were built in\n");
		return 2;
	}
	(void)snprintf(dir, sizeof(dir), "%s", given);
	return suite_run("hostile", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
