/* SPDX-License-Identifier: MIT */
/*
 * One look at the whole store, at one endpoint from the first page to the last:
 *
 *   begin ─► ask ─► on_page ─► (next page: ask) … ─► end_round ─► on_walked
 *     ▲               ├─► another endpoint: begin
 *     │               ├─► the same a little later: ask
 *     │               └─► the link has gone: begin
 *     └── something has changed and there is more than one page: look until nothing changes,
 *         so that what is given stood in the store at one time
 */
#include <stdio.h>
#include <string.h>

#include "plugins/config-appconfig/source.h"
#include "plugins/config-appconfig/waits.h"
#include "support/base/cleanup.h"
#include "support/base/memory.h"
#include "support/http/retry.h"

#define ATTEMPT_MS 10000
#define MAX_PAGES 500
#define MAX_PAGE_SETTINGS 1000
#define MAX_TRIES 3 /* at the only endpoint */
#define MAX_PATIENCE_MS 10000 /* of a look; more is left to the next one */
#define MAX_RELINKS 2
#define MAX_ROUNDS 5

struct walk {
	struct source *source;
	walked_fn on_walked;
	struct fetch_call *call;
	struct lucius_timer *pause;
	struct endpoint *endpoints[MAX_ENDPOINTS]; /* in the order of trying */
	size_t n_endpoints;
	size_t at; /* of endpoints */
	unsigned n_tries; /* of this page at this endpoint */
	unsigned n_relinks;
	unsigned n_rounds;
	bool is_fresh; /* what was seen before leads nowhere: ask for everything */
	/* Of this round */
	struct page **pages; /* owned, but for those that the source has as well */
	size_t n_pages;
	size_t selector;
	char *target; /* owned: of the page that is asked for */
	bool is_changed;
	bool is_denied; /* by every endpoint so far */
	uint64_t wait_ms;
	char sentence[SENTENCE_SIZE]; /* of the endpoints so far */
};

static void ask(struct walk *walk);
static void begin(struct walk *walk);

static bool has_page(const struct source *source, const struct page *page)
{
	for (size_t i = 0; i < source->n_pages; i++) {
		if (source->pages[i] == page) {
			return true;
		}
	}
	return false;
}

static void drop_round(struct walk *walk)
{
	for (size_t i = 0; i < walk->n_pages; i++) {
		if (!has_page(walk->source, walk->pages[i])) {
			page_destroy(walk->pages[i]);
		}
	}
	free(walk->pages);
	walk->pages = NULL;
	walk->n_pages = 0;
	free(steal(walk->target));
}

static void walk_destroy(struct walk *walk)
{
	const struct lucius_host *host = walk->source->host;
	if (walk->call != NULL) {
		fetch_call_cancel(walk->call);
	}
	if (walk->pause != NULL) {
		host->timer_stop(host, walk->pause);
	}
	drop_round(walk);
	free(walk);
}

void walk_cancel(struct source *source)
{
	if (source->walk != NULL) {
		walk_destroy(steal(source->walk));
	}
}

void pages_finish(struct source *source)
{
	for (size_t i = 0; i < source->n_pages; i++) {
		page_destroy(source->pages[i]);
	}
	free(steal(source->pages));
	source->n_pages = 0;
}

static void end(struct walk *walk, uint32_t status)
{
	struct source *source = walk->source;
	struct walk ended = *walk;
	source->walk = NULL;
	drop_round(walk);
	free(walk);
	const struct ending ending = { status, status == LUCIUS_OK ? NULL : ended.sentence,
		ended.wait_ms };
	ended.on_walked(source, &ending);
}

/* Those that work come first, in the order of the options; then those that may again soonest. */
static void order_endpoints(struct walk *walk)
{
	struct connection *connection = &walk->source->connection;
	uint64_t now_ms = walk->source->host->now_ms(walk->source->host);
	for (size_t i = 0; i < connection->n_endpoints; i++) {
		struct endpoint *endpoint = &connection->endpoints[i];
		if (endpoint->bad_until_ms <= now_ms) {
			endpoint->bad_until_ms = 0;
		}
		size_t at = walk->n_endpoints++;
		for (; at > 0 && walk->endpoints[at - 1]->bad_until_ms > endpoint->bad_until_ms;
		        at--) {
			walk->endpoints[at] = walk->endpoints[at - 1];
		}
		walk->endpoints[at] = endpoint;
	}
}

static uint32_t random_below(const struct source *source, uint32_t limit)
{
	uint32_t number = 0;
	source->host->random(source->host, &number, sizeof(number));
	return number % limit;
}

static void mark_bad(const struct walk *walk, struct endpoint *endpoint, uint64_t asked_ms)
{
	const struct lucius_host *host = walk->source->host;
	uint32_t number = 0;
	host->random(host, &number, sizeof(number));
	endpoint->n_failed++;
	uint64_t bad_ms = wait_for_endpoint_ms(endpoint->n_failed, number);
	endpoint->bad_until_ms = host->now_ms(host) + (asked_ms > bad_ms ? asked_ms : bad_ms);
}

static void on_pause_over(void *user)
{
	struct walk *walk = user;
	walk->pause = NULL;
	ask(walk);
}

/* Nobody else to ask: the same again in a moment, if that is soon. */
static bool try_again(struct walk *walk, uint64_t asked_ms)
{
	const struct lucius_host *host = walk->source->host;
	if (walk->n_endpoints > 1 || walk->n_tries >= MAX_TRIES || asked_ms > MAX_PATIENCE_MS) {
		return false;
	}
	uint64_t wait_ms = asked_ms + 100 + random_below(walk->source, 200u << walk->n_tries);
	walk->pause = host->timer_start(host, wait_ms, on_pause_over, walk);
	return true;
}

static void next_endpoint(struct walk *walk, uint64_t asked_ms, const char *sentence)
{
	size_t used = strlen(walk->sentence);
	(void)snprintf(walk->sentence + used, sizeof(walk->sentence) - used, "%s%s",
	        used != 0 ? "; " : "", sentence);
	mark_bad(walk, walk->endpoints[walk->at], asked_ms);
	if (asked_ms > walk->wait_ms) {
		walk->wait_ms = asked_ms;
	}
	if (++walk->at < walk->n_endpoints) {
		walk->n_tries = 0;
		begin(walk);
		return;
	}
	end(walk, walk->is_denied ? LUCIUS_DENIED : LUCIUS_UNAVAILABLE);
}

static void fail_page(struct walk *walk, const struct fetch_answer *answer)
{
	struct endpoint *endpoint = walk->endpoints[walk->at];
	int status = answer->outcome == FETCH_ANSWERED ? answer->status : 0;
	bool is_link = walk->target != NULL && strstr(walk->target, "after=") != NULL;
	uint64_t asked_ms =
	        retry_after_ms(answer, walk->source->host->clock_us(walk->source->host) / 1000000);
	char sentence[SENTENCE_SIZE / 2];
	refusal_write(walk->source, endpoint, answer, sentence, sizeof(sentence));
	bool is_passing = status == 0 || status == 408 || status == 429 || status >= 500 ||
	        refusal_is_of_clock(answer);
	if ((status == 400 || status == 404 || status == 410) && is_link &&
	        walk->n_relinks < MAX_RELINKS) {
		walk->n_relinks++; /* the page has gone since the one before it was read */
		walk->is_fresh = true;
		begin(walk);
		return;
	}
	walk->is_denied = walk->is_denied && !is_passing;
	if (is_passing && status != 401 && try_again(walk, asked_ms)) {
		return;
	}
	next_endpoint(walk, asked_ms, sentence);
}

static void add_page(struct walk *walk, struct page *page)
{
	walk->pages = must_resize(walk->pages, walk->n_pages + 1, sizeof(struct page *));
	walk->pages[walk->n_pages++] = page;
}

/* What is new is the source's from now on. */
static void commit(struct walk *walk)
{
	struct source *source = walk->source;
	for (size_t i = 0; i < source->n_pages; i++) {
		bool is_used = false;
		for (size_t k = 0; k < walk->n_pages && !is_used; k++) {
			is_used = walk->pages[k] == source->pages[i];
		}
		if (!is_used) {
			page_destroy(source->pages[i]);
		}
	}
	free(source->pages);
	source->pages = steal(walk->pages);
	source->n_pages = walk->n_pages;
	walk->n_pages = 0;
}

static void end_round(struct walk *walk)
{
	struct source *source = walk->source;
	bool is_changed = walk->is_changed || walk->n_pages != source->n_pages;
	walk->endpoints[walk->at]->n_failed = 0;
	walk->endpoints[walk->at]->bad_until_ms = 0;
	commit(walk);
	walk->is_fresh = false;
	source->is_stale = source->is_stale || is_changed;
	if (is_changed && source->n_pages > 1 && ++walk->n_rounds < MAX_ROUNDS) {
		begin(walk);
		return;
	}
	end(walk, LUCIUS_OK);
}

static void next_page(struct walk *walk, const struct page *page)
{
	struct source *source = walk->source;
	walk->n_tries = 0;
	free(steal(walk->target));
	if (page->next != NULL && walk->n_pages == MAX_PAGES) {
		(void)snprintf(walk->sentence, sizeof(walk->sentence),
		        "the store has more than %d pages of keys that begin with 'Lucius:'",
		        MAX_PAGES);
		end(walk, LUCIUS_DENIED);
		return;
	}
	if (page->next != NULL) {
		walk->target = must_copy(page->next, strlen(page->next));
	} else if (++walk->selector < source->n_selectors) {
		const char *target = source->selectors[walk->selector].target;
		walk->target = must_copy(target, strlen(target));
	} else {
		end_round(walk);
		return;
	}
	ask(walk);
}

/* As it was seen the last time; NULL: not at all. */
static struct page *seen_page(const struct walk *walk)
{
	const struct source *source = walk->source;
	for (size_t i = 0; i < source->n_pages; i++) {
		struct page *page = source->pages[i];
		if (page->selector == walk->selector && strcmp(page->target, walk->target) == 0) {
			return page;
		}
	}
	return NULL;
}

/* The same, if the endpoint may be asked whether it has changed. */
static struct page *seen_etag(const struct walk *walk)
{
	struct page *page = walk->is_fresh ? NULL : seen_page(walk);
	return page != NULL && page->etag != NULL ? page : NULL;
}

/* A body that makes no sense is as good as none. */
static void take_new_page(struct walk *walk, const struct fetch_answer *answer)
{
	char error[300] = "";
	char sentence[SENTENCE_SIZE / 2];
	struct page *page = must_calloc(1, sizeof(*page));
	if (!page_parse(answer->body, answer->body_size, MAX_PAGE_SETTINGS, page, error,
	            sizeof(error))) {
		page_destroy(page);
		(void)snprintf(sentence, sizeof(sentence),
		        "%s does not answer as App Configuration does: %s",
		        walk->endpoints[walk->at]->url, error);
		walk->is_denied = false;
		next_endpoint(walk, 0, sentence);
		return;
	}
	page->selector = walk->selector;
	page->target = must_copy(walk->target, strlen(walk->target));
	/* Who stands between may ask without the ETag, and another ETag may be of a tag. */
	const struct page *seen = seen_page(walk);
	walk->is_changed = walk->is_changed || seen == NULL || !page_is_same(seen, page);
	add_page(walk, page);
	next_page(walk, page);
}

static void on_page(void *user, const struct fetch_answer *answer)
{
	struct walk *walk = user;
	struct page *seen = seen_etag(walk);
	walk->call = NULL;
	walk->n_tries++;
	size_t size = 0;
	const char *tokens = fetch_answer_header(answer, "Sync-Token", &size);
	if (tokens != NULL || answer->status == 200 || answer->status == 304) {
		endpoint_take_tokens(walk->endpoints[walk->at], tokens, size);
	}
	if (answer->status == 200) {
		take_new_page(walk, answer);
	} else if (answer->status == 304 && seen != NULL) {
		add_page(walk, seen);
		next_page(walk, seen);
	} else {
		fail_page(walk, answer);
	}
}

static void ask(struct walk *walk)
{
	struct source *source = walk->source;
	const struct endpoint *endpoint = walk->endpoints[walk->at];
	const struct page *seen = seen_etag(walk);
	struct signature signature;
	signature_make(&source->connection, endpoint->host, walk->target,
	        source->host->clock_us(source->host) / 1000000, &signature);
	CLEANUP_FREE char *host = must_print("Host: %s", endpoint->host);
	CLEANUP_FREE char *etag =
	        seen != NULL ? must_print("If-None-Match: \"%s\"", seen->etag) : NULL;
	CLEANUP_FREE char *tokens = endpoint_tokens(endpoint);
	CLEANUP_FREE char *sync = tokens != NULL ? must_print("Sync-Token: %s", tokens) : NULL;
	CLEANUP_FREE char *url = must_print("%s%s", endpoint->url, walk->target);
	const char *headers[7] = {
		host, signature.date, signature.hash, signature.authorization,
		"Accept: application/vnd.microsoft.appconfig.kvset+json, application/problem+json"
	};
	size_t n_headers = 5;
	for (size_t i = 0; i < 2; i++) {
		const char *optional = i == 0 ? etag : sync;
		if (optional != NULL) {
			headers[n_headers++] = optional;
		}
	}
	walk->call = fetch_client_ask(source->fetch,
	        &(struct fetch_request){ .method = "GET",
	                .url = url,
	                .headers = headers,
	                .n_headers = n_headers,
	                .timeout_ms = ATTEMPT_MS,
	                .is_repeatable = true,
	                .max_attempts = 1 },
	        on_page, walk);
	signature_finish(&signature);
}

/* From the first page on. */
static void begin(struct walk *walk)
{
	const char *target = walk->source->selectors[0].target;
	drop_round(walk);
	walk->selector = 0;
	walk->is_changed = false;
	walk->target = must_copy(target, strlen(target));
	ask(walk);
}

void walk_start(struct source *source, walked_fn on_walked)
{
	struct walk *walk = must_calloc(1, sizeof(*walk));
	walk->source = source;
	walk->on_walked = on_walked;
	walk->is_denied = true;
	source->walk = walk;
	order_endpoints(walk);
	begin(walk);
}
