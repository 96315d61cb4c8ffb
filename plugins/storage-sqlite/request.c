/* SPDX-License-Identifier: MIT */
/* Requests as such. */
#include "request.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/base/memory.h"

struct request *request_create(enum request_kind kind, struct lucius_op op)
{
	struct request *request = must_calloc(1, sizeof(*request));
	request->kind = kind;
	request->op = op;
	return request;
}

void request_destroy(struct request *request)
{
	if (request != NULL) {
		result_finish(&request->result);
		free(request);
	}
}

void request_reset(struct request *request)
{
	result_finish(&request->result);
	request->status = LUCIUS_OK;
	request->sentence[0] = '\0';
	request->is_file_lost = false;
}

void request_fail(struct request *request, uint32_t status, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	(void)vsnprintf(request->sentence, sizeof(request->sentence), format, arguments);
	va_end(arguments);
	request->status = status;
}
