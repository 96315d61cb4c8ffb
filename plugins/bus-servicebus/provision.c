/* SPDX-License-Identifier: MIT */
/*
 * One PUT a topic, then one PUT a subscription, a few at a time; the first failure stops what has
 * not begun. The order of the elements matters to the service ("Service Bus REST API", entities).
 */
#include "plugins/bus-servicebus/provision.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "support/azure/sas.h"
#include "support/base/cleanup.h"
#include "support/base/memory.h"

#define AT_ONCE 4
#define TOKEN_SECONDS 300
#define REQUEST_MS 30000
#define EMULATOR_PORT 5300

#define NAMESPACE "http://schemas.microsoft.com/netservices/2010/10/servicebus/connect"
#define ENTRY_START                                  \
	"<?xml version=\"1.0\" encoding=\"utf-8\"?>" \
	"<entry xmlns=\"http://www.w3.org/2005/Atom\"><content type=\"application/xml\">"
#define ENTRY_END "</content></entry>"

/* A message that is sent twice after a doubtful answer is taken once. */
static const char topic_body[] = ENTRY_START
        "<TopicDescription xmlns=\"" NAMESPACE "\">"
        "<RequiresDuplicateDetection>true</RequiresDuplicateDetection>"
        "<DuplicateDetectionHistoryTimeWindow>PT10M</DuplicateDetectionHistoryTimeWindow>"
        "</TopicDescription>" ENTRY_END;

static const char subscription_body[] =
        ENTRY_START "<SubscriptionDescription xmlns=\"" NAMESPACE "\">"
                    "<LockDuration>PT1M</LockDuration>"
                    "<DeadLetteringOnMessageExpiration>true</DeadLetteringOnMessageExpiration>"
                    "<MaxDeliveryCount>10</MaxDeliveryCount>"
                    "</SubscriptionDescription>" ENTRY_END;

struct run {
	struct provision_target target;
	const struct lucius_topology *topology; /* borrowed */
	provision_done_fn done;
	void *user;
	uint64_t n_begun; /* topics first, then subscriptions */
	uint32_t n_open;
	uint32_t status;
	char sentence[400];
};

/* One request. */
struct put {
	struct run *run;
	char *path;
};

char *provision_url(const struct azure_servicebus *connection)
{
	size_t size = strlen(connection->host) + 32;
	char *url = must_calloc(size, 1);
	bool is_v6 = strchr(connection->host, ':') != NULL;
	const char *open = is_v6 ? "[" : "";
	const char *close = is_v6 ? "]" : "";
	if (connection->is_emulator) {
		snprintf(url, size, "http://%s%s%s:%d", open, connection->host, close,
		        EMULATOR_PORT);
	} else {
		snprintf(url, size, "https://%s%s%s", open, connection->host, close);
	}
	return url;
}

static uint64_t n_all(const struct run *run)
{
	return run->topology->n_topics + run->topology->n_subscriptions;
}

static bool is_done(const struct run *run)
{
	return run->n_open == 0 && (run->status != LUCIUS_OK || run->n_begun == n_all(run));
}

static void fail(struct run *run, uint32_t status, const char *path, const char *what)
{
	if (run->status == LUCIUS_OK) {
		run->status = status;
		snprintf(run->sentence, sizeof(run->sentence), "'%s' was not made: %.300s", path,
		        what);
	}
}

static void judge(struct run *run, const char *path, const struct fetch_answer *answer)
{
	char text[340];
	if (answer->outcome != FETCH_ANSWERED) {
		fail(run, LUCIUS_UNAVAILABLE, path, answer->sentence);
		return;
	}
	int status = answer->status;
	/* 409: it is there already. */
	if (status == 200 || status == 201 || status == 409) {
		return;
	}
	snprintf(text, sizeof(text), "the service answers %d: %.280s", status, answer->body);
	bool may_pass = status == 429 || status == 408 || status >= 500;
	fail(run, may_pass ? LUCIUS_UNAVAILABLE : LUCIUS_DENIED, path, text);
}

static void go_on(struct run *run);

static void on_answer(void *user, const struct fetch_answer *answer)
{
	struct put *put = user;
	struct run *run = put->run;
	run->n_open--;
	judge(run, put->path, answer);
	free(put->path);
	free(put);
	go_on(run);
}

static char *make_token(const struct run *run, const char *url)
{
	const struct azure_servicebus *connection = run->target.connection;
	if (connection->signature != NULL) {
		return must_copy(connection->signature, strlen(connection->signature));
	}
	int64_t expires_at = (int64_t)time(NULL) + TOKEN_SECONDS;
	return azure_sas_make(url, connection->key_name, connection->key, expires_at);
}

static void ask(struct run *run, char *path, const char *body)
{
	static const char content_type[] =
	        "Content-Type: application/atom+xml;type=entry;charset=utf-8";
	CLEANUP_FREE char *url = must_print("%s/%s?api-version=2021-05", run->target.url, path);
	CLEANUP_FREE char *token = make_token(run, url);
	CLEANUP_FREE char *authorization = must_print("Authorization: %s", token);
	const char *const headers[] = { content_type, authorization };
	struct fetch_request request = {
		.method = "PUT",
		.url = url,
		.headers = headers,
		.n_headers = 2,
		.body = body,
		.body_size = strlen(body),
		.timeout_ms = REQUEST_MS,
		.is_repeatable = true,
	};
	struct put *put = must_calloc(1, sizeof(*put));
	put->run = run;
	put->path = path;
	run->n_open++;
	(void)fetch_client_ask(run->target.client, &request, on_answer, put);
}

static void ask_next(struct run *run)
{
	const struct lucius_topology *topology = run->topology;
	uint64_t n = run->n_begun++;
	if (n < topology->n_topics) {
		const struct lucius_text *topic = &topology->topics[n];
		ask(run, must_print("%.*s", (int)topic->size, topic->data), topic_body);
		return;
	}
	const struct lucius_subscription *what = topology->subscriptions[n - topology->n_topics];
	ask(run,
	        must_print("%.*s/Subscriptions/%.*s", (int)what->topic.size, what->topic.data,
	                (int)what->name.size, what->name.data),
	        subscription_body);
}

/* A subscription needs its topic: none begins before all topics are there. */
static bool may_begin(const struct run *run)
{
	bool is_topic = run->n_begun < run->topology->n_topics;
	bool waits_for_topics = run->n_begun == run->topology->n_topics && run->n_open != 0;
	return run->status == LUCIUS_OK && run->n_begun < n_all(run) && run->n_open < AT_ONCE &&
	        (is_topic || !waits_for_topics);
}

static void go_on(struct run *run)
{
	while (may_begin(run)) {
		ask_next(run);
	}
	if (is_done(run)) {
		run->done(run->user, run->status, run->status == LUCIUS_OK ? NULL : run->sentence);
		free(run);
	}
}

void provision_run(const struct provision_target *target, const struct lucius_topology *topology,
        provision_done_fn done, void *user)
{
	struct run *run = must_calloc(1, sizeof(*run));
	run->target = *target;
	run->topology = topology;
	run->done = done;
	run->user = user;
	go_on(run);
}
