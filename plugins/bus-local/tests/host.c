/* SPDX-License-Identifier: MIT */
/*
 * Runs bus-local and nothing else, for tests with clients from outside: leads the module through
 * its life, writes its log to standard error, and ends in order at SIGTERM. Usage: bus_local_host
 * PLUGINS_DIR [--option value]...
 */
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/backend.h"
#include "core/loader.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/options.h"

struct host {
	struct loop *loop;
	struct backend *bus;
	int status;
};

static void on_report(void *user, bool is_error, const char *sentence)
{
	(void)user;
	(void)is_error;
	fprintf(stderr, "%s\n", sentence);
}

static bool is_over(struct host *host, const char *stage, uint32_t status, const char *sentence)
{
	if (status == LUCIUS_OK) {
		return false;
	}
	fprintf(stderr, "%s: status %u: %s\n", stage, status, sentence != NULL ? sentence : "");
	host->status = 1;
	loop_break(host->loop);
	return true;
}

static void on_listening(void *user, uint32_t status, const char *sentence)
{
	(void)is_over(user, "listen", status, sentence);
}

static void on_started(void *user, uint32_t status, const char *sentence)
{
	struct host *host = user;
	struct op_caller caller = { .on_done = on_listening, .user = host };
	if (!is_over(host, "start", status, sentence)) {
		(void)backend_listen(host->bus, &caller);
	}
}

static void on_stopped(void *user, uint32_t status, const char *sentence)
{
	struct host *host = user;
	if (!is_over(host, "stop", status, sentence)) {
		loop_break(host->loop);
	}
}

static void on_signal(evutil_socket_t signal, short what, void *user)
{
	struct host *host = user;
	struct op_caller caller = { .on_done = on_stopped, .user = host };
	(void)signal;
	(void)what;
	(void)backend_stop(host->bus, &caller);
}

static int run(struct host *host)
{
	struct op_caller caller = { .on_done = on_started, .user = host };
	struct event *term = evsignal_new(loop_base(host->loop), SIGTERM, on_signal, host);
	if (term == NULL || event_add(term, NULL) != 0) {
		return 1;
	}
	(void)backend_start(host->bus, &caller);
	loop_run(host->loop);
	event_free(term);
	if (backend_destroy(host->bus) != 0) {
		fprintf(stderr, "%s is still open\n", backend_open_operation(host->bus));
		return 1;
	}
	return host->status;
}

/* The option struct, filled from the arguments. NULL: reported. */
static const void *fill_options(struct options *options, const struct lucius_plugin *plugin)
{
	struct option_set *set = options_add_plugin(options, plugin);
	return set != NULL ? set->values : NULL;
}

int main(int argc, char **argv)
{
	char error[512] = "";
	static char *no_environment[] = { NULL };
	struct option_givens arguments = { 0 };
	(void)signal(SIGPIPE, SIG_IGN);
	if (argc < 2) {
		fprintf(stderr, "usage: %s PLUGINS_DIR [--option value]...\n", argv[0]);
		return 2;
	}
	for (int i = 2; i + 1 < argc; i += 2) {
		option_givens_add(&arguments, argv[i], argv[i + 1], "the command line");
	}
	const struct lucius_plugin *plugin =
	        loader_load(argv[1], LUCIUS_KIND_BUS, "local", error, sizeof(error));
	struct options_parts parts = {
		.arguments = &arguments, .environment = no_environment, .report = on_report
	};
	struct options *options = options_create(&parts);
	struct host host = { .loop = loop_create() };
	const void *values = plugin != NULL ? fill_options(options, plugin) : NULL;
	log_start(host.loop, "text", "bus");
	log_set_level(LUCIUS_LOG_DEBUG);
	struct backend_parts backend = { .loop = host.loop, .plugin = plugin, .options = values };
	host.bus = values != NULL ? backend_create(&backend, error, sizeof(error)) : NULL;
	if (host.bus == NULL) {
		fprintf(stderr, "%s\n", error);
	}
	int status = host.bus != NULL ? run(&host) : 1;
	log_stop();
	loop_destroy(host.loop);
	options_destroy(options);
	option_givens_finish(&arguments);
	return status;
}
