/* SPDX-License-Identifier: MIT */
/* Inside of the registry: what loading fills and asking reads. */
#ifndef CORE_REGISTRY_PARTS_H
#define CORE_REGISTRY_PARTS_H

#include <jansson.h>

#include "core/registry.h"

struct registry_request_type {
	char *name; /* owned; written with "->" */
	const struct protocol *protocol;
};

struct registry_schema {
	const char *file_name; /* borrowed from the document */
	struct json_schema *schema;
};

struct registry {
	size_t n_references;
	json_t *document; /* owned; all texts of protocols and steps */
	struct protocol *protocols; /* owned, with their steps */
	size_t n_protocols;
	struct registry_request_type *request_types; /* owned */
	size_t n_request_types;
	struct registry_schema *schemas; /* owned; each file once */
	size_t n_schemas;
};

#endif
