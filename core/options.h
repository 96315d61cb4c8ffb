/* SPDX-License-Identifier: MIT */
/*
 * The option table: sets of rows (the core's, and one a plugin) and the sources that fill them, by
 * precedence: command line, environment, config source, file, default. What is wrong is reported in
 * sentences that name the option, where the value came from and what is accepted; secrets are not
 * shown.
 */
#ifndef CORE_OPTIONS_H
#define CORE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lucius/plugin.h>

#include "core/option_given.h"
#include "core/option_names.h"

enum option_origin {
	OPTION_DEFAULT,
	OPTION_FILE,
	OPTION_REMOTE, /* the config source */
	OPTION_ENVIRONMENT,
	OPTION_ARGUMENT,
	OPTION_CHOSEN /* by what else is configured */
};

struct option_entry {
	struct lucius_option row;
	struct option_names names;
	const char *text; /* the value as given; NULL: not set; stays until options_destroy */
	const char *where; /* a phrase; stays as well */
	enum option_origin origin;
	bool is_hidden; /* a secret, by its row or by what the source says of it */
	bool is_pending; /* another value would be used after a restart: */
	const char *pending; /* this one; NULL: none at all */
};

struct option_set {
	const char *title; /* "core", or "storage-memory" */
	struct option_entry *entries; /* owned */
	size_t n_entries;
	void *values; /* the struct that the rows fill */
	bool is_owner; /* of values */
	bool is_changed; /* by the last options_reload */
	struct option_set *next;
};

/* A row of a plugin in the tree, known without loading it. */
struct option_known {
	const char *plugin; /* "storage-table" */
	struct lucius_option row;
};

typedef void (*option_report_fn)(void *user, bool is_error, const char *sentence);

struct options;
struct options_parts {
	const struct option_givens *arguments; /* names as flags: "--role"; borrowed for good */
	char **environment; /* as in environ; borrowed for good */
	const struct option_known *known; /* borrowed for good; may be NULL */
	size_t n_known;
	option_report_fn report;
	/* Called at most once, when a name is found that nobody knows: may call options_learn with
	 * plugins that are there beside those of the tree. May be NULL. */
	void (*learn)(void *user, struct options *options);
	void *user;
};

struct options *options_create(const struct options_parts *parts);
void options_destroy(struct options *options);

/* Fill the struct that the rows are for, and remember the set. Return NULL after a report. */
struct option_set *options_add_core(struct options *options, void *settings);
/* The set owns the struct (set->values). The same plugin twice gives the same set. */
struct option_set *options_add_plugin(struct options *options, const struct lucius_plugin *plugin);
/* Names of a plugin's rows without use of it. */
void options_learn(struct options *options, const struct lucius_plugin *plugin);

/* Reads the file that the option `config` names. Returns 0, or -1 after a report. */
int options_read_file(struct options *options);
/* Takes over what a config source has given (keys as names); what was there before comes back in
 * givens. */
void options_swap_remote(struct options *options, struct option_givens *givens);
/* The source of that title ("config-appconfig") is in use: its own options, and those that lead to
 * it, cannot come from it any more, but for what is LIVE. */
void options_close_source(struct options *options, const char *title);
/* Calls fn with the key of every option that is known and no secret. */
typedef void (*option_key_fn)(void *user, const char *key);
void options_each_open_key(const struct options *options, option_key_fn fn, void *user);

/*
 * Resolves all sets anew. Before the start (is_live false) everything is taken over. After it,
 * what is marked LIVE is stored in place and the set is marked as changed; what is not is reported
 * once as needing a restart. Returns 0, or -1 after reports: then nothing has changed.
 */
int options_resolve(struct options *options, bool is_live);

/* True if a source gives the option of that name, whether or not a set has it. */
bool options_is_given(const struct options *options, const char *name);
/* Sets an option of the core that nobody has given; why: a phrase, copied. */
void options_choose(struct options *options, const char *name, const char *text, const char *why);

/* Reports what sources name and nobody knows: an error for file and command line, a warning for
 * environment and config source. Returns 0, or -1 if there was an error. */
int options_check_names(struct options *options);

const struct option_set *options_first(const struct options *options);

/*
 * Looks a row up in all sources, whether or not it belongs to a set, without checking the value.
 * Returns 1 and fills text, where and origin; 0: nobody gives it; -1: after a report (a secret is
 * given twice, or its file cannot be read).
 */
int options_find(
        struct options *options, const struct lucius_option *row, struct option_entry *ret_entry);

/* The same for an option of the core by its name. */
int options_find_core(struct options *options, const char *name, struct option_entry *ret_entry);

/* Calls fn for each row that is known but in no set. */
typedef void (*option_row_fn)(void *user, const char *plugin, const struct lucius_option *row);
void options_each_unused(const struct options *options, option_row_fn fn, void *user);
/* Says once of each such row that sources say something else than at the first call, which belongs
 * to the start: what is in use is chosen by what is given, and only then. */
void options_say_unused(struct options *options);

#endif
