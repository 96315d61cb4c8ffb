/* SPDX-License-Identifier: MIT */
/*
 * luciusd: options from all sources, then the command that was asked for, or the daemon.
 *
 *   read_options → open_source (and the options again) → add_plugins → command
 */
#include <event2/event.h>
#include <malloc.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/backend.h"
#include "core/backends.h"
#include "core/command_line.h"
#include "core/config_source.h"
#include "core/daemon.h"
#include "core/health.h"
#include "core/json_arena.h"
#include "core/loader.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/option_known.h"
#include "core/option_print.h"
#include "core/option_rows.h"
#include "core/option_value.h"
#include "core/options.h"
#include "core/provision.h"
#include "core/reserve.h"
#include "core/roles.h"
#include "core/service.h"
#include "core/settings.h"
#include "core/shipped_file.h"
#include "core/version.h"
#include "support/base/cleanup.h"
#include "support/base/memory.h"

#define START_LEAST_MS 5000u /* of one that fails for the source */

struct app {
	struct command_line line;
	struct settings settings;
	struct options *options;
	struct loop *loop;
	struct backends backends;
	struct config_source *source;
	bool is_stopped; /* by a signal, before there was a daemon */
	uint32_t roles;
	uint64_t began_us;
};

static void say(const struct app *app, bool is_error, const char *sentence)
{
	bool is_before_log = app->loop == NULL && isatty(STDERR_FILENO) == 1;
	if (app->line.command != COMMAND_RUN || is_before_log) {
		fprintf(stderr, "luciusd: %s%s\n", is_error ? "" : "warning: ", sentence);
		return;
	}
	log_write(is_error ? LUCIUS_LOG_ERROR : LUCIUS_LOG_WARNING, "config.option", sentence, NULL,
	        0);
}

static void on_report(void *user, bool is_error, const char *sentence)
{
	say(user, is_error, sentence);
}

/* Plugins that lie in the directory and are not of this tree have option names, too. */
static void learn_one(void *user, uint32_t kind, const char *name)
{
	struct app *app = user;
	char error[1024];
	const struct lucius_plugin *plugin =
	        loader_load(app->settings.plugins_dir, kind, name, error, sizeof(error));
	if (plugin != NULL) {
		options_learn(app->options, plugin);
	}
}

static void learn(void *user, struct options *options)
{
	struct app *app = user;
	(void)options;
	(void)loader_each(app->settings.plugins_dir, learn_one, app);
}

/* Plugins lie beside the binary wherever the installed tree has been moved to. */
static void choose_plugins_dir(struct app *app)
{
	CLEANUP_FREE char *dir = shipped_plugins_find();
	if (dir != NULL && !options_is_given(app->options, "plugins-dir")) {
		options_choose(app->options, "plugins-dir", dir, "where the binary lies");
	}
}

static bool read_roles(struct app *app)
{
	char error[512];
	app->roles = roles_parse(app->settings.role, error, sizeof(error));
	if (app->roles == 0) {
		say(app, true, error);
	}
	return app->roles != 0;
}

static bool read_options(struct app *app)
{
	const struct options_parts parts = {
		.arguments = &app->line.options,
		.environment = environ,
		.known = option_known_rows,
		.n_known = n_option_known_rows,
		.report = on_report,
		.learn = learn,
		.user = app,
	};
	app->options = options_create(&parts);
	if (options_add_core(app->options, &app->settings) == NULL ||
	        options_read_file(app->options) != 0 || options_resolve(app->options, false) != 0) {
		return false;
	}
	choose_plugins_dir(app);
	return read_roles(app);
}

struct waiting {
	struct loop *loop;
	bool is_stopped; /* by a signal */
	uint32_t status;
	char sentence[512];
};

static void on_waited(void *user, uint32_t status, const char *sentence)
{
	struct waiting *waiting = user;
	waiting->status = status;
	(void)snprintf(waiting->sentence, sizeof(waiting->sentence), "%s",
	        sentence != NULL ? sentence : status_name(status));
	loop_break(waiting->loop);
}

static void on_early_stop(evutil_socket_t number, short what, void *user)
{
	struct waiting *waiting = user;
	(void)number;
	(void)what;
	waiting->is_stopped = true;
	loop_break(waiting->loop);
}

static void wait_for_options(struct app *app, struct waiting *waiting)
{
	const struct op_caller caller = { .on_done = on_waited, .user = waiting };
	struct lucius_op started = backend_start(app->backends.all[BACKEND_CONFIG], &caller);
	loop_run(app->loop);
	if (waiting->is_stopped) {
		op_forget(started);
	} else if (waiting->status == LUCIUS_OK) {
		config_source_load(app->source, on_waited, waiting);
		loop_run(app->loop);
	}
}

static void on_braked(void *user)
{
	struct waiting *waiting = user;
	loop_break(waiting->loop);
}

/* Who starts it again at once would ask the source again at once, and many times a minute. */
static void brake(const struct app *app, struct waiting *waiting)
{
	uint64_t elapsed_ms = (loop_now_us(app->loop) - app->began_us) / 1000;
	if (app->line.command == COMMAND_RUN && elapsed_ms < START_LEAST_MS) {
		struct timer *timer =
		        timer_start(app->loop, START_LEAST_MS - elapsed_ms, on_braked, waiting);
		loop_run(app->loop);
		if (waiting->is_stopped) {
			timer_stop(timer);
		}
	}
}

/* True: they are there. The sentence is said before the process lingers. */
static bool take_fetched(struct app *app, struct waiting *waiting)
{
	app->is_stopped = waiting->is_stopped;
	if (waiting->is_stopped || waiting->status == LUCIUS_OK) {
		return !waiting->is_stopped;
	}
	char error[1024];
	(void)snprintf(error, sizeof(error), "options cannot be fetched from %s: %s",
	        backend_title(app->backends.all[BACKEND_CONFIG]), waiting->sentence);
	say(app, true, error);
	brake(app, waiting);
	return false;
}

/* The wait may be long, and the kernel sends no signal that nobody catches to the first process of
 * a container. A command that prints ends as usual, so that nobody takes it for good. */
static bool fetch_options(struct app *app)
{
	static const int numbers[] = { SIGTERM, SIGINT };
	struct waiting waiting = { .loop = app->loop };
	struct event *signals[2] = { NULL, NULL };
	for (size_t i = 0; app->line.command == COMMAND_RUN && i < 2; i++) {
		signals[i] = memory_checked(
		        evsignal_new(loop_base(app->loop), numbers[i], on_early_stop, &waiting), 1,
		        1);
		(void)event_add(signals[i], NULL);
	}
	wait_for_options(app, &waiting);
	bool is_fetched = take_fetched(app, &waiting);
	for (size_t i = 0; i < 2; i++) {
		if (signals[i] != NULL) {
			event_free(signals[i]);
		}
	}
	return is_fetched;
}

/* The configuration source, if there is one, and the options again with what it says. */
static enum daemon_exit open_source(struct app *app)
{
	char error[1024] = "";
	backends_choose(app->options, &app->settings);
	if (app->settings.config_source == NULL) {
		return EXIT_DONE;
	}
	if (backends_create_config(&app->backends, error, sizeof(error)) != 0) {
		if (error[0] != '\0') {
			say(app, true, error);
		}
		return EXIT_CONFIG;
	}
	app->source = config_source_create(app->backends.all[BACKEND_CONFIG], app->options);
	if (!fetch_options(app)) {
		return app->is_stopped ? EXIT_DONE : EXIT_FAILED;
	}
	options_close_source(app->options, backend_title(app->backends.all[BACKEND_CONFIG]));
	/* What was chosen without the source's word is chosen anew. */
	app->settings.bus_backend = NULL;
	app->settings.workflow_backend = NULL;
	if (options_resolve(app->options, false) != 0 || !read_roles(app)) {
		return EXIT_CONFIG;
	}
	backends_choose(app->options, &app->settings);
	return EXIT_DONE;
}

static enum daemon_exit add_plugins(struct app *app)
{
	char error[1024] = "";
	int added = backends_add_options(&app->backends, app->roles, error, sizeof(error));
	if (added != 0 && error[0] != '\0') {
		say(app, true, error);
	}
	int checked = options_check_names(app->options);
	return added == 0 && checked == 0 ? EXIT_DONE : EXIT_CONFIG;
}

static void print_plugin(void *user, uint32_t kind, const char *name)
{
	const struct app *app = user;
	char error[1024];
	const struct lucius_plugin *plugin =
	        loader_load(app->settings.plugins_dir, kind, name, error, sizeof(error));
	if (plugin == NULL) {
		fprintf(stderr, "luciusd: %s\n", error);
		return;
	}
	printf("%s-%s %s (ABI %u.%u): %s\n", loader_kind_name(kind), name,
	        plugin->version != NULL ? plugin->version : "", plugin->prefix.abi_major,
	        plugin->prefix.abi_minor, plugin->summary != NULL ? plugin->summary : "");
}

static enum daemon_exit list_plugins(struct app *app)
{
	if (loader_each(app->settings.plugins_dir, print_plugin, app) != 0) {
		fprintf(stderr,
		        "luciusd: '%s' cannot be read: it should be the directory of plugins\n",
		        app->settings.plugins_dir);
		return EXIT_FAILED;
	}
	return EXIT_DONE;
}

static enum daemon_exit describe(const struct app *app)
{
	const char *title = app->line.plugin;
	char error[1024];
	size_t kind_size = strcspn(title, "-");
	uint32_t kind = loader_kind_of(title, kind_size);
	if (strcmp(title, "core") == 0) {
		for (uint32_t i = 0; i < n_option_rows; i++) {
			option_print_row(&option_rows[i], stdout);
		}
		return EXIT_DONE;
	}
	if (kind == 0 || title[kind_size] != '-') {
		fprintf(stderr,
		        "luciusd: '%s' is no plugin: names look like storage-memory; see "
		        "--list-plugins\n",
		        title);
		return EXIT_USAGE;
	}
	const struct lucius_plugin *plugin = loader_load(
	        app->settings.plugins_dir, kind, title + kind_size + 1, error, sizeof(error));
	if (plugin == NULL) {
		fprintf(stderr, "luciusd: %s\n", error);
		return EXIT_FAILED;
	}
	printf("%s %s: %s\n", title, plugin->version != NULL ? plugin->version : "",
	        plugin->summary != NULL ? plugin->summary : "");
	for (uint32_t i = 0; i < plugin->n_options; i++) {
		const struct lucius_option row = option_row_at(plugin, i);
		option_print_row(&row, stdout);
	}
	return EXIT_DONE;
}

static enum daemon_exit create_backends(struct app *app, uint32_t roles)
{
	char error[1024] = "";
	if (backends_create(&app->backends, roles, error, sizeof(error)) == 0) {
		return EXIT_DONE;
	}
	if (error[0] != '\0') {
		say(app, true, error);
	}
	return EXIT_CONFIG;
}

static enum daemon_exit provision(struct app *app)
{
	enum daemon_exit status = create_backends(app, ROLE_BUS);
	if (status == EXIT_DONE &&
	        provision_run(app->loop, &app->settings, app->backends.all[BACKEND_BUS]) == 0) {
		status = EXIT_FAILED;
	}
	return status;
}

static enum daemon_exit run(struct app *app)
{
	enum daemon_exit status = create_backends(app, app->roles);
	if (status != EXIT_DONE) {
		return status;
	}
	const struct daemon_parts parts = {
		.loop = app->loop,
		.options = app->options,
		.settings = &app->settings,
		.backends = &app->backends,
		.source = app->source,
		.roles = app->roles,
		.began_us = app->began_us,
	};
	app->source = NULL;
	return daemon_run(&parts);
}

/* Commands that need neither the configuration source nor plugins that are used. */
static enum daemon_exit run_early(struct app *app, bool *ret_is_done)
{
	*ret_is_done = true;
	switch (app->line.command) {
	case COMMAND_LIST_PLUGINS:
		return list_plugins(app);
	case COMMAND_DESCRIBE:
		return describe(app);
	case COMMAND_HEALTH:
		app->loop = loop_create();
		return health_ask(app->loop, &app->settings, app->roles) != 0 ? EXIT_DONE
		                                                              : EXIT_FAILED;
	case COMMAND_RUN:
	case COMMAND_CHECK_CONFIG:
	case COMMAND_PRINT_ENV:
	case COMMAND_PROVISION:
	case COMMAND_VERSION:
	case COMMAND_HELP:
		break;
	}
	*ret_is_done = false;
	return EXIT_DONE;
}

static enum daemon_exit run_late(struct app *app)
{
	switch (app->line.command) {
	case COMMAND_CHECK_CONFIG:
		option_print_check(app->options, stdout);
		return EXIT_DONE;
	case COMMAND_PRINT_ENV:
		option_print_env(app->options, stdout);
		return EXIT_DONE;
	case COMMAND_PROVISION:
		return provision(app);
	case COMMAND_RUN:
	case COMMAND_DESCRIBE:
	case COMMAND_LIST_PLUGINS:
	case COMMAND_HEALTH:
	case COMMAND_VERSION:
	case COMMAND_HELP:
		break;
	}
	return run(app);
}

static void begin_log(const struct app *app)
{
	if (app->line.command == COMMAND_RUN) {
		log_start(app->loop, app->settings.log_format, app->settings.role);
		log_set_limit((size_t)app->settings.log_queue_bytes);
		log_set_level(log_level_of(app->settings.log_level));
	}
}

static enum daemon_exit run_with_options(struct app *app)
{
	bool is_done = false;
	if (!read_options(app)) {
		return EXIT_CONFIG;
	}
	enum daemon_exit status = run_early(app, &is_done);
	if (is_done) {
		return status;
	}
	app->loop = loop_create();
	app->backends = (struct backends){
		.loop = app->loop, .options = app->options, .settings = &app->settings
	};
	begin_log(app);
	status = open_source(app);
	if (app->source != NULL) {
		begin_log(app); /* the source may have its own word on that */
	}
	if (app->is_stopped) {
		return status;
	}
	if (status == EXIT_DONE) {
		status = add_plugins(app);
	}
	if (status != EXIT_DONE && app->line.command == COMMAND_CHECK_CONFIG) {
		option_print_check(
		        app->options, stdout); /* what there is helps to find the fault */
	}
	return status == EXIT_DONE ? run_late(app) : status;
}

/* What is left where the daemon has not run, or has not begun. */
static void close_source(struct app *app)
{
	struct backend *config = app->backends.all[BACKEND_CONFIG];
	config_source_destroy(app->source);
	if (config == NULL) {
		return;
	}
	struct waiting waiting = { .loop = app->loop };
	const struct op_caller caller = { .on_done = on_waited, .user = &waiting };
	backend_stop(config, &caller);
	loop_run(app->loop);
}

static void finish(struct app *app)
{
	close_source(app);
	(void)backends_destroy(&app->backends);
	log_stop();
	options_destroy(app->options);
	loop_destroy(app->loop);
	command_line_finish(&app->line);
}

static void prepare_process(void)
{
	struct rlimit files;
	/* Fast bins are swept whenever something of a kilobyte is asked for, which is all the time
	 * here; giving memory back and forth costs page faults. The thread cache does the rest. */
	(void)mallopt(M_MXFAST, 0);
	(void)mallopt(M_TRIM_THRESHOLD, 16 << 20);
	(void)mallopt(M_TOP_PAD, 1 << 20);
	reserve_keep();
	json_arena_install();
	event_set_mem_functions(reserve_malloc, reserve_realloc, free);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(
	        SIGHUP, SIG_IGN); /* until the daemon listens to it: a start may take a while */
	(void)umask(S_IRWXG | S_IRWXO);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
}

/* The clock less what the process has used so far: nearly all since exec was the linker's work. */
static uint64_t time_of_exec_us(void)
{
	struct timespec now = { 0 };
	struct timespec used = { 0 };
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	return (uint64_t)(now.tv_sec - used.tv_sec) * 1000000 +
	        (uint64_t)((now.tv_nsec - used.tv_nsec) / 1000);
}

int main(int argc, char **argv)
{
	char error[512];
	struct app app = { .began_us = time_of_exec_us() };
	prepare_process();
	enum daemon_exit status = EXIT_DONE;
	if (command_line_parse(argc, argv, &app.line, error, sizeof(error)) != 0) {
		fprintf(stderr, "luciusd: %s\n", error);
		status = EXIT_USAGE;
	} else if (app.line.command == COMMAND_VERSION) {
		printf("luciusd %s, plugin ABI %d.%d\n", release_version(), LUCIUS_ABI_MAJOR,
		        LUCIUS_ABI_MINOR);
	} else if (app.line.command == COMMAND_HELP) {
		command_line_help(stdout);
	} else {
		status = run_with_options(&app);
	}
	if (status != EXIT_DONE && app.line.command == COMMAND_PRINT_ENV) {
		puts("false"); /* a shell that evaluates the output does not see the status */
	}
	finish(&app);
	return status;
}
