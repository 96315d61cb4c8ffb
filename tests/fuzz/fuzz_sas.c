/* SPDX-License-Identifier: MIT */
/*
 * Tokens of a shared access signature: only what was made with the key is good, and what was made
 * is good for its audience and no longer than it says. The bytes are a token, and an audience too.
 */
#include <assert.h>
#include <string.h>

#include "support/azure/sas.h"
#include "support/base/cleanup.h"
#include "support/base/memory.h"
#include "tests/fuzz/fuzz.h"

enum { NOW = 1772366400, LATER = NOW + 3600 };

static const struct azure_sas_rule rule = { .key_name = "k", .key = "secret", .now = NOW };
/* The key's name and the audience are those of the corpus, the key is not. */
static const struct azure_sas_rule strange = {
	.key_name = "RootManageSharedAccessKey",
	.key = "another key than that of the corpus",
	.audience = "sb://localhost/topic",
	.now = 1000,
};

/* Nobody guesses an HMAC: what libFuzzer makes up is not good, and it is said why. */
static void check_given(const char *token, size_t size, const struct azure_sas_rule *wanted)
{
	int64_t expires_at = 0;
	enum azure_sas_result result = azure_sas_verify(token, size, wanted, &expires_at);
	assert(result != AZURE_SAS_GOOD);
	assert(azure_sas_sentence(result)[0] != '\0');
}

static void check_made(const char *audience)
{
	struct azure_sas_rule wanted = rule;
	int64_t expires_at = 0;
	char *token CLEANUP_FREE = azure_sas_make(audience, "k", "secret", LATER);
	size_t size = strlen(token);
	enum azure_sas_result made = azure_sas_verify(token, size, &rule, &expires_at);
	assert(made == AZURE_SAS_GOOD || made == AZURE_SAS_MALFORMED);
	if (made != AZURE_SAS_GOOD) {
		return;
	}
	assert(expires_at == LATER);
	wanted.now = LATER + 1;
	assert(azure_sas_verify(token, size, &wanted, &expires_at) == AZURE_SAS_EXPIRED);
	wanted.now = NOW;
	wanted.key = "another";
	assert(azure_sas_verify(token, size, &wanted, &expires_at) == AZURE_SAS_BAD_SIGNATURE);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	char *text CLEANUP_FREE = must_copy(bytes, size);
	check_given(text, size, &rule);
	check_given(text, size, &strange);
	if (size != 0 && strlen(text) == size) {
		check_made(text);
	}
	char *normal CLEANUP_FREE = azure_audience_normal(text, size);
	if (normal != NULL && normal[0] != '\0') {
		assert(azure_audience_covers(normal, normal));
	}
	return 0;
}
