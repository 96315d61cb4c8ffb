/* SPDX-License-Identifier: MIT */
/* One HTTP transfer by libcurl with the bounds that all of them share. */
#ifndef CONSUMERS_HANDLERS_COMMON_HTTP_H
#define CONSUMERS_HANDLERS_COMMON_HTTP_H

#include "support/base/cleanup.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * A handle for the URL: HTTP and HTTPS only, ended at deadline_ms (of clock_now_ms), when a signal
 * asks this program to end, or when no byte has come for 30 s. Never NULL.
 */
CURL *http_create(const char *url, int64_t deadline_ms);

CLEANUP_DEFINE(CURL *, curl, curl_easy_cleanup)
CLEANUP_DEFINE(struct curl_slist *, curl_list, curl_slist_free_all)

/* Says whether the same request may succeed later, by libcurl's word and by the HTTP status. */
bool http_may_pass(CURLcode result);
bool http_status_may_pass(long status);

long http_status(CURL *curl);

/* What went wrong, for people, without the URL; borrowed from curl or a literal. */
const char *http_reason(CURLcode result);

#endif
