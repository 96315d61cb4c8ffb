/* SPDX-License-Identifier: MIT */
/* The conformance suite of storage backends: what include/lucius/storage.h promises, by example. */
#include <lucius/plugin.h>

#include "sdk/conformance/storage_tests.h"

static const struct conformance_test *const tables[] = { storage_create_tests, storage_name_tests,
	storage_save_tests, storage_page_tests, storage_life_tests, storage_kill_tests, NULL };

const struct conformance_suite conformance_storage = {
	.name = "storage",
	.kind = LUCIUS_KIND_STORAGE,
	.tables = tables,
};
