/* SPDX-License-Identifier: MIT */
/*
 * The form of the protocols file is checked by a JSON Schema of its own; what a schema cannot say
 * (names that are there twice, files that must exist) is checked while the registry is filled.
 */
#include "core/registry.h"

#include <assert.h>
#include <libgen.h>
#include <stdarg.h>
#include <string.h>

#include "core/json_file.h"
#include "core/json_path.h"
#include "core/quote.h"
#include "core/registry_parts.h"
#include "support/base/memory.h"

#define NAME_FORM \
	"{\"type\": \"string\", \"pattern\": \"^[^\\\\u0001-\\\\u001f\\\\u007f]{1,128}$\"}"

static const char file_form[] =
        "{\"type\": \"object\", \"required\": [\"schema_version\", \"protocols\"],"
        " \"additionalProperties\": false, \"properties\": {"
        "  \"description\": {\"type\": \"string\"},"
        "  \"schema_version\": {\"const\": \"v1\"},"
        "  \"protocols\": {\"type\": \"array\", \"minItems\": 1, \"items\": {\"$ref\": "
        "\"#/$defs/protocol\"}}},"
        " \"$defs\": {"
        "  \"name\": " NAME_FORM ","
        "  \"protocol\": {\"type\": \"object\", \"additionalProperties\": false,"
        "   \"required\": [\"protocol_id\", \"request_types\", \"steps\"], \"properties\": {"
        "    \"description\": {\"type\": \"string\"},"
        "    \"protocol_id\": {\"$ref\": \"#/$defs/name\"},"
        "    \"request_types\": {\"type\": \"array\", \"minItems\": 1, \"items\": {\"$ref\": "
        "\"#/$defs/name\"}},"
        "    \"steps\": {\"type\": \"array\", \"minItems\": 1, \"maxItems\": 100,"
        "     \"items\": {\"$ref\": \"#/$defs/step\"}}}},"
        "  \"step\": {\"type\": \"object\", \"additionalProperties\": false,"
        "   \"required\": [\"step_id\", \"step_type\", \"service\", \"payload_schema_ref\"], "
        "\"properties\": {"
        "    \"description\": {\"type\": \"string\"},"
        "    \"step_id\": {\"type\": \"string\", \"pattern\": \"^[a-z0-9._-]{1,64}$\"},"
        "    \"step_type\": {\"$ref\": \"#/$defs/name\"},"
        "    \"service\": {\"$ref\": \"#/$defs/name\"},"
        "    \"payload_schema_ref\": {\"type\": \"string\", \"pattern\": "
        "\"^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$\"},"
        "    \"timeout_overrides\": {\"$ref\": \"#/$defs/overrides\"}}},"
        "  \"overrides\": {\"type\": \"object\", \"additionalProperties\": false, \"properties\": {"
        "    \"step_result_timeout_seconds\": {\"type\": \"integer\", \"minimum\": 1, \"maximum\": "
        "2592000},"
        "    \"lease_minutes\": {\"type\": \"integer\", \"minimum\": 1, \"maximum\": 43200},"
        "    \"max_attempts\": {\"type\": \"integer\", \"minimum\": 1, \"maximum\": 1000}}}}}";

struct loader {
	struct registry *registry;
	const char *protocols_file;
	const char *schemas_dir;
	char *sentence; /* owned; the first fault */
};

/* Refuses the protocols file at that place; returns false, always. */
__attribute__((format(printf, 3, 4))) static bool refuse(
        struct loader *loader, const struct json_path *path, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	char *reason CLEANUP_FREE = must_vprint(format, arguments);
	va_end(arguments);
	char *pointer CLEANUP_FREE = json_path_print(path, "");
	loader->sentence = must_print("\"%s\" at %s: %s", loader->protocols_file, pointer, reason);
	return false;
}

static bool has_form(struct loader *loader)
{
	json_t *form CLEANUP(json_decrefp) = json_loads(file_form, JSON_REJECT_DUPLICATES, NULL);
	char *pointer CLEANUP_FREE = NULL;
	char *sentence CLEANUP_FREE = NULL;
	assert(form != NULL);
	struct json_schema *schema CLEANUP(cleanup_json_schema) =
	        json_schema_compile(form, &pointer, &sentence);
	assert(schema != NULL);
	struct violations violations CLEANUP_VIOLATIONS = { 0 };
	if (json_schema_validate(schema, loader->registry->document, "", &violations)) {
		return true;
	}
	const struct violation *first = &violations.items[0];
	char *more CLEANUP_FREE = violations.n_found > 1
	        ? must_print(" (and %zu more)", violations.n_found - 1)
	        : must_print("%s", "");
	loader->sentence = must_print("\"%s\" at %s: %s%s", loader->protocols_file,
	        *first->pointer != '\0' ? first->pointer : "its top", first->message, more);
	return false;
}

/* Reads and compiles one file of the schema directory. */
static struct json_schema *load_schema(
        struct loader *loader, const char *file_name, const struct json_path *path)
{
	char *file CLEANUP_FREE = must_print("%s/%s", loader->schemas_dir, file_name);
	char *sentence CLEANUP_FREE = NULL;
	json_t *document CLEANUP(json_decrefp) = json_file_read(file, &sentence);
	if (document == NULL) {
		refuse(loader, path, "the schema %s", sentence);
		return NULL;
	}
	char *pointer CLEANUP_FREE = NULL;
	struct json_schema *schema = json_schema_compile(document, &pointer, &sentence);
	if (schema == NULL) {
		loader->sentence = must_print(
		        "\"%s\" at %s: %s", file, *pointer != '\0' ? pointer : "its top", sentence);
	}
	return schema;
}

/* The schema of that file, loaded once; NULL if it is refused. */
static const struct json_schema *need_schema(
        struct loader *loader, const char *file_name, const struct json_path *path)
{
	struct registry *registry = loader->registry;
	for (size_t i = 0; i < registry->n_schemas; i++) {
		if (strcmp(registry->schemas[i].file_name, file_name) == 0) {
			return registry->schemas[i].schema;
		}
	}
	struct json_schema *schema = load_schema(loader, file_name, path);
	if (schema != NULL) {
		registry->schemas = must_resize(
		        registry->schemas, registry->n_schemas + 1, sizeof(*registry->schemas));
		registry->schemas[registry->n_schemas++] =
		        (struct registry_schema){ .file_name = file_name, .schema = schema };
	}
	return schema;
}

static const char *text_of(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

/* A whole number may be written as 3.0. */
static uint32_t number_of(const json_t *object, const char *name)
{
	return (uint32_t)json_number_value(json_object_get(object, name));
}

static bool fill_step(struct loader *loader, const json_t *source, const struct json_path *path,
        struct protocol_step *step)
{
	const struct json_path here = { .parent = path, .name = "payload_schema_ref" };
	const json_t *overrides = json_object_get(source, "timeout_overrides");
	*step = (struct protocol_step){
		.step_id = text_of(source, "step_id"),
		.step_type = text_of(source, "step_type"),
		.service = text_of(source, "service"),
		.payload_schema_ref = text_of(source, "payload_schema_ref"),
		.overrides = {
			.step_result_timeout_seconds =
				number_of(overrides, "step_result_timeout_seconds"),
			.lease_minutes = number_of(overrides, "lease_minutes"),
			.max_attempts = number_of(overrides, "max_attempts"),
		},
	};
	step->schema = need_schema(loader, step->payload_schema_ref, &here);
	return step->schema != NULL;
}

static bool fill_steps(struct loader *loader, const json_t *sources, const struct json_path *path,
        struct protocol *protocol)
{
	struct protocol_step *steps = must_calloc(json_array_size(sources), sizeof(*steps));
	protocol->steps = steps;
	for (size_t i = 0; i < json_array_size(sources); i++) {
		const struct json_path here = { .parent = path, .index = i };
		if (!fill_step(loader, json_array_get(sources, i), &here, &steps[i])) {
			return false;
		}
		for (size_t k = 0; k < i; k++) {
			if (strcmp(steps[k].step_id, steps[i].step_id) == 0) {
				return refuse(loader, &here, "the step \"%s\" is there twice",
				        steps[i].step_id);
			}
		}
		protocol->n_steps++;
	}
	return true;
}

static bool add_request_type(struct loader *loader, const char *name, const struct json_path *path,
        const struct protocol *protocol)
{
	struct registry *registry = loader->registry;
	const struct protocol *other = registry_resolve(registry, name);
	if (other != NULL) {
		return refuse(loader, path, "the request type \"%s\" stands for \"%s\" already",
		        quote(name).text, quote(other->protocol_id).text);
	}
	registry->request_types = must_resize(registry->request_types,
	        registry->n_request_types + 1, sizeof(*registry->request_types));
	registry->request_types[registry->n_request_types++] = (struct registry_request_type){
		.name = registry_normalise_request_type(name),
		.protocol = protocol,
	};
	return true;
}

static bool add_request_types(struct loader *loader, const json_t *names,
        const struct json_path *path, const struct protocol *protocol)
{
	for (size_t i = 0; i < json_array_size(names); i++) {
		const struct json_path here = { .parent = path, .index = i };
		const char *name = json_string_value(json_array_get(names, i));
		if (!add_request_type(loader, name, &here, protocol)) {
			return false;
		}
	}
	return true;
}

static bool add_protocol(struct loader *loader, const json_t *source, const struct json_path *path)
{
	struct registry *registry = loader->registry;
	const char *protocol_id = text_of(source, "protocol_id");
	if (registry_find(registry, protocol_id) != NULL) {
		return refuse(loader, path, "the protocol \"%s\" is there twice",
		        quote(protocol_id).text);
	}
	struct protocol *protocol = &registry->protocols[registry->n_protocols++];
	protocol->protocol_id = protocol_id;
	const struct json_path types = { .parent = path, .name = "request_types" };
	const struct json_path steps = { .parent = path, .name = "steps" };
	return add_request_types(
	               loader, json_object_get(source, "request_types"), &types, protocol) &&
	        fill_steps(loader, json_object_get(source, "steps"), &steps, protocol);
}

static bool add_protocols(struct loader *loader)
{
	const struct json_path top = { .name = "protocols" };
	struct registry *registry = loader->registry;
	const json_t *sources = json_object_get(registry->document, "protocols");
	registry->protocols = must_calloc(json_array_size(sources), sizeof(*registry->protocols));
	for (size_t i = 0; i < json_array_size(sources); i++) {
		const struct json_path here = { .parent = &top, .index = i };
		if (!add_protocol(loader, json_array_get(sources, i), &here)) {
			return false;
		}
	}
	return true;
}

static char *default_schemas_dir(const char *protocols_file)
{
	char *copy CLEANUP_FREE = must_copy(protocols_file, strlen(protocols_file));
	return must_print("%s/schemas/steps", dirname(copy));
}

/* The document is taken over; NULL: the loader has its sentence already. */
static struct registry *load(struct loader *loader, json_t *document, char **ret_sentence)
{
	struct registry *registry CLEANUP(cleanup_registry) = must_calloc(1, sizeof(*registry));
	registry->n_references = 1;
	registry->document = document;
	loader->registry = registry;
	if (document == NULL || !has_form(loader) || !add_protocols(loader)) {
		*ret_sentence = loader->sentence;
		return NULL;
	}
	return steal(registry);
}

struct registry *registry_load(
        const char *protocols_file, const char *schemas_dir, char **ret_sentence)
{
	char *beside CLEANUP_FREE = default_schemas_dir(protocols_file);
	struct loader loader = {
		.protocols_file = protocols_file,
		.schemas_dir = schemas_dir != NULL ? schemas_dir : beside,
	};
	json_t *document = json_file_read(protocols_file, &loader.sentence);
	return load(&loader, document, ret_sentence);
}

struct registry *registry_parse(
        const char *text, const char *where, const char *protocols_file, char **ret_sentence)
{
	char *beside CLEANUP_FREE = default_schemas_dir(protocols_file);
	struct loader loader = { .protocols_file = where, .schemas_dir = beside };
	json_t *document = json_text_read(text, where, &loader.sentence);
	return load(&loader, document, ret_sentence);
}
