/* SPDX-License-Identifier: MIT */
/* What the files of this plugin share: options, the source, and its chains. */
#ifndef PLUGINS_CONFIG_APPCONFIG_SOURCE_H
#define PLUGINS_CONFIG_APPCONFIG_SOURCE_H

#include <lucius/config.h>

#include "plugins/config-appconfig/connection.h"
#include "plugins/config-appconfig/page.h"
#include "support/http/fetch.h"

#define MAX_SELECTORS 9
#define MAX_SETTINGS 5000
#define SENTENCE_SIZE 700

struct appconfig_options {
	const char *connection;
	const char *endpoints;
	const char *label;
	const char *ca_file;
	int64_t refresh_seconds;
	int64_t startup_seconds;
	const char *cache_file;
	int64_t cache_hours;
	/* Where tokens for Key Vault come from; as Azure's own variables name them. */
	const char *tenant_id;
	const char *client_id;
	const char *client_secret;
	const char *federated_token_file;
	const char *authority_host;
	const char *identity_endpoint;
	const char *identity_header;
	const char *machine_identity;
};

/* One key filter with one label. */
struct selector {
	char *label; /* owned; empty: keys without a label */
	char *target; /* owned: of its first page */
};

/* A label as a filter that means it alone, in a query; empty: no label. Owned. */
char *selector_filter(const char *label);

struct task;
struct walk;
struct secrets;

struct source {
	const struct lucius_host *host;
	const struct appconfig_options *options;
	struct fetch_client *fetch; /* owned */
	struct connection connection;
	struct selector selectors[MAX_SELECTORS]; /* the later wins */
	size_t n_selectors;
	struct page **pages; /* owned: as they were last seen, in order */
	size_t n_pages;
	bool is_stale; /* the pages are not what was last given */
	bool has_loaded; /* from the store, once at least */
	bool has_warned; /* of what gives nothing */
	bool has_given; /* a load has ended well, if from the file: the start is over */
	bool is_kept_given; /* the last one was from the file */
	uint64_t began_ms; /* of the first load */
	unsigned n_failed; /* tries in a row */
	uint64_t asked_wait_ms; /* by the store, when it failed last */
	struct task *tasks; /* owned; the first one is under way */
	struct walk *walk; /* owned; NULL: none */
	struct secrets *secrets; /* owned; NULL: none */
	struct lucius_timer *again; /* of the task under way; NULL: none */
	struct lucius_timer *poll; /* until the next look; NULL: none */
	struct lucius_timer *limit; /* of the task under way; NULL: none */
	struct lucius_op watch; /* id 0: nobody watches */
	bool is_stopped;
	struct page *kept_page; /* owned: the file while it is given; NULL: it is not */
	bool is_in_force; /* what was last given: the core has said so */
	char *kept; /* owned: what the last-known-good file holds; NULL: not known */
	struct lucius_metric *n_good, *n_bad, *seen_at;
};

/* How a chain ended. Sentence: borrowed for the call; NULL if OK. Wait_ms: what the store asked. */
struct ending {
	uint32_t status;
	const char *sentence;
	uint64_t wait_ms;
};

/* walk.c: all pages of all selectors, those that have not changed from the last walk. Sets
 * is_stale if something has. On_walked comes once, later, unless it is cancelled. */
typedef void (*walked_fn)(struct source *source, const struct ending *ending);
void walk_start(struct source *source, walked_fn on_walked);
void walk_cancel(struct source *source);
/* Frees pages that were seen. */
void pages_finish(struct source *source);

/* refusal.c: one sentence about an answer that is no success. */
void refusal_write(const struct source *source, const struct endpoint *endpoint,
        const struct fetch_answer *answer, char *sentence, size_t size);
/* True: the signature was refused for its date alone. */
bool refusal_is_of_clock(const struct fetch_answer *answer);

/* load.c: a load in line; op id 0: a look for changes. */
void load_add(struct source *source, struct lucius_op op);
/* The next look, if one is wanted and nothing is under way; and none. */
void load_arm(struct source *source);
void load_disarm(struct source *source);
/* Ends all that is under way or in line. */
void load_stop(struct source *source);

/* One setting on its way to the core. */
struct found {
	const struct setting *setting; /* borrowed */
	char *value; /* owned; NULL until it is known */
	uint64_t flags; /* LUCIUS_SETTING_... */
	size_t place; /* among all, with those that do not count */
	bool is_passing; /* failed, but the same again may help */
};
struct found_list {
	struct found *items; /* owned */
	size_t n;
};
/* The settings that count: of those with one key the last. By key. */
void found_collect(struct found_list *ret_list, const struct page *const *pages, size_t n_pages);
void found_finish(struct found_list *list);

/* secrets.c: gives every reference of the list its secret or a sentence why not. On_resolved comes
 * once, later, unless it is cancelled; the list is taken over and lent to it. */
typedef void (*resolved_fn)(struct source *source, struct found_list *list);
void secrets_start(struct source *source, struct found_list *list, resolved_fn on_resolved);
void secrets_cancel(struct source *source);

/* token.c: what to send for a token that is good for the resource, by what is configured. */
struct token_request {
	const char *method;
	char *url, *body; /* owned; body may be NULL */
	char *header; /* owned; may be NULL */
	const char *way; /* "the managed identity of this machine" */
};
bool token_request_make(const struct appconfig_options *options, const char *resource,
        struct token_request *ret_request, char *error, size_t error_size);
void token_request_finish(struct token_request *request);

/* kept.c: the last-known-good file. */
void kept_write(struct source *source, const struct lucius_text *keys, uint64_t n_keys);
/* The store has been seen to be unchanged: the file is as good as new. */
void kept_touch(struct source *source);
/* The pages of the file, owned; NULL: a sentence. Left_out: settings without a value. */
struct page *kept_read(struct source *source, char *error, size_t error_size);
/* The value that settings of the file have which may not stand in it. */
extern const char kept_left_out[];

#endif
