/* SPDX-License-Identifier: MIT */
/* Reads settings from environment variables; see environment.h. */
#include "consumers/common/environment.h"

#include "consumers/common/text.h"
#include "support/base/cleanup.h"
#include "support/base/memory.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { SECRET_MAX_BYTES = 64 * 1024 };

CLEANUP_DEFINE(FILE *, file, fclose)

const char *environment_text(const char *name)
{
	const char *value = getenv(name);
	return value != NULL && value[0] != '\0' ? value : NULL;
}

int environment_number(const char *name, const struct environment_range *range, struct fault *fault,
        int64_t *ret_value)
{
	const char *text = environment_text(name);
	if (text == NULL) {
		*ret_value = range->otherwise;
		return 0;
	}
	char *end = NULL;
	errno = 0;
	long long value = strtoll(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || value < range->minimum ||
	        value > range->maximum) {
		return fault_setting(fault,
		        "%s is '%s'; a whole number from %" PRId64 " to %" PRId64 " is accepted.",
		        name, text, range->minimum, range->maximum);
	}
	*ret_value = value;
	return 0;
}

static int secret_from_file(
        const char *variable, const char *path, struct fault *fault, char **ret_value)
{
	CLEANUP(cleanup_file) FILE *file = fopen(path, "re");
	if (file == NULL) {
		return fault_setting(fault, "%s names '%s', which cannot be opened: %s.", variable,
		        path, strerror(errno));
	}
	CLEANUP_FREE char *value = must_calloc(SECRET_MAX_BYTES + 1, 1);
	size_t size = fread(value, 1, SECRET_MAX_BYTES + 1, file);
	if (ferror(file) != 0 || size > SECRET_MAX_BYTES) {
		return fault_setting(fault,
		        "%s names '%s', which cannot be read or is over %d bytes.", variable, path,
		        SECRET_MAX_BYTES);
	}
	while (size > 0 && (value[size - 1] == '\n' || value[size - 1] == '\r')) {
		size--;
	}
	value[size] = '\0';
	if (size == 0 || strlen(value) != size) {
		return fault_setting(
		        fault, "%s names '%s', which is empty or not a text.", variable, path);
	}
	*ret_value = steal(value);
	return 0;
}

int environment_secret(const char *name, struct fault *fault, char **ret_value)
{
	CLEANUP_FREE char *file_variable = text_format("%s_FILE", name);
	const char *value = environment_text(name);
	const char *path = environment_text(file_variable);
	if (value != NULL && path != NULL) {
		return fault_setting(
		        fault, "%s and %s are both set; set one of them.", name, file_variable);
	}
	if (path != NULL) {
		return secret_from_file(file_variable, path, fault, ret_value);
	}
	*ret_value = value != NULL ? text_copy(value) : NULL;
	return 0;
}
