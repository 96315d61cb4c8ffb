/* SPDX-License-Identifier: MIT */
/* Settings from environment variables: texts, bounded numbers, secrets that may lie in a file. */
#ifndef CONSUMERS_COMMON_ENVIRONMENT_H
#define CONSUMERS_COMMON_ENVIRONMENT_H

#include "consumers/common/fault.h"

#include <stdint.h>

/* The value (borrowed), NULL if the variable is not set or empty. */
const char *environment_text(const char *name);

/* A whole number minimum..maximum; `otherwise` if not set. Returns 0 or EX_CONFIG. */
struct environment_range {
	int64_t otherwise;
	int64_t minimum;
	int64_t maximum;
};
int environment_number(const char *name, const struct environment_range *range, struct fault *fault,
        int64_t *ret_value);

/*
 * The value of NAME, or the contents of the file that NAME_FILE names (a final newline is dropped).
 * ret_value: owned, NULL if neither is set. Both at once, an unreadable or an empty file:
 * EX_CONFIG. No fault names the value.
 */
int environment_secret(const char *name, struct fault *fault, char **ret_value);

#endif
