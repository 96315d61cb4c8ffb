/* SPDX-License-Identifier: MIT */
/* From the handler's reply to the connection's answer; a detached request ends here. */
#include "core/http/reply.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/http/exchange.h"
#include "core/http/syntax.h"
#include "support/base/memory.h"

static void append(struct http_request *request, const char *text, size_t size)
{
	memcpy(request->extra + request->extra_size, text, size);
	request->extra_size += size;
}

void http_reply_header(struct http_request *request, const char *name, const char *value)
{
	size_t name_size = strlen(name);
	size_t value_size = strlen(value);
	assert(http_is_token(name, name_size) && http_is_field_text(value, value_size));
	assert(name_size < HTTP_EXTRA_HEADERS_MAX && value_size < HTTP_EXTRA_HEADERS_MAX &&
	        request->extra_size + name_size + value_size + 4 <= HTTP_EXTRA_HEADERS_MAX);
	if (request->extra == NULL) {
		request->extra = must_calloc(1, HTTP_EXTRA_HEADERS_MAX);
	}
	append(request, name, name_size);
	append(request, ": ", 2);
	append(request, value, value_size);
	append(request, "\r\n", 2);
}

static void reply(struct http_request *request, struct http_answer *answer)
{
	assert(!request->is_replied);
	request->is_replied = true;
	if (request->connection == NULL) {
		free(answer->owned_body);
		http_request_destroy(request);
		return;
	}
	answer->extra = request->extra;
	answer->extra_size = request->extra_size;
	http_connection_answer(request->connection, answer);
}

void http_reply(struct http_request *request, unsigned status, const char *content_type,
        const void *body, size_t size)
{
	struct http_answer answer = {
		.status = status,
		.content_type = content_type,
		.body = body,
		.body_size = size,
	};
	reply(request, &answer);
}

void http_reply_owned(struct http_request *request, unsigned status, const char *content_type,
        char *body, size_t size)
{
	struct http_answer answer = {
		.status = status,
		.content_type = content_type,
		.body = body,
		.body_size = size,
		.owned_body = body,
	};
	reply(request, &answer);
}

void http_reply_json(struct http_request *request, unsigned status, const json_t *value)
{
	char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
	text = memory_checked(text, 1, 1);
	http_reply_owned(request, status, "application/json", text, strlen(text));
}
