/* SPDX-License-Identifier: MIT */
/* What a request of the management API is about, out of its URL. */
#ifndef BUS_LOCAL_ATOM_PATH_H
#define BUS_LOCAL_ATOM_PATH_H

#include <stdbool.h>
#include <stddef.h>

enum atom_what {
	ATOM_NAMESPACE, /* $namespaceinfo */
	ATOM_TOPICS, /* $Resources/Topics */
	ATOM_QUEUES,
	ATOM_ENTITY, /* a topic or a queue */
	ATOM_SUBSCRIPTIONS,
	ATOM_SUBSCRIPTION,
	ATOM_RULES,
	ATOM_RULE,
};

struct atom_path {
	enum atom_what what;
	char entity[264]; /* names as they came, decoded */
	char subscription[56];
	char rule[56];
};

/* Path: still encoded, without query. False: nothing of ours, or a name that is too long. */
bool atom_path_parse(const char *path, struct atom_path *ret_path);

#endif
