/* SPDX-License-Identifier: MIT */
/*
 * Carries out the activities of the definition: by the invoker of this process, or over its
 * internal API at one of several URLs, tried in turn.
 */
#ifndef CORE_ACTIVITIES_H
#define CORE_ACTIVITIES_H

#include "core/step_logic.h"

struct activities;
struct invoker;
struct loop;

struct activities_parts {
	struct loop *loop;
	struct invoker *invoker; /* NULL: by urls */
	const char *urls; /* comma list of base URLs; may be NULL */
	const char *token; /* bearer token for the URLs; may be NULL */
	struct step_options defaults;
};

struct activities *activities_create(const struct activities_parts *parts);
/* For runs that begin from now on. */
void activities_set_defaults(struct activities *activities, const struct step_options *defaults);
void activities_destroy(struct activities *activities);
/* The definition to hand to an engine; borrowed until activities_destroy. */
const struct lucius_definition *activities_definition(const struct activities *activities);

#endif
