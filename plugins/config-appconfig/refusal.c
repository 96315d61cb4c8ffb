/* SPDX-License-Identifier: MIT */
/* Answers that are no success, as a sentence that says what to do about it. */
#include <curl/curl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "plugins/config-appconfig/source.h"
#include "support/base/cleanup.h"
#include "support/base/memory.h"

CLEANUP_DEFINE(json_t *, json, json_decref)

/* A quoted parameter of WWW-Authenticate, which may stand in several lines; owned, empty if there
 * is none. */
static char *authenticate_text(const struct fetch_answer *answer, const char *name)
{
	static const char header[] = "WWW-Authenticate:";
	const char *line = answer->headers;
	while (*line != '\0') {
		size_t size = strcspn(line, "\r\n");
		const char *at = strncasecmp(line, header, sizeof(header) - 1) == 0
		        ? memmem(line, size, name, strlen(name))
		        : NULL;
		if (at != NULL) {
			at += strlen(name);
			size_t left = size - (size_t)(at - line);
			const char *quote = memchr(at, '"', left);
			return must_copy(at, quote != NULL ? (size_t)(quote - at) : left);
		}
		line += size;
		line += strspn(line, "\r\n");
	}
	return must_copy("", 0);
}

bool refusal_is_of_clock(const struct fetch_answer *answer)
{
	CLEANUP_FREE char *why = authenticate_text(answer, "error_description=\"");
	return answer->status == 401 && strcmp(why, "The access token has expired") == 0;
}

static void write_clock(const struct source *source, const struct endpoint *endpoint,
        const struct fetch_answer *answer, char *sentence, size_t size)
{
	size_t date_size = 0;
	const char *header = fetch_answer_header(answer, "Date", &date_size);
	CLEANUP_FREE char *date = must_copy(header != NULL ? header : "", date_size);
	int64_t theirs_s = (int64_t)curl_getdate(date, NULL);
	int64_t ours_s = source->host->clock_us(source->host) / 1000000;
	int64_t minutes = theirs_s > 0 ? (ours_s - theirs_s) / 60 : 0;
	char by[64] = "";
	if (minutes != 0) {
		(void)snprintf(by, sizeof(by), " by %lld minutes",
		        (long long)(minutes < 0 ? -minutes : minutes));
	}
	(void)snprintf(sentence, size,
	        "%s refuses the date of the signature: the clock of this machine is %s%s (a "
	        "signature is good for 15 minutes); set the clock",
	        endpoint->url,
	        minutes < 0           ? "behind the server's"
	                : minutes > 0 ? "ahead of the server's"
	                              : "off",
	        by);
}

static void write_denied(const struct endpoint *endpoint, const struct fetch_answer *answer,
        char *sentence, size_t size)
{
	CLEANUP_FREE char *why = authenticate_text(answer, "error_description=\"");
	const char *remedy = "see the access keys of the store";
	if (strcmp(why, "Invalid Signature") == 0) {
		remedy = "the Secret of LUCIUS_APPCONFIG_CONNECTION is wrong or has been "
		         "regenerated";
	} else if (strcmp(why, "Invalid Credential") == 0) {
		remedy = "the store has no access key with the Id of LUCIUS_APPCONFIG_CONNECTION";
	} else if (*why == '\0') {
		remedy = "access keys may be disabled for the store (disableLocalAuth)";
	}
	(void)snprintf(sentence, size, "%s refuses the signature (401%s%.200s): %s", endpoint->url,
	        *why != '\0' ? ", " : "", why, remedy);
}

static void write_problem(const struct endpoint *endpoint, const struct fetch_answer *answer,
        char *sentence, size_t size)
{
	CLEANUP(cleanup_json) json_t *root = json_loadb(answer->body, answer->body_size, 0, NULL);
	const char *title = json_string_value(json_object_get(root, "title"));
	const char *detail = json_string_value(json_object_get(root, "detail"));
	(void)snprintf(sentence, size, "%s answers with %d%s%.200s%s%.200s", endpoint->url,
	        answer->status, title != NULL ? ": " : "", title != NULL ? title : "",
	        detail != NULL ? ", " : "", detail != NULL ? detail : "");
}

static void add(char *sentence, size_t size, const char *more)
{
	size_t used = strlen(sentence);
	(void)snprintf(sentence + used, size - used, "%s", more);
}

void refusal_write(const struct source *source, const struct endpoint *endpoint,
        const struct fetch_answer *answer, char *sentence, size_t size)
{
	if (answer->outcome != FETCH_ANSWERED) {
		(void)snprintf(
		        sentence, size, "App Configuration is not reached: %s", answer->sentence);
		size_t used = strlen(sentence);
		if (used != 0 && sentence[used - 1] == '.') {
			sentence[used - 1] = '\0'; /* others go on behind it */
		}
		return;
	}
	if (refusal_is_of_clock(answer)) {
		write_clock(source, endpoint, answer, sentence, size);
		return;
	}
	if (answer->status == 401) {
		write_denied(endpoint, answer, sentence, size);
		return;
	}
	write_problem(endpoint, answer, sentence, size);
	if (answer->status == 403) {
		add(sentence, size,
		        "; the access key may not read, or the store is closed to this network");
	} else if (answer->status == 429) {
		add(sentence, size,
		        "; the store is throttled: more requests than its tier allows (see "
		        "LUCIUS_APPCONFIG_REFRESH_SECONDS)");
	}
}
