/* SPDX-License-Identifier: MIT */
/* How a job ends: its state, those of its steps, error and final output, in one write. */
#ifndef CORE_JOB_CLOSING_H
#define CORE_JOB_CLOSING_H

#include "core/job.h"

struct closing {
	enum job_state state; /* a terminal one */
	struct step *step; /* named by the outcome; may be NULL */
	const char *error_code; /* may be NULL */
	const char *error_message; /* may be NULL */
};

/* Error code and message are kept for FAILED_FINAL only. Sets final_output once all steps have
 * succeeded, whatever the state is. */
void job_close(struct job *job, const struct closing *closing, const char *now);

#endif
