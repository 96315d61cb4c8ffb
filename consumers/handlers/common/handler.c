/* SPDX-License-Identifier: MIT */
/* What all handlers do around their work; see handler.h. */
#include "consumers/handlers/common/handler.h"

#include "consumers/handlers/common/interrupt.h"
#include "consumers/handlers/common/output.h"

#include <curl/curl.h>
#include <string.h>

static int run(const struct handler *handler, struct fault *fault)
{
	struct directive directive;
	json_t *reference = NULL;
	int status = directive_read(stdin, fault, &directive);
	if (status != 0) {
		return status;
	}
	status = handler->run(&directive, fault, &reference);
	if (status == 0) {
		status = output_print(reference, fault);
	}
	json_decref(reference);
	directive_finish(&directive);
	return status;
}

int handler_main(const struct handler *handler, int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		printf("%s %s\n", handler->name, LUCIUS_VERSION);
		return 0;
	}
	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		printf("%s", handler->help);
		return 0;
	}
	struct fault fault = { 0 };
	int status = 0;
	interrupt_init();
	if (argc > 1) {
		status = fault_setting(
		        &fault, "'%s' is no option of %s; see --help.", argv[1], handler->name);
	} else if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		status = fault_temporary(&fault, "INTERNAL", "libcurl does not start.");
	} else {
		status = run(handler, &fault);
		curl_global_cleanup();
	}
	if (status != 0) {
		fault_print(&fault, stderr);
	}
	fault_finish(&fault);
	return status;
}
