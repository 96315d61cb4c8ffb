/* SPDX-License-Identifier: MIT */
/* Descriptions of entities as clients send them, turned into what the broker makes them from. */
#ifndef BUS_LOCAL_ATOM_SETTINGS_H
#define BUS_LOCAL_ATOM_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "plugins/bus-local/atom/tree.h"
#include "plugins/bus-local/model/topic.h"

struct rule;

/* A description (TopicDescription, QueueDescription …): what it does not say stays as it is in the
 * settings. False: a sentence in error. */
bool settings_read_topic(const struct element *description, struct topic_settings *settings,
        char *error, size_t error_size);

/* The same of what subscriptions and queues have; a DefaultRuleDescription becomes the rules. */
bool settings_read_subscription(const struct element *description,
        struct subscription_settings *settings, char *error, size_t error_size);

/* A RuleDescription. Owned; NULL: a sentence in error. Name: NULL takes the description's. */
struct rule *settings_read_rule(
        const struct element *description, const char *name, char *error, size_t error_size);

#endif
