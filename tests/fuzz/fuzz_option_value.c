/* SPDX-License-Identifier: MIT */
/* One value for every option of the core: taken within its limits, or refused in words. */
#include <stdlib.h>
#include <string.h>

#include "core/option_rows.h"
#include "core/option_value.h"
#include "core/settings.h"
#include "support/base/cleanup.h"
#include "support/base/memory.h"
#include "tests/fuzz/fuzz.h"

static void check_row(const struct lucius_option *row, const char *text)
{
	struct option_value value = { 0 };
	struct settings settings;
	char accepted[256] = "";
	if (!option_value_parse(row, text, &value, accepted, sizeof(accepted))) {
		if (accepted[0] == '\0') {
			abort();
		}
		return;
	}
	if (row->type == LUCIUS_OPTION_INTEGER &&
	        (value.integer < row->min || value.integer > row->max)) {
		abort();
	}
	if (row->type == LUCIUS_OPTION_CHOICE && strstr(row->choices, text) == NULL) {
		abort();
	}
	option_value_store(row, &value, &settings);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	char *text CLEANUP_FREE = must_copy(bytes, size);
	for (uint32_t i = 0; i < n_option_rows; i++) {
		check_row(&option_rows[i], text);
	}
	return 0;
}
