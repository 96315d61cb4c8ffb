/* SPDX-License-Identifier: MIT */
/* Tokens that strangers put to the bus, and the audiences that they name. */
#include <stdlib.h>
#include <string.h>

#include "support/azure/sas.h"
#include "support/base/cleanup.h"
#include "support/base/memory.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static const struct azure_sas_rule rule = { .key_name = "RootManageSharedAccessKey",
		.key = "another key than that of the corpus",
		.audience = "sb://localhost/topic",
		.now = 1000 };
	CLEANUP_FREE char *token = must_copy(bytes, size);
	int64_t expires_at = 0;
	enum azure_sas_result result = azure_sas_verify(token, size, &rule, &expires_at);
	if (result == AZURE_SAS_GOOD || azure_sas_sentence(result)[0] == '\0') {
		abort(); /* nobody guesses a signature */
	}
	CLEANUP_FREE char *normal = azure_audience_normal(token, size);
	if (!azure_audience_covers(normal, normal) && normal[0] != '\0') {
		abort();
	}
	return 0;
}
