/* SPDX-License-Identifier: MIT */
/* Calls the embeddings service, again where that helps; see client.h. */
#include "consumers/handlers/embedding/client.h"

#include "consumers/common/clock.h"
#include "consumers/common/text.h"
#include "consumers/handlers/common/http.h"
#include "consumers/handlers/common/interrupt.h"
#include "support/base/memory.h"

#include <string.h>

enum {
	ANSWER_MAX_BYTES = 256 * 1024 * 1024,
	MAX_CALLS = 4,
	LONGEST_WAIT_SECONDS = 30,
};

struct call {
	CURL *curl;
	char *body; /* owned, the answer's */
	size_t body_size;
	size_t body_capacity;
	CURLcode result;
	long status;
	int64_t retry_after_s; /* what the service asks for; 0 = nothing */
};

static void call_finish(struct call *call)
{
	curl_easy_cleanup(call->curl);
	free(call->body);
	*call = (struct call){ 0 };
}

static size_t on_bytes(char *bytes, size_t one, size_t size, void *self)
{
	struct call *call = self;
	(void)one;
	if (size > ANSWER_MAX_BYTES - call->body_size) {
		return 0;
	}
	if (call->body_size + size > call->body_capacity) {
		call->body_capacity = (call->body_size + size) * 2;
		call->body = must_resize(call->body, call->body_capacity, 1);
	}
	memcpy(call->body + call->body_size, bytes, size);
	call->body_size += size;
	return size;
}

/* Azure's deployments take the key in a header of their own. */
static struct curl_slist *make_headers(const struct settings *settings)
{
	struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
	if (headers != NULL && settings->api_key != NULL) {
		bool is_azure = strstr(settings->url, "/openai/deployments/") != NULL;
		char *line = text_format("%s%s", is_azure ? "api-key: " : "Authorization: Bearer ",
		        settings->api_key);
		struct curl_slist *longer = curl_slist_append(headers, line);
		explicit_bzero(line, strlen(line));
		free(line);
		headers = longer;
	}
	if (headers == NULL) {
		text_abort_no_memory();
	}
	return headers;
}

static char *make_body(const struct client_request *request)
{
	json_t *json = json_pack("{s:s, s:O, s:s}", "model", request->model, "input",
	        request->texts, "encoding_format", "float");
	if (json != NULL && request->dimensions > 0 &&
	        json_object_set_new(json, "dimensions", json_integer(request->dimensions)) != 0) {
		text_abort_no_memory();
	}
	char *body = json != NULL ? json_dumps(json, JSON_COMPACT) : NULL;
	if (body == NULL) {
		text_abort_no_memory();
	}
	json_decref(json);
	return body;
}

static void call_perform(const struct settings *settings, const char *body, struct call *call)
{
	CLEANUP(cleanup_curl_list) struct curl_slist *headers = make_headers(settings);
	*call = (struct call){ .curl = http_create(settings->url, settings->deadline_ms) };
	if (curl_easy_setopt(call->curl, CURLOPT_POSTFIELDS, body) != CURLE_OK ||
	        curl_easy_setopt(call->curl, CURLOPT_HTTPHEADER, headers) != CURLE_OK ||
	        curl_easy_setopt(call->curl, CURLOPT_WRITEFUNCTION, on_bytes) != CURLE_OK ||
	        curl_easy_setopt(call->curl, CURLOPT_WRITEDATA, call) != CURLE_OK) {
		text_abort_no_memory();
	}
	/* A model may think for as long as the deadline allows; only a dead peer is a stall. */
	(void)curl_easy_setopt(call->curl, CURLOPT_LOW_SPEED_TIME, 0L);
	call->result = curl_easy_perform(call->curl);
	call->status = http_status(call->curl);
	curl_off_t retry_after_s = 0;
	if (curl_easy_getinfo(call->curl, CURLINFO_RETRY_AFTER, &retry_after_s) == CURLE_OK) {
		call->retry_after_s = retry_after_s;
	}
}

/* How long to wait before the call is worth making again, in ms; below 0: not within this run. */
static int wait_ms(const struct settings *settings, const struct call *call, int n_calls)
{
	if (call->result != CURLE_OK || !http_status_may_pass(call->status) ||
	        n_calls >= MAX_CALLS || call->retry_after_s > LONGEST_WAIT_SECONDS) {
		return -1;
	}
	int64_t wait_s =
	        call->retry_after_s > 0 ? call->retry_after_s : INT64_C(1) << (n_calls - 1);
	return clock_now_ms() + wait_s * 1000 < settings->deadline_ms ? (int)wait_s * 1000 : -1;
}

static int not_reached(const struct call *call, struct fault *fault)
{
	if (call->result == CURLE_WRITE_ERROR) {
		return fault_final(fault, "EMBEDDING_ANSWER_INVALID",
		        "The embeddings service answers more than %d MiB.",
		        ANSWER_MAX_BYTES / (1024 * 1024));
	}
	if (http_may_pass(call->result)) {
		return fault_temporary(fault, "EMBEDDING_UNAVAILABLE",
		        "The embeddings service does not answer: %s.", http_reason(call->result));
	}
	return fault_final(fault, "EMBEDDING_UNREACHABLE",
	        "The embeddings service cannot be called: %s. Check EMBEDDING_URL.",
	        http_reason(call->result));
}

static int refused(const struct call *call, struct fault *fault)
{
	CLEANUP_FREE char *words = answer_error(call->body, call->body_size);
	const char *separator = words[0] != '\0' ? ": " : "";
	if (http_status_may_pass(call->status)) {
		return fault_temporary(fault,
		        call->status == 429 ? "EMBEDDING_BUSY" : "EMBEDDING_UNAVAILABLE",
		        "The embeddings service answers %ld%s%s.", call->status, separator, words);
	}
	if (call->status == 401 || call->status == 403) {
		return fault_final(fault, "EMBEDDING_UNAUTHORIZED",
		        "The embeddings service answers %ld%s%s. Check EMBEDDING_API_KEY.",
		        call->status, separator, words);
	}
	return fault_final(fault, "EMBEDDING_REFUSED",
	        "The embeddings service answers %ld%s%s. Check model and EMBEDDING_URL.",
	        call->status, separator, words);
}

static int call_judge(const struct call *call, const struct client_request *request,
        struct fault *fault, struct vectors *vectors)
{
	if (call->result != CURLE_OK) {
		return not_reached(call, fault);
	}
	if (call->status != 200) {
		return refused(call, fault);
	}
	const char *reason = NULL;
	if (!answer_read(call->body, call->body_size, json_array_size(request->texts), vectors,
	            &reason)) {
		return fault_final(fault, "EMBEDDING_ANSWER_INVALID",
		        "The embeddings service answers %s.", reason);
	}
	return 0;
}

int client_embed(const struct settings *settings, const struct client_request *request,
        struct fault *fault, struct vectors *vectors)
{
	CLEANUP_FREE char *body = make_body(request);
	for (int n_calls = 1;; n_calls++) {
		CLEANUP(call_finish) struct call call;
		call_perform(settings, body, &call);
		int pause_ms = wait_ms(settings, &call, n_calls);
		if (pause_ms < 0) {
			return call_judge(&call, request, fault, vectors);
		}
		if (!interrupt_sleep(pause_ms)) {
			return fault_temporary(fault, "INTERRUPTED",
			        "This program was asked to end before the text was embedded.");
		}
	}
}
