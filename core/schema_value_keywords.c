/* SPDX-License-Identifier: MIT */
/* Keywords about any value, about numbers and about strings, and those that only describe. */
#include "core/schema_node.h"

#include <float.h>
#include <math.h>
#include <string.h>
#include <unistr.h>

#include "core/json_equal.h"
#include "core/json_kind.h"
#include "core/json_writer.h"
#include "core/quote.h"
#include "support/base/memory.h"

static const char metaschema[] = "https://json-schema.org/draft/2020-12/schema";

/* Sets of types, in check->count. */
enum type_bit {
	BIT_NULL = 1,
	BIT_BOOLEAN = 2,
	BIT_OBJECT = 4,
	BIT_ARRAY = 8,
	BIT_NUMBER = 16,
	BIT_STRING = 32,
	BIT_INTEGER = 64
};

static const struct {
	const char *name;
	const char *with_article;
	size_t bit;
} types[] = {
	{ "null", "null", BIT_NULL },
	{ "boolean", "a boolean", BIT_BOOLEAN },
	{ "object", "an object", BIT_OBJECT },
	{ "array", "an array", BIT_ARRAY },
	{ "number", "a number", BIT_NUMBER },
	{ "string", "a string", BIT_STRING },
	{ "integer", "a whole number", BIT_INTEGER },
};

enum { N_TYPES = sizeof(types) / sizeof(types[0]) };

static size_t type_bit(const char *name)
{
	for (size_t i = 0; name != NULL && i < N_TYPES; i++) {
		if (strcmp(types[i].name, name) == 0) {
			return types[i].bit;
		}
	}
	return 0;
}

static bool compile_type(struct schema_compiler *compiler, const struct schema_place *place,
        struct schema_check *check)
{
	check->count = type_bit(json_string_value(place->value));
	for (size_t i = 0; i < json_array_size(place->value); i++) {
		size_t bit = type_bit(json_string_value(json_array_get(place->value, i)));
		if (bit == 0 || (check->count & bit) != 0) {
			check->count = 0;
			break;
		}
		check->count |= bit;
	}
	if (check->count == 0) {
		return schema_refuse(compiler, place->path, "must be a type or an array of types");
	}
	return true;
}

static size_t bits_of(const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return BIT_OBJECT;
	case JSON_ARRAY:
		return BIT_ARRAY;
	case JSON_STRING:
		return BIT_STRING;
	case JSON_INTEGER:
	case JSON_REAL:
		return (size_t)(BIT_NUMBER | (json_number_is_whole(value) ? BIT_INTEGER : 0));
	case JSON_TRUE:
	case JSON_FALSE:
		return BIT_BOOLEAN;
	case JSON_NULL:
		return BIT_NULL;
	}
	return 0;
}

static const char *describe(size_t bits)
{
	for (size_t i = 0; i < N_TYPES; i++) {
		if ((types[i].bit & bits) != 0) {
			return types[i].with_article;
		}
	}
	return "nothing";
}

static bool check_type(struct schema_run *run, const struct schema_check *check,
        const struct schema_instance *instance)
{
	size_t bits = bits_of(instance->value);
	if ((bits & check->count) != 0) {
		return true;
	}
	if (run->quiet > 0) {
		return false;
	}
	char *accepted CLEANUP_FREE = must_print("%s", "");
	for (size_t i = 0; i < N_TYPES; i++) {
		if ((types[i].bit & check->count) != 0) {
			char *longer = must_print("%s%s%s", accepted,
			        *accepted != '\0' ? " or " : "", types[i].with_article);
			free(accepted);
			accepted = longer;
		}
	}
	return schema_report(run, instance->path, "must be %s, not %s", accepted, describe(bits));
}

static struct quote quote_json(const json_t *value)
{
	struct json_writer writer CLEANUP_JSON_WRITER = { 0 };
	json_writer_json(&writer, value);
	return quote_sized(writer.text, writer.size);
}

static bool compile_enum(struct schema_compiler *compiler, const struct schema_place *place,
        struct schema_check *check)
{
	(void)check;
	if (json_array_size(place->value) == 0) {
		return schema_refuse(
		        compiler, place->path, "must be an array of values, not empty");
	}
	return true;
}

static bool report_enum(struct schema_run *run, const struct schema_check *check,
        const struct schema_instance *instance)
{
	struct json_writer writer CLEANUP_JSON_WRITER = { 0 };
	size_t n_values = json_array_size(check->value);
	for (size_t i = 0; i < n_values && writer.size < 400; i++) {
		json_writer_append(&writer, ", ", i > 0 ? 2 : 0);
		struct quote value = quote_json(json_array_get(check->value, i));
		json_writer_append(&writer, value.text, strlen(value.text));
	}
	return schema_report(run, instance->path, "must be one of %s, not %s",
	        json_writer_text(&writer), quote_json(instance->value).text);
}

static bool check_enum(struct schema_run *run, const struct schema_check *check,
        const struct schema_instance *instance)
{
	for (size_t i = 0; i < json_array_size(check->value); i++) {
		if (json_values_are_equal(json_array_get(check->value, i), instance->value)) {
			return true;
		}
	}
	return run->quiet == 0 && report_enum(run, check, instance);
}

static bool check_const(struct schema_run *run, const struct schema_check *check,
        const struct schema_instance *instance)
{
	if (json_values_are_equal(check->value, instance->value)) {
		return true;
	}
	return run->quiet == 0 &&
	        schema_report(run, instance->path, "must be %s, not %s",
	                quote_json(check->value).text, quote_json(instance->value).text);
}

static bool compile_number(struct schema_compiler *compiler, const struct schema_place *place,
        struct schema_check *check)
{
	(void)check;
	if (!json_kind_is_number(place->value)) {
		return schema_refuse(compiler, place->path, "must be a number");
	}
	return true;
}

static bool compile_divisor(struct schema_compiler *compiler, const struct schema_place *place,
        struct schema_check *check)
{
	(void)check;
	if (!json_kind_is_number(place->value) || json_number_value(place->value) <= 0) {
		return schema_refuse(compiler, place->path, "must be a number above 0");
	}
	return true;
}

/* True for no number, or if the instance's order to the keyword's value is one of the two. */
static bool has_order(const struct schema_check *check, const struct schema_instance *instance,
        int order, int or_equal)
{
	if (!json_kind_is_number(instance->value)) {
		return true;
	}
	int found = json_number_compare(instance->value, check->value);
	return found == order || (or_equal != 0 && found == 0);
}

static bool check_minimum(struct schema_run *run, const struct schema_check *check,
        const struct schema_instance *instance)
{
	return has_order(check, instance, 1, 1) ||
	        schema_report(
	                run, instance->path, "must be at least %s", quote_json(check->value).text);
}

static bool check_maximum(struct schema_run *run, const struct schema_check *check,
        const struct schema_instance *instance)
{
	return has_order(check, instance, -1, 1) ||
	        schema_report(
	                run, instance->path, "must be at most %s", quote_json(check->value).text);
}

static bool check_above(struct schema_run *run, const struct schema_check *check,
        const struct schema_instance *instance)
{
	return has_order(check, instance, 1, 0) ||
	        schema_report(
	                run, instance->path, "must be more than %s", quote_json(check->value).text);
}

static bool check_below(struct schema_run *run, const struct schema_check *check,
        const struct schema_instance *instance)
{
	return has_order(check, instance, -1, 0) ||
	        schema_report(
	                run, instance->path, "must be less than %s", quote_json(check->value).text);
}

/* Exact for integers; between doubles what rounding of the quotient alone can make is forgiven. */
static bool is_multiple(const json_t *value, const json_t *divisor)
{
	if (json_kind_is(value, JSON_INTEGER) && json_kind_is(divisor, JSON_INTEGER)) {
		return json_integer_value(value) % json_integer_value(divisor) == 0;
	}
	double quotient = json_number_value(value) / json_number_value(divisor);
	if (isinf(quotient)) {
		return fmod(json_number_value(value), json_number_value(divisor)) == 0;
	}
	return fabs(quotient - nearbyint(quotient)) <= 2 * DBL_EPSILON * fabs(quotient);
}

static bool check_multiple(struct schema_run *run, const struct schema_check *check,
        const struct schema_instance *instance)
{
	return !json_kind_is_number(instance->value) ||
	        is_multiple(instance->value, check->value) ||
	        schema_report(run, instance->path, "must be a multiple of %s",
	                quote_json(check->value).text);
}

static size_t length_of(const json_t *string)
{
	return u8_mbsnlen((const uint8_t *)json_string_value(string), json_string_length(string));
}

static bool check_min_length(struct schema_run *run, const struct schema_check *check,
        const struct schema_instance *instance)
{
	if (!json_kind_is(instance->value, JSON_STRING) ||
	        length_of(instance->value) >= check->count) {
		return true;
	}
	if (check->count == 1) {
		return schema_report(run, instance->path, "must not be empty");
	}
	return schema_report(
	        run, instance->path, "must have at least %zu characters", check->count);
}

static bool check_max_length(struct schema_run *run, const struct schema_check *check,
        const struct schema_instance *instance)
{
	return !json_kind_is(instance->value, JSON_STRING) ||
	        length_of(instance->value) <= check->count ||
	        schema_report(
	                run, instance->path, "must have at most %zu characters", check->count);
}

static bool compile_pattern(struct schema_compiler *compiler, const struct schema_place *place,
        struct schema_check *check)
{
	const char *source = json_string_value(place->value);
	if (source == NULL) {
		return schema_refuse(
		        compiler, place->path, "must be a regular expression in a string");
	}
	return schema_add_pattern(compiler, place->path, check, source);
}

static bool check_pattern(struct schema_run *run, const struct schema_check *check,
        const struct schema_instance *instance)
{
	const json_t *value = instance->value;
	return !json_kind_is(value, JSON_STRING) ||
	        schema_is_match(run, check->patterns[0], json_string_value(value),
	                json_string_length(value)) ||
	        schema_report(run, instance->path, "must match the pattern \"%s\"",
	                quote(json_string_value(check->value)).text);
}

static bool compile_dialect(struct schema_compiler *compiler, const struct schema_place *place,
        struct schema_check *check)
{
	(void)check;
	const char *dialect = json_string_value(place->value);
	if (place->path->parent != NULL || dialect == NULL || strcmp(dialect, metaschema) != 0) {
		return schema_refuse(compiler, place->path,
		        "only \"%s\" is known, and only at the top of the file", metaschema);
	}
	return true;
}

static bool compile_id(struct schema_compiler *compiler, const struct schema_place *place,
        struct schema_check *check)
{
	(void)check;
	if (place->path->parent != NULL || !json_kind_is(place->value, JSON_STRING)) {
		return schema_refuse(compiler, place->path,
		        "is a string and stands at the top of the file only");
	}
	return true;
}

const struct schema_keyword schema_value_keywords[] = {
	{ "$schema", compile_dialect, NULL, false },
	{ "$id", compile_id, NULL, false },
	{ "$comment", NULL, NULL, false },
	{ "title", NULL, NULL, false },
	{ "description", NULL, NULL, false },
	{ "default", NULL, NULL, false },
	{ "examples", NULL, NULL, false },
	{ "deprecated", NULL, NULL, false },
	{ "readOnly", NULL, NULL, false },
	{ "writeOnly", NULL, NULL, false },
	{ "type", compile_type, check_type, false },
	{ "enum", compile_enum, check_enum, false },
	{ "const", NULL, check_const, false },
	{ "minimum", compile_number, check_minimum, false },
	{ "maximum", compile_number, check_maximum, false },
	{ "exclusiveMinimum", compile_number, check_above, false },
	{ "exclusiveMaximum", compile_number, check_below, false },
	{ "multipleOf", compile_divisor, check_multiple, false },
	{ "minLength", schema_compile_count, check_min_length, false },
	{ "maxLength", schema_compile_count, check_max_length, false },
	{ "pattern", compile_pattern, check_pattern, false },
	{ NULL, NULL, NULL, false },
};
