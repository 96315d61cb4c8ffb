/* SPDX-License-Identifier: MIT */
/*
 * One attempt of a call: options of the easy handle, collecting the answer, and reading from how it
 * ended whether the server may have got the request.
 */
#include "support/http/call.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "support/base/memory.h"

#define MAX_HEADERS (64u << 10)
#define CONNECTION_LIFE_S 300L /* so that a changed address is followed */
#define CA_CACHE_S 86400L

int64_t call_now_ms(void)
{
	struct timespec now;
	if (clock_gettime(CLOCK_MONOTONIC, &now) != 0) {
		abort();
	}
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

uint32_t call_left_ms(const struct fetch_call *call)
{
	int64_t left_ms = call->deadline_ms - call_now_ms();
	return left_ms > 0 ? (uint32_t)left_ms : 0;
}

static void run_add(struct run *run, const char *bytes, size_t size)
{
	if (run->capacity - run->size < size + 1) {
		size_t capacity = run->capacity != 0 ? run->capacity : 1024;
		while (capacity - run->size < size + 1) {
			capacity *= 2;
		}
		run->start = must_resize(run->start, capacity, 1);
		run->capacity = capacity;
	}
	memcpy(run->start + run->size, bytes, size);
	run->size += size;
	run->start[run->size] = '\0';
}

static size_t on_body(char *bytes, size_t size, size_t n, void *user)
{
	struct fetch_call *call = user;
	if (call->answer_body.size + size * n > call->client->settings.max_answer) {
		call->is_too_large = true;
		return 0;
	}
	run_add(&call->answer_body, bytes, size * n);
	return size * n;
}

static size_t on_header(char *bytes, size_t size, size_t n, void *user)
{
	struct fetch_call *call = user;
	if (call->answer_headers.size + size * n > MAX_HEADERS) {
		call->is_too_large = true;
		return 0;
	}
	if (size * n >= 5 && memcmp(bytes, "HTTP/", 5) == 0) {
		call->answer_headers.size = 0; /* what came before was a 100 Continue */
	}
	run_add(&call->answer_headers, bytes, size * n);
	return size * n;
}

/* libcurl sends again by itself when a kept connection turns out to be dead: only the second time
 * is ours to stop. */
static int on_send(void *user, char *local, char *remote, int local_port, int remote_port)
{
	struct fetch_call *call = user;
	(void)local;
	(void)remote;
	(void)local_port;
	(void)remote_port;
	if (call->n_sends != 0 && !call->is_repeatable) {
		return CURL_PREREQFUNC_ABORT;
	}
	call->n_sends++;
	call->n_all_sends++;
	return CURL_PREREQFUNC_OK;
}

static bool set_long(CURL *easy, CURLoption option, long value)
{
	return curl_easy_setopt(easy, option, value) == CURLE_OK;
}

static bool set_pointer(CURL *easy, CURLoption option, const void *value)
{
	return curl_easy_setopt(easy, option, value) == CURLE_OK;
}

/* This machine, or what a platform puts beside it: a proxy is elsewhere. */
static bool is_nearby(const char *url)
{
	const char *host = strstr(url, "://");
	host = host != NULL ? host + 3 : url;
	return strncmp(host, "127.", 4) == 0 || strncasecmp(host, "localhost", 9) == 0 ||
	        strncmp(host, "[::1]", 5) == 0 || strncmp(host, "169.254.", 8) == 0;
}

static bool set_connection(const struct fetch_call *call, CURL *easy)
{
	const struct fetch_settings *settings = &call->client->settings;
	uint32_t left_ms = call_left_ms(call);
	uint32_t attempt_ms = settings->attempt_timeout_ms;
	return set_long(easy, CURLOPT_NOSIGNAL, 1) &&
	        set_pointer(easy, CURLOPT_PROTOCOLS_STR, "http,https") &&
	        set_long(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1) &&
	        set_long(easy, CURLOPT_FOLLOWLOCATION, 0) &&
	        set_long(easy, CURLOPT_PATH_AS_IS, 1) && set_long(easy, CURLOPT_TCP_KEEPALIVE, 1) &&
	        set_long(easy, CURLOPT_QUICK_EXIT, 1) &&
	        set_long(easy, CURLOPT_MAXAGE_CONN, (long)settings->idle_seconds) &&
	        set_long(easy, CURLOPT_MAXLIFETIME_CONN, CONNECTION_LIFE_S) &&
	        set_long(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)settings->connect_timeout_ms) &&
	        set_long(easy, CURLOPT_TIMEOUT_MS,
	                (long)(left_ms < attempt_ms ? left_ms : attempt_ms)) &&
	        set_long(easy, CURLOPT_CA_CACHE_TIMEOUT, CA_CACHE_S) &&
	        (settings->ca_file == NULL ||
	                set_pointer(easy, CURLOPT_CAINFO, settings->ca_file)) &&
	        (!is_nearby(call->url) || set_pointer(easy, CURLOPT_PROXY, ""));
}

static bool set_request(struct fetch_call *call, CURL *easy)
{
	bool is_set = set_pointer(easy, CURLOPT_URL, call->url) &&
	        set_pointer(easy, CURLOPT_HTTPHEADER, call->headers) &&
	        set_pointer(easy, CURLOPT_USERAGENT, call->client->settings.user_agent);
	if (call->body != NULL) {
		is_set = is_set && set_long(easy, CURLOPT_POST, 1) &&
		        set_pointer(easy, CURLOPT_POSTFIELDS, call->body) &&
		        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
		                (curl_off_t)call->body_size) == CURLE_OK;
	}
	bool is_plain_get = call->body == NULL && strcmp(call->method, "GET") == 0;
	return is_set && (is_plain_get || set_pointer(easy, CURLOPT_CUSTOMREQUEST, call->method));
}

static bool set_callbacks(struct fetch_call *call, CURL *easy)
{
	return curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
	        set_pointer(easy, CURLOPT_WRITEDATA, call) &&
	        curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header) == CURLE_OK &&
	        set_pointer(easy, CURLOPT_HEADERDATA, call) &&
	        curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_send) == CURLE_OK &&
	        set_pointer(easy, CURLOPT_PREREQDATA, call) &&
	        set_pointer(easy, CURLOPT_ERRORBUFFER, call->curl_error) &&
	        set_pointer(easy, CURLOPT_PRIVATE, call);
}

bool attempt_start(struct fetch_call *call, CURL *easy)
{
	call->n_attempts++;
	call->n_sends = 0;
	call->answer_headers.size = 0;
	call->answer_body.size = 0;
	call->is_too_large = false;
	call->curl_error[0] = '\0';
	call->status = 0;
	curl_easy_reset(easy);
	return set_connection(call, easy) && set_request(call, easy) && set_callbacks(call, easy) &&
	        curl_loop_add(&call->client->loop, easy);
}

static void write_sentence(struct fetch_call *call, CURLcode result)
{
	const char *why =
	        call->curl_error[0] != '\0' ? call->curl_error : curl_easy_strerror(result);
	if (call->is_too_large) {
		(void)snprintf(call->sentence, sizeof(call->sentence),
		        "The answer of \"%s\" is larger than %zu bytes.", call->host->origin,
		        call->client->settings.max_answer);
	} else if (result == CURLE_ABORTED_BY_CALLBACK) {
		(void)snprintf(call->sentence, sizeof(call->sentence),
		        "The connection to \"%s\" broke before the answer.", call->host->origin);
	} else {
		(void)snprintf(call->sentence, sizeof(call->sentence), "\"%s\": %s.",
		        call->host->origin, why);
	}
}

void attempt_end(struct fetch_call *call, CURLcode result)
{
	if (result == CURLE_OK) {
		long status = 0;
		(void)curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
		call->status = (int)status;
		call->outcome = FETCH_ANSWERED;
		return;
	}
	/* Whatever went wrong before the first sending cannot have had an effect. */
	call->outcome = call->n_all_sends == 0 ? FETCH_NOT_SENT : FETCH_UNKNOWN;
	write_sentence(call, result);
}

struct fetch_answer attempt_answer(const struct fetch_call *call)
{
	bool is_answered = call->outcome == FETCH_ANSWERED;
	const struct run *body = &call->answer_body;
	const struct run *headers = &call->answer_headers;
	return (struct fetch_answer){
		.outcome = call->outcome,
		.status = is_answered ? call->status : 0,
		.is_repeated = call->n_all_sends > 1,
		.body = is_answered && body->size != 0 ? body->start : "",
		.body_size = is_answered ? body->size : 0,
		.headers = is_answered && headers->size != 0 ? headers->start : "",
		.sentence = is_answered ? NULL : call->sentence,
	};
}

const char *fetch_answer_header(
        const struct fetch_answer *answer, const char *name, size_t *ret_size)
{
	size_t name_size = strlen(name);
	const char *line = answer->headers;
	while (*line != '\0') {
		size_t size = strcspn(line, "\r\n");
		if (size > name_size && line[name_size] == ':' &&
		        strncasecmp(line, name, name_size) == 0) {
			const char *value = line + name_size + 1;
			size_t blanks = strspn(value, " \t");
			value += blanks;
			size_t value_size = size - name_size - 1 - blanks;
			while (value_size > 0 && strchr(" \t", value[value_size - 1]) != NULL) {
				value_size--;
			}
			*ret_size = value_size;
			return value;
		}
		line += size;
		line += strspn(line, "\r\n");
	}
	return NULL;
}
