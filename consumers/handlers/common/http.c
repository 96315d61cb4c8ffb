/* SPDX-License-Identifier: MIT */
/* Sets up libcurl; see http.h. */
#include "consumers/handlers/common/http.h"

#include "consumers/common/clock.h"
#include "consumers/common/text.h"
#include "consumers/handlers/common/interrupt.h"

enum {
	CONNECT_TIMEOUT_MS = 10000,
	STALL_SECONDS = 30,
	MAX_REDIRECTS = 5,
};

static int on_progress(void *unused, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	(void)unused;
	(void)a;
	(void)b;
	(void)c;
	(void)d;
	return interrupt_is_pending() ? 1 : 0;
}

static void must(CURLcode result)
{
	/* The options are fixed, so that only memory can be missing. */
	if (result != CURLE_OK) {
		text_abort_no_memory();
	}
}

CURL *http_create(const char *url, int64_t deadline_ms)
{
	int64_t left_ms = deadline_ms - clock_now_ms();
	CURL *curl = curl_easy_init();
	if (curl == NULL) {
		text_abort_no_memory();
	}
	must(curl_easy_setopt(curl, CURLOPT_URL, url));
	must(curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https"));
	must(curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https"));
	must(curl_easy_setopt(curl, CURLOPT_MAXREDIRS, (long)MAX_REDIRECTS));
	must(curl_easy_setopt(curl, CURLOPT_USERAGENT, "lucius-handler/" LUCIUS_VERSION));
	must(curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L));
	must(curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, left_ms > 1 ? (long)left_ms : 1L));
	must(curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS));
	must(curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L));
	must(curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)STALL_SECONDS));
	must(curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L));
	must(curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress));
	return curl;
}

bool http_may_pass(CURLcode result)
{
	switch ((int)result) {
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_URL_MALFORMAT:
	case CURLE_TOO_MANY_REDIRECTS:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_BAD_CONTENT_ENCODING:
	case CURLE_FILESIZE_EXCEEDED:
	case CURLE_WEIRD_SERVER_REPLY:
		return false;
	default:
		return true;
	}
}

bool http_status_may_pass(long status)
{
	return status == 408 || status == 425 || status == 429 || status >= 500;
}

long http_status(CURL *curl)
{
	long status = 0;
	must(curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status));
	return status;
}

const char *http_reason(CURLcode result)
{
	return result == CURLE_ABORTED_BY_CALLBACK ? "this program was asked to end"
	                                           : curl_easy_strerror(result);
}
