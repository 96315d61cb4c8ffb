/* SPDX-License-Identifier: MIT */
/*
 * Goes over a JSON object and shows its members where they stand, without building a tree: of a
 * directive the runtime needs ten short texts, whatever payload lies between them.
 */
#ifndef CONSUMERS_RUNTIME_JSON_SCAN_H
#define CONSUMERS_RUNTIME_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum json_kind {
	JSON_KIND_TEXT, /* between the quotes, escapes as they are */
	JSON_KIND_NUMBER,
	JSON_KIND_OBJECT,
	JSON_KIND_ARRAY,
	JSON_KIND_OTHER, /* true, false, null */
};

/* Borrowed from the text that was scanned. */
struct json_slice {
	enum json_kind kind;
	const char *start;
	size_t size;
};

/* Called for each member of the object itself, in their order; a name is shown undecoded. */
typedef void (*json_scan_fn)(void *user, struct json_slice name, struct json_slice value);

/*
 * False if the text is not one JSON object (RFC 8259), or nested more than 2048 deep; members may
 * have been shown by then. The encoding of texts is not looked at, json_scan_decode does that.
 */
bool json_scan_object(const char *text, size_t size, json_scan_fn fn, void *user);

/*
 * Decodes a text into out, which has room for slice.size + 1 bytes, and ends it with a NUL.
 * Returns the length, or -1 for what is no UTF-8, a NUL, or half a surrogate pair.
 */
long json_scan_decode(struct json_slice slice, char *out);

/* False if the slice is no whole number that fits. */
bool json_scan_integer(struct json_slice slice, int64_t *ret_value);

#endif
