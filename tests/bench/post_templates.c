/* SPDX-License-Identifier: MIT */
/*
 * Sends requests made from templates over kept connections, as fast as a server goes, and prints
 * what came back as JSON. A template is a whole HTTP request; each run of 32 times `J` in it
 * becomes the number of the round, in which each template is sent once, and of 32 times `K` that of
 * a round whose requests have been answered long since.
 *
 *   post_templates PORT MILLISECONDS CONNECTIONS FILE       (templates end with a NUL each)
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/bench/load.h"

#define MARK "JJJJJJJJJJJJJJJJJJJJJJJJJJJJJJJJ"
#define EARLIER "KKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKK"
#define MARK_SIZE 32
#define N_ROUNDS_BETWEEN 4 /* more requests than are under way at once */
#define MAX_TEMPLATES 16
#define MAX_FILE (MAX_TEMPLATES * LOAD_REQUEST_MAX)

struct templates {
	const char *list[MAX_TEMPLATES];
	uint64_t n;
	uint64_t first; /* round, so that rows differ from those of an earlier run */
};

static void replace(char *text, const char *mark, uint64_t value)
{
	char number[MARK_SIZE + 1];
	(void)snprintf(number, sizeof(number), "%032" PRIx64, value);
	for (char *at = text; (at = strstr(at, mark)) != NULL; at += MARK_SIZE) {
		memcpy(at, number, MARK_SIZE);
	}
}

static size_t make(void *user, uint64_t n, char ret_text[LOAD_REQUEST_MAX])
{
	const struct templates *templates = user;
	const char *source = templates->list[n % templates->n];
	size_t size = strlen(source);
	memcpy(ret_text, source, size + 1);
	replace(ret_text, MARK, templates->first + n / templates->n + N_ROUNDS_BETWEEN);
	replace(ret_text, EARLIER, templates->first + n / templates->n);
	return size;
}

/* False: there is none, too many, or one that is too long. */
static bool read_templates(const char *path, struct templates *ret_templates)
{
	static char text[MAX_FILE + 1];
	FILE *file = fopen(path, "rb");
	size_t size = file != NULL ? fread(text, 1, MAX_FILE, file) : 0;
	if (file != NULL) {
		(void)fclose(file);
	}
	for (size_t at = 0; at < size; at += strlen(text + at) + 1) {
		if (ret_templates->n == MAX_TEMPLATES || strlen(text + at) >= LOAD_REQUEST_MAX) {
			return false;
		}
		ret_templates->list[ret_templates->n++] = text + at;
	}
	return ret_templates->n != 0;
}

int main(int argc, char **argv)
{
	struct templates templates = { .first = (uint64_t)time(NULL) << 24 };
	if (argc != 5 || !read_templates(argv[4], &templates)) {
		fputs("usage: post_templates PORT MILLISECONDS CONNECTIONS FILE\n", stderr);
		return 2;
	}
	const struct load_options options = {
		.port = (uint16_t)strtoul(argv[1], NULL, 10),
		.duration_ms = (unsigned)strtoul(argv[2], NULL, 10),
		.n_connections = (unsigned)strtoul(argv[3], NULL, 10),
		.make = make,
		.user = &templates,
	};
	struct load_result result;
	load_run(&options, &result);
	printf("{\"answers\": %" PRIu64 ", \"refusals\": %" PRIu64 ", \"rounds\": %" PRIu64
	       ", \"seconds\": %.3f}\n",
	        result.n_answers, result.n_refusals, result.n_answers / templates.n,
	        result.seconds);
	return 0;
}
