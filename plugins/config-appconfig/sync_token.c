/* SPDX-License-Identifier: MIT */
/* Sync tokens: with them an endpoint answers from a state that is no older than one seen before. */
#include <string.h>
#include <strings.h>

#include "plugins/config-appconfig/connection.h"
#include "support/base/cleanup.h"
#include "support/base/memory.h"

#define MAX_TOKEN 1024

static void forget(struct endpoint *endpoint)
{
	for (size_t i = 0; i < endpoint->n_sync; i++) {
		free(endpoint->sync[i].pair);
	}
	endpoint->n_sync = 0;
}

/* Where a token of that id stands or may stand; NULL: there is no room. */
static struct sync_token *place_of(struct endpoint *endpoint, const char *pair, size_t id_size)
{
	for (size_t i = 0; i < endpoint->n_sync; i++) {
		struct sync_token *token = &endpoint->sync[i];
		if (token->id_size == id_size && memcmp(token->pair, pair, id_size) == 0) {
			return token;
		}
	}
	if (endpoint->n_sync == MAX_SYNC_TOKENS) {
		return NULL;
	}
	endpoint->sync[endpoint->n_sync] = (struct sync_token){ .id_size = id_size };
	return &endpoint->sync[endpoint->n_sync++];
}

/* "id=value;sn=7"; without the number it is the oldest. */
static void take(struct endpoint *endpoint, const char *text, size_t size)
{
	const char *mark = memchr(text, ';', size);
	size_t pair_size = mark != NULL ? (size_t)(mark - text) : size;
	const char *equals = memchr(text, '=', pair_size);
	uint64_t number = 0;
	if (equals == NULL || equals == text || pair_size > MAX_TOKEN) {
		return;
	}
	if (size - pair_size > 4 && strncasecmp(mark, ";sn=", 4) == 0) {
		for (const char *p = mark + 4; p < text + size && *p >= '0' && *p <= '9'; p++) {
			number = number * 10 + (uint64_t)(*p - '0');
		}
	}
	struct sync_token *token = place_of(endpoint, text, (size_t)(equals - text));
	if (token != NULL && (token->pair == NULL || number >= token->number)) {
		free(token->pair);
		token->pair = must_copy(text, pair_size);
		token->number = number;
	}
}

void endpoint_take_tokens(struct endpoint *endpoint, const char *header, size_t size)
{
	const char *end = header != NULL ? header + size : NULL;
	if (header == NULL) {
		forget(endpoint);
		return;
	}
	while (header < end) {
		const char *comma = memchr(header, ',', (size_t)(end - header));
		const char *stop = comma != NULL ? comma : end;
		while (header < stop && (*header == ' ' || *header == '\t')) {
			header++;
		}
		take(endpoint, header, (size_t)(stop - header));
		header = comma != NULL ? comma + 1 : end;
	}
}

char *endpoint_tokens(const struct endpoint *endpoint)
{
	char *all = NULL;
	for (size_t i = 0; i < endpoint->n_sync; i++) {
		char *longer = must_print("%s%s%s", all != NULL ? all : "", all != NULL ? "," : "",
		        endpoint->sync[i].pair);
		free(all);
		all = longer;
	}
	return all;
}
