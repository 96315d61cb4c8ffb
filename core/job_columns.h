/* SPDX-License-Identifier: MIT */
/* The columns of a job's and a step's row as data: name, place, kind (SPEC 3, in that order). */
#ifndef CORE_JOB_COLUMNS_H
#define CORE_JOB_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum column_kind {
	COLUMN_VALUE, /* struct value */
	COLUMN_INTEGER, /* int64_t, JOB_NO_INTEGER if missing */
	COLUMN_JOB_STATE,
	COLUMN_STEP_STATE
};

struct column {
	const char *name;
	uint32_t offset;
	enum column_kind kind;
	bool is_internal; /* kept in the row, never shown */
};

struct columns {
	const struct column *list;
	size_t n;
};

extern const struct columns job_columns; /* of struct job */
extern const struct columns step_columns; /* of struct step */

#endif
