/* SPDX-License-Identifier: MIT */
/*
 * A thin frame around CUnit for one test program: a list of named tests in, a report and an exit
 * status out. Assertions print both values; CUnit itself only counts.
 */
#ifndef TESTS_SUPPORT_SUITE_H
#define TESTS_SUPPORT_SUITE_H

#include <CUnit/CUnit.h>
#include <CUnit/TestRun.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct suite_test {
	const char *name; /* a sentence with underscores */
	void (*run)(void);
};
#define SUITE_TEST(function)        \
	{                           \
#function, function \
	}

#define CHECK(condition)                                                                          \
	do {                                                                                      \
		int check_ok_ = (condition) ? 1 : 0;                                              \
		if (!check_ok_) {                                                                 \
			fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition); \
		}                                                                                 \
		CU_assertImplementation(                                                          \
		        check_ok_, __LINE__, #condition, __FILE__, __func__, CU_FALSE);           \
	} while (0)

#define CHECK_INT(actual, expected)                                                             \
	do {                                                                                    \
		int64_t check_a_ = (int64_t)(actual);                                           \
		int64_t check_e_ = (int64_t)(expected);                                         \
		if (check_a_ != check_e_) {                                                     \
			fprintf(stderr, "%s:%d: %s is %" PRId64 ", expected %" PRId64 "\n",     \
			        __FILE__, __LINE__, #actual, check_a_, check_e_);               \
		}                                                                               \
		CU_assertImplementation(                                                        \
		        check_a_ == check_e_, __LINE__, #actual, __FILE__, __func__, CU_FALSE); \
	} while (0)

#define CHECK_TEXT(actual, expected)                                                              \
	do {                                                                                      \
		const char *check_a_ = (actual);                                                  \
		const char *check_e_ = (expected);                                                \
		int check_ok_ = check_a_ != NULL && check_e_ != NULL                              \
		        ? strcmp(check_a_, check_e_) == 0                                         \
		        : check_a_ == check_e_;                                                   \
		if (!check_ok_) {                                                                 \
			fprintf(stderr, "%s:%d: %s is '%s', expected '%s'\n", __FILE__, __LINE__, \
			        #actual, check_a_ != NULL ? check_a_ : "(null)",                  \
			        check_e_ != NULL ? check_e_ : "(null)");                          \
		}                                                                                 \
		CU_assertImplementation(                                                          \
		        check_ok_, __LINE__, #actual, __FILE__, __func__, CU_FALSE);              \
	} while (0)

/* Runs the tests (all, or those whose name contains argv[1]); returns the exit status. */
static inline int suite_run(const char *suite_name, const struct suite_test *tests, size_t n_tests,
        int argc, char **argv)
{
	unsigned n_run = 0;
	unsigned n_failed = 0;
	if (CU_initialize_registry() != CUE_SUCCESS) {
		return 2;
	}
	CU_pSuite suite = CU_add_suite(suite_name, NULL, NULL);
	for (size_t i = 0; suite != NULL && i < n_tests; i++) {
		if (argc > 1 && strstr(tests[i].name, argv[1]) == NULL) {
			continue;
		}
		CU_pTest test = CU_add_test(suite, tests[i].name, tests[i].run);
		if (test == NULL) {
			return 2;
		}
		CU_run_test(suite, test);
		int is_failed = CU_get_number_of_failures() != 0;
		printf("%s %s\n", is_failed ? "FAIL" : "ok  ", tests[i].name);
		n_run++;
		n_failed += is_failed ? 1 : 0;
	}
	CU_cleanup_registry();
	printf("%s: %u tests, %u failed\n", suite_name, n_run, n_failed);
	return n_run == 0 || n_failed != 0 ? 1 : 0;
}

#endif
