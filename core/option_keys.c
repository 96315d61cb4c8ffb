/* SPDX-License-Identifier: MIT */
/* The names of all rows, and their keys as a sorted table. */
#include "core/option_keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/base/memory.h"

static void each_known(const struct option_known *known, size_t n, option_names_fn fn, void *user)
{
	for (size_t i = 0; i < n; i++) {
		struct option_names names;
		option_names_of(&known[i].row, &names);
		fn(user, &names, options_is_secret(&known[i].row));
	}
}

void options_each_names(const struct options *options, option_names_fn fn, void *user)
{
	for (const struct option_set *set = options->sets; set != NULL; set = set->next) {
		for (size_t i = 0; i < set->n_entries; i++) {
			fn(user, &set->entries[i].names, options_is_secret(&set->entries[i].row));
		}
	}
	each_known(options->parts.known, options->parts.n_known, fn, user);
	each_known(options->learned, options->n_learned, fn, user);
}

static void add(void *user, const struct option_names *names, bool is_secret)
{
	struct option_keys *keys = user;
	if (keys->n % 64 == 0) {
		keys->items = must_resize(keys->items, keys->n + 64, sizeof(keys->items[0]));
	}
	struct option_key *key = &keys->items[keys->n++];
	(void)snprintf(key->key, sizeof(key->key), "%s", names->key);
	key->is_secret = is_secret;
}

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct option_key *)a)->key, ((const struct option_key *)b)->key);
}

/* A row that some plugin declares as a secret is none that is open, whatever others say. */
static void merge(struct option_keys *keys)
{
	size_t n = 0;
	for (size_t i = 0; i < keys->n; i++) {
		if (n != 0 && compare(&keys->items[n - 1], &keys->items[i]) == 0) {
			keys->items[n - 1].is_secret |= keys->items[i].is_secret;
		} else {
			keys->items[n++] = keys->items[i];
		}
	}
	keys->n = n;
}

void option_keys_collect(const struct options *options, struct option_keys *ret_keys)
{
	struct option_keys keys = { 0 };
	options_each_names(options, add, &keys);
	if (keys.n != 0) {
		qsort(keys.items, keys.n, sizeof(keys.items[0]), compare);
	}
	merge(&keys);
	*ret_keys = keys;
}

void option_keys_finish(struct option_keys *keys)
{
	free(keys->items);
	*keys = (struct option_keys){ 0 };
}

static const struct option_key *find(const struct option_keys *keys, const char *name, size_t size)
{
	struct option_key wanted = { "", false };
	if (keys->n == 0 || size >= sizeof(wanted.key)) {
		return NULL;
	}
	memcpy(wanted.key, name, size);
	return bsearch(&wanted, keys->items, keys->n, sizeof(keys->items[0]), compare);
}

bool option_keys_know(const struct option_keys *keys, const char *name)
{
	size_t size = strlen(name);
	if (find(keys, name, size) != NULL) {
		return true;
	}
	bool is_file = size > 4 && strcmp(name + size - 4, "File") == 0;
	const struct option_key *key = is_file ? find(keys, name, size - 4) : NULL;
	return key != NULL && key->is_secret;
}

void options_each_open_key(const struct options *options, option_key_fn fn, void *user)
{
	struct option_keys keys;
	option_keys_collect(options, &keys);
	for (size_t i = 0; i < keys.n; i++) {
		if (!keys.items[i].is_secret) {
			fn(user, keys.items[i].key);
		}
	}
	option_keys_finish(&keys);
}
