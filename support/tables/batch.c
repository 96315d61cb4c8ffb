/* SPDX-License-Identifier: MIT */
/*
 * Writing and reading of multipart/mixed as the Table service speaks it. Outside: one batch with
 * one change set. In the answer a failure is one single part whose message begins with the number
 * of the write.
 */
#include "support/tables/batch.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "support/tables/table_key.h"

#define BOUNDARY_MAX 200

const char *batch_method(enum tables_verb verb)
{
	switch (verb) {
	case TABLES_INSERT:
		return "POST";
	case TABLES_MERGE:
	case TABLES_UPSERT:
		return "PATCH";
	case TABLES_REPLACE:
		return "PUT";
	case TABLES_DELETE:
		return "DELETE";
	}
	return "";
}

void batch_add_address(struct text *url, const struct tables_write *write)
{
	text_add_string(url, write->table);
	if (write->verb != TABLES_INSERT) {
		table_key_add_address(url, write->partition, write->row);
	}
}

static void add_part(
        struct text *body, const char *id, const char *endpoint, const struct tables_write *write)
{
	text_print(body,
	        "--changeset_%s\r\n"
	        "Content-Type: application/http\r\n"
	        "Content-Transfer-Encoding: binary\r\n\r\n"
	        "%s %s/",
	        id, batch_method(write->verb), endpoint);
	batch_add_address(body, write);
	text_add_string(body,
	        " HTTP/1.1\r\nAccept: application/json;odata=nometadata\r\n"
	        "Prefer: return-no-content\r\nDataServiceVersion: 3.0;\r\n");
	if (write->etag != NULL) {
		text_print(body, "If-Match: %s\r\n", write->etag);
	}
	if (write->entity == NULL) {
		text_add_string(body, "\r\n\r\n");
		return;
	}
	text_add_string(body, "Content-Type: application/json\r\n\r\n");
	text_add(body, write->entity, write->entity_size);
	text_add_string(body, "\r\n");
}

void batch_build(struct text *body, const char *id, const char *endpoint,
        const struct tables_write *const *writes, size_t n_writes)
{
	text_print(body,
	        "--batch_%s\r\nContent-Type: multipart/mixed; boundary=changeset_%s\r\n\r\n", id,
	        id);
	for (size_t i = 0; i < n_writes; i++) {
		add_part(body, id, endpoint, writes[i]);
	}
	text_print(body, "--changeset_%s--\r\n--batch_%s--\r\n", id, id);
}

struct view {
	const char *start;
	size_t size;
};

static struct view skip(struct view view, size_t size)
{
	return (struct view){ view.start + size, view.size - size };
}

/* Takes a line without its CRLF or LF off the front. */
static struct view take_line(struct view *rest)
{
	const char *end = memchr(rest->start, '\n', rest->size);
	size_t size = end != NULL ? (size_t)(end - rest->start) : rest->size;
	struct view line = { rest->start, size };
	*rest = skip(*rest, end != NULL ? size + 1 : size);
	if (line.size != 0 && line.start[line.size - 1] == '\r') {
		line.size--;
	}
	return line;
}

/* The boundary parameter of a Content-Type; false: it has none, or one too long. */
static bool find_boundary(struct view type, char boundary[BOUNDARY_MAX + 1])
{
	static const char name[] = "boundary=";
	for (; type.size > sizeof(name) - 1; type = skip(type, 1)) {
		if (strncasecmp(type.start, name, sizeof(name) - 1) == 0) {
			break;
		}
	}
	if (type.size <= sizeof(name) - 1) {
		return false;
	}
	type = skip(type, sizeof(name) - 1);
	if (type.start[0] == '"') {
		type = skip(type, 1);
	}
	size_t size = 0;
	while (size < type.size && strchr("\"; \t\r\n", type.start[size]) == NULL) {
		size++;
	}
	if (size == 0 || size > BOUNDARY_MAX) {
		return false;
	}
	memcpy(boundary, type.start, size);
	boundary[size] = '\0';
	return true;
}

enum delimiter { NO_DELIMITER, DELIMITER, CLOSE_DELIMITER };

static enum delimiter read_delimiter(struct view line, const char *boundary)
{
	size_t size = strlen(boundary);
	if (line.size < size + 2 || memcmp(line.start, "--", 2) != 0 ||
	        memcmp(line.start + 2, boundary, size) != 0) {
		return NO_DELIMITER;
	}
	struct view rest = skip(line, size + 2);
	bool is_close = rest.size >= 2 && memcmp(rest.start, "--", 2) == 0;
	return is_close ? CLOSE_DELIMITER : DELIMITER;
}

/* Takes the part before the next delimiter off the front; what comes then into *ret_delimiter. */
static struct view take_part(struct view *rest, const char *boundary, enum delimiter *ret_delimiter)
{
	struct view part = { rest->start, 0 };
	*ret_delimiter = NO_DELIMITER;
	while (rest->size != 0) {
		part.size = (size_t)(rest->start - part.start);
		*ret_delimiter = read_delimiter(take_line(rest), boundary);
		if (*ret_delimiter != NO_DELIMITER) {
			return part;
		}
	}
	part.size = (size_t)(rest->start - part.start);
	return part;
}

static bool take_status(struct view *rest, int *ret_status)
{
	while (rest->size != 0) {
		struct view line = take_line(rest);
		if (line.size >= 12 && memcmp(line.start, "HTTP/1.", 7) == 0 &&
		        line.start[8] == ' ') {
			*ret_status = atoi(line.start + 9);
			return *ret_status >= 100 && *ret_status <= 599;
		}
	}
	return false;
}

/* A part's own HTTP answer; false: it has none. */
static bool read_part(struct view part, struct batch_part *ret_part)
{
	*ret_part = (struct batch_part){ 0 };
	if (!take_status(&part, &ret_part->status)) {
		return false;
	}
	while (part.size != 0) {
		struct view line = take_line(&part);
		if (line.size == 0) {
			break;
		}
		if (line.size > 5 && strncasecmp(line.start, "ETag:", 5) == 0) {
			line = skip(line, 5);
			while (line.size != 0 && isspace((unsigned char)line.start[0])) {
				line = skip(line, 1);
			}
			ret_part->etag = line.start;
			ret_part->etag_size = line.size;
		}
	}
	ret_part->body = part.start;
	ret_part->body_size = part.size;
	return true;
}

/* Finds the change set inside the batch and its boundary. */
static bool enter(const char *content_type, struct view *rest, char boundary[BOUNDARY_MAX + 1])
{
	char outer[BOUNDARY_MAX + 1];
	enum delimiter delimiter;
	if (!find_boundary((struct view){ content_type, strlen(content_type) }, outer)) {
		return false;
	}
	(void)take_part(rest, outer, &delimiter);
	if (delimiter != DELIMITER) {
		return false;
	}
	bool is_found = false;
	while (rest->size != 0) {
		struct view line = take_line(rest);
		if (line.size == 0) {
			break;
		}
		if (line.size > 13 && strncasecmp(line.start, "Content-Type:", 13) == 0) {
			is_found = find_boundary(line, boundary);
		}
	}
	if (!is_found) {
		return false;
	}
	(void)take_part(rest, boundary, &delimiter);
	return delimiter == DELIMITER;
}

/* The number before the colon that an error's message begins with. */
static size_t failed_index(struct view body)
{
	static const char name[] = "\"value\":\"";
	for (; body.size > sizeof(name); body = skip(body, 1)) {
		if (memcmp(body.start, name, sizeof(name) - 1) == 0) {
			body = skip(body, sizeof(name) - 1);
			char *end = NULL;
			unsigned long index = strtoul(body.start, &end, 10);
			return end != body.start && *end == ':' ? (size_t)index : 0;
		}
	}
	return 0;
}

size_t batch_parse(const char *content_type, const char *body, size_t body_size,
        struct batch_part *parts, size_t n_writes, size_t *ret_failed)
{
	char boundary[BOUNDARY_MAX + 1];
	struct view rest = { body, body_size };
	enum delimiter delimiter = DELIMITER;
	size_t n_parts = 0;
	if (!enter(content_type, &rest, boundary)) {
		return 0;
	}
	while (delimiter == DELIMITER) {
		struct view part = take_part(&rest, boundary, &delimiter);
		if (n_parts == n_writes || !read_part(part, &parts[n_parts])) {
			return 0;
		}
		n_parts++;
	}
	if (delimiter != CLOSE_DELIMITER) {
		return 0;
	}
	if (n_parts == 1 && parts[0].status >= 400) {
		size_t failed = failed_index((struct view){ parts[0].body, parts[0].body_size });
		*ret_failed = failed < n_writes ? failed : 0;
		return 1;
	}
	for (size_t i = 0; i < n_parts; i++) {
		if (parts[i].status / 100 != 2) {
			return 0;
		}
	}
	*ret_failed = n_writes;
	return n_parts == n_writes ? n_parts : 0;
}
