/* SPDX-License-Identifier: MIT */
/* Sizes of rows. */
#include "support/rows/job_size.h"

#include <stdio.h>
#include <string.h>

#include "support/rows/fields.h"

/* Where the sentence goes. */
struct complaint {
	char *sentence;
	size_t size;
};

static bool row_fits(const char *what, const struct lucius_field *fields, uint64_t n_fields,
        const struct complaint *complaint)
{
	const char *long_name = NULL;
	size_t size = fields_size(fields, n_fields, &long_name);
	if (long_name != NULL) {
		(void)snprintf(complaint->sentence, complaint->size,
		        "A field's name of the %s has %zu bytes, the most is %d.", what,
		        strlen(long_name), FIELDS_NAME_MAX);
		return false;
	}
	if (size > JOB_SIZE_ROW_MAX) {
		(void)snprintf(complaint->sentence, complaint->size,
		        "The %s has %zu bytes, the most is %u.", what, size, JOB_SIZE_ROW_MAX);
		return false;
	}
	return true;
}

bool job_size_fits(const struct lucius_job *job, char *sentence, size_t sentence_size)
{
	struct complaint complaint = { sentence, sentence_size };
	if (!row_fits("job's row", job->fields, job->n_fields, &complaint)) {
		return false;
	}
	for (uint64_t i = 0; i < job->n_steps; i++) {
		const struct lucius_step *step = job->steps[i];
		if (!row_fits("step's row", step->fields, step->n_fields, &complaint)) {
			return false;
		}
	}
	for (uint64_t i = 0; i < job->n_events; i++) {
		const struct lucius_job_event *event = job->events[i];
		if (!row_fits("event", event->fields, event->n_fields, &complaint)) {
			return false;
		}
	}
	return true;
}
