/* SPDX-License-Identifier: MIT */
/* Standard error as a socket, a terminal, or one that takes nothing for a while. */
#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/log.h"
#include "core/log_line.h"
#include "core/loop.h"
#include "core/metrics.h"
#include "tests/support/refusals.h"
#include "tests/support/suite.h"

static struct loop *loop;
static int reader;
static int real_stderr;
static char text[1 << 18];
static size_t text_size;

/* The writing end becomes standard error. */
static void begin(int ends[2], const char *format)
{
	fflush(stderr);
	real_stderr = dup(STDERR_FILENO);
	if (dup2(ends[1], STDERR_FILENO) < 0 || fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0) {
		abort();
	}
	(void)close(ends[1]);
	reader = ends[0];
	loop = loop_create_simulated(1, INT64_C(1767323045000006));
	log_start(loop, format, "worker");
	text_size = 0;
}

static void begin_pipe(void)
{
	int ends[2];
	if (pipe(ends) != 0) {
		abort();
	}
	begin(ends, "json");
}

static void drain(void)
{
	for (ssize_t n = 1;
	        n > 0 && text_size<sizeof(text) - 1; text_size += n> 0 ? (size_t)n : 0) {
		n = read(reader, text + text_size, sizeof(text) - 1 - text_size);
	}
	text[text_size] = '\0';
}

static void end(void)
{
	log_stop();
	log_set_limit(1 << 20);
	(void)dup2(real_stderr, STDERR_FILENO);
	(void)close(real_stderr);
	drain();
	(void)close(reader);
	loop_destroy(loop);
}

static unsigned count(const char *part)
{
	unsigned n = 0;
	for (const char *at = text; (at = strstr(at, part)) != NULL; at += strlen(part)) {
		n++;
	}
	return n;
}

static void a_socket_is_written_to_without_a_signal(void)
{
	int ends[2];
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) {
		abort();
	}
	begin(ends, "json");
	log_write(LUCIUS_LOG_INFO, "test.socket", NULL, NULL, 0);
	loop_advance(loop, 0);
	drain();
	CHECK_INT(count("test.socket"), 1);
	/* It takes nothing now, and the next time it does. */
	refuse("send", EAGAIN);
	log_write(LUCIUS_LOG_INFO, "test.again", NULL, NULL, 0);
	loop_advance(loop, 0);
	CHECK(refuse_end());
	drain();
	CHECK_INT(count("test.again"), 0);
	loop_advance(loop, 20);
	drain();
	CHECK_INT(count("test.again"), 1);
	end();
}

static void a_terminal_has_text_for_people(void)
{
	int master = -1;
	int slave = -1;
	if (openpty(&master, &slave, NULL, NULL, NULL) != 0) {
		abort();
	}
	int ends[2] = { master, slave };
	begin(ends, "auto");
	const struct log_field fields[] = { LOG_STRING("word", "a\"b"), LOG_STRING("none", ""),
		LOG_INTEGER("number", 5) };
	log_write(LUCIUS_LOG_WARNING, "test.text", NULL, fields, 3);
	log_write(LUCIUS_LOG_WARNING, "test.said", "a sentence", NULL, 0);
	loop_advance(loop, 0);
	drain();
	end();
	CHECK_INT(count("warning test.text word=\"a\\\"b\" number=5\r\n"), 1);
	CHECK_INT(count("warning test.said: a sentence\r\n"), 1);
	begin_pipe();
	log_start(loop, "auto", "worker");
	log_write(LUCIUS_LOG_WARNING, "test.pipe", NULL, NULL, 0);
	loop_advance(loop, 0);
	drain();
	end();
	CHECK_INT(count("\"event\":\"test.pipe\""), 1);
}

static void an_interrupted_write_goes_on(void)
{
	begin_pipe();
	refuse("write", EINTR);
	log_write(LUCIUS_LOG_INFO, "test.interrupted", NULL, NULL, 0);
	loop_advance(loop, 0);
	CHECK(refuse_end());
	drain();
	CHECK_INT(count("test.interrupted"), 1);
	end();
}

static void lines_wait_in_order_while_there_is_no_room(void)
{
	begin_pipe();
	refuse_nth("write", 2, 2, EAGAIN);
	for (int i = 0; i < 100; i++) {
		LOG(LUCIUS_LOG_INFO, "test.order",
		        "some sentence that is a little longer than others",
		        LOG_INTEGER("number", i));
	}
	loop_advance(loop, 0); /* one piece goes out */
	log_write(LUCIUS_LOG_INFO, "test.meanwhile", NULL, NULL, 0);
	loop_advance(loop, 0);
	loop_advance(loop, 20);
	CHECK(refuse_end());
	loop_advance(loop, 20);
	drain();
	end();
	CHECK_INT(count("test.order"), 100);
	CHECK_INT(count("test.meanwhile"), 1);
	CHECK(strstr(text, "\"number\":99") < strstr(text, "test.meanwhile"));
}

static void a_large_turn_is_not_left_for_its_end(void)
{
	static char value[8000];
	memset(value, 'v', sizeof(value));
	begin_pipe();
	for (int i = 0; i < 10; i++) {
		LOG(LUCIUS_LOG_INFO, "test.large", NULL, LOG_TEXT("value", value, sizeof(value)));
	}
	drain();
	CHECK(count("test.large") >= 1);
	for (int i = 0; i < 50; i++) {
		loop_advance(loop, 20);
		drain();
	}
	end();
	CHECK_INT(count("test.large"), 10);
}

static void what_waits_at_the_end_goes_out_before_it(void)
{
	begin_pipe();
	log_write(LUCIUS_LOG_INFO, "test.last", NULL, NULL, 0);
	log_stop();
	log_write(LUCIUS_LOG_INFO, "test.after", NULL, NULL, 0); /* at once, without a loop */
	drain();
	CHECK_INT(count("test.last"), 1);
	CHECK_INT(count("test.after"), 1);
	loop_advance(loop, 0);
	end();
}

static void over_the_bound_lines_are_dropped_before_anybody_counts_them_as_well(void)
{
	begin_pipe();
	log_set_limit(0);
	log_write(LUCIUS_LOG_INFO, "test.first", NULL, NULL, 0);
	log_write(LUCIUS_LOG_INFO, "test.second", NULL, NULL, 0);
	loop_advance(loop, 0);
	loop_advance(loop, 20);
	drain();
	end();
	CHECK_INT(count("test.first"), 1);
	CHECK_INT(count("test.second"), 0);
	CHECK_INT(count("\"event\":\"log.dropped\""), 1);
}

static void odd_bytes_are_made_fit_for_a_terminal_and_for_json(void)
{
	static const struct {
		const char *given, *json, *plain;
	} cases[] = {
		{ "\xe1\x80\x41",
		        "\xef\xbf\xbd\xef\xbf\xbd"
		        "A",
		        "\xef\xbf\xbd\xef\xbf\xbd"
		        "A" },
		{ "\xf1\x80\x80\x41", NULL, NULL },
		{ "\xf1\x80\xc0\x80", NULL, NULL },
		{ "\xe0\x9f\x80", NULL, NULL },
		{ "\xed\xa0\x80", NULL, NULL },
		{ "\xf4\x90\x80\x80", NULL, NULL },
		{ "\xf0\x8f\x80\x80", NULL, NULL },
		{ "\xe1\x80\x80", "\xe1\x80\x80", "\xe1\x80\x80" },
		{ "\xc2\x85", "\\u0085", "\\u0085" },
		{ "\xc2\xa0", "\xc2\xa0", "\xc2\xa0" },
		{ "\xc3\x85", "\xc3\x85", "\xc3\x85" },
		{ "\x7f\x1b", "\\u007f\\u001b", "\\u007f\\u001b" },
		{ "\\", "\\\\", "\\" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct log_bytes bytes = { 0 };
		const struct log_field field = LOG_STRING("v", cases[i].given);
		const struct log_line line = {
			.level = 99, .event = "e", .fields = &field, .n_fields = 1
		};
		log_line_json(&bytes, &line);
		if (cases[i].json != NULL) {
			CHECK(memmem(bytes.bytes, bytes.size, cases[i].json,
			              strlen(cases[i].json)) != NULL);
		} else {
			CHECK(memmem(bytes.bytes, bytes.size, "\xef\xbf\xbd", 3) != NULL);
		}
		CHECK(memmem(bytes.bytes, bytes.size, "\"level\":\"error\"", 15) != NULL);
		bytes.size = 0;
		log_line_text(&bytes, &line);
		if (cases[i].plain != NULL) {
			CHECK(memmem(bytes.bytes, bytes.size, cases[i].plain,
			              strlen(cases[i].plain)) != NULL);
		}
		log_bytes_finish(&bytes);
	}
}

int main(int argc, char **argv)
{
	static const struct suite_test tests[] = {
		SUITE_TEST(a_socket_is_written_to_without_a_signal),
		SUITE_TEST(a_terminal_has_text_for_people),
		SUITE_TEST(an_interrupted_write_goes_on),
		SUITE_TEST(lines_wait_in_order_while_there_is_no_room),
		SUITE_TEST(a_large_turn_is_not_left_for_its_end),
		SUITE_TEST(what_waits_at_the_end_goes_out_before_it),
		SUITE_TEST(over_the_bound_lines_are_dropped_before_anybody_counts_them_as_well),
		SUITE_TEST(odd_bytes_are_made_fit_for_a_terminal_and_for_json),
	};
	(void)signal(SIGPIPE, SIG_IGN);
	return suite_run("refused_log", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
