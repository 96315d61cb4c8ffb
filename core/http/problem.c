/* SPDX-License-Identifier: MIT */
/* One kind a definition, and one list of them that the test of the OpenAPI file goes through. */
#include "core/http/problem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/http/reply.h"
#include "core/json_writer.h"

#define KIND(symbol, number, kind_name, kind_title)              \
	const struct http_problem_kind http_problem_##symbol = { \
		.status = (number),                              \
		.name = (kind_name),                             \
		.title = (kind_title),                           \
	}

KIND(bad_request, 400, "bad-request", "The request cannot be understood");
KIND(unauthorized, 401, "unauthorized", "A valid token is required");
KIND(forbidden, 403, "forbidden", "The token does not allow this");
KIND(not_found, 404, "not-found", "There is nothing at this path");
KIND(method_not_allowed, 405, "method-not-allowed", "The path does not take this method");
KIND(request_timeout, 408, "request-timeout", "The request took too long to arrive");
KIND(body_too_large, 413, "body-too-large", "The body is too large");
KIND(uri_too_long, 414, "uri-too-long", "The request line is too long");
KIND(unsupported_media_type, 415, "unsupported-media-type", "The body has the wrong media type");
KIND(expectation_failed, 417, "expectation-failed", "The expectation cannot be met");
KIND(headers_too_large, 431, "headers-too-large", "The headers are too large");
KIND(internal, 500, "internal", "Something went wrong inside");
KIND(unavailable, 503, "unavailable", "The service is not available now");
KIND(version_not_supported, 505, "version-not-supported", "The HTTP version is not spoken here");

const struct http_problem_kind *const http_problem_kinds[] = {
	&http_problem_bad_request,
	&http_problem_unauthorized,
	&http_problem_forbidden,
	&http_problem_not_found,
	&http_problem_method_not_allowed,
	&http_problem_request_timeout,
	&http_problem_body_too_large,
	&http_problem_uri_too_long,
	&http_problem_unsupported_media_type,
	&http_problem_expectation_failed,
	&http_problem_headers_too_large,
	&http_problem_internal,
	&http_problem_unavailable,
	&http_problem_version_not_supported,
};
const size_t http_problem_n_kinds = sizeof(http_problem_kinds) / sizeof(http_problem_kinds[0]);

static void write_errors(struct json_writer *writer, const struct http_problem *problem)
{
	json_writer_name(writer, "errors");
	json_writer_begin_array(writer);
	for (size_t i = 0; i < problem->n_errors; i++) {
		json_writer_begin_object(writer);
		json_writer_string_member(writer, "pointer", problem->errors[i].pointer);
		json_writer_string_member(writer, "message", problem->errors[i].message);
		json_writer_end_object(writer);
	}
	json_writer_end_array(writer);
}

char *http_problem_print(const struct http_problem *problem, size_t *ret_size)
{
	const struct http_problem_kind *kind = problem->kind;
	char type[128];
	(void)snprintf(type, sizeof(type), "urn:lucius:problem:%s", kind->name);
	CLEANUP_JSON_WRITER struct json_writer writer = { 0 };
	json_writer_begin_object(&writer);
	json_writer_string_member(&writer, "type", type);
	json_writer_string_member(&writer, "title", kind->title);
	json_writer_int_member(&writer, "status", kind->status);
	json_writer_string_member(
	        &writer, "detail", problem->detail != NULL ? problem->detail : kind->title);
	if (problem->n_errors != 0) {
		write_errors(&writer, problem);
	}
	const char *name;
	json_t *value;
	json_object_foreach((json_t *)problem->members, name, value)
	{
		json_writer_json_member(&writer, name, value);
	}
	json_writer_end_object(&writer);
	return json_writer_steal(&writer, ret_size);
}

void http_reply_problem(struct http_request *request, const struct http_problem *problem)
{
	if (problem->kind->status == 401) {
		http_reply_header(request, "WWW-Authenticate", "Bearer");
	}
	if (problem->retry_after_seconds != 0) {
		char seconds[16];
		(void)snprintf(seconds, sizeof(seconds), "%u", problem->retry_after_seconds);
		http_reply_header(request, "Retry-After", seconds);
	}
	size_t size = 0;
	char *text = http_problem_print(problem, &size);
	http_reply_owned(request, problem->kind->status, "application/problem+json", text, size);
}

void http_reply_problemf(
        struct http_request *request, const struct http_problem_kind *kind, const char *format, ...)
{
	char detail[512];
	va_list arguments;
	va_start(arguments, format);
	(void)vsnprintf(detail, sizeof(detail), format, arguments);
	va_end(arguments);
	const struct http_problem problem = { .kind = kind, .detail = detail };
	http_reply_problem(request, &problem);
}
