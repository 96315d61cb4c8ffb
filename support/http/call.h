/* SPDX-License-Identifier: MIT */
/* What the files of the client share: calls, hosts, and one attempt of a call. */
#ifndef SUPPORT_HTTP_CALL_H
#define SUPPORT_HTTP_CALL_H

#include "support/http/curl_loop.h"
#include "support/http/fetch.h"
#include "support/http/retry.h"

struct run {
	char *start; /* owned; NULL while empty; ends with a NUL */
	size_t size;
	size_t capacity;
};

enum call_state { CALL_WAITING, CALL_RUNNING, CALL_PAUSED, CALL_DONE };

struct host;

struct fetch_call {
	struct fetch_call *next, *before; /* in the list of its state */
	struct fetch_client *client;
	struct host *host;
	enum call_state state;
	char *method, *url, *body; /* owned */
	size_t body_size;
	struct curl_slist *headers; /* owned */
	bool is_repeatable;
	bool is_urgent;
	bool is_told_to_wait; /* the answer before the pause said how long */
	uint32_t max_attempts; /* 0: any number */
	fetch_answer_fn on_answer;
	void *user;
	int64_t deadline_ms; /* of the monotonic clock */
	uint32_t n_attempts; /* begun */
	uint32_t n_sends; /* of this attempt */
	uint32_t n_all_sends;
	CURL *easy; /* while running */
	struct event *pause; /* owned; NULL until the first pause */
	int64_t pause_until_ms; /* as call_now_ms() counts */
	struct run answer_headers, answer_body;
	bool is_too_large;
	enum fetch_outcome outcome;
	int status;
	char sentence[CURL_ERROR_SIZE + 400];
	char curl_error[CURL_ERROR_SIZE];
};

struct call_list {
	struct fetch_call *first, *last;
};

/* A server: scheme, name and port of URLs. */
struct host {
	struct host *next;
	struct call_list waiting;
	uint32_t n_waiting;
	uint32_t n_running;
	struct retry_budget budget;
	char origin[];
};

struct fetch_client {
	struct fetch_settings settings; /* with defaults filled in; texts owned */
	struct curl_loop loop;
	struct event *turn; /* owned: what is to be done outside of all calls */
	struct host *hosts; /* owned */
	struct call_list running, paused, done;
	CURL **easies; /* owned: handles for the next attempts */
	size_t n_easies;
	uint64_t random; /* state of a generator for jitter */
};

int64_t call_now_ms(void);
/* Milliseconds until the deadline; 0: it is over. */
uint32_t call_left_ms(const struct fetch_call *call);

/* Starts an attempt on that handle: sets all options, forgets the answer before. False: the
 * handle takes an option not, or the loop is full. */
bool attempt_start(struct fetch_call *call, CURL *easy);
/* The attempt has ended: fills outcome, status and sentence. */
void attempt_end(struct fetch_call *call, CURLcode result);
/* What on_answer gets. */
struct fetch_answer attempt_answer(const struct fetch_call *call);

#endif
