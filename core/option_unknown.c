/* SPDX-License-Identifier: MIT */
/* Names that sources use and nobody knows, with the nearest one that somebody does. */
#include <stdio.h>
#include <string.h>

#include "core/loader.h"
#include "core/option_keys.h"
#include "core/option_state.h"
#include "core/option_value.h"
#include "support/base/memory.h"

/* One search: for a name of one source among the names of that source. */
struct search {
	enum option_origin source;
	const char *name;
	bool is_known;
	bool is_secret; /* and not the file of one */
	struct option_nearest nearest;
};

static const char *name_in(const struct option_names *names, enum option_origin source)
{
	switch (source) {
	case OPTION_ARGUMENT:
		return names->flag;
	case OPTION_ENVIRONMENT:
		return names->env;
	case OPTION_REMOTE:
		return names->key;
	case OPTION_FILE:
	case OPTION_DEFAULT:
	case OPTION_CHOSEN:
		break;
	}
	return names->path;
}

static const char *file_ending(enum option_origin source)
{
	switch (source) {
	case OPTION_ARGUMENT:
		return "-file";
	case OPTION_ENVIRONMENT:
		return "_FILE";
	case OPTION_REMOTE:
		return "File";
	case OPTION_FILE:
	case OPTION_DEFAULT:
	case OPTION_CHOSEN:
		break;
	}
	return "_file";
}

static void compare(void *user, const struct option_names *names, bool is_secret)
{
	struct search *search = user;
	const char *name = name_in(names, search->source);
	size_t size = strlen(name);
	if (strcmp(search->name, name) == 0 && is_secret) {
		search->is_secret = true;
	}
	if (strcmp(search->name, name) == 0 ||
	        (is_secret && strncmp(search->name, name, size) == 0 &&
	                strcmp(search->name + size, file_ending(search->source)) == 0)) {
		search->is_known = true;
	}
}

static void show_nearest(void *user, const struct option_names *names, bool is_secret)
{
	struct search *search = user;
	(void)is_secret;
	option_nearest_show(&search->nearest, name_in(names, search->source));
}

static struct search look_for(struct options *options, enum option_origin source, const char *name)
{
	struct search search = { .source = source, .name = name };
	options_each_names(options, compare, &search);
	if (!search.is_known && !options->has_learned && options->parts.learn != NULL) {
		options->has_learned = true;
		options->parts.learn(options->parts.user, options);
		options_each_names(options, compare, &search);
	}
	if (!search.is_known) {
		option_nearest_begin(&search.nearest, name);
		options_each_names(options, show_nearest, &search);
	}
	return search;
}

/* Secrets that other users of the machine can read. */
static void warn_of_exposed(
        struct options *options, enum option_origin source, const struct search *search)
{
	if (search->is_secret && source == OPTION_ARGUMENT) {
		options_report(options, false,
		        "%s: a secret on the command line can be seen by every user of this "
		        "machine; "
		        "use its variable or %s-file",
		        search->name, search->name);
	}
	if (search->is_secret && source == OPTION_FILE && options->is_file_open) {
		options_report(options, false,
		        "%s: a secret in a file that every user of this machine can read; "
		        "`chmod o-r` it",
		        search->name);
	}
}

static void say_unknown(
        struct options *options, bool is_error, const struct search *search, const char *where)
{
	const char *nearest = search->nearest.best;
	options_report(options, is_error, "%s%s%.200s is no option%s%s%s",
	        where != NULL ? where : "", where != NULL ? ": " : "", search->name,
	        *nearest != '\0' ? "; is " : "; --help says where they are listed", nearest,
	        *nearest != '\0' ? " meant?" : "");
}

/* Returns -1 after a report, 0 if the name is known. */
static int check_name(
        struct options *options, enum option_origin source, const char *name, const char *where)
{
	bool is_error = source == OPTION_ARGUMENT || source == OPTION_FILE;
	struct search search = look_for(options, source, name);
	if (search.is_known) {
		warn_of_exposed(options, source, &search);
		return 0;
	}
	say_unknown(options, is_error, &search, where);
	return is_error ? -1 : 0;
}

static int check_givens(
        struct options *options, enum option_origin source, const struct option_givens *givens)
{
	int result = 0;
	for (size_t i = 0; i < givens->n; i++) {
		const struct option_given *given = &givens->items[i];
		bool is_shown = source == OPTION_FILE;
		result |= check_name(options, source, given->name, is_shown ? given->where : NULL);
	}
	return result;
}

static void check_environment(struct options *options)
{
	for (char **pair = options->parts.environment; pair != NULL && *pair != NULL; pair++) {
		char name[256];
		size_t size = strcspn(*pair, "=");
		if (strncmp(*pair, "LUCIUS_", 7) == 0 && size < sizeof(name)) {
			memcpy(name, *pair, size);
			name[size] = '\0';
			(void)check_name(options, OPTION_ENVIRONMENT, name, NULL);
		}
	}
}

/* A name that the source knows of itself, to no effect. */
static void warn_of_closed(struct options *options, const struct option_given *given)
{
	static const char *const leading[] = { "Lucius:Config", "Lucius:ConfigSource",
		"Lucius:PluginsDir" };
	bool is_closed = false;
	for (size_t i = 0; i < sizeof(leading) / sizeof(leading[0]); i++) {
		is_closed = is_closed || strcmp(given->name, leading[i]) == 0;
	}
	for (const struct option_set *set = options->sets; set != NULL; set = set->next) {
		bool is_source = options->source_title != NULL &&
		        strcmp(set->title, options->source_title) == 0;
		for (size_t i = 0; is_source && i < set->n_entries; i++) {
			const struct option_entry *entry = &set->entries[i];
			is_closed = is_closed ||
			        ((entry->row.flags & LUCIUS_OPTION_LIVE) == 0 &&
			                strcmp(entry->names.key, given->name) == 0);
		}
	}
	if (is_closed) {
		options_report(options, false,
		        "%s is not taken: what leads to the source cannot come from it",
		        given->where);
	}
}

/* Others may keep their settings beside those of Lucius: then some are enough to see it. */
static void check_remote(struct options *options)
{
	enum { SAID_MOST = 20 };
	size_t n_unknown = 0;
	struct option_keys keys;
	option_keys_collect(options, &keys);
	for (size_t i = 0; i < options->remote.n; i++) {
		const struct option_given *given = &options->remote.items[i];
		if (strncmp(given->name, "Lucius:", 7) != 0) {
			continue;
		}
		warn_of_closed(options, given);
		if (option_keys_know(&keys, given->name)) {
			continue;
		}
		if (n_unknown < SAID_MOST) {
			struct search search = look_for(options, OPTION_REMOTE, given->name);
			if (search.is_known) { /* it has been learned just now */
				option_keys_finish(&keys);
				option_keys_collect(options, &keys);
				continue;
			}
			say_unknown(options, false, &search, given->where);
		}
		n_unknown++;
	}
	option_keys_finish(&keys);
	if (n_unknown > SAID_MOST) {
		options_report(options, false, "%zu more keys of the source are no options",
		        n_unknown - SAID_MOST);
	}
}

int options_check_names(struct options *options)
{
	int result = check_givens(options, OPTION_ARGUMENT, options->parts.arguments);
	result |= check_givens(options, OPTION_FILE, &options->file);
	check_environment(options);
	check_remote(options);
	return result;
}

void options_learn(struct options *options, const struct lucius_plugin *plugin)
{
	char title[128];
	plugin_title(plugin, title, sizeof(title));
	const char *kept = options_keep(options, title);
	size_t n = options->n_learned + plugin->n_options;
	options->learned = must_resize(options->learned, n, sizeof(*options->learned));
	for (uint32_t i = 0; i < plugin->n_options; i++) {
		options->learned[options->n_learned++] =
		        (struct option_known){ kept, option_row_at(plugin, i) };
	}
}
