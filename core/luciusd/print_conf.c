/* SPDX-License-Identifier: MIT */
/* Prints etc/lucius.conf: a test holds the file against it. */
#include <stdio.h>
#include <string.h>

#include "core/option_known.h"
#include "core/option_print.h"
#include "core/option_rows.h"
#include "support/base/cleanup.h"
#include "support/base/memory.h"

/* Where plugins lie is the build's choice; the file is the same for all. */
static struct lucius_option without_paths(struct lucius_option row)
{
	if (strcmp(row.name, "plugins-dir") == 0) {
		row.default_value = NULL;
	}
	return row;
}

int main(void)
{
	size_t n = 0;
	CLEANUP_FREE struct option_known *rows =
	        must_calloc(n_option_rows + n_option_known_rows, sizeof(*rows));
	for (uint32_t i = 0; i < n_option_rows; i++) {
		rows[n++] = (struct option_known){ "core", without_paths(option_rows[i]) };
	}
	for (size_t i = 0; i < n_option_known_rows; i++) {
		rows[n++] = option_known_rows[i];
	}
	option_print_conf(rows, n, stdout);
	return ferror(stdout) != 0 ? 1 : 0;
}
