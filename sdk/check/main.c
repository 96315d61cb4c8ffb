/* SPDX-License-Identifier: MIT */
/*
 * lucius-plugin-check: says in the daemon's own sentences what is wrong with a plugin file, then
 * runs the conformance suite of its kind against it.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/loader.h"
#include "sdk/check/symbols.h"
#include "sdk/conformance/request.h"
#include "sdk/conformance/suites.h"

enum status { STATUS_GOOD, STATUS_FAULTY, STATUS_USAGE };

static int explain(void)
{
	fprintf(stderr,
	        "usage: lucius-plugin-check <kind>-<name>.so [option=value...]\n"
	        "       [--suite NAME=VALUE] [--fixture COMMAND] [--only TEXT] [--list]\n"
	        "       [--no-suite] [--verbose]\n"
	        "Checks the file as luciusd would and runs the conformance suite of its kind.\n"
	        "{dir} in a value: a new directory for each test. See lucius-plugin-check(1).\n");
	return STATUS_USAGE;
}

/* What is allowed, and still worth a word. */
static void print_notes(const struct lucius_plugin *plugin)
{
	if (plugin->version == NULL || plugin->summary == NULL) {
		printf("note: it has no version or no summary, which --list-plugins shows\n");
	}
	if (!LUCIUS_HAS(plugin->life, health)) {
		printf("note: it has no 'health', so /readyz cannot ask it\n");
	}
	if (!LUCIUS_HAS(plugin->life, stop)) {
		printf("note: it has no 'stop': nothing of it may be under way when it is "
		       "destroyed\n");
	}
}

static void print_head(const struct lucius_plugin *plugin)
{
	char title[160];
	plugin_title(plugin, title, sizeof(title));
	printf("%s %s, ABI %u.%u, %u options: %s\n", title,
	        plugin->version != NULL ? plugin->version : "", plugin->prefix.abi_major,
	        plugin->prefix.abi_minor, plugin->n_options,
	        plugin->summary != NULL ? plugin->summary : "");
	print_notes(plugin);
}

static enum status check_file(const char *path, const struct loader_place *place)
{
	char error[2048];
	const struct lucius_plugin *plugin =
	        loader_load(place->dir, place->kind, place->name, error, sizeof(error));
	if (plugin == NULL) {
		printf("%s\n", error);
		return STATUS_FAULTY;
	}
	print_head(plugin);
	if (!symbols_check(path, error, sizeof(error))) {
		printf("%s\n", error);
		return STATUS_FAULTY;
	}
	return STATUS_GOOD;
}

/* In a process of its own: what a file does while it is loaded is not known before. */
static enum status check_apart(const char *path, const struct loader_place *place)
{
	int status = 0;
	(void)fflush(NULL);
	pid_t child = fork();
	if (child == 0) {
		enum status found = check_file(path, place);
		(void)fflush(NULL);
		_exit((int)found);
	}
	if (child < 0 || waitpid(child, &status, 0) != child) {
		perror("lucius-plugin-check");
		return STATUS_FAULTY;
	}
	if (WIFSIGNALED(status)) {
		printf("'%s' ended the process that loaded it by signal %d (%s)\n", path,
		        WTERMSIG(status), strsignal(WTERMSIG(status)));
	}
	return WIFEXITED(status) ? (enum status)WEXITSTATUS(status) : STATUS_FAULTY;
}

static enum status run_suite(const struct request *request, uint32_t kind)
{
	const struct conformance_suite *suite = conformance_suite_of(kind);
	if (suite == NULL) {
		printf("there is no conformance suite for the kind '%s' yet\n",
		        loader_kind_name(kind));
		return STATUS_FAULTY;
	}
	return conformance_run_suite(suite, request) == 0 ? STATUS_GOOD : STATUS_FAULTY;
}

int main(int argc, char **argv)
{
	struct request request;
	struct loader_place place;
	char error[512];
	if (!request_read(argc, argv, &request)) {
		return explain();
	}
	if (!loader_place_of(request.path, &place, error, sizeof(error))) {
		printf("%s\n", error);
		return STATUS_FAULTY;
	}
	enum status status = check_apart(request.path, &place);
	if (status == STATUS_GOOD && !request.has_no_suite) {
		status = run_suite(&request, place.kind);
	}
	return (int)status;
}
