/* SPDX-License-Identifier: MIT */
/* Reading the command line. */
#include "sdk/conformance/request.h"

#include <string.h>

static bool add(const char **list, size_t *n, const char *text)
{
	if (strchr(text, '=') == NULL || *n == REQUEST_N_MAX) {
		return false;
	}
	list[(*n)++] = text;
	return true;
}

bool request_add_option(struct request *request, const char *option)
{
	return add(request->options, &request->n_options, option);
}

bool request_add_parameter(struct request *request, const char *parameter)
{
	return add(request->parameters, &request->n_parameters, parameter);
}

static bool read_operand(struct request *request, const char *operand)
{
	if (request->path == NULL) {
		request->path = operand;
		return true;
	}
	return request_add_option(request, operand);
}

/* A flag that has a value behind it; NULL: it is none. */
static bool read_valued(struct request *request, const char *flag, const char *value)
{
	if (strcmp(flag, "--only") == 0) {
		request->only = value;
	} else if (strcmp(flag, "--fixture") == 0) {
		request->fixture = value;
	} else {
		return strcmp(flag, "--suite") == 0 && request_add_parameter(request, value);
	}
	return true;
}

static bool read_flag(struct request *request, const char *flag)
{
	if (strcmp(flag, "--verbose") == 0) {
		request->is_loud = true;
	} else if (strcmp(flag, "--list") == 0) {
		request->is_list = true;
	} else if (strcmp(flag, "--no-suite") == 0) {
		request->has_no_suite = true;
	} else {
		return false;
	}
	return true;
}

bool request_read(int argc, char **argv, struct request *ret_request)
{
	struct request request = { 0 };
	for (int i = 1; i < argc; i++) {
		bool is_flag = argv[i][0] == '-';
		bool is_taken =
		        is_flag ? read_flag(&request, argv[i]) : read_operand(&request, argv[i]);
		if (!is_taken && is_flag && i + 1 < argc) {
			is_taken = read_valued(&request, argv[i], argv[i + 1]);
			i++;
		}
		if (!is_taken) {
			return false;
		}
	}
	*ret_request = request;
	return request.path != NULL;
}
