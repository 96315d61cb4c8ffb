/* SPDX-License-Identifier: MIT */
/* The rules of a subscription as the emulator's config.json writes them. */
#ifndef BUS_LOCAL_TOPOLOGY_RULES_H
#define BUS_LOCAL_TOPOLOGY_RULES_H

#include <jansson.h>
#include <stdbool.h>

struct rule;

/*
 * Rules: the array, or NULL. Ret_rules: owned list, NULL if there are none; ret_n_actions: how many
 * have an action, which is left out. False: a sentence in error.
 */
bool topology_read_rules(const json_t *rules, struct rule **ret_rules, unsigned *ret_n_actions,
        char *error, size_t error_size);

#endif
