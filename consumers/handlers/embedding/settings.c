/* SPDX-License-Identifier: MIT */
/* Reads the settings of the embedding handler from the environment; see settings.h. */
#include "consumers/handlers/embedding/settings.h"

#include "consumers/common/clock.h"
#include "consumers/common/environment.h"
#include "consumers/common/text.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

char *settings_embeddings_url(const char *url)
{
	const char *scheme_end = strstr(url, "://");
	const char *host = scheme_end != NULL ? scheme_end + 3 : url;
	size_t path_end = (size_t)(host - url) + strcspn(host, "?#");
	size_t host_end = (size_t)(host - url) + strcspn(host, "/?#");
	while (path_end > host_end && url[path_end - 1] == '/') {
		path_end--;
	}
	static const char call[] = "/embeddings";
	size_t call_size = sizeof(call) - 1;
	const char *suffix = call;
	if (path_end == host_end) {
		suffix = "/v1/embeddings";
	} else if (path_end - host_end >= call_size &&
	        strncmp(url + path_end - call_size, call, call_size) == 0) {
		suffix = "";
	}
	const char *query = strchr(host, '?');
	return text_format("%.*s%s%s", (int)path_end, url, suffix, query != NULL ? query : "");
}

static int read_url(struct fault *fault, struct settings *settings)
{
	const char *name = "EMBEDDING_URL";
	const char *url = environment_text(name);
	if (url == NULL) {
		name = "OPENAI_BASE_URL";
		url = environment_text(name);
	}
	if (url == NULL) {
		return fault_setting(fault,
		        "EMBEDDING_URL is not set; give the address of a service with OpenAI's "
		        "/v1/embeddings, such as https://api.openai.com/v1.");
	}
	if (strncasecmp(url, "http://", 7) != 0 && strncasecmp(url, "https://", 8) != 0) {
		return fault_setting(fault, "%s does not begin with http:// or https://.", name);
	}
	settings->url = settings_embeddings_url(url);
	return 0;
}

static int read_key(struct fault *fault, struct settings *settings)
{
	int status = environment_secret("EMBEDDING_API_KEY", fault, &settings->api_key);
	if (status == 0 && settings->api_key == NULL) {
		status = environment_secret("OPENAI_API_KEY", fault, &settings->api_key);
	}
	/* It becomes a header line, which it must not leave. */
	if (status == 0 && settings->api_key != NULL &&
	        strpbrk(settings->api_key, "\r\n") != NULL) {
		status = fault_setting(fault, "The API key has more than one line.");
	}
	return status;
}

static int read_bounds(struct fault *fault, struct settings *settings)
{
	static const struct environment_range seconds = { 300, 1, 86400 };
	static const struct environment_range batch = { 64, 1, 2048 };
	static const struct environment_range chunks = { 10000, 1, 1000000 };
	int status = environment_number(
	        "LUCIUS_EMBEDDING_SECONDS", &seconds, fault, &settings->deadline_ms);
	if (status == 0) {
		status = environment_number(
		        "LUCIUS_EMBEDDING_BATCH", &batch, fault, &settings->batch_size);
	}
	if (status == 0) {
		status = environment_number(
		        "LUCIUS_EMBEDDING_MAX_CHUNKS", &chunks, fault, &settings->max_chunks);
	}
	settings->deadline_ms = settings->deadline_ms * 1000 + clock_now_ms();
	return status;
}

int settings_read(struct fault *fault, struct settings *ret_settings)
{
	*ret_settings = (struct settings){ .model = environment_text("EMBEDDING_MODEL") };
	int status = read_url(fault, ret_settings);
	if (status == 0) {
		status = read_key(fault, ret_settings);
	}
	return status == 0 ? read_bounds(fault, ret_settings) : status;
}

void settings_finish(struct settings *settings)
{
	free(settings->url);
	if (settings->api_key != NULL) {
		explicit_bzero(settings->api_key, strlen(settings->api_key));
		free(settings->api_key);
	}
	*settings = (struct settings){ 0 };
}
