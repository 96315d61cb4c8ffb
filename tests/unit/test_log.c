/* SPDX-License-Identifier: MIT */
/* Log lines as they arrive at the other end of standard error: escapes, batches, slow readers. */
#include "core/log.h"

#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/loop.h"
#include "core/metrics.h"
#include "tests/support/suite.h"

static struct loop *loop;
static int reader;
static int real_stderr;
static char text[1 << 20];
static size_t text_size;

/* Standard error becomes a pipe that the test reads. */
static void begin(const char *format)
{
	int ends[2];
	fflush(stderr);
	real_stderr = dup(STDERR_FILENO);
	if (pipe(ends) != 0 || dup2(ends[1], STDERR_FILENO) < 0 ||
	        fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0) {
		abort();
	}
	close(ends[1]);
	reader = ends[0];
	/* 2026-01-02T03:04:05.000006Z */
	loop = loop_create_simulated(1, INT64_C(1767323045000006));
	log_start(loop, format, "worker");
	text_size = 0;
}

static void drain(void)
{
	for (ssize_t n; text_size < sizeof(text) - 1;) {
		n = read(reader, text + text_size, sizeof(text) - 1 - text_size);
		if (n <= 0) {
			break;
		}
		text_size += (size_t)n;
	}
	text[text_size] = '\0';
}

static void end(void)
{
	log_stop();
	log_set_level(LUCIUS_LOG_INFO);
	log_set_limit(1 << 20);
	dup2(real_stderr, STDERR_FILENO);
	close(real_stderr);
	close(reader);
	loop_destroy(loop);
}

static void a_line_is_one_json_object_with_all_that_belongs_to_it(void)
{
	begin("json");
	LOG(LUCIUS_LOG_WARNING, "routing.resolved", "a sentence", LOG_STRING("job_id", "abc"),
	        LOG_INTEGER("lane", -7), LOG_INTEGER("least", INT64_MIN), LOG_STRING("empty", ""),
	        LOG_TEXT("part", "xyz", 2));
	loop_advance(loop, 0);
	drain();
	end();
	CHECK_TEXT(text,
	        "{\"ts\":\"2026-01-02T03:04:05.000006Z\",\"level\":\"warning\",\"event\":\"routing."
	        "resolved\",\"role\":\"worker\",\"message\":\"a "
	        "sentence\",\"job_id\":\"abc\",\"lane\":-7,\"least\":-9223372036854775808,\"part\":"
	        "\"xy\"}\n");
}

static void any_bytes_give_a_line_that_is_valid_json(void)
{
	static const struct {
		const char *bytes;
		size_t size;
		const char *expected; /* as the parser reads it */
	} cases[] = {
		{ "a\"b\\c/d", 7, "a\"b\\c/d" },
		{ "\n\r\t\b\x1f", 5, "\n\r\t\b\x1f" },
		{ "\x7f", 1, "\x7f" },
		{ "gr\xc3\xbc\xc3\x9f \xe2\x86\x92 \xf0\x9f\x98\x80", 15,
		        "gr\xc3\xbc\xc3\x9f \xe2\x86\x92 \xf0\x9f\x98\x80" },
		{ "\xff", 1, "\xef\xbf\xbd" },
		{ "a\xc3", 2, "a\xef\xbf\xbd" },
		{ "\xc0\xaf", 2, "\xef\xbf\xbd\xef\xbf\xbd" },
		{ "\xed\xa0\x80", 3, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
		{ "\xf4\x90\x80\x80", 4, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
		{ "\xf5\x80\x80\x80", 4, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
		{ "\xe2\x82", 2, "\xef\xbf\xbd\xef\xbf\xbd" },
		{ "\xe0\x80", 2, "\xef\xbf\xbd\xef\xbf\xbd" },
		{ "\xe0\x80\x80", 3, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
		{ "\xf0\x80\x80\x80", 4, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
		{ "\xe2(\xa1", 3, "\xef\xbf\xbd(\xef\xbf\xbd" },
		{ "\xe2\x82(", 3, "\xef\xbf\xbd\xef\xbf\xbd(" },
		{ "\xe2\x82\xc3", 3, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
		{ "\xc3\xc3", 2, "\xef\xbf\xbd\xef\xbf\xbd" },
		{ "\xc2\x80\xc2\xa0", 4, "\xc2\x80\xc2\xa0" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		begin("json");
		LOG(LUCIUS_LOG_INFO, "x", NULL, LOG_TEXT("value", cases[i].bytes, cases[i].size));
		loop_advance(loop, 0);
		drain();
		end();
		CHECK(strchr(text, '\n') == text + text_size - 1);
		json_t *line = json_loads(text, 0, NULL);
		CHECK(line != NULL);
		CHECK_TEXT(json_string_value(json_object_get(line, "value")), cases[i].expected);
		json_decref(line);
	}
}

static void text_for_people_stays_one_line_and_has_no_control_characters(void)
{
	begin("text");
	LOG(LUCIUS_LOG_ERROR, "reply.stale", "two\nlines \x1b[31mred \xc2\x9b",
	        LOG_STRING("job_id", "abc"), LOG_STRING("tenant", "a b"), LOG_INTEGER("lane", 7));
	loop_advance(loop, 0);
	drain();
	end();
	CHECK_TEXT(text,
	        "2026-01-02T03:04:05.000006Z error   reply.stale job_id=abc tenant=\"a b\" lane=7: "
	        "two\\nlines \\u001b[31mred \\u009b\n");
}

static void text_for_people_quotes_what_would_be_read_as_more(void)
{
	static const struct log_field fields[] = { { "quote", "a\"b", 3, 0 }, { "empty", "", 0, 0 },
		{ "plain", "a\\b", 3, 0 }, { "slash", "a \\b", 4, 0 } };
	begin("text");
	log_write(4711, "event", NULL, fields, sizeof(fields) / sizeof(fields[0]));
	loop_advance(loop, 0);
	drain();
	end();
	CHECK_TEXT(text,
	        "2026-01-02T03:04:05.000006Z error   event quote=\"a\\\"b\" plain=a\\b "
	        "slash=\"a \\\\b\"\n");
}

static void what_is_below_the_level_is_neither_written_nor_evaluated(void)
{
	begin("json");
	int n_evaluated = 0;
	LOG(LUCIUS_LOG_DEBUG, "x", NULL, LOG_INTEGER("n", ++n_evaluated));
	CHECK_INT(n_evaluated, 0);
	log_set_level(log_level_of("debug"));
	LOG(LUCIUS_LOG_DEBUG, "x", NULL, LOG_INTEGER("n", ++n_evaluated));
	CHECK_INT(n_evaluated, 1);
	log_set_level(log_level_of("error"));
	log_write(LUCIUS_LOG_WARNING, "x", NULL, NULL, 0);
	loop_advance(loop, 0);
	drain();
	end();
	CHECK_INT(log_level_of("loud"), 0);
	CHECK(strchr(text, '\n') == text + text_size - 1);
}

static void lines_of_one_turn_wait_for_its_end(void)
{
	begin("json");
	log_write(LUCIUS_LOG_INFO, "one", NULL, NULL, 0);
	log_write(LUCIUS_LOG_INFO, "two", NULL, NULL, 0);
	drain();
	CHECK_INT(text_size, 0);
	loop_advance(loop, 0);
	drain();
	end();
	CHECK(strstr(text, "one") != NULL && strstr(text, "two") > strstr(text, "one"));
}

static void a_slow_reader_neither_blocks_nor_gets_torn_lines_and_is_told_what_it_missed(void)
{
	enum { N_LINES = 4000 };
	begin("json");
	log_set_limit(100000);
	struct metric *dropped =
	        metrics_series(LUCIUS_METRIC_COUNTER, "lucius_log_dropped_total", "", NULL, NULL);
	double before = metric_value(dropped);
	for (int i = 0; i < N_LINES; i++) {
		LOG(LUCIUS_LOG_INFO, "line", "some sentence that fills the pipe",
		        LOG_INTEGER("number", i));
		loop_advance(loop, 0);
	}
	CHECK(metric_value(dropped) > before);
	for (int i = 0; i < 100; i++) {
		drain();
		loop_advance(loop, 20);
	}
	drain();
	double n_dropped = metric_value(dropped) - before;
	end();
	int64_t n_lines = 0;
	int64_t n_said = 0;
	for (char *line = text, *next; *line != '\0'; line = next) {
		next = strchr(line, '\n');
		CHECK(next != NULL);
		if (next == NULL) {
			break;
		}
		*next++ = '\0';
		json_t *object = json_loads(line, 0, NULL);
		CHECK(object != NULL);
		n_lines += json_object_get(object, "number") != NULL ? 1 : 0;
		n_said += json_integer_value(json_object_get(object, "lines"));
		json_decref(object);
	}
	CHECK_INT(n_said, (int64_t)n_dropped);
	CHECK_INT(n_lines + n_said, N_LINES);
}

static void a_long_value_is_cut(void)
{
	static char value[100000];
	memset(value, 'a', sizeof(value));
	begin("json");
	LOG(LUCIUS_LOG_INFO, "x", NULL, LOG_TEXT("value", value, sizeof(value)));
	loop_advance(loop, 0);
	drain();
	end();
	CHECK(text_size > 8192 && text_size < 9000);
}

static void a_reader_that_has_gone_is_no_harm(void)
{
	begin("json");
	close(reader);
	reader = open("/dev/null", O_RDONLY);
	for (int i = 0; i < 10000; i++) {
		log_write(LUCIUS_LOG_INFO, "x", "nobody reads this", NULL, 0);
		loop_advance(loop, 0);
	}
	end();
	CHECK(1);
}

int main(int argc, char **argv)
{
	static const struct suite_test tests[] = {
		SUITE_TEST(a_line_is_one_json_object_with_all_that_belongs_to_it),
		SUITE_TEST(any_bytes_give_a_line_that_is_valid_json),
		SUITE_TEST(text_for_people_stays_one_line_and_has_no_control_characters),
		SUITE_TEST(text_for_people_quotes_what_would_be_read_as_more),
		SUITE_TEST(what_is_below_the_level_is_neither_written_nor_evaluated),
		SUITE_TEST(lines_of_one_turn_wait_for_its_end),
		SUITE_TEST(
		        a_slow_reader_neither_blocks_nor_gets_torn_lines_and_is_told_what_it_missed),
		SUITE_TEST(a_long_value_is_cut),
		SUITE_TEST(a_reader_that_has_gone_is_no_harm),
	};
	(void)signal(SIGPIPE, SIG_IGN); /* as in the daemon */
	return suite_run("log", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
