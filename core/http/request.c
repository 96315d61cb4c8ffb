/* SPDX-License-Identifier: MIT */
/* What handlers read, and the life of a request from one to the next on its connection. */
#include "core/http/request.h"

#include <stdlib.h>
#include <string.h>

#include "core/http/deadline.h"
#include "core/http/exchange.h"
#include "core/http/router.h"
#include "support/base/memory.h"

struct http_request *http_request_create(
        const struct http_settings *settings, struct http_connection *connection)
{
	struct http_request *request = must_calloc(1, sizeof(*request));
	const struct http_parser_limits limits = {
		.max_request_line = settings->max_request_line,
		.max_headers_size = settings->max_headers_size,
		.max_headers = settings->max_headers,
	};
	http_parser_init(&request->parser, &limits);
	request->connection = connection;
	return request;
}

void http_request_destroy(struct http_request *request)
{
	if (request == NULL) {
		return;
	}
	http_parser_finish(&request->parser);
	free(request->bytes);
	free(request->scratch);
	free(request->extra);
	free(request);
}

void http_request_reset(struct http_request *request)
{
	http_parser_reset(&request->parser);
	request->text = NULL;
	request->has_target = false;
	request->route = NULL;
	request->route_user = NULL;
	request->n_parameters = 0;
	request->extra_size = 0;
	request->is_replied = false;
}

const char *http_request_decode(struct http_request *request)
{
	const struct http_parser *parser = &request->parser;
	size_t needed = http_target_scratch(parser->target_size);
	if (needed > request->scratch_capacity) {
		request->scratch = must_resize(request->scratch, needed * 2, 1);
		request->scratch_capacity = needed * 2;
	}
	request->has_target = true;
	return http_target_parse(request->text + parser->target_at, parser->target_size,
	        request->scratch, &request->target);
}

void http_request_refused(struct http_request *request, enum http_refusal refusal)
{
	if (request->connection != NULL) {
		http_connection_counters(request->connection)->refused[refusal]++;
	}
}

const char *http_request_method(const struct http_request *request)
{
	return request->has_target ? request->text + request->parser.method_at : "-";
}

const char *http_request_path(const struct http_request *request)
{
	return request->has_target ? request->target.path : "-";
}

const char *http_request_pattern(const struct http_request *request)
{
	return request->route != NULL ? request->route->pattern : NULL;
}

static const char *find_pair(const struct http_pair *pairs, size_t n_pairs, const char *name)
{
	for (size_t i = 0; i < n_pairs; i++) {
		if (strcmp(pairs[i].name, name) == 0) {
			return pairs[i].value;
		}
	}
	return NULL;
}

const char *http_request_parameter(const struct http_request *request, const char *name)
{
	return find_pair(request->parameters, request->n_parameters, name);
}

const char *http_request_query(const struct http_request *request, const char *name)
{
	return find_pair(request->target.query, request->target.n_query, name);
}

const char *http_request_header(const struct http_request *request, const char *name)
{
	return http_parser_header(&request->parser, request->text, name);
}

const char *http_request_body(const struct http_request *request, size_t *ret_size)
{
	size_t size = request->parser.body_size;
	*ret_size = size;
	return size != 0 ? request->text + request->parser.body_at : NULL;
}

const char *http_request_peer(const struct http_request *request)
{
	return request->peer;
}

bool http_request_is_gone(const struct http_request *request)
{
	return request->connection == NULL;
}

uint64_t http_request_age_us(const struct http_request *request)
{
	return http_now_us() - request->started_us;
}
