/* SPDX-License-Identifier: MIT */
/* The names that an option has in each source, made from its one name by one rule (SPEC 7). */
#ifndef CORE_OPTION_NAMES_H
#define CORE_OPTION_NAMES_H

#include <stddef.h>

#include <lucius/plugin.h>

enum { OPTION_NAME_MAX = 112 };

/* For "servicebus-reply-prefix". */
struct option_names {
	char env[OPTION_NAME_MAX]; /* LUCIUS_SERVICEBUS_REPLY_PREFIX */
	char flag[OPTION_NAME_MAX]; /* --servicebus-reply-prefix */
	char path[OPTION_NAME_MAX]; /* servicebus.reply_prefix */
	char key[OPTION_NAME_MAX]; /* Lucius:ServiceBus:ReplyPrefix */
};

void option_names_of(const struct lucius_option *row, struct option_names *ret_names);
/* How many letters of the name are its group; 0: it is in none. */
size_t option_group_size(const char *name);

/* Keeps the best of what it is shown: the name that is fewest changes away from a wrong one. */
struct option_nearest {
	const char *wrong;
	unsigned best_distance;
	char best[OPTION_NAME_MAX]; /* empty: nothing is near */
};

void option_nearest_begin(struct option_nearest *nearest, const char *wrong);
void option_nearest_show(struct option_nearest *nearest, const char *name);

#endif
