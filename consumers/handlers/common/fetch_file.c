/* SPDX-License-Identifier: MIT */
/* Copies a file of this machine; it stays below the roots that the operator has set. */
#include "consumers/common/environment.h"
#include "consumers/handlers/common/digest.h"
#include "consumers/handlers/common/fetch.h"
#include "consumers/handlers/common/place.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

CLEANUP_DEFINE(FILE *, file, fclose)

static bool is_below_variable(int fd, const char *name)
{
	const char *root = environment_text(name);
	return root != NULL && place_is_below(fd, root);
}

static bool is_allowed(int fd, const struct source *source)
{
	if (environment_text("LUCIUS_INPUT_ROOT") == NULL) {
		return true;
	}
	if (is_below_variable(fd, "LUCIUS_INPUT_ROOT")) {
		return true;
	}
	return source->is_result &&
	        (is_below_variable(fd, "LUCIUS_OUTPUT_ROOT") ||
	                is_below_variable(fd, "LUCIUS_OUTPUT_DIR"));
}

static int not_opened(const struct source *source, int reason, struct fault *fault)
{
	switch (reason) {
	case ENOENT:
	case ENOTDIR:
	case ENAMETOOLONG:
		return fault_final(fault, "DOCUMENT_NOT_FOUND",
		        "There is no file '%s' on this machine: %s.", source->shown,
		        strerror(reason));
	case EACCES:
	case EPERM:
	case ELOOP:
		return fault_final(fault, "DOCUMENT_FORBIDDEN",
		        "The file '%s' may not be read by this program: %s.", source->shown,
		        strerror(reason));
	default:
		return fault_temporary(fault, "DOCUMENT_UNAVAILABLE",
		        "The file '%s' cannot be read: %s.", source->shown, strerror(reason));
	}
}

static int check(int fd, struct source *source, struct fault *fault)
{
	struct stat entry;
	if (fstat(fd, &entry) != 0) {
		return not_opened(source, errno, fault);
	}
	if (!is_allowed(fd, source)) {
		return fault_final(fault, "DOCUMENT_FORBIDDEN",
		        "'%s' lies outside '%s', the directory that LUCIUS_INPUT_ROOT allows.",
		        source->shown, environment_text("LUCIUS_INPUT_ROOT"));
	}
	if (!S_ISREG(entry.st_mode)) {
		return fault_final(fault, "UNSUPPORTED_FORMAT",
		        "'%s' is %s, a document is expected.", source->shown,
		        S_ISDIR(entry.st_mode) ? "a directory" : "no regular file");
	}
	source->device = entry.st_dev;
	source->inode = entry.st_ino;
	return 0;
}

static int copy(FILE *file, struct source *source, struct fetch_target *target, struct fault *fault)
{
	char bytes[65536];
	size_t size = 0;
	while ((size = fread(bytes, 1, sizeof(bytes), file)) > 0) {
		if (!fetch_append(target, bytes, size)) {
			return target->size > target->limits->max_bytes
			        ? fetch_too_large(source, target->limits, fault)
			        : fetch_not_written(source, fault);
		}
	}
	return ferror(file) != 0 ? not_opened(source, errno, fault) : 0;
}

int fetch_file(struct source *source, struct fetch_target *target, struct fault *fault)
{
	/* Without O_NONBLOCK a FIFO would hold this program for ever. */
	int fd = open(source->location, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0) {
		return not_opened(source, errno, fault);
	}
	CLEANUP(cleanup_file) FILE *file = fdopen(fd, "r");
	if (file == NULL) {
		int reason = errno;
		close(fd);
		return not_opened(source, reason, fault);
	}
	int status = check(fd, source, fault);
	return status == 0 ? copy(file, source, target, fault) : status;
}
