/* SPDX-License-Identifier: MIT */
/* A plugin of nothing but options with every byte that a printer must not take for its own; it is
 * printed by the tools of the build and loaded by nobody. */
#include <lucius/plugin.h>

#include <stddef.h>

static const struct lucius_option rows[] = {
	{ .name = "odd-text",
	        .default_value = "\"C:\\odd\"",
	        .summary = ".says \"no\" \\ more",
	        .type = LUCIUS_OPTION_TEXT },
	{ .name = "odd-number",
	        .default_value = "",
	        .summary = "'s a number",
	        .min = INT64_MIN,
	        .max = INT64_MAX,
	        .type = LUCIUS_OPTION_INTEGER,
	        .flags = LUCIUS_OPTION_LIVE | LUCIUS_OPTION_SECRET | LUCIUS_OPTION_REQUIRED },
	{ .name = "log-level",
	        .summary = "The core has one of this name.",
	        .type = LUCIUS_OPTION_TEXT },
};

const struct lucius_plugin lucius_plugin = {
	.prefix = LUCIUS_PREFIX(9, "odd"),
	.version = "1",
	.summary = "For tests.",
	.options = rows,
	.n_options = sizeof(rows) / sizeof(rows[0]),
	.option_size = sizeof(rows[0]),
};
