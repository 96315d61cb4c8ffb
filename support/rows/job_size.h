/* SPDX-License-Identifier: MIT */
/* Whether a job that is to be kept has rows that may be kept. */
#ifndef SUPPORT_ROWS_JOB_SIZE_H
#define SUPPORT_ROWS_JOB_SIZE_H

#include <stdbool.h>
#include <stddef.h>

#include <lucius/storage.h>

#define JOB_SIZE_ROW_MAX (16u << 20) /* bytes that a change may add to a row */

/* False: a row is larger, or a name longer, than may be; a sentence with both sizes in `sentence`.
 */
bool job_size_fits(const struct lucius_job *job, char *sentence, size_t sentence_size);

#endif
