/* SPDX-License-Identifier: MIT */
/*
 * Reads JSON text where it stands: a value is a piece of the text, and only what is asked for is
 * looked at. For hot paths that pass most of a text on unread; whoever looks at all of it takes
 * json_strict.
 */
#ifndef CORE_JSON_SLICE_H
#define CORE_JSON_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

/* One value of a text that json_slice_of has found valid; borrowed from it. Size 0: there is none,
 * which all functions take. */
struct json_slice {
	const char *text;
	size_t size;
};

/* The deepest nesting of arrays and objects that is taken. */
#define JSON_SLICE_DEPTH 512

/*
 * The one value of the text, without the white space around it. None if the text is not valid
 * (RFC 8259, UTF-8; U+0000 and lone surrogates are refused too) or nested too deeply.
 */
struct json_slice json_slice_of(const char *text, size_t size);

/* The same, and if it is an object the values of these members, found while it is checked; see
 * json_slice_collect. */
struct json_slice json_slice_read(const char *text, size_t size, const char *const *names,
        size_t n_names, struct json_slice *ret_values);

/* Steps through an object or array; over anything else there is no step. */
struct json_slice_walk {
	const char *at;
	const char *end;
};
struct json_slice_walk json_slice_members(struct json_slice object);
struct json_slice_walk json_slice_elements(struct json_slice array);
/* Name: with its quotation marks. False: there are no more. */
bool json_slice_next_member(
        struct json_slice_walk *walk, struct json_slice *ret_name, struct json_slice *ret_value);
bool json_slice_next_element(struct json_slice_walk *walk, struct json_slice *ret_value);

/* The value of the member; of several with that name the last; none if there is none. */
struct json_slice json_slice_member(struct json_slice object, const char *name);

/* The same for several names, all different, in one walk; ret_values in the order of the names. */
void json_slice_collect(struct json_slice object, const char *const *names, size_t n_names,
        struct json_slice *ret_values);
/* Steps to the next element and collects of it in the same walk. */
bool json_slice_collect_next(struct json_slice_walk *walk, const char *const *names, size_t n_names,
        struct json_slice *ret_values, struct json_slice *ret_value);

bool json_slice_is_object(struct json_slice value);
bool json_slice_is_null(struct json_slice value); /* also if there is none */
bool json_slice_is_true(struct json_slice value);
/* The value is a string, and that one. */
bool json_slice_is_text(struct json_slice value, const char *text);
/* The string without its escapes, owned and terminated; NULL if the value is none. */
char *json_slice_string(struct json_slice value);
/* The same in an arena. */
const char *json_slice_copy(struct json_slice value, struct arena *arena);
/* An integer without fraction or exponent, within 64 bits with sign; false: it is none. */
bool json_slice_integer(struct json_slice value, int64_t *ret_integer);

#endif
