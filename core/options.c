/* SPDX-License-Identifier: MIT */
/* Keeps the sets of rows, fills their structs, and changes them in place while running. */
#include "core/options.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "core/loader.h"
#include "core/option_rows.h"
#include "core/option_state.h"
#include "core/option_value.h"
#include "core/shipped_file.h"
#include "support/base/cleanup.h"
#include "support/base/memory.h"

struct options *options_create(const struct options_parts *parts)
{
	struct options *options = must_calloc(1, sizeof(*options));
	options->parts = *parts;
	return options;
}

void options_destroy(struct options *options)
{
	if (options == NULL) {
		return;
	}
	for (struct option_set *set = options->sets, *next; set != NULL; set = next) {
		next = set->next;
		if (set->is_owner) {
			free(set->values);
		}
		free(set->entries);
		free(set);
	}
	for (struct option_text *text = options->texts, *next; text != NULL; text = next) {
		next = text->next;
		free(text);
	}
	option_givens_finish(&options->file);
	option_givens_finish(&options->remote);
	free(options->learned);
	free(options->unused);
	free(options);
}

void options_report(struct options *options, bool is_error, const char *format, ...)
{
	char sentence[2048];
	va_list arguments;
	va_start(arguments, format);
	(void)vsnprintf(sentence, sizeof(sentence), format, arguments);
	va_end(arguments);
	options->parts.report(options->parts.user, is_error, sentence);
}

const char *options_keep(struct options *options, const char *text)
{
	if (text == NULL) {
		return NULL;
	}
	/* The same text is kept once: sources are read again and again, and rarely differ. */
	for (struct option_text *kept = options->texts; kept != NULL; kept = kept->next) {
		if (strcmp(kept->text, text) == 0) {
			return kept->text;
		}
	}
	size_t size = strlen(text);
	struct option_text *kept = must_calloc(1, sizeof(*kept) + size + 1);
	memcpy(kept->text, text, size);
	kept->next = options->texts;
	options->texts = kept;
	return kept->text;
}

const struct option_set *options_first(const struct options *options)
{
	return options->sets;
}

struct option_entry *options_entry(const struct options *options, const char *set, const char *name)
{
	for (const struct option_set *s = options->sets; s != NULL; s = s->next) {
		for (size_t i = 0; strcmp(s->title, set) == 0 && i < s->n_entries; i++) {
			if (strcmp(s->entries[i].row.name, name) == 0) {
				return &s->entries[i];
			}
		}
	}
	return NULL;
}

static void report_value(
        struct options *options, const struct option_entry *entry, const char *accepted)
{
	options_report(options, true, "%s: '%.200s' from %s is not taken; accepted is %s",
	        entry->names.env, entry->is_hidden ? "******" : entry->text, entry->where,
	        accepted);
}

static void report_missing(
        struct options *options, const struct option_set *set, const struct option_entry *entry)
{
	options_report(options, true, "%s needs %s (%s, or `%s` in the configuration file): %s",
	        set->title, entry->names.env, entry->names.flag, entry->names.path,
	        entry->row.summary);
}

/* What the sources say now about an entry, checked. Returns 0, or -1 after a report. */
static int look_up(struct options *options, const struct option_set *set,
        const struct option_entry *entry, struct option_entry *ret_found,
        struct option_value *ret_value)
{
	struct option_entry found = { .row = entry->row,
		.names = entry->names,
		.is_hidden = (entry->row.flags & LUCIUS_OPTION_SECRET) != 0,
		.text = entry->row.default_value,
		.where = "the default" };
	char accepted[256];
	if (options_find(options, &entry->row, &found) < 0) {
		return -1;
	}
	if (found.text == NULL && (entry->row.flags & LUCIUS_OPTION_REQUIRED) != 0) {
		report_missing(options, set, entry);
		return -1;
	}
	if (!option_value_parse(&entry->row, found.text, ret_value, accepted, sizeof(accepted))) {
		report_value(options, &found, accepted);
		return -1;
	}
	*ret_found = found;
	return 0;
}

static bool is_same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* Rows of one name may be in several sets: what is said of them is said once. */
static bool is_of(const struct options *options, const struct option_set *set, const char *name)
{
	for (const struct option_set *s = options->sets; s != set; s = s->next) {
		if (options_entry(options, s->title, name) != NULL) {
			return false;
		}
	}
	return true;
}

static void store(struct option_set *set, struct option_entry *entry,
        const struct option_entry *found, const struct option_value *value)
{
	*entry = *found;
	option_value_store(&entry->row, value, set->values);
}

static void say_restart(struct options *options, const struct option_set *set,
        struct option_entry *entry, const struct option_entry *found)
{
	if (entry->is_pending && is_same(entry->pending, found->text)) {
		return;
	}
	entry->is_pending = true;
	entry->pending = found->text;
	if (!is_of(options, set, entry->row.name)) {
		return;
	}
	options_report(options, false,
	        "%s is now '%.200s' (from %s); it is taken up after a restart", entry->names.env,
	        found->text == NULL        ? ""
	                : found->is_hidden ? "******"
	                                   : found->text,
	        found->where);
}

/* Blanks and signs that nobody sees; the size of the one that the text begins with, or 0. */
static size_t unseen_size(const char *text, size_t size)
{
	static const char *const signs[] = { "\xef\xbb\xbf", "\xe2\x80\x8b", "\xc2\xa0" };
	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
		size_t sign_size = strlen(signs[i]);
		if (size >= sign_size && memcmp(text, signs[i], sign_size) == 0) {
			return sign_size;
		}
	}
	return size != 0 && strchr(" \t\r\n\v\f", text[0]) != NULL ? 1 : 0;
}

/* JSON may begin and end with blanks, but with nothing else that is not seen. */
static bool is_edged(const char *text)
{
	size_t size = strlen(text);
	size_t begin = unseen_size(text, size);
	size_t end = 0;
	for (size_t i = 1; i <= 3 && i <= size && end == 0; i++) {
		end = unseen_size(text + size - i, i) == i ? i : 0;
	}
	bool is_json = text[strspn(text, " \t\r\n")] == '{';
	return is_json ? begin > 1 || end > 1 : begin + end != 0;
}

/* A line feed that was copied with a secret, or the mark that an editor has put before a text. */
static void warn_of_edges(struct options *options, const struct option_set *set,
        const struct option_entry *before, const struct option_entry *now)
{
	if (now->text != NULL && !is_same(before->text, now->text) && is_edged(now->text) &&
	        is_of(options, set, now->row.name)) {
		options_report(options, false,
		        "%s: its value from %s begins or ends with white space or a sign that is "
		        "not seen; it is used as it stands",
		        now->names.env, now->where);
	}
}

/* A value that is taken up while running. */
static void take_live(struct options *options, struct option_set *set, struct option_entry *entry,
        const struct option_entry *found, const struct option_value *value)
{
	if (is_of(options, set, entry->row.name)) {
		options_report(options, false, "%s is now '%.200s' (from %s)", entry->names.env,
		        found->text == NULL        ? ""
		                : found->is_hidden ? "******"
		                                   : found->text,
		        found->where);
	}
	warn_of_edges(options, set, entry, found);
	store(set, entry, found, value);
	set->is_changed = true;
}

static void apply(
        struct options *options, struct option_set *set, struct option_entry *entry, bool is_live)
{
	struct option_entry found;
	struct option_value value;
	if (look_up(options, set, entry, &found, &value) != 0) {
		return; /* it has been checked just before */
	}
	bool is_untouched = entry->origin == OPTION_CHOSEN && found.origin == OPTION_DEFAULT;
	if (is_untouched) {
		return;
	}
	if (!is_live) {
		warn_of_edges(options, set, entry, &found);
		store(set, entry, &found, &value);
		return;
	}
	if (is_same(entry->text, found.text)) {
		entry->is_pending = false;
		return;
	}
	if ((entry->row.flags & LUCIUS_OPTION_LIVE) == 0) {
		say_restart(options, set, entry, &found);
		return;
	}
	take_live(options, set, entry, &found, &value);
}

static int check_set(struct options *options, const struct option_set *set)
{
	int result = 0;
	for (size_t i = 0; i < set->n_entries; i++) {
		struct option_entry found;
		struct option_value value;
		result |= look_up(options, set, &set->entries[i], &found, &value);
	}
	return result;
}

int options_resolve(struct options *options, bool is_live)
{
	int result = 0;
	for (struct option_set *set = options->sets; set != NULL; set = set->next) {
		set->is_changed = false;
		result |= check_set(options, set);
	}
	for (struct option_set *set = options->sets; result == 0 && set != NULL; set = set->next) {
		for (size_t i = 0; i < set->n_entries; i++) {
			apply(options, set, &set->entries[i], is_live);
		}
	}
	return result;
}

static struct option_set *add(
        struct options *options, const char *title, size_t n_entries, void *values)
{
	struct option_set *set = must_calloc(1, sizeof(*set));
	set->title = options_keep(options, title);
	set->entries = must_calloc(n_entries, sizeof(*set->entries));
	set->n_entries = n_entries;
	set->values = values;
	struct option_set **last = &options->sets;
	while (*last != NULL) {
		last = &(*last)->next;
	}
	*last = set;
	return set;
}

static void init_entry(struct option_entry *entry, const struct lucius_option *row)
{
	entry->row = *row;
	option_names_of(row, &entry->names);
	entry->where = "the default";
	entry->is_hidden = (row->flags & LUCIUS_OPTION_SECRET) != 0;
}

static struct option_set *fill(struct options *options, struct option_set *set)
{
	if (check_set(options, set) != 0) {
		return NULL;
	}
	for (size_t i = 0; i < set->n_entries; i++) {
		apply(options, set, &set->entries[i], false);
	}
	return set;
}

struct option_set *options_add_core(struct options *options, void *settings)
{
	struct option_set *set = add(options, "core", n_option_rows, settings);
	for (uint32_t i = 0; i < n_option_rows; i++) {
		init_entry(&set->entries[i], &option_rows[i]);
	}
	return fill(options, set);
}

static struct option_set *find_set(const struct options *options, const char *title)
{
	struct option_set *set = options->sets;
	while (set != NULL && strcmp(set->title, title) != 0) {
		set = set->next;
	}
	return set;
}

struct option_set *options_add_plugin(struct options *options, const struct lucius_plugin *plugin)
{
	char title[128];
	plugin_title(plugin, title, sizeof(title));
	struct option_set *known = find_set(options, title);
	if (known != NULL) {
		return known;
	}
	void *values = must_calloc(1, plugin->options_size);
	struct option_set *set = add(options, title, plugin->n_options, values);
	set->is_owner = true;
	for (uint32_t i = 0; i < plugin->n_options; i++) {
		const struct lucius_option row = option_row_at(plugin, i);
		init_entry(&set->entries[i], &row);
	}
	return fill(options, set);
}

int options_read_file(struct options *options)
{
	const struct option_entry *config = options_entry(options, "core", "config");
	char error[1024];
	struct option_givens givens = { 0 };
	CLEANUP_FREE char *path = shipped_file_find(config->text);
	int result = option_file_read(path, &givens, error, sizeof(error));
	if (result < 0 || (result > 0 && config->origin != OPTION_DEFAULT)) {
		option_givens_finish(&givens);
		options_report(options, true, "the configuration file: %s", error);
		return -1;
	}
	option_givens_finish(&options->file);
	options->file = givens;
	struct stat stat_of_file;
	options->is_file_open =
	        stat(path, &stat_of_file) == 0 && (stat_of_file.st_mode & S_IROTH) != 0;
	return 0;
}

void options_swap_remote(struct options *options, struct option_givens *givens)
{
	struct option_givens before = options->remote;
	options->remote = *givens;
	*givens = before;
}

void options_close_source(struct options *options, const char *title)
{
	options->source_title = options_keep(options, title);
}

void options_choose(struct options *options, const char *name, const char *text, const char *why)
{
	struct option_entry *entry = options_entry(options, "core", name);
	struct option_set *core = find_set(options, "core");
	const struct option_value value = { .text = options_keep(options, text) };
	if (entry == NULL || core == NULL) {
		return;
	}
	entry->text = value.text;
	entry->where = options_keep(options, why);
	entry->origin = OPTION_CHOSEN;
	option_value_store(&entry->row, &value, core->values);
}
