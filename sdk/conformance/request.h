/* SPDX-License-Identifier: MIT */
/*
 * What the command line asks for:
 *
 *   PLUGIN.so [name=value…] [--suite NAME=VALUE…] [--fixture COMMAND] [--only TEXT] [--list]
 *   [--no-suite] [--verbose]
 *
 * `name=value` is an option of the plugin, in which "{dir}" stands for a new directory that is
 * removed after each test, and "{tag}" for six letters and digits that are new in each.
 */
#ifndef SDK_CONFORMANCE_REQUEST_H
#define SDK_CONFORMANCE_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#define REQUEST_N_MAX 64 /* options, and parameters */

struct request {
	const char *path; /* of the plugin */
	const char *options[REQUEST_N_MAX];
	size_t n_options;
	const char *parameters[REQUEST_N_MAX]; /* of the suite */
	size_t n_parameters;
	const char *fixture; /* a command for sh; NULL: none */
	const char *only; /* NULL: all tests */
	bool is_list; /* names of tests, and nothing is run */
	bool has_no_suite; /* the file is looked at, and nothing is run */
	bool is_loud;
};

/* Texts are borrowed from argv. False: it is called wrongly. */
bool request_read(int argc, char **argv, struct request *ret_request);
/* A `name=value` of either sort; false: it is none, or there are too many. */
bool request_add_option(struct request *request, const char *option);
bool request_add_parameter(struct request *request, const char *parameter);

#endif
