/* SPDX-License-Identifier: MIT */
/* One slot looked at: whether the job that it names is committed, and if it never will be, freed
 * with all that was left of that job. */
#ifndef SUPPORT_JOBTABLES_MEND_H
#define SUPPORT_JOBTABLES_MEND_H

#include <jansson.h>

#include "support/jobtables/backend.h"

enum mend_verdict {
	MEND_HELD, /* by a committed job */
	MEND_YOUNG, /* by a command that may still be committed */
	MEND_FREED,
	MEND_FAILED, /* a request has failed; nothing is known */
};
typedef void (*mend_fn)(void *user, enum mend_verdict verdict);

/*
 * Slot: the row with its ETag, borrowed for the call. May_fence: a command that is not committed
 * yet is kept from it for good; else it is young. Older_us: the same for commands created before
 * that Unix time only.
 */
void mend_slot(struct jobtables *backend, const json_t *slot, bool may_fence, int64_t older_us,
        mend_fn on_done, void *user);

#endif
