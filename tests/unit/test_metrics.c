/* SPDX-License-Identifier: MIT */
/* Series and their Prometheus text form. */
#include "core/metrics.h"

#include <event2/buffer.h>
#include <math.h>
#include <stdlib.h>

#include "tests/support/suite.h"

static char *printed(void)
{
	struct evbuffer *output = evbuffer_new();
	metrics_print(output);
	size_t size = evbuffer_get_length(output);
	char *text = malloc(size + 1);
	if (text == NULL || evbuffer_remove(output, text, size) != (int)size) {
		abort();
	}
	text[size] = '\0';
	evbuffer_free(output);
	return text;
}

static void check_printed(const char *part)
{
	char *text = printed();
	if (strstr(text, part) == NULL) {
		fprintf(stderr, "expected '%s' in '%s'\n", part, text);
	}
	CHECK(strstr(text, part) != NULL);
	free(text);
}

static void a_counter_adds_and_never_falls(void)
{
	struct metric *metric =
	        metrics_series(LUCIUS_METRIC_COUNTER, "t_jobs_total", "Jobs.", NULL, NULL);
	metric_record(metric, 1);
	metric_record(metric, 2.5);
	metric_record(metric, -7);
	metric_record(metric, NAN);
	CHECK(metric_value(metric) == 3.5);
	check_printed("# HELP t_jobs_total Jobs.\n# TYPE t_jobs_total counter\nt_jobs_total 3.5\n");
}

static void a_gauge_is_what_was_set_last(void)
{
	struct metric *metric = metrics_series(LUCIUS_METRIC_GAUGE, "t_open", "Open.", NULL, NULL);
	metric_record(metric, 5);
	metric_record(metric, -2);
	check_printed("# TYPE t_open gauge\nt_open -2\n");
}

static void a_histogram_cumulates_and_counts_what_is_over_all_bounds(void)
{
	struct metric *metric =
	        metrics_series(LUCIUS_METRIC_HISTOGRAM, "t_wait", "Wait.", "route", "a");
	metric_record(metric, 0.0005);
	metric_record(metric, 0.03);
	metric_record(metric, 1000);
	check_printed("t_wait_bucket{route=\"a\",le=\"0.0005\"} 1\n");
	check_printed("t_wait_bucket{route=\"a\",le=\"0.025\"} 1\n");
	check_printed("t_wait_bucket{route=\"a\",le=\"0.05\"} 2\n");
	check_printed("t_wait_bucket{route=\"a\",le=\"60\"} 2\n");
	check_printed("t_wait_bucket{route=\"a\",le=\"+Inf\"} 3\n");
	check_printed("t_wait_sum{route=\"a\"} 1000.0305\nt_wait_count{route=\"a\"} 3\n");
}

static void the_same_name_and_label_give_the_same_series(void)
{
	struct metric *a = metrics_series(LUCIUS_METRIC_COUNTER, "t_same", "", "x", "a");
	CHECK(metrics_series(LUCIUS_METRIC_COUNTER, "t_same", "", "x", "a") == a);
	CHECK(metrics_series(LUCIUS_METRIC_COUNTER, "t_same", "", "x", "b") != a);
}

static void names_and_label_values_are_made_fit_for_the_format(void)
{
	struct metric *metric = metrics_series(
	        LUCIUS_METRIC_GAUGE, "9t-odd.name", "Two\nlines \\ \"x\".", "la-bel", "a\"b\\c\nd");
	metric_record(metric, 1);
	check_printed("# HELP _t_odd_name Two\\nlines \\\\ \"x\".\n");
	check_printed("_t_odd_name{la_bel=\"a\\\"b\\\\c\\nd\"} 1\n");
	CHECK(metrics_series(LUCIUS_METRIC_GAUGE, "9t-odd.name", "", "la-bel", "a\"b\\c\nd") ==
	        metric);
}

static void name_keeps_what_the_format_takes(void)
{
	struct metric *metric = metrics_series(LUCIUS_METRIC_GAUGE, "T_aZ09@[`{", NULL, NULL, NULL);
	metric_record(metric, 1);
	check_printed("# HELP T_aZ09____ \n");
	check_printed("\nT_aZ09____ 1\n");
}

static void type_that_is_none_is_shown_as_a_gauge(void)
{
	metric_record(metrics_series(0, "type_zero", "", NULL, NULL), 2);
	metric_record(metrics_series(77, "type_many", "", NULL, NULL), -INFINITY);
	check_printed("# TYPE type_zero gauge\n");
	check_printed("type_many -Inf\n");
}

static void values_without_a_number_have_names(void)
{
	struct metric *metric = metrics_series(LUCIUS_METRIC_GAUGE, "t_odd", "", NULL, NULL);
	metric_record(metric, INFINITY);
	check_printed("t_odd +Inf\n");
	metric_record(metric, NAN);
	check_printed("t_odd NaN\n");
	metric_record(metric, -INFINITY);
	check_printed("t_odd -Inf\n");
}

static void what_a_series_lacks_is_made_up_for(void)
{
	/* A label without a value, no help, a type that is none, and letters of all sorts. */
	struct metric *metric = metrics_series(77, "T{Odd:9]~", NULL, "zZ{", NULL);
	metric_record(metric, 5);
	metric_record(metric, 4);
	check_printed("# HELP T_Odd_9__ \n# TYPE T_Odd_9__ gauge\nT_Odd_9__{zZ_=\"\"} 4\n");
	CHECK(metrics_series(0, "T{Odd:9]~", NULL, "zZ{", "") == metric);
	/* A label that comes later than its family is none. */
	struct metric *plain = metrics_series(LUCIUS_METRIC_GAUGE, "t_plain", "", NULL, NULL);
	CHECK(metrics_series(LUCIUS_METRIC_GAUGE, "t_plain", "", "late", "x") == plain);
}

static void another_type_under_the_same_name_is_not_shown(void)
{
	struct metric *counter = metrics_series(LUCIUS_METRIC_COUNTER, "t_type", "", NULL, NULL);
	struct metric *odd = metrics_series(LUCIUS_METRIC_HISTOGRAM, "t_type", "", NULL, NULL);
	CHECK(odd != NULL && odd != counter);
	metric_record(odd, 17);
	CHECK(metric_value(counter) == 0);
	check_printed("# TYPE t_type counter\nt_type 0\n");
}

static void a_label_that_grows_without_end_does_not_fill_the_memory(void)
{
	struct metric *last = NULL;
	for (int i = 0; i < 5000; i++) {
		char value[16];
		(void)snprintf(value, sizeof(value), "v%d", i);
		last = metrics_series(LUCIUS_METRIC_COUNTER, "t_many", "", "v", value);
	}
	CHECK(metrics_series(LUCIUS_METRIC_COUNTER, "t_many", "", "v", "other") == last);
	check_printed("t_many{v=\"other\"} 0\n");
}

int main(int argc, char **argv)
{
	static const struct suite_test tests[] = {
		SUITE_TEST(a_counter_adds_and_never_falls),
		SUITE_TEST(a_gauge_is_what_was_set_last),
		SUITE_TEST(a_histogram_cumulates_and_counts_what_is_over_all_bounds),
		SUITE_TEST(the_same_name_and_label_give_the_same_series),
		SUITE_TEST(names_and_label_values_are_made_fit_for_the_format),
		SUITE_TEST(name_keeps_what_the_format_takes),
		SUITE_TEST(type_that_is_none_is_shown_as_a_gauge),
		SUITE_TEST(values_without_a_number_have_names),
		SUITE_TEST(what_a_series_lacks_is_made_up_for),
		SUITE_TEST(another_type_under_the_same_name_is_not_shown),
		SUITE_TEST(a_label_that_grows_without_end_does_not_fill_the_memory),
	};
	return suite_run("metrics", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
