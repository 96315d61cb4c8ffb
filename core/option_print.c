/* SPDX-License-Identifier: MIT */
/* Prints what --check-config, --print-env and --describe show. */
#include "core/option_print.h"

#include <stdlib.h>
#include <string.h>

#include "core/option_value.h"

struct printing {
	struct options *options;
	FILE *output;
	bool is_begun;
};

static void print_entry(FILE *output, const struct option_entry *entry)
{
	if (entry->text == NULL) {
		fprintf(output, "  %s is not set\n", entry->names.env);
		return;
	}
	fprintf(output, "  %s = %s (%s)\n", entry->names.env,
	        entry->is_hidden ? "******" : entry->text, entry->where);
}

static void print_unused(void *user, const char *plugin, const struct lucius_option *row)
{
	struct printing *printing = user;
	struct option_entry entry;
	if (options_find(printing->options, row, &entry) > 0) {
		if (!printing->is_begun) {
			fprintf(printing->output, "given, but for plugins that are not in use\n");
			printing->is_begun = true;
		}
		print_entry(printing->output, &entry);
		fprintf(printing->output, "    (of %s)\n", plugin);
	}
}

void option_print_check(struct options *options, FILE *output)
{
	for (const struct option_set *set = options_first(options); set != NULL; set = set->next) {
		fprintf(output, "%s\n", set->title);
		for (size_t i = 0; i < set->n_entries; i++) {
			print_entry(output, &set->entries[i]);
		}
	}
	struct printing printing = { .options = options, .output = output };
	options_each_unused(options, print_unused, &printing);
}

static void print_line(FILE *output, const char *name, const char *text)
{
	fprintf(output, "export %s='", name);
	for (const char *p = text; *p != '\0'; p++) {
		if (*p == '\'') {
			fputs("'\\''", output);
		} else {
			fputc(*p, output);
		}
	}
	fputs("'\n", output);
}

/* The file of a secret that is printed would be there beside it: an empty variable counts as none.
 */
static void print_variable(FILE *output, const struct option_entry *entry, const char *name)
{
	char file_name[OPTION_NAME_MAX + 8];
	(void)snprintf(file_name, sizeof(file_name), "%s_FILE", name);
	bool is_secret = (entry->row.flags & LUCIUS_OPTION_SECRET) != 0;
	const char *file = is_secret ? getenv(file_name) : NULL;
	print_line(output, name, entry->text);
	if (file != NULL && *file != '\0') {
		print_line(output, file_name, "");
	}
}

/* Consumers have names of their own for what they share with the daemon. */
static void print_export(FILE *output, const struct option_entry *entry)
{
	static const char *const shared[] = { "LUCIUS_SERVICEBUS_CONNECTION",
		"LUCIUS_SERVICEBUS_REPLY_PREFIX" };
	/* A file that may be missing must be there once somebody names it. */
	bool is_usual_file =
	        strcmp(entry->row.name, "config") == 0 && entry->origin == OPTION_DEFAULT;
	if (entry->text == NULL || is_usual_file) {
		return;
	}
	print_variable(output, entry, entry->names.env);
	for (size_t i = 0; i < sizeof(shared) / sizeof(shared[0]); i++) {
		if (strcmp(entry->names.env, shared[i]) == 0) {
			print_variable(output, entry, shared[i] + strlen("LUCIUS_"));
		}
	}
}

static void print_unused_export(void *user, const char *plugin, const struct lucius_option *row)
{
	struct printing *printing = user;
	struct option_entry entry;
	(void)plugin;
	if (options_find(printing->options, row, &entry) > 0) {
		print_export(printing->output, &entry);
	}
}

/* True if a set before this one has an option of that name. */
static bool is_printed(
        const struct options *options, const struct option_set *until, const char *name)
{
	for (const struct option_set *set = options_first(options); set != until; set = set->next) {
		for (size_t i = 0; i < set->n_entries; i++) {
			if (strcmp(set->entries[i].row.name, name) == 0) {
				return true;
			}
		}
	}
	return false;
}

void option_print_env(struct options *options, FILE *output)
{
	for (const struct option_set *set = options_first(options); set != NULL; set = set->next) {
		for (size_t i = 0; i < set->n_entries; i++) {
			if (!is_printed(options, set, set->entries[i].row.name)) {
				print_export(output, &set->entries[i]);
			}
		}
	}
	struct printing printing = { .options = options, .output = output };
	options_each_unused(options, print_unused_export, &printing);
}

void option_print_row(const struct lucius_option *row, FILE *output)
{
	struct option_names names;
	char accepted[256];
	option_names_of(row, &names);
	option_value_describe(row, accepted, sizeof(accepted));
	fprintf(output, "\n%s\n  %s\n", names.env, row->summary);
	fprintf(output, "  %s, `%s` in the file, key %s\n", names.flag, names.path, names.key);
	fprintf(output, "  Takes %s.", accepted);
	if (row->default_value != NULL) {
		fprintf(output, " Default: %s.", row->default_value);
	}
	if ((row->flags & LUCIUS_OPTION_REQUIRED) != 0) {
		fputs(" Required.", output);
	}
	if ((row->flags & LUCIUS_OPTION_SECRET) != 0) {
		fprintf(output, " Secret: may be a file, named by %s_FILE.", names.env);
	}
	if ((row->flags & LUCIUS_OPTION_LIVE) != 0) {
		fputs(" May change while running.", output);
	}
	fputs("\n", output);
}
