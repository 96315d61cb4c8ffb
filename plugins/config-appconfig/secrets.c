/* SPDX-License-Identifier: MIT */
/*
 * Key Vault references of one load, one after the other; a token is fetched once a load and cloud.
 *
 *   secrets_start ─► next ─► (on_token) ─► ask_vault ─► on_secret ─► next … ─► on_resolved
 *
 * What fails is that setting alone: its flag and its sentence say so.
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "plugins/config-appconfig/source.h"
#include "support/base/cleanup.h"
#include "support/base/memory.h"

#define VAULT_MS 10000
#define TOKEN_MS 4000 /* a machine that is none of Azure's has nobody at that address */

CLEANUP_DEFINE(json_t *, json, json_decref)

struct secrets {
	struct source *source;
	struct found_list list; /* owned until on_resolved has returned */
	resolved_fn on_resolved;
	size_t at;
	struct reference reference; /* of the one under way */
	struct fetch_call *call;
	struct lucius_timer *later;
	char *token; /* owned; "Authorization: Bearer …"; NULL: none yet */
	char *resource; /* owned; that it is for */
	char *no_token; /* owned; why there is none; NULL: not tried */
	bool is_no_token_passing;
	const char *way; /* that the token was asked on */
	bool is_token_new; /* fetched for the reference under way */
};

static void next(struct secrets *secrets);

static void forget_token(struct secrets *secrets)
{
	if (secrets->token != NULL) {
		explicit_bzero(secrets->token, strlen(secrets->token));
	}
	free(steal(secrets->token));
	free(steal(secrets->resource));
	free(steal(secrets->no_token));
}

static void secrets_destroy(struct secrets *secrets)
{
	const struct lucius_host *host = secrets->source->host;
	if (secrets->call != NULL) {
		fetch_call_cancel(secrets->call);
	}
	if (secrets->later != NULL) {
		host->timer_stop(host, secrets->later);
	}
	reference_finish(&secrets->reference);
	forget_token(secrets);
	found_finish(&secrets->list);
	free(secrets);
}

void secrets_cancel(struct source *source)
{
	if (source->secrets != NULL) {
		secrets_destroy(steal(source->secrets));
	}
}

static struct found *current(const struct secrets *secrets)
{
	return &secrets->list.items[secrets->at];
}

static void fail(struct secrets *secrets, bool is_passing, const char *sentence)
{
	struct found *found = current(secrets);
	found->value = must_print("%s%s%s", secrets->reference.shown != NULL ? "the secret " : "",
	        secrets->reference.shown != NULL ? secrets->reference.shown : "", sentence);
	found->flags = LUCIUS_SETTING_FAILED;
	found->is_passing = is_passing;
	secrets->at++;
}

static void fail_for_token(struct secrets *secrets)
{
	CLEANUP_FREE char *sentence = must_print(" cannot be asked for: %s", secrets->no_token);
	fail(secrets, secrets->is_no_token_passing, sentence);
}

/* The message of an error of the vault or the authority; owned. */
static char *message_of(const struct fetch_answer *answer)
{
	CLEANUP(cleanup_json) json_t *root = json_loadb(answer->body, answer->body_size, 0, NULL);
	const json_t *error = json_object_get(root, "error");
	const char *text = json_string_value(json_object_get(error, "message"));
	if (text == NULL) {
		text = json_string_value(json_object_get(root, "error_description"));
	}
	if (text == NULL) {
		text = json_string_value(error);
	}
	return text != NULL ? must_print(": %.300s", text) : must_copy("", 0);
}

static bool is_passing(const struct fetch_answer *answer)
{
	return answer->outcome != FETCH_ANSWERED || answer->status == 408 ||
	        answer->status == 429 || answer->status >= 500;
}

static bool ask_token(struct secrets *secrets);

static void fail_for_vault(struct secrets *secrets, const struct fetch_answer *answer)
{
	CLEANUP_FREE char *why = answer->outcome == FETCH_ANSWERED
	        ? message_of(answer)
	        : must_print(": %s", answer->sentence);
	CLEANUP_FREE char *sentence = answer->status == 403
	        ? must_print(" may not be read by %s (403)%s", secrets->way, why)
	        : must_print(" is not given (%d)%s", answer->status, why);
	fail(secrets, is_passing(answer), sentence);
}

/* An empty secret would count as none, and leave open what it is to close. */
static void take_secret(struct secrets *secrets, const char *value)
{
	if (value == NULL || *value == '\0') {
		fail(secrets, false,
		        value != NULL ? " is empty" : " has no text in the vault's answer");
		return;
	}
	current(secrets)->value = must_copy(value, strlen(value));
	current(secrets)->flags = LUCIUS_SETTING_SECRET;
	secrets->at++;
}

static void on_secret(void *user, const struct fetch_answer *answer)
{
	struct secrets *secrets = user;
	secrets->call = NULL;
	/* It may have expired, or been taken back, while others were asked for. */
	if (answer->status == 401 && !secrets->is_token_new && ask_token(secrets)) {
		return;
	}
	if (answer->status != 200) {
		fail_for_vault(secrets, answer);
		next(secrets);
		return;
	}
	CLEANUP(cleanup_json) json_t *root = json_loadb(answer->body, answer->body_size, 0, NULL);
	take_secret(secrets, json_string_value(json_object_get(root, "value")));
	next(secrets);
}

static void ask_vault(struct secrets *secrets)
{
	const char *headers[] = { secrets->token, "Accept: application/json" };
	secrets->call = fetch_client_ask(secrets->source->fetch,
	        &(struct fetch_request){ .method = "GET",
	                .url = secrets->reference.url,
	                .headers = headers,
	                .n_headers = 2,
	                .timeout_ms = VAULT_MS,
	                .is_repeatable = true,
	                .max_attempts = 3 },
	        on_secret, secrets);
}

static void on_token(void *user, const struct fetch_answer *answer)
{
	struct secrets *secrets = user;
	secrets->call = NULL;
	CLEANUP(cleanup_json) json_t *root = json_loadb(answer->body, answer->body_size, 0, NULL);
	const char *token = json_string_value(json_object_get(root, "access_token"));
	bool is_good = answer->status == 200 && token != NULL && strpbrk(token, "\r\n") == NULL;
	if (is_good) {
		secrets->token = must_print("Authorization: Bearer %s", token);
		ask_vault(secrets);
		return;
	}
	CLEANUP_FREE char *why = answer->outcome == FETCH_ANSWERED
	        ? message_of(answer)
	        : must_print(": %s", answer->sentence);
	secrets->is_no_token_passing = is_passing(answer);
	secrets->no_token =
	        must_print("%s gives no token (%d)%s", secrets->way, answer->status, why);
	fail_for_token(secrets);
	next(secrets);
}

/* False: there is nobody to ask. */
static bool ask_token(struct secrets *secrets)
{
	struct token_request request = { 0 };
	char error[400] = "";
	forget_token(secrets);
	secrets->is_token_new = true;
	secrets->resource =
	        must_copy(secrets->reference.resource, strlen(secrets->reference.resource));
	if (!token_request_make(
	            secrets->source->options, secrets->resource, &request, error, sizeof(error))) {
		secrets->no_token = must_copy(error, strlen(error));
		secrets->is_no_token_passing = false;
		return false;
	}
	secrets->way = request.way;
	const char *headers[] = { request.header };
	secrets->call = fetch_client_ask(secrets->source->fetch,
	        &(struct fetch_request){ .method = request.method,
	                .url = request.url,
	                .headers = headers,
	                .n_headers = 1,
	                .body = request.body,
	                .body_size = request.body != NULL ? strlen(request.body) : 0,
	                .timeout_ms = TOKEN_MS,
	                .is_repeatable = true,
	                .max_attempts = 2 },
	        on_token, secrets);
	token_request_finish(&request);
	return true;
}

/* True: an answer is awaited. */
static bool resolve(struct secrets *secrets)
{
	char error[500] = "";
	reference_finish(&secrets->reference);
	if (!reference_parse(
	            current(secrets)->setting->value, &secrets->reference, error, sizeof(error))) {
		fail(secrets, false, error);
		return false;
	}
	bool is_same = secrets->resource != NULL &&
	        strcmp(secrets->resource, secrets->reference.resource) == 0;
	if (is_same && secrets->token != NULL) {
		secrets->is_token_new = false;
		ask_vault(secrets);
		return true;
	}
	if ((is_same && secrets->no_token != NULL) || !ask_token(secrets)) {
		fail_for_token(secrets);
		return false;
	}
	return true;
}

static void next(struct secrets *secrets)
{
	while (secrets->at < secrets->list.n) {
		const struct found *found = current(secrets);
		bool is_reference = found->flags == 0 && setting_is_reference(found->setting);
		if (is_reference && resolve(secrets)) {
			return;
		}
		/* What has failed at once has been passed already. */
		secrets->at += is_reference ? 0 : 1;
	}
	struct source *source = secrets->source;
	source->secrets = NULL;
	secrets->on_resolved(source, &secrets->list);
	secrets_destroy(secrets);
}

static void on_later(void *user)
{
	struct secrets *secrets = user;
	secrets->later = NULL;
	next(secrets);
}

void secrets_start(struct source *source, struct found_list *list, resolved_fn on_resolved)
{
	struct secrets *secrets = must_calloc(1, sizeof(*secrets));
	secrets->source = source;
	secrets->list = *list;
	*list = (struct found_list){ 0 };
	secrets->on_resolved = on_resolved;
	source->secrets = secrets;
	secrets->later = source->host->timer_start(source->host, 0, on_later, secrets);
}
