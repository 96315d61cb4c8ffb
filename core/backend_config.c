/* SPDX-License-Identifier: MIT */
/* The operations of a configuration source: opened and handed to the plugin. */
#include "core/instance.h"

static const struct lucius_config *table_of(const struct backend *backend)
{
	return backend->plugin->config;
}

struct lucius_op config_load(struct backend *config, const struct op_caller *caller)
{
	struct lucius_op handle;
	struct op *op = backend_ask(config, LUCIUS_OP_CONFIG_LOAD, true, caller, &handle);
	if (op != NULL) {
		table_of(config)->load(config->self, handle);
		backend_left(config, LUCIUS_OP_CONFIG_LOAD);
	}
	return handle;
}

struct lucius_op config_watch(struct backend *config, const struct op_caller *caller)
{
	struct lucius_op handle;
	struct op *op = backend_ask(config, LUCIUS_OP_CONFIG_WATCH,
	        LUCIUS_HAS(table_of(config), watch), caller, &handle);
	if (op != NULL) {
		table_of(config)->watch(config->self, handle);
		backend_left(config, LUCIUS_OP_CONFIG_WATCH);
	}
	return handle;
}

void config_keep(struct backend *config, const struct lucius_text *keys, uint64_t n_keys)
{
	if (LUCIUS_HAS(table_of(config), keep)) {
		table_of(config)->keep(config->self, keys, n_keys);
	}
}
