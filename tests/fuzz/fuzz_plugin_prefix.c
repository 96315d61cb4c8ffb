/* SPDX-License-Identifier: MIT */
/*
 * How a plugin's descriptor begins: refused with a sentence, or one that may be read on. Behind the
 * bytes lies a good descriptor, so that pointers, where they are reached, are real ones.
 */
#include <assert.h>
#include <string.h>

#include <lucius/storage.h>

#include "core/loader_check.h"
#include "tests/fuzz/fuzz.h"

static const struct lucius_life life = { .size = sizeof(life), .instance_size = 8 };
static const struct lucius_storage storage = { .size = sizeof(storage) };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	char fault[512] = "";
	struct lucius_plugin plugin = {
		.prefix = LUCIUS_PREFIX(LUCIUS_KIND_STORAGE, "fuzzed"),
		.version = "1",
		.summary = "A plugin.",
		.life = &life,
		.option_size = sizeof(struct lucius_option),
		.storage = &storage,
	};
	/* All of the prefix but the name, which is a pointer. */
	size_t most = offsetof(struct lucius_prefix, name);
	memcpy(&plugin, bytes, size < most ? size : most);
	bool is_good = loader_check(&plugin, LUCIUS_KIND_STORAGE, "fuzzed", fault, sizeof(fault));
	assert(is_good == (fault[0] == '\0'));
	if (is_good) {
		assert(plugin.prefix.magic == LUCIUS_PLUGIN_MAGIC);
		assert(plugin.prefix.abi_major == LUCIUS_ABI_MAJOR);
		assert(plugin.prefix.abi_minor <= LUCIUS_ABI_MINOR);
		assert(plugin.prefix.kind == LUCIUS_KIND_STORAGE);
	}
	return 0;
}
