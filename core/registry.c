/* SPDX-License-Identifier: MIT */
/* What a loaded registry answers; registry_load.c makes it. */
#include "core/registry.h"

#include <string.h>

#include "core/json_writer.h"
#include "core/quote.h"
#include "core/registry_parts.h"
#include "support/base/memory.h"

struct registry *registry_ref(struct registry *registry)
{
	registry->n_references++;
	return registry;
}

static void registry_destroy(struct registry *registry)
{
	for (size_t i = 0; i < registry->n_protocols; i++) {
		free((void *)registry->protocols[i].steps);
	}
	for (size_t i = 0; i < registry->n_request_types; i++) {
		free(registry->request_types[i].name);
	}
	for (size_t i = 0; i < registry->n_schemas; i++) {
		json_schema_destroy(registry->schemas[i].schema);
	}
	free(registry->protocols);
	free(registry->request_types);
	free(registry->schemas);
	json_decref(registry->document);
	free(registry);
}

void registry_unref(struct registry *registry)
{
	if (registry != NULL && --registry->n_references == 0) {
		registry_destroy(registry);
	}
}

char *registry_normalise_request_type(const char *request_type)
{
	static const char arrow[] = "\xe2\x86\x92";
	const size_t arrow_size = sizeof(arrow) - 1;
	char *normal = must_copy(request_type, strlen(request_type));
	char *out = normal;
	for (const char *at = request_type; *at != '\0';) {
		if (strncmp(at, arrow, arrow_size) != 0) {
			*out++ = *at++;
			continue;
		}
		memcpy(out, "->", 2);
		out += 2;
		at += arrow_size;
	}
	*out = '\0';
	return normal;
}

const struct protocol *registry_resolve(const struct registry *registry, const char *request_type)
{
	char *normal CLEANUP_FREE = registry_normalise_request_type(request_type);
	for (size_t i = 0; i < registry->n_request_types; i++) {
		if (strcmp(registry->request_types[i].name, normal) == 0) {
			return registry->request_types[i].protocol;
		}
	}
	return NULL;
}

const struct protocol *registry_find(const struct registry *registry, const char *protocol_id)
{
	for (size_t i = 0; i < registry->n_protocols; i++) {
		if (strcmp(registry->protocols[i].protocol_id, protocol_id) == 0) {
			return &registry->protocols[i];
		}
	}
	return NULL;
}

char *registry_request_types(const struct registry *registry)
{
	enum { LONG = 300 };
	struct json_writer writer CLEANUP_JSON_WRITER = { 0 };
	for (size_t i = 0; i < registry->n_request_types; i++) {
		struct quote name = quote(registry->request_types[i].name);
		json_writer_append(&writer, ", ", i > 0 ? 2 : 0);
		if (writer.size > LONG) {
			json_writer_append(&writer, "...", 3);
			break;
		}
		json_writer_append(&writer, name.text, strlen(name.text));
	}
	size_t size;
	return json_writer_steal(&writer, &size);
}

const struct protocol *registry_protocols(const struct registry *registry, size_t *ret_n)
{
	*ret_n = registry->n_protocols;
	return registry->protocols;
}
