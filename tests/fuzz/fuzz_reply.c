/* SPDX-License-Identifier: MIT */
/* The body of an ACK or RESULT: no reply, with a sentence, or one with all that matching needs. */
#include <assert.h>
#include <string.h>

#include "core/reply.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct reply reply = { 0 };
	bool is_reply = reply_read((struct lucius_text){ (const char *)bytes, size }, &reply);
	if (is_reply) {
		assert(reply.job_id != NULL && reply.facts.step_id != NULL);
		assert(reply.facts.lease_id != NULL);
		const struct value *output = &reply.facts.output_ref;
		assert(output->text == NULL || output->text[output->size] == '\0');
	} else {
		assert(reply.sentence[0] != '\0');
	}
	reply_finish(&reply);
	return 0;
}
