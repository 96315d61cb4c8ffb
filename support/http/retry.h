/* SPDX-License-Identifier: MIT */
/* When and how often to ask again: waits with full jitter, a budget, and what Retry-After says. */
#ifndef SUPPORT_HTTP_RETRY_H
#define SUPPORT_HTTP_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#include "support/http/fetch.h"

/*
 * What a client may spend on repeats: each request earns a tenth of one, up to a reserve, so that
 * a server in trouble gets little more than the usual load.
 */
struct retry_budget {
	uint32_t tenths;
};
#define RETRY_RESERVE_TENTHS 300u

void retry_budget_init(struct retry_budget *budget);
void retry_budget_earn(struct retry_budget *budget);
/* False: it is used up. */
bool retry_budget_spend(struct retry_budget *budget);

/* Milliseconds before attempt n + 1 (n >= 1 have been made): from 0 up to 50 * 2^n, 2000 at most,
 * by a random number. */
uint32_t retry_delay_ms(uint32_t n_attempts, uint32_t random);

/* True for statuses after which the same request may fare better: 408, 429, 500, 502, 503, 504. */
bool retry_is_worthwhile(int status);

/* What the answer asks to wait (x-ms-retry-after-ms, retry-after-ms, Retry-After in seconds or as
 * a date), in milliseconds; 0: nothing. now_s: Unix time. At most an hour. */
uint32_t retry_after_ms(const struct fetch_answer *answer, int64_t now_s);

#endif
