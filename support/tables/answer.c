/* SPDX-License-Identifier: MIT */
/* From HTTP answers to outcomes, and the sentences about what a person can mend. */
#include <stdlib.h>
#include <string.h>

#include "support/base/memory.h"
#include "support/tables/ask.h"

#define CODE_MAX 80

/* Copies what stands between the mark and the end character; empty: it is not there. */
static void find_between(const char *body, const char *mark, char end, char code[CODE_MAX + 1])
{
	const char *start = strstr(body, mark);
	code[0] = '\0';
	if (start != NULL) {
		start += strlen(mark);
		const char *stop = strchr(start, end);
		size_t size = stop != NULL ? (size_t)(stop - start) : 0;
		if (size <= CODE_MAX) {
			memcpy(code, start, size);
			code[size] = '\0';
		}
	}
}

/* The service's word for an error: in a header, in JSON or in XML. */
static void find_code(const struct fetch_answer *answer, const char *body, char code[CODE_MAX + 1])
{
	size_t size = 0;
	const char *header = fetch_answer_header(answer, "x-ms-error-code", &size);
	if (header != NULL && size <= CODE_MAX && body == answer->body) {
		memcpy(code, header, size);
		code[size] = '\0';
		return;
	}
	find_between(body, "\"code\":\"", '"', code);
	if (code[0] == '\0') {
		find_between(body, "<Code>", '<', code);
	}
}

static bool is_one_of(const char *code, const char *const *codes)
{
	for (; *codes != NULL; codes++) {
		if (strcmp(code, *codes) == 0) {
			return true;
		}
	}
	return false;
}

static bool is_write(const struct ask *ask)
{
	return ask->kind == ASK_WRITE || ask->kind == ASK_TRANSACT;
}

static enum tables_status status_of_400(const char *code)
{
	static const char *const too_large[] = { "PropertyValueTooLarge", "EntityTooLarge",
		"TooManyProperties", "RequestBodyTooLarge", "KeyValueTooLarge", NULL };
	static const char *const denied[] = { "InvalidAuthenticationInfo", NULL };
	return is_one_of(code, too_large) ? TABLES_TOO_LARGE
	        : is_one_of(code, denied) ? TABLES_DENIED
	                                  : TABLES_REFUSED;
}

static enum tables_status status_of_404(const struct ask *ask, const char *code)
{
	if (ask->kind == ASK_MAKE_TABLE) {
		return TABLES_DENIED; /* there is no such account here */
	}
	return strcmp(code, "TableNotFound") == 0 ? TABLES_NO_TABLE : TABLES_MISSING;
}

static enum tables_status status_of_409(const struct ask *ask, const char *code)
{
	if (strcmp(code, "TableBeingDeleted") == 0) {
		return TABLES_UNAVAILABLE;
	}
	if (strcmp(code, "AccountIsDisabled") == 0) {
		return TABLES_DENIED;
	}
	return ask->kind == ASK_MAKE_TABLE ? TABLES_OK : TABLES_EXISTS;
}

/* Of a server in trouble only "busy" says that nothing was done. */
static enum tables_status status_of_5xx(const struct ask *ask, int http_status, const char *code)
{
	bool is_busy = http_status == 429 || strcmp(code, "ServerBusy") == 0;
	return !is_write(ask) || is_busy ? TABLES_UNAVAILABLE : TABLES_UNKNOWN;
}

static enum tables_status status_of(const struct ask *ask, int http_status, const char *code)
{
	switch (http_status) {
	case 400:
	case 411:
	case 415:
		return status_of_400(code);
	case 401:
	case 403:
		return TABLES_DENIED;
	case 404:
		return status_of_404(ask, code);
	case 409:
		return status_of_409(ask, code);
	case 412:
		return TABLES_CHANGED;
	case 413:
		return TABLES_TOO_LARGE;
	case 408:
	case 429:
		return status_of_5xx(ask, http_status, code);
	default:
		break;
	}
	if (http_status / 100 == 2) {
		return TABLES_OK;
	}
	return http_status >= 500 ? status_of_5xx(ask, http_status, code) : TABLES_REFUSED;
}

static void write_denied(
        struct text *sentence, const struct ask *ask, int http_status, const char *code)
{
	const struct azure_storage *storage = &ask->tables->storage;
	if (http_status == 404) {
		text_print(sentence,
		        "There is no storage account \"%s\" at \"%s\"; check AccountName and "
		        "TableEndpoint of the connection string.",
		        storage->account, storage->endpoint);
	} else {
		text_print(sentence,
		        "The storage account \"%s\" at \"%s\" refuses the %s (%d %s); check the "
		        "connection string, and the clock of this machine.",
		        storage->account, storage->endpoint,
		        storage->key != NULL ? "account key" : "shared access signature",
		        http_status, code);
	}
}

/* The service's message without the lines of its request id and time. */
static void write_fault(struct text *sentence, const struct ask *ask, int http_status,
        const char *code, const char *body)
{
	char message[CODE_MAX + 1];
	find_between(body, "\"value\":\"", '\\', message);
	size_t size = strlen(message);
	if (size != 0 && message[size - 1] == '.') {
		message[size - 1] = '\0';
	}
	text_print(sentence, "\"%s\" answered %d %s%s%s.", ask->tables->storage.endpoint,
	        http_status, code, message[0] != '\0' ? ": " : "", message);
}

static void judge(const struct ask *ask, const struct fetch_answer *answer, const char *body,
        int http_status, struct answer_holder *holder, struct tables_result *result)
{
	char code[CODE_MAX + 1] = "";
	if (http_status / 100 == 2) {
		result->status = TABLES_OK;
		return;
	}
	find_code(answer, body, code);
	result->status = status_of(ask, http_status, code);
	if (result->status == TABLES_DENIED) {
		write_denied(&holder->sentence, ask, http_status, code);
	} else if (result->status != TABLES_OK) {
		write_fault(&holder->sentence, ask, http_status, code, body);
	}
}

static char *copy_header(const struct fetch_answer *answer, const char *name)
{
	size_t size = 0;
	const char *value = fetch_answer_header(answer, name, &size);
	return value != NULL ? must_copy(value, size) : NULL;
}

static void make_no_sense(
        const struct ask *ask, struct answer_holder *holder, struct tables_result *result)
{
	result->status = is_write(ask) ? TABLES_UNKNOWN : TABLES_UNAVAILABLE;
	holder->sentence.size = 0;
	text_print(&holder->sentence, "An answer of \"%s\" is cut or makes no sense.",
	        ask->tables->storage.endpoint);
}

static void read_json(const struct ask *ask, const struct fetch_answer *answer,
        struct answer_holder *holder, struct tables_result *result)
{
	json_error_t error;
	holder->json = json_loadb(answer->body, answer->body_size, JSON_ALLOW_NUL, &error);
	result->row = ask->kind == ASK_GET ? holder->json : NULL;
	result->rows = ask->kind == ASK_QUERY ? json_object_get(holder->json, "value") : NULL;
	bool is_good =
	        ask->kind == ASK_GET ? json_is_object(result->row) : json_is_array(result->rows);
	if (!is_good) {
		make_no_sense(ask, holder, result);
	}
}

static void read_continuation(const struct fetch_answer *answer, struct answer_holder *holder,
        struct tables_result *result)
{
	static const char *const names[] = { "NextPartitionKey", "NextRowKey" };
	for (size_t i = 0; i < 2; i++) {
		struct text header = { 0 };
		text_print(&header, "x-ms-continuation-%s", names[i]);
		char *value = copy_header(answer, text_of(&header));
		text_finish(&header);
		if (value != NULL) {
			text_print(&holder->next, "&%s=", names[i]);
			text_add_percent(&holder->next, value);
			free(value);
		}
	}
	result->next = holder->next.size != 0 ? text_of(&holder->next) : NULL;
}

static void read_batch(const struct ask *ask, const struct fetch_answer *answer,
        struct answer_holder *holder, struct tables_result *result)
{
	struct batch_part parts[BATCH_MAX_WRITES];
	size_t failed = 0;
	char *type = copy_header(answer, "Content-Type");
	size_t n_parts = type != NULL
	        ? batch_parse(type, answer->body, answer->body_size, parts, ask->n_writes, &failed)
	        : 0;
	free(type);
	if (n_parts == 0) {
		make_no_sense(ask, holder, result);
		return;
	}
	if (failed < ask->n_writes) {
		char *body = must_copy(parts[0].body, parts[0].body_size);
		result->failed = failed;
		judge(ask, answer, body, parts[0].status, holder, result);
		free(body);
		return;
	}
	holder->etags = must_calloc(n_parts, sizeof(holder->etags[0]));
	holder->n_etags = n_parts;
	for (size_t i = 0; i < n_parts; i++) {
		holder->etags[i] =
		        parts[i].etag != NULL ? must_copy(parts[i].etag, parts[i].etag_size) : NULL;
	}
	result->etags = (const char *const *)holder->etags;
	result->etag = holder->etags[0];
}

static void read_lost(const struct ask *ask, const struct fetch_answer *answer,
        struct answer_holder *holder, struct tables_result *result)
{
	bool may_be_done = is_write(ask) && (answer->outcome == FETCH_UNKNOWN || ask->was_sent);
	result->status = may_be_done ? TABLES_UNKNOWN : TABLES_UNAVAILABLE;
	text_add_string(&holder->sentence, answer->sentence);
}

void answer_read(const struct ask *ask, const struct fetch_answer *answer,
        struct answer_holder *holder, struct tables_result *result)
{
	*result = (struct tables_result){ .is_repeated = answer->is_repeated || ask->was_sent };
	if (answer->outcome != FETCH_ANSWERED) {
		read_lost(ask, answer, holder, result);
	} else {
		judge(ask, answer, answer->body, answer->status, holder, result);
		if (result->status == TABLES_OK) {
			holder->etag = copy_header(answer, "ETag");
			result->etag = holder->etag;
			if (ask->kind == ASK_GET || ask->kind == ASK_QUERY) {
				read_json(ask, answer, holder, result);
				read_continuation(answer, holder, result);
			} else if (ask->kind == ASK_TRANSACT) {
				read_batch(ask, answer, holder, result);
			}
		}
	}
	/* What is not done now may have been done by an earlier sending. */
	if (result->status == TABLES_UNAVAILABLE && is_write(ask) && result->is_repeated) {
		result->status = TABLES_UNKNOWN;
	}
	result->sentence = holder->sentence.size != 0 ? text_of(&holder->sentence) : NULL;
}

void answer_holder_finish(struct answer_holder *holder)
{
	json_decref(holder->json);
	text_finish(&holder->sentence);
	text_finish(&holder->next);
	free(holder->etag);
	for (size_t i = 0; i < holder->n_etags; i++) {
		free(holder->etags[i]);
	}
	free(holder->etags);
}
