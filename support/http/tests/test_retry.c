/* SPDX-License-Identifier: MIT */
/* Waits between attempts: the forms of Retry-After, jitter within bounds, and a budget that ends.
 */
#include "support/http/retry.h"

#include "tests/support/suite.h"

#define NOW_S 1704067200 /* Mon, 01 Jan 2024 00:00:00 GMT */

static uint32_t asked(const char *headers)
{
	struct fetch_answer answer = { .headers = headers };
	return retry_after_ms(&answer, NOW_S);
}

static void retry_after_is_read_in_all_its_forms(void)
{
	CHECK_INT(asked("HTTP/1.1 503 X\r\nRetry-After: 2\r\n\r\n"), 2000);
	CHECK_INT(asked("retry-after:  Mon, 01 Jan 2024 00:00:03 GMT \r\n"), 3000);
	CHECK_INT(asked("Retry-After: 9\r\nx-ms-retry-after-ms: 150\r\n"), 150);
	CHECK_INT(asked("Retry-After-Ms: 70\r\n"), 70);
}

static void retry_after_that_is_none_asks_for_nothing(void)
{
	CHECK_INT(asked(""), 0);
	CHECK_INT(asked("Retry-After: \r\n"), 0);
	CHECK_INT(asked("Retry-After: soon\r\n"), 0);
	CHECK_INT(asked("Retry-After: 1x\r\n"), 0);
	CHECK_INT(asked("Retry-After: -1\r\n"), 0);
	CHECK_INT(asked("Retry-After: Sun, 31 Dec 2023 00:00:00 GMT\r\n"), 0);
	CHECK_INT(asked("X-Retry-After: 5\r\n"), 0);
	CHECK_INT(asked("Retry-After: 99999999999999999999\r\n"), 3600000);
}

static void delays_grow_up_to_a_bound_and_start_at_nothing(void)
{
	CHECK_INT(retry_delay_ms(1, 0), 0);
	CHECK_INT(retry_delay_ms(1, 100), 100);
	CHECK_INT(retry_delay_ms(1, 101), 0);
	CHECK_INT(retry_delay_ms(3, 400), 400);
	CHECK_INT(retry_delay_ms(50, 2000), 2000);
	CHECK_INT(retry_delay_ms(50, 2001), 0);
}

static void a_budget_ends_and_comes_back_by_a_tenth(void)
{
	struct retry_budget budget;
	unsigned n_spent = 0;
	retry_budget_init(&budget);
	while (retry_budget_spend(&budget)) {
		n_spent++;
	}
	CHECK_INT(n_spent, 30);
	for (int i = 0; i < 9; i++) {
		retry_budget_earn(&budget);
	}
	CHECK(!retry_budget_spend(&budget));
	retry_budget_earn(&budget);
	CHECK(retry_budget_spend(&budget));
}

int main(int argc, char **argv)
{
	static const struct suite_test tests[] = {
		SUITE_TEST(retry_after_is_read_in_all_its_forms),
		SUITE_TEST(retry_after_that_is_none_asks_for_nothing),
		SUITE_TEST(delays_grow_up_to_a_bound_and_start_at_nothing),
		SUITE_TEST(a_budget_ends_and_comes_back_by_a_tenth),
	};
	return suite_run("http_retry", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
