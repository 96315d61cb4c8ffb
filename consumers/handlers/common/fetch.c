/* SPDX-License-Identifier: MIT */
/* The part of fetching that files and URLs share; see fetch.h. */
#include "consumers/handlers/common/fetch.h"

#include "consumers/common/clock.h"
#include "consumers/common/environment.h"
#include "consumers/handlers/common/digest.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>

CLEANUP_DEFINE(FILE *, file, fclose)

int fetch_limits_read(int64_t usual_mib, struct fault *fault, struct fetch_limits *ret_limits)
{
	const struct environment_range mebibytes = { usual_mib, 1, 65536 };
	static const struct environment_range seconds = { 60, 1, 3600 };
	int64_t max_mib = 0;
	int64_t fetch_seconds = 0;
	int status = environment_number("LUCIUS_INPUT_MAX_MIB", &mebibytes, fault, &max_mib);
	if (status == 0) {
		status =
		        environment_number("LUCIUS_FETCH_SECONDS", &seconds, fault, &fetch_seconds);
	}
	if (status == 0) {
		*ret_limits = (struct fetch_limits){
			.max_bytes = max_mib * INT64_C(1048576),
			.deadline_ms = clock_now_ms() + fetch_seconds * 1000,
		};
	}
	return status;
}

bool fetch_append(struct fetch_target *target, const void *bytes, size_t size)
{
	if ((int64_t)size > target->limits->max_bytes - target->size) {
		target->size = target->limits->max_bytes + 1;
		return false;
	}
	target->size += (int64_t)size;
	digest_add(target->digest, bytes, size);
	return fwrite(bytes, 1, size, target->file) == size;
}

int fetch_too_large(
        const struct source *source, const struct fetch_limits *limits, struct fault *fault)
{
	return fault_final(fault, "DOCUMENT_TOO_LARGE",
	        "'%s' is larger than the %" PRId64 " MiB that LUCIUS_INPUT_MAX_MIB allows.",
	        source->shown, limits->max_bytes / INT64_C(1048576));
}

int fetch_not_written(const struct source *source, struct fault *fault)
{
	return fault_temporary(fault, "NO_WORKSPACE",
	        "The copy of '%s' cannot be written: %s. Is the disk of TMPDIR full?",
	        source->shown, strerror(errno));
}

static int check_digest(const struct source *source, struct digest *digest, struct fault *fault)
{
	char text[DIGEST_TEXT_SIZE] = "";
	digest_text(digest, text);
	if (source->digest != NULL && strcasecmp(source->digest, text) != 0) {
		return fault_final(fault, "CHECKSUM_MISMATCH",
		        "'%s' has the SHA-256 %s, but its reference says %s: it was changed or "
		        "cut.",
		        source->shown, text, source->digest);
	}
	return 0;
}

int fetch(struct source *source, const struct fetch_limits *limits, const char *target_path,
        struct fault *fault)
{
	CLEANUP(cleanup_file) FILE *file = fopen(target_path, "we");
	if (file == NULL) {
		return fetch_not_written(source, fault);
	}
	CLEANUP(cleanup_digest) struct digest *digest = digest_create();
	struct fetch_target target = { .file = file, .digest = digest, .limits = limits };
	int status = source->is_http ? fetch_http(source, &target, fault)
	                             : fetch_file(source, &target, fault);
	if (status == 0 && fflush(file) != 0) {
		status = fetch_not_written(source, fault);
	}
	if (status == 0 && target.size == 0 && !source->is_result) {
		status = fault_final(
		        fault, "BROKEN_DOCUMENT", "'%s' is empty, it has no bytes.", source->shown);
	}
	return status == 0 ? check_digest(source, digest, fault) : status;
}
