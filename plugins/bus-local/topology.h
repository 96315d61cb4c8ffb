/* SPDX-License-Identifier: MIT */
/* Which topics and subscriptions there are from the start. */
#ifndef BUS_LOCAL_TOPOLOGY_H
#define BUS_LOCAL_TOPOLOGY_H

#include <stdbool.h>
#include <stddef.h>

struct broker;
struct bus_options;
struct subscription_settings;

/* Told about what a file asks for and the bus does otherwise. */
typedef void (*topology_note_fn)(void *user, const char *sentence);

struct topology_source {
	const struct bus_options *options;
	const char *text; /* for topology_read: the file's content */
	topology_note_fn note; /* may be NULL */
	void *user;
};

/* The topics of bus-config, in the form of the emulator's config.json. False: a sentence in error.
 */
bool topology_load(struct broker *broker, const struct topology_source *source, char *error,
        size_t error_size);

/* The same from a text in memory. */
bool topology_read(struct broker *broker, const struct topology_source *source, char *error,
        size_t error_size);

/* The topics of all lanes with their shipped subscriptions, but for what is there already. */
void topology_add_shipped(struct broker *broker, const struct bus_options *options);

/* What a subscription has if nothing is said of it. */
struct subscription_settings topology_defaults(const struct bus_options *options);

#endif
