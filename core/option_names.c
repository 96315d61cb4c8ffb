/* SPDX-License-Identifier: MIT */
/* Spelling of option names, and the search for what a mistyped one was meant to be. */
#include "core/option_names.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	const char *key;
} groups[] = {
	{ "servicebus", "ServiceBus" },
	{ "temporal", "Temporal" },
	{ "table", "Table" },
	{ "ledger", "Ledger" },
	{ "sqlite", "Sqlite" },
	{ "appconfig", "AppConfig" },
	{ "http", "Http" },
	{ "invoker", "Invoker" },
	{ "bus", "Bus" },
	{ "api", "Api" },
};
enum { N_GROUPS = sizeof(groups) / sizeof(groups[0]) };

/* The place in `groups`; N_GROUPS: none. */
static size_t group_of(const char *name)
{
	size_t size = strcspn(name, "-");
	if (name[size] == '\0') {
		return N_GROUPS;
	}
	size_t place = 0;
	while (place < N_GROUPS &&
	        (strlen(groups[place].name) != size ||
	                memcmp(groups[place].name, name, size) != 0)) {
		place++;
	}
	return place;
}

size_t option_group_size(const char *name)
{
	size_t group = group_of(name);
	return group < N_GROUPS ? strlen(groups[group].name) : 0;
}

/* Of names, which are ASCII whatever the locale is. */
static char upper(char letter)
{
	return letter >= 'a' && letter <= 'z' ? (char)(letter - 'a' + 'A') : letter;
}

static char lower(char letter)
{
	return letter >= 'A' && letter <= 'Z' ? (char)(letter - 'A' + 'a') : letter;
}

/* Letters through change, and the hyphens replaced. */
static void spell(char *to, const char *from, char hyphen, char (*change)(char))
{
	for (; *from != '\0'; from++) {
		*to++ = *from == '-' ? hyphen : change(*from);
	}
	*to = '\0';
}

/* The words joined, each with a capital. */
static void spell_key(char *to, const char *from)
{
	int is_start = 1;
	for (; *from != '\0'; from++) {
		if (*from != '-') {
			*to++ = is_start ? upper(*from) : *from;
		}
		is_start = *from == '-';
	}
	*to = '\0';
}

static void derive_key(const char *name, char *ret_key)
{
	char rest[OPTION_NAME_MAX];
	size_t group = group_of(name);
	size_t group_size = option_group_size(name);
	spell_key(rest, name + group_size + (group_size != 0 ? 1 : 0));
	(void)snprintf(ret_key, OPTION_NAME_MAX, "Lucius:%s%s%s",
	        group < N_GROUPS ? groups[group].key : "", group < N_GROUPS ? ":" : "", rest);
}

/* The loader takes no name over 64 letters, so that all of these fit. */
void option_names_of(const struct lucius_option *row, struct option_names *ret_names)
{
	size_t group_size = option_group_size(row->name);
	char variable[OPTION_NAME_MAX];
	spell(variable, row->name, '_', upper);
	(void)snprintf(ret_names->env, sizeof(ret_names->env), "LUCIUS_%.100s", variable);
	(void)snprintf(ret_names->flag, sizeof(ret_names->flag), "--%s", row->name);
	spell(ret_names->path, row->name, '_', lower);
	if (group_size != 0) {
		ret_names->path[group_size] = '.';
	}
	derive_key(row->name, ret_names->key);
	if (row->env != NULL) {
		(void)snprintf(ret_names->env, sizeof(ret_names->env), "%s", row->env);
	}
	if (row->key != NULL) {
		(void)snprintf(ret_names->key, sizeof(ret_names->key), "%s", row->key);
	}
}

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

enum { ROW_SIZE = OPTION_NAME_MAX + 1 };

/* Row i of the table of distances between the first i letters of a and those of b; the two rows
 * above are given. */
static void fill_row(
        unsigned *row, const unsigned *const above[2], const char *a, size_t i, const char *b)
{
	row[0] = (unsigned)i;
	for (size_t j = 1; j < ROW_SIZE && b[j - 1] != '\0'; j++) {
		unsigned replaced = lower(a[i - 1]) != lower(b[j - 1]) ? 1 : 0;
		row[j] = least(least(above[0][j], row[j - 1]) + 1, above[0][j - 1] + replaced);
		if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
			row[j] = least(row[j], above[1][j - 2] + 1);
		}
	}
}

/* Insertions, deletions, replacements and swaps of neighbours (optimal string alignment). */
static unsigned distance(const char *a, const char *b)
{
	unsigned rows[3][ROW_SIZE];
	size_t a_size = strnlen(a, OPTION_NAME_MAX);
	size_t b_size = strnlen(b, OPTION_NAME_MAX);
	for (size_t j = 0; j <= b_size; j++) {
		rows[0][j] = (unsigned)j;
	}
	for (size_t i = 1; i <= a_size; i++) {
		const unsigned *const above[2] = { rows[(i + 2) % 3], rows[(i + 1) % 3] };
		fill_row(rows[i % 3], above, a, i, b);
	}
	return rows[a_size % 3][b_size];
}

void option_nearest_begin(struct option_nearest *nearest, const char *wrong)
{
	*nearest = (struct option_nearest){ .wrong = wrong };
	/* Further away than this it is a guess that misleads. */
	nearest->best_distance = (unsigned)strnlen(wrong, OPTION_NAME_MAX) / 3 + 1;
}

void option_nearest_show(struct option_nearest *nearest, const char *name)
{
	unsigned changes = distance(nearest->wrong, name);
	if (changes < nearest->best_distance) {
		nearest->best_distance = changes;
		(void)snprintf(nearest->best, sizeof(nearest->best), "%s", name);
	}
}
