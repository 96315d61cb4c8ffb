/* SPDX-License-Identifier: MIT */
/* Looks one row up in the sources, the strongest first; secrets may stand in files of their own. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/option_state.h"
#include "support/base/memory.h"
#include "support/base/secret_text.h"

enum { SECRET_SIZE_MAX = 65536 };

static const enum option_origin stronger_first[] = { OPTION_ARGUMENT, OPTION_ENVIRONMENT,
	OPTION_REMOTE, OPTION_FILE };
enum { N_SOURCES = sizeof(stronger_first) / sizeof(stronger_first[0]) };

bool options_is_secret(const struct lucius_option *row)
{
	return (row->flags & LUCIUS_OPTION_SECRET) != 0;
}

static void take_given(
        const struct option_givens *givens, const char *name, struct option_word *ret_word)
{
	const struct option_given *given = option_givens_find(givens, name);
	if (given != NULL && (given->value[0] != '\0' || given->is_failed)) {
		ret_word->text = given->value;
		ret_word->is_hidden = given->is_hidden;
		ret_word->is_failed = given->is_failed;
		(void)snprintf(ret_word->where, sizeof(ret_word->where), "%s", given->where);
	}
}

static void take_variable(char **environment, const char *name, struct option_word *ret_word)
{
	size_t size = strlen(name);
	for (char **pair = environment; pair != NULL && *pair != NULL; pair++) {
		if (strncmp(*pair, name, size) == 0 && (*pair)[size] == '=' &&
		        (*pair)[size + 1] != '\0') {
			ret_word->text = *pair + size + 1;
			(void)snprintf(ret_word->where, sizeof(ret_word->where),
			        "the environment variable %s", name);
			return;
		}
	}
}

static void take_as_given(const struct options *options, enum option_origin source,
        const struct option_names *names, struct option_word *ret_word)
{
	*ret_word = (struct option_word){ 0 };
	switch (source) {
	case OPTION_ARGUMENT:
		take_given(options->parts.arguments, names->flag, ret_word);
		break;
	case OPTION_ENVIRONMENT:
		take_variable(options->parts.environment, names->env, ret_word);
		break;
	case OPTION_REMOTE:
		take_given(&options->remote, names->key, ret_word);
		break;
	case OPTION_FILE:
		take_given(&options->file, names->path, ret_word);
		break;
	case OPTION_DEFAULT:
	case OPTION_CHOSEN:
		break;
	}
}

static void take(const struct options *options, enum option_origin source,
        const struct option_names *names, struct option_word *ret_word)
{
	take_as_given(options, source, names, ret_word);
	if (ret_word->text != NULL && secret_text_has_key(ret_word->text)) {
		ret_word->is_hidden = true;
	}
}

static void names_of_file(const struct option_names *names, struct option_names *ret_names)
{
	(void)snprintf(ret_names->env, sizeof(ret_names->env), "%.100s_FILE", names->env);
	(void)snprintf(ret_names->flag, sizeof(ret_names->flag), "%.100s-file", names->flag);
	(void)snprintf(ret_names->path, sizeof(ret_names->path), "%.100s_file", names->path);
	(void)snprintf(ret_names->key, sizeof(ret_names->key), "%.100sFile", names->key);
}

/* A row of its own may have the name that the file of a secret would have ("bus-key-file"). */
static bool is_row(const struct options *options, const char *flag)
{
	for (const struct option_set *set = options->sets; set != NULL; set = set->next) {
		for (size_t i = 0; i < set->n_entries; i++) {
			if (strcmp(set->entries[i].names.flag, flag) == 0) {
				return true;
			}
		}
	}
	for (size_t i = 0; i < options->parts.n_known; i++) {
		if (strcmp(options->parts.known[i].row.name, flag + 2) == 0) {
			return true;
		}
	}
	return false;
}

static ssize_t read_all(int fd, char *bytes, size_t size)
{
	size_t n_read = 0;
	while (n_read < size) {
		ssize_t n = read(fd, bytes + n_read, size - n_read);
		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n <= 0) {
			return n < 0 ? -1 : (ssize_t)n_read;
		}
		n_read += (size_t)n;
	}
	return (ssize_t)n_read;
}

static ssize_t read_path(const char *path, char *bytes, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0) {
		return -1;
	}
	ssize_t n = read_all(fd, bytes, size);
	int error = errno;
	(void)close(fd);
	errno = error;
	return n;
}

/* The secret in the file, without the line feed that editors put at its end. */
static const char *read_secret(struct options *options, const struct option_word *word)
{
	CLEANUP_FREE char *bytes = must_calloc(1, SECRET_SIZE_MAX + 1);
	ssize_t n = read_path(word->text, bytes, SECRET_SIZE_MAX + 1);
	if (n < 0) {
		options_report(options, true, "the file '%s' that %s names: %s", word->text,
		        word->where, strerror(errno));
		return NULL;
	}
	while (n > 0 && (bytes[n - 1] == '\n' || bytes[n - 1] == '\r')) {
		bytes[--n] = '\0';
	}
	if (n == 0 || n > SECRET_SIZE_MAX || memchr(bytes, '\0', (size_t)n) != NULL) {
		options_report(options, true,
		        "the file '%s' that %s names is %s; it must hold the secret as one text",
		        word->text, word->where,
		        n == 0                        ? "empty"
		                : n > SECRET_SIZE_MAX ? "too large"
		                                      : "not text");
		return NULL;
	}
	const char *kept = options_keep(options, bytes);
	explicit_bzero(bytes, SECRET_SIZE_MAX);
	return kept;
}

static int take_secret_file(struct options *options, enum option_origin source,
        struct option_entry *entry, const struct option_word *word)
{
	struct option_names names;
	struct option_word file;
	names_of_file(&entry->names, &names);
	if (is_row(options, names.flag)) {
		return 0;
	}
	take(options, source, &names, &file);
	if (file.text == NULL) {
		return 0;
	}
	if (word->text != NULL) {
		options_report(options, true,
		        "%s is given twice, by %s and as a file by %s; remove one of them",
		        entry->names.env, word->where, file.where);
		return -1;
	}
	entry->text = read_secret(options, &file);
	if (entry->text == NULL) {
		return -1;
	}
	char where[1024];
	(void)snprintf(where, sizeof(where), "the file '%s' (%s)", file.text, file.where);
	entry->where = options_keep(options, where);
	entry->origin = source;
	return 1;
}

/* What the source itself needs, or what leads to it, is settled before it says anything. */
static bool is_closed(const struct options *options, const struct lucius_option *row)
{
	static const char *const leading[] = { "config", "config-source", "plugins-dir" };
	if (options->source_title == NULL || (row->flags & LUCIUS_OPTION_LIVE) != 0) {
		return false;
	}
	for (size_t i = 0; i < sizeof(leading) / sizeof(leading[0]); i++) {
		if (strcmp(row->name, leading[i]) == 0) {
			return true;
		}
	}
	return options_entry(options, options->source_title, row->name) != NULL;
}

static void report_failed(
        struct options *options, const struct option_names *names, const struct option_word *word)
{
	options_report(
	        options, true, "%s: %s gives no value: %s", names->env, word->where, word->text);
}

/* Takes the word as the entry's value. Returns 1, or -1 after a report. */
static int take_word(struct options *options, enum option_origin source, struct option_entry *entry,
        const struct option_word *word)
{
	if (word->is_failed) {
		report_failed(options, &entry->names, word);
		return -1;
	}
	entry->text = options_keep(options, word->text);
	entry->where = options_keep(options, word->where);
	entry->origin = source;
	entry->is_hidden = entry->is_hidden || word->is_hidden;
	return 1;
}

int options_find(
        struct options *options, const struct lucius_option *row, struct option_entry *ret_entry)
{
	struct option_entry entry = { .row = *row, .is_hidden = options_is_secret(row) };
	option_names_of(row, &entry.names);
	for (size_t i = 0; i < N_SOURCES; i++) {
		struct option_word word;
		if (stronger_first[i] == OPTION_REMOTE && is_closed(options, row)) {
			continue;
		}
		take(options, stronger_first[i], &entry.names, &word);
		int found = options_is_secret(row)
		        ? take_secret_file(options, stronger_first[i], &entry, &word)
		        : 0;
		if (found == 0 && word.text != NULL) {
			found = take_word(options, stronger_first[i], &entry, &word);
		}
		if (found != 0) {
			*ret_entry = entry;
			return found;
		}
	}
	return 0;
}

int options_find_core(struct options *options, const char *name, struct option_entry *ret_entry)
{
	return options_find(options, &options_entry(options, "core", name)->row, ret_entry);
}

void options_peek(const struct options *options, const struct lucius_option *row,
        struct option_word *ret_word)
{
	struct option_names names;
	struct option_names file_names;
	option_names_of(row, &names);
	names_of_file(&names, &file_names);
	*ret_word = (struct option_word){ 0 };
	for (size_t i = 0; i < N_SOURCES && ret_word->text == NULL; i++) {
		if (stronger_first[i] == OPTION_REMOTE && is_closed(options, row)) {
			continue;
		}
		take(options, stronger_first[i], &names, ret_word);
		if (ret_word->text == NULL && options_is_secret(row) &&
		        !is_row(options, file_names.flag)) {
			take(options, stronger_first[i], &file_names, ret_word);
		}
	}
}

bool options_is_given(const struct options *options, const char *name)
{
	/* Whatever it is: its file counts as well. */
	const struct lucius_option row = { .name = name, .flags = LUCIUS_OPTION_SECRET };
	struct option_word word;
	options_peek(options, &row, &word);
	return word.text != NULL;
}
