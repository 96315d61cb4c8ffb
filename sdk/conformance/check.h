/* SPDX-License-Identifier: MIT */
/*
 * Checks that print both values, and a runner that gives each test a process of its own: a plugin
 * that crashes, hangs or leaks fails the one test. How a suite is made stands in README.md.
 */
#ifndef SDK_CONFORMANCE_CHECK_H
#define SDK_CONFORMANCE_CHECK_H

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct conformance_test {
	const char *name; /* a sentence with underscores */
	void (*run)(void);
};
#define CONFORMANCE_TEST(function)  \
	{                           \
#function, function \
	}

struct conformance_suite {
	const char *name;
	uint32_t kind; /* LUCIUS_KIND_… */
	/* Tables of tests, the last one NULL; each table ends with a name that is NULL. */
	const struct conformance_test *const *tables;
};

/* What the tests are run against; for tests. */
struct conformance_run {
	const char *path; /* of the plugin */
	const char *const *options; /* `name=value`, "{dir}" replaced */
	size_t n_options;
	uint32_t kind;
	bool is_loud;
};
const struct conformance_run *conformance_run(void);
/* What the suite itself wants to know (--suite NAME=VALUE, or the fixture); NULL: not given. */
const char *conformance_parameter(const char *name);
/* Asks the fixture to change something outside of the plugin: sends the line, returns the one that
 * it answers, good until the next call. NULL: there is no fixture, or it has ended. */
const char *conformance_tell(const char *line);

struct request;
/* Runs the tests that are asked for; the exit status: 0 all passed, 1 a test failed or none ran. */
int conformance_run_suite(const struct conformance_suite *suite, const struct request *request);
/* The program around one suite: arguments as in request.h. As above, and 2: it is called wrongly.
 */
int conformance_main(const struct conformance_suite *suite, int argc, char **argv);

/* Ends the test as skipped, which is not passed: why, as a sentence. */
_Noreturn void conformance_skip(const char *sentence);

/* Counts a failed check and prints where and what. */
__attribute__((format(printf, 3, 4))) void check_failed(
        const char *file, int line, const char *format, ...);
/* Checks that have failed in this process. */
unsigned check_n_failed(void);
#define CHECK_FAILED(...) check_failed(__FILE__, __LINE__, __VA_ARGS__)

#define CHECK(condition)                                          \
	do {                                                      \
		if (!(condition)) {                               \
			CHECK_FAILED("not true: %s", #condition); \
		}                                                 \
	} while (0)

#define CHECK_INT(actual, expected) \
	check_int(__FILE__, __LINE__, #actual, (int64_t)(actual), (int64_t)(expected))
void check_int(const char *file, int line, const char *what, int64_t actual, int64_t expected);

/* NULL is no text, not an empty one. */
#define CHECK_TEXT(actual, expected) check_text(__FILE__, __LINE__, #actual, (actual), (expected))
void check_text(
        const char *file, int line, const char *what, const char *actual, const char *expected);

/* Waits for the operation, then compares how it ended. */
struct asked;
#define CHECK_STATUS(asked, expected) check_status(__FILE__, __LINE__, (asked), (expected))
void check_status(const char *file, int line, struct asked *asked, uint32_t expected);

#endif
