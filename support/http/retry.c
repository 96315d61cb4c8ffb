/* SPDX-License-Identifier: MIT */
/* Waits between attempts; the three forms of Retry-After that Azure's services send. */
#include "support/http/retry.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_DELAY_MS 50u
#define MAX_DELAY_MS 2000u
#define MAX_ASKED_MS 3600000u

void retry_budget_init(struct retry_budget *budget)
{
	budget->tenths = RETRY_RESERVE_TENTHS;
}

void retry_budget_earn(struct retry_budget *budget)
{
	if (budget->tenths < RETRY_RESERVE_TENTHS) {
		budget->tenths++;
	}
}

bool retry_budget_spend(struct retry_budget *budget)
{
	if (budget->tenths < 10) {
		return false;
	}
	budget->tenths -= 10;
	return true;
}

uint32_t retry_delay_ms(uint32_t n_attempts, uint32_t random)
{
	uint32_t most = n_attempts < 6 ? FIRST_DELAY_MS << n_attempts : MAX_DELAY_MS;
	most = most < MAX_DELAY_MS ? most : MAX_DELAY_MS;
	return random % (most + 1);
}

bool retry_is_worthwhile(int status)
{
	return status == 408 || status == 429 || status == 500 || status == 502 || status == 503 ||
	        status == 504;
}

/* A run of digits, with one; 0: it is something else or nothing. */
static uint32_t read_number(const char *text, size_t size, uint32_t factor)
{
	uint64_t number = 0;
	for (size_t i = 0; i < size; i++) {
		if (text[i] < '0' || text[i] > '9') {
			return 0;
		}
		number = number * 10 + (uint64_t)(text[i] - '0');
		if (number * factor > MAX_ASKED_MS) {
			return MAX_ASKED_MS;
		}
	}
	return (uint32_t)number * factor;
}

static uint32_t read_date(const char *text, size_t size, int64_t now_s)
{
	char date[64];
	if (size == 0 || size >= sizeof(date)) {
		return 0;
	}
	memcpy(date, text, size);
	date[size] = '\0';
	int64_t at_s = (int64_t)curl_getdate(date, NULL);
	if (at_s <= now_s) {
		return 0;
	}
	int64_t ms = (at_s - now_s) * 1000;
	return ms < MAX_ASKED_MS ? (uint32_t)ms : MAX_ASKED_MS;
}

uint32_t retry_after_ms(const struct fetch_answer *answer, int64_t now_s)
{
	size_t size = 0;
	const char *text = fetch_answer_header(answer, "x-ms-retry-after-ms", &size);
	if (text == NULL) {
		text = fetch_answer_header(answer, "retry-after-ms", &size);
	}
	if (text != NULL) {
		return read_number(text, size, 1);
	}
	text = fetch_answer_header(answer, "Retry-After", &size);
	if (text == NULL) {
		return 0;
	}
	bool is_number = size != 0 && text[0] >= '0' && text[0] <= '9';
	return is_number ? read_number(text, size, 1000) : read_date(text, size, now_s);
}
