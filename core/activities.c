/* SPDX-License-Identifier: MIT */
/*
 * Answers become results as the step logic reads them: 200 and each 4xx are results, 5xx and no
 * answer are to be tried again.
 */
#include "core/activities.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/http/client.h"
#include "core/invoker.h"
#include "core/loop.h"
#include "core/op.h"
#include "support/base/memory.h"

#define MAX_URLS 16u

struct activities {
	struct step_logic logic; /* first: the engine's pointer is ours */
	struct activities_parts parts;
	struct http_client *client; /* owned; NULL in-process */
	char *urls[MAX_URLS]; /* owned */
	size_t n_urls;
	size_t next_url; /* the one that answered last */
	char *authorization; /* owned; may be NULL */
};

struct activity {
	struct activities *activities;
	struct lucius_op op;
	enum invoker_call call;
	char *payload; /* owned; only for URLs */
	size_t size;
	size_t n_tried;
	size_t url; /* being tried */
};

static const struct {
	const char *name;
	const char *path;
} calls[] = {
	[INVOKER_ATTEMPT] = { STEP_ACTIVITY_LEASE, "/v1/internal/steps/attempt" },
	[INVOKER_PUBLISH] = { STEP_ACTIVITY_PUBLISH, "/v1/internal/publish" },
	[INVOKER_OUTCOME] = { STEP_ACTIVITY_OUTCOME, "/v1/internal/jobs/outcome" },
};

static void activity_end(struct activity *activity, uint32_t status, const char *sentence)
{
	op_finish(activity->op, status, sentence);
	free(activity->payload);
	free(activity);
}

static void give_result(struct activity *activity, const char *body, size_t size)
{
	struct lucius_text result = { body, size };
	op_give(activity->op, &result);
	activity_end(activity, LUCIUS_OK, NULL);
}

static void on_invoked(void *user, const struct invoker_answer *answer)
{
	struct activity *activity = user;
	if (answer->status < 500) {
		give_result(activity, answer->body, answer->size);
	} else {
		activity_end(activity, LUCIUS_UNAVAILABLE, answer->body);
	}
}

/* Others' error bodies are `{"detail": …}`: the status is put beside it. */
static void give_refusal(struct activity *activity, const struct http_response *response)
{
	json_t *body = json_loadb(
	        response->body != NULL ? response->body : "", response->body_size, 0, NULL);
	if (!json_is_object(body)) {
		json_decref(body);
		body = json_object();
	}
	(void)json_object_set_new(body, "status", json_integer(response->status));
	char *text = json_dumps(body, JSON_COMPACT);
	json_decref(body);
	give_result(activity, text, strlen(text));
	free(text);
}

static void call_url(struct activity *activity);

static void on_response(void *user, const struct http_response *response)
{
	struct activity *activity = user;
	struct activities *activities = activity->activities;
	if (response->status == 200) {
		activities->next_url = activity->url;
		give_result(activity, "{\"status\":\"ok\"}", 15);
	} else if (response->status >= 400 && response->status < 500 && response->status != 429 &&
	        response->status != 408) {
		give_refusal(activity, response);
	} else if (++activity->n_tried < activities->n_urls) {
		activity->url = (activity->url + 1) % activities->n_urls;
		call_url(activity);
	} else {
		activity_end(activity, LUCIUS_UNAVAILABLE,
		        response->error != NULL ? response->error
		                                : "the invoker answered with an error");
	}
}

static void call_url(struct activity *activity)
{
	struct activities *activities = activity->activities;
	char url[1024];
	(void)snprintf(url, sizeof(url), "%s%s", activities->urls[activity->url],
	        calls[activity->call].path);
	const struct http_call_options options = {
		.method = "POST",
		.url = url,
		.content_type = "application/json",
		.authorization = activities->authorization,
		.body = activity->payload,
		.body_size = activity->size,
		.is_repeatable = true,
	};
	(void)http_client_call(activities->client, &options, on_response, activity);
}

static bool find_call(struct lucius_text name, enum invoker_call *ret_call)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		if (strlen(calls[i].name) == name.size &&
		        memcmp(calls[i].name, name.data, name.size) == 0) {
			*ret_call = (enum invoker_call)i;
			return true;
		}
	}
	return false;
}

static void run(const struct lucius_definition *definition, struct lucius_text name,
        struct lucius_text payload, struct lucius_op op)
{
	/* The table is the first member of the logic, and that of ours. */
	struct activities *activities = (struct activities *)(uintptr_t)definition;
	struct activity *activity = must_calloc(1, sizeof(*activity));
	activity->activities = activities;
	activity->op = op;
	if (!find_call(name, &activity->call)) {
		activity_end(activity, LUCIUS_UNSUPPORTED, "there is no such activity");
	} else if (activities->parts.invoker != NULL) {
		invoker_handle(activities->parts.invoker, activity->call, payload.data,
		        payload.size, on_invoked, activity);
	} else {
		activity->payload = must_copy(payload.data, payload.size);
		activity->size = payload.size;
		activity->url = activities->next_url;
		call_url(activity);
	}
}

static void split_urls(struct activities *activities, const char *list)
{
	while (list != NULL && *list != '\0' && activities->n_urls < MAX_URLS) {
		size_t size = strcspn(list, ", ");
		size_t kept = size;
		while (kept > 0 && list[kept - 1] == '/') {
			kept--;
		}
		if (kept > 0) {
			activities->urls[activities->n_urls++] = must_copy(list, kept);
		}
		list += size;
		list += strspn(list, ", ");
	}
}

struct activities *activities_create(const struct activities_parts *parts)
{
	struct activities *activities = must_calloc(1, sizeof(*activities));
	activities->parts = *parts;
	step_logic_init(&activities->logic, &parts->defaults);
	activities->logic.table.run = run;
	if (parts->invoker == NULL) {
		struct http_client_settings settings = http_client_settings_default();
		activities->client = http_client_create(loop_base(parts->loop), &settings);
		split_urls(activities, parts->urls);
	}
	if (parts->token != NULL) {
		size_t size = strlen(parts->token) + sizeof("Bearer ");
		activities->authorization = must_calloc(1, size);
		(void)snprintf(activities->authorization, size, "Bearer %s", parts->token);
	}
	return activities;
}

void activities_set_defaults(struct activities *activities, const struct step_options *defaults)
{
	activities->logic.defaults = *defaults;
}

void activities_destroy(struct activities *activities)
{
	if (activities == NULL) {
		return;
	}
	if (activities->client != NULL) {
		http_client_destroy(activities->client);
	}
	for (size_t i = 0; i < activities->n_urls; i++) {
		free(activities->urls[i]);
	}
	free(activities->authorization);
	free(activities);
}

const struct lucius_definition *activities_definition(const struct activities *activities)
{
	return &activities->logic.table;
}
