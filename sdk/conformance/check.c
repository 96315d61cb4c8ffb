/* SPDX-License-Identifier: MIT */
/* Running the tests of a suite, each in a process of its own. */
#include "sdk/conformance/check.h"

#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sdk/conformance/fixture.h"
#include "sdk/conformance/host.h"
#include "sdk/conformance/request.h"

#define TEST_S 480 /* a test that takes longer hangs */
#define OPTION_SIZE 1024
#define EXIT_SKIPPED 77
#define TAG_SIZE 6 /* of what mkdtemp makes */

static struct conformance_run this_run;
static char option_texts[REQUEST_N_MAX][OPTION_SIZE];
static const char *option_list[REQUEST_N_MAX];
static unsigned n_failed_checks;

static const struct request *this_request;
static struct fixture *this_fixture; /* NULL: none */

const struct conformance_run *conformance_run(void)
{
	return &this_run;
}

const char *conformance_parameter(const char *name)
{
	size_t size = strlen(name);
	for (size_t i = this_request->n_parameters; i > 0; i--) {
		const char *given = this_request->parameters[i - 1];
		if (strncmp(given, name, size) == 0 && given[size] == '=') {
			return given + size + 1;
		}
	}
	return NULL;
}

const char *conformance_tell(const char *line)
{
	return this_fixture != NULL ? fixture_tell(this_fixture, line) : NULL;
}

void conformance_skip(const char *sentence)
{
	fprintf(stderr, "skipped: %s\n", sentence);
	exit(n_failed_checks != 0 ? 1 : EXIT_SKIPPED);
}

void check_failed(const char *file, int line, const char *format, ...)
{
	va_list arguments;
	n_failed_checks++;
	fprintf(stderr, "%s:%d: ", file, line);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fprintf(stderr, "\n");
}

unsigned check_n_failed(void)
{
	return n_failed_checks;
}

void check_int(const char *file, int line, const char *what, int64_t actual, int64_t expected)
{
	if (actual != expected) {
		check_failed(
		        file, line, "%s is %" PRId64 ", expected %" PRId64, what, actual, expected);
	}
}

void check_text(
        const char *file, int line, const char *what, const char *actual, const char *expected)
{
	bool is_same = actual != NULL && expected != NULL ? strcmp(actual, expected) == 0
	                                                  : actual == expected;
	if (!is_same) {
		check_failed(file, line, "%s is \"%s\", expected \"%s\"", what,
		        actual != NULL ? actual : "(none)", expected != NULL ? expected : "(none)");
	}
}

void check_status(const char *file, int line, struct asked *asked, uint32_t expected)
{
	(void)asked_wait(asked);
	if (asked_status(asked) != expected) {
		const char *sentence = asked_sentence(asked);
		check_failed(file, line, "\"%s\" ended with %s (%s), expected %s",
		        asked_name(asked), status_text(asked_status(asked)),
		        sentence != NULL ? sentence : "no sentence", status_text(expected));
	}
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
	(void)status;
	(void)kind;
	(void)walk;
	return remove(path);
}

/* Writes the option with every "{dir}" replaced by the directory and "{tag}" by the letters and
 * digits that end its name; false: it gets too long. */
static bool expand(char out[OPTION_SIZE], const char *option, const char *directory)
{
	const char *const marks[][2] = { { "{dir}", directory },
		{ "{tag}", directory + strlen(directory) - TAG_SIZE } };
	size_t size = 0;
	while (*option != '\0') {
		const char *from = option;
		size_t from_size = 1;
		size_t taken = 1;
		for (size_t i = 0; i < 2; i++) {
			if (strncmp(option, marks[i][0], 5) == 0) {
				from = marks[i][1];
				from_size = strlen(from);
				taken = 5;
			}
		}
		if (size + from_size >= OPTION_SIZE) {
			return false;
		}
		memcpy(out + size, from, from_size);
		size += from_size;
		option += taken;
	}
	out[size] = '\0';
	return true;
}

static bool expand_options(const struct request *request, const char *directory)
{
	for (size_t i = 0; i < request->n_options; i++) {
		if (!expand(option_texts[i], request->options[i], directory)) {
			fprintf(stderr, "the option \"%s\" is too long\n", request->options[i]);
			return false;
		}
		option_list[i] = option_texts[i];
	}
	this_run.options = option_list;
	this_run.n_options = request->n_options;
	return true;
}

/* The whole life of the child. */
_Noreturn static void run_in_child(const struct conformance_test *test)
{
	(void)alarm(TEST_S);
	test->run();
	exit(n_failed_checks != 0 ? 1 : 0);
}

enum verdict { PASSED, SKIPPED, FAILED };

/* Why the child failed goes to standard error. */
static enum verdict judge(const char *name, int status)
{
	if (WIFSIGNALED(status)) {
		fprintf(stderr, "%s: ended by signal %d (%s)\n", name, WTERMSIG(status),
		        strsignal(WTERMSIG(status)));
		return FAILED;
	}
	int code = WEXITSTATUS(status);
	if (code > 1 && code != EXIT_SKIPPED) {
		fprintf(stderr, "%s: ended with exit status %d\n", name, code);
	}
	return code == 0 ? PASSED : code == EXIT_SKIPPED ? SKIPPED : FAILED;
}

static enum verdict run_test(const struct request *request, const struct conformance_test *test)
{
	static const char *const words[] = { "ok  ", "skip", "FAIL" };
	const char *place = getenv("TMPDIR");
	char directory[512];
	(void)snprintf(directory, sizeof(directory), "%s/conformance-XXXXXX",
	        place != NULL ? place : "/tmp");
	if (mkdtemp(directory) == NULL || !expand_options(request, directory)) {
		perror(directory);
		return FAILED;
	}
	(void)fflush(NULL);
	pid_t child = fork();
	if (child == 0) {
		run_in_child(test);
	}
	int status = 0;
	enum verdict verdict = child > 0 && waitpid(child, &status, 0) == child
	        ? judge(test->name, status)
	        : FAILED;
	printf("%s %s\n", words[verdict], test->name);
	(void)nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return verdict;
}

static bool is_wanted(const struct request *request, const struct conformance_test *test)
{
	return request->only == NULL || strstr(test->name, request->only) != NULL;
}

static void list_tests(const struct conformance_suite *suite)
{
	for (size_t i = 0; suite->tables[i] != NULL; i++) {
		for (const struct conformance_test *test = suite->tables[i]; test->name != NULL;
		        test++) {
			printf("%s\n", test->name);
		}
	}
}

static int run_tests(const struct conformance_suite *suite, const struct request *request)
{
	unsigned n_of[FAILED + 1] = { 0 };
	for (size_t i = 0; suite->tables[i] != NULL; i++) {
		const struct conformance_test *test = suite->tables[i];
		for (; test->name != NULL; test++) {
			if (is_wanted(request, test)) {
				n_of[run_test(request, test)]++;
			}
		}
	}
	printf("%s against %s: %u passed, %u failed, %u skipped\n", suite->name, request->path,
	        n_of[PASSED], n_of[FAILED], n_of[SKIPPED]);
	return n_of[PASSED] == 0 || n_of[FAILED] != 0 ? 1 : 0;
}

int conformance_run_suite(const struct conformance_suite *suite, const struct request *given)
{
	struct request request = *given;
	if (request.is_list) {
		list_tests(suite);
		return 0;
	}
	this_fixture = request.fixture != NULL ? fixture_start(&request) : NULL;
	if (this_fixture == NULL && request.fixture != NULL) {
		return 1;
	}
	this_request = &request;
	this_run.path = request.path;
	this_run.kind = suite->kind;
	this_run.is_loud = request.is_loud;
	int status = run_tests(suite, &request);
	fixture_stop(this_fixture);
	this_fixture = NULL;
	return status;
}

int conformance_main(const struct conformance_suite *suite, int argc, char **argv)
{
	struct request request;
	if (!request_read(argc, argv, &request)) {
		fprintf(stderr,
		        "usage: %s PLUGIN.so [name=value...] [--only TEXT] [--verbose]\n"
		        "Runs \"%s\". {dir} in a value: a new directory a test.\n",
		        argv[0], suite->name);
		return 2;
	}
	return conformance_run_suite(suite, &request);
}
