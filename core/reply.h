/* SPDX-License-Identifier: MIT */
/* Reads an ACK or RESULT from a message body (SPEC 4, lenient as SPEC 10 asks). */
#ifndef CORE_REPLY_H
#define CORE_REPLY_H

#include <jansson.h>
#include <lucius/plugin.h>

#include "core/job_rules.h"

/* All zeros is empty. Texts live in body. */
struct reply {
	struct reply_facts facts;
	const char *job_id;
	json_t *body; /* owned */
	char *output_ref; /* owned; the JSON text of one that is no string */
	char sentence[160]; /* why it is none */
};

/* False: it is no reply, and the sentence says why. Finish it in either case. */
bool reply_read(struct lucius_text body, struct reply *ret_reply);
void reply_finish(struct reply *reply);
/* "ACK" or "RESULT"; static. */
const char *reply_type(const struct reply *reply);

#endif
