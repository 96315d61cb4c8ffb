/* SPDX-License-Identifier: MIT */
/* The keys of all rows that are known, in order: sources may have thousands of others. */
#ifndef CORE_OPTION_KEYS_H
#define CORE_OPTION_KEYS_H

#include "core/option_state.h"

struct option_key {
	char key[OPTION_NAME_MAX];
	bool is_secret; /* by any row that has it */
};
struct option_keys {
	struct option_key *items; /* owned */
	size_t n;
};

void option_keys_collect(const struct options *options, struct option_keys *ret_keys);
/* True for a key, and for that of the file of a secret. */
bool option_keys_know(const struct option_keys *keys, const char *name);
void option_keys_finish(struct option_keys *keys);

#endif
