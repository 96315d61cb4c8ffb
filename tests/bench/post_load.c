/* SPDX-License-Identifier: MIT */
/*
 * Posts commands that are all different, over kept connections, and prints what came back as JSON.
 *
 *   post_load PORT MILLISECONDS CONNECTIONS MAX_REQUESTS REQUEST_TYPE [TENANTS]
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "tests/bench/load.h"

/* So many tenants that none of them meets its limit. */
#define N_TENANTS 5000u

struct posts {
	const char *request_type;
	uint64_t n_tenants;
	uint64_t first; /* makes commands differ from those of an earlier run */
};

static size_t make(void *user, uint64_t n, char ret_text[LOAD_REQUEST_MAX])
{
	const struct posts *posts = user;
	char body[1024];
	int size = snprintf(body, sizeof(body),
	        "{\"tenant_id\":\"tenant-%" PRIu64 "\",\"request_type\":\"%s\","
	        "\"input_ref\":{\"uri\":\"https://documents.example/%" PRIu64 ".pdf\","
	        "\"content_type\":\"application/pdf\",\"size_bytes\":123456},"
	        "\"output_ref\":\"https://results.example/%" PRIu64 "\","
	        "\"payload\":{\"steps\":{\"ocr\":{\"output_format\":\"TEXT\"}}},"
	        "\"schema_version\":\"v1\"}",
	        n % posts->n_tenants, posts->request_type, posts->first + n, posts->first + n);
	return (size_t)snprintf(ret_text, LOAD_REQUEST_MAX,
	        "POST /v1/orchestrate HTTP/1.1\r\nHost: localhost\r\n"
	        "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
	        size, body);
}

int main(int argc, char **argv)
{
	uint64_t n_tenants = argc == 7 ? strtoull(argv[6], NULL, 10) : N_TENANTS;
	if ((argc != 6 && argc != 7) || n_tenants == 0) {
		fputs("usage: post_load PORT MILLISECONDS CONNECTIONS MAX_REQUESTS TYPE "
		      "[TENANTS]\n",
		        stderr);
		return 2;
	}
	struct posts posts = { argv[5], n_tenants, (uint64_t)time(NULL) << 24 };
	const struct load_options options = {
		.port = (uint16_t)strtoul(argv[1], NULL, 10),
		.duration_ms = (unsigned)strtoul(argv[2], NULL, 10),
		.n_connections = (unsigned)strtoul(argv[3], NULL, 10),
		.max_requests = strtoull(argv[4], NULL, 10),
		.make = make,
		.user = &posts,
	};
	struct load_result result;
	load_run(&options, &result);
	printf("{\"answers\": %" PRIu64 ", \"refusals\": %" PRIu64 ", \"broken\": %" PRIu64
	       ", \"seconds\": %.3f, \"p50_us\": %u, \"p99_us\": %u}\n",
	        result.n_answers, result.n_refusals, result.n_broken, result.seconds, result.p50_us,
	        result.p99_us);
	return 0;
}
