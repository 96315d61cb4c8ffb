/* SPDX-License-Identifier: MIT */
/* Chooses the place of a result and writes it atomically; see output.h. */
#include "consumers/handlers/common/output.h"

#include "consumers/common/environment.h"
#include "consumers/common/text.h"
#include "consumers/handlers/common/digest.h"
#include "consumers/handlers/common/place.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A directory that is open and a name in it. */
struct destination {
	int directory_fd;
	char *directory; /* owned */
	char *name; /* owned */
};

static void cleanup_destination(struct destination *destination)
{
	if (destination->directory_fd >= 0) {
		close(destination->directory_fd);
	}
	free(destination->directory);
	free(destination->name);
}

/* Ids come from the bus: nothing in them may lead out of the directory or hide the file. */
static char *file_name(const struct directive *directive, const char *suffix)
{
	char *name =
	        text_format("%.*s.%.*s%s", 100, directive->job_id, 64, directive->step_id, suffix);
	for (char *at = name; *at != '\0'; at++) {
		bool is_plain = (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') ||
		        (*at >= '0' && *at <= '9') || *at == '_' || *at == '-' ||
		        (*at == '.' && at != name);
		if (!is_plain) {
			*at = '_';
		}
	}
	return name;
}

static bool is_directory(const char *path)
{
	struct stat entry;
	return path[strlen(path) - 1] == '/' || (stat(path, &entry) == 0 && S_ISDIR(entry.st_mode));
}

static const char *reference_text(const json_t *reference)
{
	const char *text = json_string_value(
	        json_is_object(reference) ? json_object_get(reference, "uri") : reference);
	return text != NULL ? text : "";
}

static int choose(const struct directive *directive, const char *suffix, struct fault *fault,
        struct destination *destination)
{
	const char *wanted = reference_text(directive->output_ref);
	CLEANUP_FREE char *path = source_path(wanted);
	const char *work_directory = environment_text("LUCIUS_OUTPUT_DIR");
	if (path == NULL && work_directory == NULL) {
		return fault_final(fault, "OUTPUT_NOT_WRITABLE",
		        "output_ref is no path of this machine and LUCIUS_OUTPUT_DIR, where such "
		        "results go, is not set.");
	}
	destination->name = file_name(directive, suffix);
	if (path == NULL) {
		destination->directory = realpath(work_directory, NULL);
		return destination->directory != NULL
		        ? 0
		        : fault_setting(fault,
		                  "LUCIUS_OUTPUT_DIR is '%s', which is no directory: %s.",
		                  work_directory, strerror(errno));
	}
	if (is_directory(path)) {
		destination->directory = steal(path);
		return 0;
	}
	const char *slash = strrchr(path, '/');
	destination->directory =
	        slash == path ? text_copy("/") : text_format("%.*s", (int)(slash - path), path);
	free(destination->name);
	destination->name = text_copy(slash + 1);
	return 0;
}

static int not_written(const struct destination *destination, int reason, struct fault *fault)
{
	bool may_pass = reason == ENOSPC || reason == EDQUOT || reason == EIO || reason == EMFILE ||
	        reason == ENFILE || reason == ESTALE || reason == EINTR;
	const char *code = may_pass ? "OUTPUT_UNAVAILABLE" : "OUTPUT_NOT_WRITABLE";
	static const char format[] = "The result cannot be written to '%s/%s': %s.";
	return may_pass ? fault_temporary(fault, code, format, destination->directory,
	                          destination->name, strerror(reason))
	                : fault_final(fault, code, format, destination->directory,
	                          destination->name, strerror(reason));
}

static int open_directory(struct destination *destination, struct fault *fault)
{
	const char *root = environment_text("LUCIUS_OUTPUT_ROOT");
	destination->directory_fd =
	        open(destination->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (destination->directory_fd < 0) {
		return not_written(destination, errno, fault);
	}
	if (root != NULL && !place_is_below(destination->directory_fd, root)) {
		return fault_final(fault, "OUTPUT_FORBIDDEN",
		        "'%s' lies outside '%s', the directory that LUCIUS_OUTPUT_ROOT allows.",
		        destination->directory, root);
	}
	return 0;
}

/* With it gone, a repeat of this attempt would find its own result as input. */
static void spare_input(const struct directive *directive, const struct source *source,
        const char *suffix, struct destination *destination)
{
	struct stat entry;
	if (fstatat(destination->directory_fd, destination->name, &entry, 0) == 0 &&
	        source->inode != 0 && entry.st_ino == source->inode &&
	        entry.st_dev == source->device) {
		char *name =
		        text_format("%s.%.*s%s", destination->name, 64, directive->step_id, suffix);
		free(destination->name);
		destination->name = name;
	}
}

static int write_bytes(int fd, const struct output *output)
{
	for (size_t at = 0; at < output->size;) {
		ssize_t written = write(fd, output->bytes + at, output->size - at);
		if (written < 0 && errno != EINTR) {
			return errno;
		}
		at += written > 0 ? (size_t)written : 0;
	}
	return fsync(fd) != 0 ? errno : 0;
}

/* A reader sees the old file or the new one, and after a power cut too. Returns an errno. */
static int write_atomically(const struct destination *destination, const struct output *output)
{
	int directory_fd = destination->directory_fd;
	CLEANUP_FREE char *temporary =
	        text_format(".lucius-%ld-%.*s", (long)getpid(), NAME_MAX - 40, destination->name);
	int fd = openat(directory_fd, temporary,
	        O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666);
	if (fd < 0) {
		return errno;
	}
	int reason = write_bytes(fd, output);
	if (close(fd) != 0 && reason == 0) {
		reason = errno;
	}
	if (reason == 0 &&
	        renameat(directory_fd, temporary, directory_fd, destination->name) != 0) {
		reason = errno;
	}
	if (reason != 0) {
		(void)unlinkat(directory_fd, temporary, 0);
		return reason;
	}
	return fsync(directory_fd) != 0 ? errno : 0;
}

static json_t *describe(
        const struct destination *destination, const struct output *output, json_t *metadata)
{
	CLEANUP(cleanup_digest) struct digest *digest = digest_create();
	char sum[DIGEST_TEXT_SIZE] = "";
	digest_add(digest, output->bytes, output->size);
	digest_text(digest, sum);
	size_t size = strlen(destination->directory);
	bool has_slash = size > 0 && destination->directory[size - 1] == '/';
	CLEANUP_FREE char *path = text_format(
	        "%s%s%s", destination->directory, has_slash ? "" : "/", destination->name);
	CLEANUP_FREE char *uri = source_uri(path);
	CLEANUP_FREE char *checksum = text_format("sha256:%s", sum);
	return json_pack("{s:s, s:s, s:I, s:s, s:o}", "uri", uri, "content_type",
	        output->content_type, "size_bytes", (json_int_t)output->size, "checksum", checksum,
	        "metadata", metadata);
}

int output_write(const struct directive *directive, const struct source *source,
        const struct output *output, json_t *metadata, struct fault *fault, json_t **ret_reference)
{
	CLEANUP(cleanup_destination) struct destination destination = { .directory_fd = -1 };
	int status = choose(directive, output->suffix, fault, &destination);
	if (status == 0) {
		status = open_directory(&destination, fault);
	}
	if (status == 0) {
		spare_input(directive, source, output->suffix, &destination);
		int reason = write_atomically(&destination, output);
		status = reason != 0 ? not_written(&destination, reason, fault) : 0;
	}
	if (status != 0) {
		json_decref(metadata);
		return status;
	}
	*ret_reference = describe(&destination, output, metadata);
	if (*ret_reference == NULL) {
		text_abort_no_memory();
	}
	return 0;
}

int output_print(const json_t *reference, struct fault *fault)
{
	CLEANUP_FREE char *text = json_dumps(reference, JSON_COMPACT);
	if (text == NULL) {
		text_abort_no_memory();
	}
	if (printf("%s\n", text) < 0 || fflush(stdout) != 0) {
		return fault_temporary(fault, "OUTPUT_UNAVAILABLE",
		        "The reference to the result cannot be printed: %s.", strerror(errno));
	}
	return 0;
}
