/* SPDX-License-Identifier: MIT */
/* GET /openapi.json: etc/openapi.json of the source tree, put into the binary by the assembler. */
#include "core/api.h"
#include "core/http/reply.h"

__asm__(".section .rodata\n"
        ".global openapi_begin\n"
        ".global openapi_end\n"
        "openapi_begin:\n"
        ".incbin \"" OPENAPI_FILE "\"\n"
        "openapi_end:\n"
        ".byte 0\n"
        ".previous\n");

extern const char openapi_begin[];
extern const char openapi_end[];

static void handle(void *user, struct http_request *request)
{
	(void)user;
	http_reply(request, 200, "application/json", openapi_begin,
	        (size_t)(openapi_end - openapi_begin));
}

static const struct http_route routes[] = {
	{ "GET", "/openapi.json", handle, NULL, NULL, 0 },
};
const struct api_routes api_openapi_routes = { routes, sizeof(routes) / sizeof(routes[0]) };
