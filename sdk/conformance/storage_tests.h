/* SPDX-License-Identifier: MIT */
/* The tables of tests that the storage suite is made of. */
#ifndef SDK_CONFORMANCE_STORAGE_TESTS_H
#define SDK_CONFORMANCE_STORAGE_TESTS_H

#include "sdk/conformance/check.h"

extern const struct conformance_test storage_create_tests[];
extern const struct conformance_test storage_name_tests[];
extern const struct conformance_test storage_save_tests[];
extern const struct conformance_test storage_page_tests[];
extern const struct conformance_test storage_life_tests[];
extern const struct conformance_test storage_kill_tests[];

extern const struct conformance_suite conformance_storage;

#endif
