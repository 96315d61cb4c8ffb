/* SPDX-License-Identifier: MIT */
/* What the option table consists of: for the files that it is made of. */
#ifndef CORE_OPTION_STATE_H
#define CORE_OPTION_STATE_H

#include "core/options.h"

struct option_text {
	struct option_text *next;
	char text[];
};

struct options {
	struct options_parts parts;
	struct option_givens file;
	bool is_file_open; /* every user may read it */
	struct option_givens remote;
	const char *source_title; /* of the set that its options are of; NULL: none is in use */
	struct option_set *sets; /* owned; the core's first */
	struct option_known *learned; /* owned; names beside the known ones */
	size_t n_learned;
	bool has_learned;
	struct option_unused *unused; /* owned; one for each known row; NULL before the start */
	/* Texts that were ever used: a LIVE option's old value may still be held somewhere. */
	struct option_text *texts; /* owned */
};

/* What sources say of a row that is in no set. */
struct option_unused {
	const char *text; /* at the start; NULL: nothing */
	const char *said; /* what was said last of it; NULL: nothing, or that nothing is given */
	bool is_said;
};

/* One source's word about one row. */
struct option_word {
	const char *text; /* NULL: it says nothing */
	bool is_hidden, is_failed; /* as of what is given */
	char where[512];
};
/* The strongest source's word on a row, or on the file of it, without a look at either. */
void options_peek(const struct options *options, const struct lucius_option *row,
        struct option_word *ret_word);
bool options_is_secret(const struct lucius_option *row);
/* Calls fn with the names of every row: of the sets, of the tree, and learned. */
typedef void (*option_names_fn)(void *user, const struct option_names *names, bool is_secret);
void options_each_names(const struct options *options, option_names_fn fn, void *user);
/* True if a set has an option of that name. */
bool options_is_in_use(const struct options *options, const char *name);

void options_report(struct options *options, bool is_error, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
/* A copy that stays until options_destroy; NULL stays NULL. */
const char *options_keep(struct options *options, const char *text);
struct option_entry *options_entry(
        const struct options *options, const char *set, const char *name);

#endif
