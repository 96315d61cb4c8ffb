/* SPDX-License-Identifier: MIT */
/* A protocols file: refused with a sentence, or every request type that it names is found. */
#include <assert.h>
#include <string.h>

#include "core/registry.h"
#include "support/base/cleanup.h"
#include "support/base/memory.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	char *text CLEANUP_FREE = must_copy(bytes, size);
	char *sentence CLEANUP_FREE = NULL;
	struct registry *registry = registry_parse(
	        text, "the fuzzed file", SOURCE_ROOT "/etc/protocols.json", &sentence);
	assert((registry == NULL) == (sentence != NULL));
	if (registry == NULL) {
		return 0;
	}
	size_t n = 0;
	const struct protocol *protocols = registry_protocols(registry, &n);
	for (size_t i = 0; i < n; i++) {
		assert(registry_find(registry, protocols[i].protocol_id) == &protocols[i]);
		assert(protocols[i].n_steps != 0);
		for (size_t k = 0; k < protocols[i].n_steps; k++) {
			const char *step_id = protocols[i].steps[k].step_id;
			size_t length = strlen(step_id);
			assert(length >= 1 && length <= 64);
			assert(strspn(step_id, "abcdefghijklmnopqrstuvwxyz0123456789._-") ==
			        length);
		}
	}
	registry_unref(registry);
	return 0;
}
