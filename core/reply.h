/* SPDX-License-Identifier: MIT */
/* Reads an ACK or RESULT from a message body (SPEC 4, lenient as SPEC 10 asks). */
#ifndef CORE_REPLY_H
#define CORE_REPLY_H

#include <lucius/plugin.h>

#include "core/arena.h"
#include "core/job_rules.h"

/* All zeros is empty. */
struct reply {
	struct arena arena; /* holds the texts */
	struct reply_facts facts;
	const char *job_id;
	char sentence[160]; /* why it is none */
};

/* False: it is no reply, and the sentence says why. Finish it in either case. */
bool reply_read(struct lucius_text body, struct reply *ret_reply);
void reply_finish(struct reply *reply);

#endif
