/* SPDX-License-Identifier: MIT */
/* What a configuration source gives, over a plugin that gives what a test says. */
#include "core/config_source.h"

#include <stdlib.h>

#include "core/backend.h"
#include "core/loop.h"
#include "core/options.h"
#include "core/settings.h"
#include "support/base/memory.h"
#include "tests/support/suite.h"

struct fake {
	const struct lucius_host *host;
	struct lucius_op load, watch;
	unsigned n_kept; /* keys of the last keep */
	unsigned n_keeps;
};
static struct fake *fake;

static uint32_t fake_create(
        void *self, const struct lucius_host *host, char *error, size_t error_size)
{
	(void)error;
	(void)error_size;
	fake = self;
	fake->host = host;
	return LUCIUS_OK;
}

static void fake_load(void *self, struct lucius_op op)
{
	((struct fake *)self)->load = op;
}

static void fake_watch(void *self, struct lucius_op op)
{
	((struct fake *)self)->watch = op;
}

static void fake_keep(void *self, const struct lucius_text *keys, uint64_t n_keys)
{
	(void)keys;
	((struct fake *)self)->n_kept = (unsigned)n_keys;
	((struct fake *)self)->n_keeps++;
}

static const struct lucius_life life = {
	.size = sizeof(life), .instance_size = sizeof(struct fake), .create = fake_create
};
static const struct lucius_config table = { sizeof(table), fake_load, fake_watch, fake_keep };
static const struct lucius_config small_table = { sizeof(small_table), fake_load, NULL, NULL };

static struct {
	struct loop *loop;
	struct backend *backend;
	struct options *options;
	struct settings settings;
	struct config_source *source;
	unsigned n_loaded, n_changed, n_reports;
	uint32_t status;
} world;

static void on_report(void *user, bool is_error, const char *sentence)
{
	(void)user;
	(void)is_error;
	(void)sentence;
	world.n_reports++;
}

static void on_loaded(void *user, uint32_t status, const char *sentence)
{
	(void)user;
	(void)sentence;
	world.n_loaded++;
	world.status = status;
}

static void on_changed(void *user)
{
	(void)user;
	world.n_changed++;
}

static void begin(const struct lucius_config *config)
{
	static struct lucius_plugin plugin;
	static const struct option_givens nothing;
	static char *no_variables[] = { NULL };
	char error[128] = "";
	memset(&world, 0, sizeof(world));
	world.loop = loop_create_simulated(1, 0);
	plugin = (struct lucius_plugin){
		.prefix = LUCIUS_PREFIX(LUCIUS_KIND_CONFIG, "fake"), .life = &life, .config = config
	};
	const struct backend_parts parts = { .loop = world.loop, .plugin = &plugin };
	world.backend = backend_create(&parts, error, sizeof(error));
	const struct options_parts options = {
		.arguments = &nothing, .environment = no_variables, .report = on_report
	};
	world.options = options_create(&options);
	CHECK(options_add_core(world.options, &world.settings) != NULL);
	world.source = config_source_create(world.backend, world.options);
}

static void finish(struct lucius_op *op, uint32_t status)
{
	fake->host->finish(fake->host, *op, status, status != LUCIUS_OK ? "so it is" : NULL);
	op->id = 0;
	loop_advance(world.loop, 0);
}

static void end(void)
{
	config_source_destroy(world.source);
	if (fake->load.id != 0) {
		finish(&fake->load, LUCIUS_OK);
	}
	if (fake->watch.id != 0) {
		finish(&fake->watch, LUCIUS_OK);
	}
	CHECK_INT(backend_destroy(world.backend), 0);
	options_destroy(world.options);
	loop_destroy(world.loop);
}

static void give_sized(const char *key, size_t key_size, const char *label, const char *value,
        size_t value_size, uint64_t flags)
{
	const struct lucius_setting setting = { .size = sizeof(setting),
		.key = { key, key_size },
		.label = { label, strlen(label) },
		.value = { value, value_size },
		.flags = flags };
	fake->host->give(fake->host, fake->load, &setting);
}

static void give(const char *key, const char *value)
{
	give_sized(key, strlen(key), "", value, strlen(value), 0);
}

/* What the options say of the number of attempts. */
static int64_t attempts(void)
{
	CHECK_INT(options_resolve(world.options, false), 0);
	return world.settings.max_attempts;
}

static void load(const char *value)
{
	config_source_load(world.source, on_loaded, NULL);
	give("Lucius:MaxAttempts", value);
	finish(&fake->load, LUCIUS_OK);
}

static void what_is_given_is_in_force_when_it_is_accepted(void)
{
	begin(&table);
	config_source_accept(world.source); /* nothing is there yet */
	config_source_reject(world.source);
	CHECK_INT(fake->n_keeps, 0);
	load("5");
	CHECK_INT(world.n_loaded, 1);
	CHECK_INT(attempts(), 5);
	config_source_accept(world.source);
	CHECK_INT(fake->n_keeps, 1);
	CHECK(fake->n_kept > 10);
	config_source_accept(world.source); /* once is enough */
	CHECK_INT(fake->n_keeps, 1);
	end();
}

static void what_is_rejected_makes_room_for_what_was_before(void)
{
	begin(&table);
	load("5");
	config_source_accept(world.source);
	load("6");
	CHECK_INT(attempts(), 6);
	config_source_reject(world.source);
	CHECK_INT(attempts(), 5);
	load("7");
	load("8"); /* nobody has said anything of the one before */
	config_source_reject(world.source);
	CHECK_INT(attempts(), 7);
	end();
}

static void a_fetch_that_fails_leaves_the_last_one_s_settings(void)
{
	begin(&table);
	load("5");
	config_source_accept(world.source);
	config_source_load(world.source, on_loaded, NULL);
	give("Lucius:MaxAttempts", "6");
	finish(&fake->load, LUCIUS_UNAVAILABLE);
	CHECK_INT(world.status, LUCIUS_UNAVAILABLE);
	CHECK_INT(attempts(), 5);
	end();
}

static void a_fetch_that_is_overtaken_calls_nobody(void)
{
	begin(&table);
	config_source_load(world.source, on_loaded, NULL);
	struct lucius_op first = fake->load;
	config_source_load(world.source, on_loaded, NULL);
	finish(&first, LUCIUS_OK);
	CHECK_INT(world.n_loaded, 0);
	finish(&fake->load, LUCIUS_OK);
	CHECK_INT(world.n_loaded, 1);
	end();
}

static void settings_with_a_nul_inside_are_left_out(void)
{
	begin(&table);
	config_source_load(world.source, on_loaded, NULL);
	give_sized("Lucius:MaxAttempts", 18, "", "5\0", 2, 0);
	give_sized("Lucius:Max\0Attempts", 19, "", "5", 1, 0);
	give_sized("Lucius:MaxAttempts", 18, "", "", 0, 0);
	finish(&fake->load, LUCIUS_OK);
	CHECK_INT(attempts(), 3);
	end();
}

static const struct option_entry *found(const char *name)
{
	static struct option_entry entry;
	entry = (struct option_entry){ 0 };
	CHECK_INT(options_find_core(world.options, name, &entry), 1);
	return &entry;
}

static void a_setting_says_where_it_comes_from_and_whether_it_may_be_shown(void)
{
	begin(&table);
	config_source_load(world.source, on_loaded, NULL);
	give_sized("Lucius:MaxAttempts", 18, "test", "5", 1, LUCIUS_SETTING_SECRET);
	give("Lucius:LogLevel", "debug");
	finish(&fake->load, LUCIUS_OK);
	CHECK_TEXT(found("max-attempts")->where,
	        "the key 'Lucius:MaxAttempts' with the label 'test' of config-fake");
	CHECK(found("max-attempts")->is_hidden);
	CHECK_TEXT(found("log-level")->where, "the key 'Lucius:LogLevel' of config-fake");
	CHECK(!found("log-level")->is_hidden);
	end();
}

static void a_setting_that_the_source_cannot_give_stops_the_options(void)
{
	begin(&table);
	config_source_load(world.source, on_loaded, NULL);
	give_sized("Lucius:MaxAttempts", 18, "", "the vault is closed", 19, LUCIUS_SETTING_FAILED);
	finish(&fake->load, LUCIUS_OK);
	CHECK_INT(options_resolve(world.options, false), -1);
	CHECK_INT(world.n_reports, 1);
	end();
}

static void hints_are_handed_on_until_the_watch_ends(void)
{
	static const uint32_t ends[] = { LUCIUS_OK, LUCIUS_UNSUPPORTED, LUCIUS_DENIED };
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		const struct lucius_setting hint = { .size = sizeof(hint) };
		begin(&table);
		config_source_watch(world.source, on_changed, NULL);
		fake->host->give(fake->host, fake->watch, &hint);
		loop_advance(world.loop, 0);
		CHECK_INT(world.n_changed, 1);
		finish(&fake->watch, ends[i]);
		loop_advance(world.loop, 86400000);
		CHECK_INT(world.n_changed, 1);
		end();
	}
}

static void a_source_that_cannot_be_watched_is_one_all_the_same(void)
{
	begin(&small_table);
	config_source_watch(world.source, on_changed, NULL);
	loop_advance(world.loop, 0);
	load("5");
	config_source_accept(world.source);
	CHECK_INT(attempts(), 5);
	CHECK_INT(world.n_changed, 0);
	end();
	config_source_destroy(NULL);
}

int main(int argc, char **argv)
{
	static const struct suite_test tests[] = {
		SUITE_TEST(what_is_given_is_in_force_when_it_is_accepted),
		SUITE_TEST(what_is_rejected_makes_room_for_what_was_before),
		SUITE_TEST(a_fetch_that_fails_leaves_the_last_one_s_settings),
		SUITE_TEST(a_fetch_that_is_overtaken_calls_nobody),
		SUITE_TEST(settings_with_a_nul_inside_are_left_out),
		SUITE_TEST(a_setting_says_where_it_comes_from_and_whether_it_may_be_shown),
		SUITE_TEST(a_setting_that_the_source_cannot_give_stops_the_options),
		SUITE_TEST(hints_are_handed_on_until_the_watch_ends),
		SUITE_TEST(a_source_that_cannot_be_watched_is_one_all_the_same),
	};
	return suite_run("config_source", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
