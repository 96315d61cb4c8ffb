/* SPDX-License-Identifier: MIT */
/* Rows of plugins that are not in use: shown, and where they change while running, said. */
#include <string.h>

#include "core/option_state.h"
#include "support/base/memory.h"

bool options_is_in_use(const struct options *options, const char *name)
{
	for (const struct option_set *set = options->sets; set != NULL; set = set->next) {
		for (size_t i = 0; i < set->n_entries; i++) {
			if (strcmp(set->entries[i].row.name, name) == 0) {
				return true;
			}
		}
	}
	return false;
}

void options_each_unused(const struct options *options, option_row_fn fn, void *user)
{
	for (size_t i = 0; i < options->parts.n_known; i++) {
		const struct option_known *known = &options->parts.known[i];
		if (!options_is_in_use(options, known->row.name)) {
			fn(user, known->plugin, &known->row);
		}
	}
}

static bool is_same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* Several plugins may have a row of one name. */
static bool is_first(const struct option_known *known, size_t place)
{
	for (size_t i = 0; i < place; i++) {
		if (strcmp(known[i].row.name, known[place].row.name) == 0) {
			return false;
		}
	}
	return true;
}

static void say(
        struct options *options, const struct lucius_option *row, const struct option_word *word)
{
	struct option_names names;
	bool is_hidden = options_is_secret(row) || word->is_hidden || word->is_failed;
	option_names_of(row, &names);
	options_report(options, false,
	        "%s is now '%.200s' (from %s), for a plugin that is not in use; whether it will be "
	        "is seen at a restart",
	        names.env,
	        word->text == NULL  ? ""
	                : is_hidden ? "******"
	                            : word->text,
	        word->text != NULL ? word->where : "nobody any more");
}

void options_say_unused(struct options *options)
{
	bool is_start = options->unused == NULL;
	size_t n = options->parts.n_known;
	if (is_start) {
		options->unused = must_calloc(n + 1, sizeof(options->unused[0]));
	}
	for (size_t i = 0; i < n; i++) {
		const struct lucius_option *row = &options->parts.known[i].row;
		struct option_unused *unused = &options->unused[i];
		struct option_word word;
		if (!is_first(options->parts.known, i) || options_is_in_use(options, row->name)) {
			continue;
		}
		options_peek(options, row, &word);
		if (is_start) {
			unused->text = options_keep(options, word.text);
		} else if (is_same(word.text, unused->text)) {
			unused->is_said = false;
		} else if (!unused->is_said || !is_same(word.text, unused->said)) {
			unused->is_said = true;
			unused->said = options_keep(options, word.text);
			say(options, row, &word);
		}
	}
}
